/**
 * The channel `server` every pvAccess server has, which `pvlist HOST` asks: RPC with op=channels or op=info, or help
 * (pva-protocol.md 5.6).
 *
 * The argument is an NTURI, or any structure with the same fields. Answers have the fields of both PVXS and
 * pvAccessCPP, so that whoever knows one of them finds what it looks for.
 */

import { SERVER_CHANNEL } from '../connection/udp-responder.ts';
import { RemoteError } from '../errors.ts';
import { NTScalar, NTScalarArray } from '../nt/nt-scalar.ts';
import { hostName } from '../socket/identity.ts';
import { struct } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { SharedPV } from './shared-pv.ts';
import type { ServedPV, Source } from './source.ts';

/** pvAccessCPP's fields in its order; PVXS has two of them. */
const INFO = struct('', {
  process: 'string',
  startTime: 'string',
  version: 'string',
  implLang: 'string',
  host: 'string',
});
const CHANNELS = NTScalarArray.build('string');
const HELP = NTScalar.build('string');
const HELP_TEXT = `The channel of this pvAccess server. Argument: string op
  info      about the server
  channels  names of the channels it can list
  help      this text`;

/** Never found by a search (`has`), but can be created by whoever knows the server's address. */
export class ServerInfoSource implements Source {
  private readonly pv: SharedPV;

  constructor(version: string, listNames: () => string[]) {
    const info = Value.create(INFO, {
      process: String(process.pid),
      startTime: new Date().toISOString(),
      version,
      implLang: 'TypeScript',
      host: hostName(),
    });
    this.pv = new SharedPV({
      onRpc: (_pv, argument) => {
        const query = argument?.type.find('query') ? 'query.' : '';
        const op = argument?.tryGet(`${query}op`);
        if (op === 'help' || argument?.type.find(`${query}help`))
          return Value.create(HELP, { value: HELP_TEXT });
        if (op === 'channels') return Value.create(CHANNELS, { value: listNames() });
        if (op === 'info') return info;
        if (op === undefined)
          throw new RemoteError("there is no string field 'op': op=channels, info or help");
        throw new RemoteError(`unsupported operation '${String(op)}': there are channels, info and help`);
      },
    });
    // A get of it must not wait for ever.
    this.pv.open(info);
  }

  has(): boolean {
    return false;
  }

  open(name: string): ServedPV | undefined {
    return name === SERVER_CHANNEL ? this.pv : undefined;
  }
}
