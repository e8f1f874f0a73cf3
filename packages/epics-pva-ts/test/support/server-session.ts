/** A server's side of one connection, joined in memory with a peer that speaks plain bytes. */
import type { Credentials } from '../../src/connection/server-connection.ts';
import type { PvaError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { decodeCreateChannelResponse, encodeCreateChannelRequest } from '../../src/message/channel.ts';
import { encodeClientValidation } from '../../src/message/connection-validation.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../../src/server/limits.ts';
import { ServerClient, type ServerClientHost } from '../../src/server/server-client.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { type MemoryOptions, MemoryTransport } from './memory-transport.ts';
import { RawPeer, readerOf } from './raw-peer.ts';

export const GUID: Uint8Array = Uint8Array.from({ length: 12 }, (_, i) => i + 1);

/** A host with these PVs, and a record of how its clients ended. */
export function hostOf(
  pvs: ReadonlyMap<string, ServedPV>,
  limits: Partial<ServerLimits> = {},
): ServerClientHost & {
  readonly ended: { client: ServerClient; reason: PvaError | undefined }[];
  readonly clients: Credentials[];
} {
  const ended: { client: ServerClient; reason: PvaError | undefined }[] = [];
  const clients: Credentials[] = [];
  return {
    guid: GUID,
    tcpPort: 5075,
    timeout: 40,
    limits: { ...DEFAULT_LIMITS, ...limits },
    ended,
    clients,
    has: (name) => pvs.has(name),
    open: (name, credentials) => {
      clients.push(credentials);
      return pvs.get(name);
    },
    closed: (client, reason) => ended.push({ client, reason }),
  };
}

export class ServerSession {
  readonly pvs: Map<string, ServedPV>;
  readonly host: ReturnType<typeof hostOf>;
  readonly client: ServerClient;
  readonly peer: RawPeer;

  constructor(
    pvs: Readonly<Record<string, ServedPV>> = {},
    options: MemoryOptions = {},
    limits: Partial<ServerLimits> = {},
  ) {
    this.pvs = new Map(Object.entries(pvs));
    this.host = hostOf(this.pvs, limits);
    const [near, far] = MemoryTransport.pair(options);
    this.client = new ServerClient(this.host, far);
    far.attach(this.client.connection);
    this.peer = new RawPeer(near);
  }

  /** After the handshake. @throws Error if the server did not accept it */
  static async ready(
    pvs: Readonly<Record<string, ServedPV>> = {},
    options: MemoryOptions = {},
    limits: Partial<ServerLimits> = {},
  ): Promise<ServerSession> {
    const session = new ServerSession(pvs, options, limits);
    await session.peer.replies();
    session.peer.send(Command.CONNECTION_VALIDATION, (w) =>
      encodeClientValidation(w, {
        bufferSize: 0x10000,
        registrySize: 0x7fff,
        qos: 0,
        method: 'anonymous',
        data: null,
      }),
    );
    const validated = await session.peer.reply();
    if (validated.hex !== 'ca 02 40 09 01 00 00 00 ff') throw new Error(`not validated: ${validated.hex}`);
    return session;
  }

  /** Creates a channel; its sid. */
  async createChannel(name: string, cid = 1, littleEndian = true): Promise<number> {
    this.peer.send(
      Command.CREATE_CHANNEL,
      (w) => encodeCreateChannelRequest(w, { channels: [{ cid, name }] }),
      { littleEndian },
    );
    const { sid, status } = decodeCreateChannelResponse(readerOf(await this.peer.reply()));
    if (status.type > 1) throw new Error(`no channel '${name}': ${status.message}`);
    return sid;
  }

  /** Why the server closed the connection; undefined while it has not. */
  get closedBecause(): string | undefined {
    const reason = this.host.ended[0]?.reason;
    return reason && `${reason.code} ${reason.message}`;
  }
}
