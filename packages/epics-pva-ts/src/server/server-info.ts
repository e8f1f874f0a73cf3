/** The channel `server` every pvAccess server has: RPC with op=channels or op=info (pva-protocol.md 5.6). */
import { RemoteError } from '../errors.ts';
import { struct } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { SharedPV } from './shared-pv.ts';
import type { ServedPV, Source } from './source.ts';

export const SERVER_CHANNEL_NAME = 'server';

const INFO = struct('', { implLang: 'string', version: 'string' });
const CHANNELS = struct('epics:nt/NTScalarArray:1.0', { value: 'string[]' });

/** Never found by a search (`has`), but can be created by whoever knows the server's address. */
export class ServerInfoSource implements Source {
  private readonly pv: SharedPV;

  constructor(version: string, listNames: () => string[]) {
    this.pv = new SharedPV({
      onRpc: (_pv, argument) => {
        const op = argument?.tryGet('query.op') ?? argument?.tryGet('op');
        if (op === 'channels') return Value.create(CHANNELS, { value: listNames() });
        if (op === 'info') return Value.create(INFO, { implLang: 'TypeScript', version });
        throw new RemoteError(`unknown op '${String(op ?? '')}': there are channels and info`);
      },
    });
  }

  has(): boolean {
    return false;
  }

  open(name: string): ServedPV | undefined {
    return name === SERVER_CHANNEL_NAME ? this.pv : undefined;
  }
}
