/**
 * A whole client (channels, operations, links) and a whole server joined in memory: everything but sockets, search
 * and Context. Servers can be stopped and started again; every byte both sides wrote is at hand.
 */
import { Channel } from '../../src/client/channel.ts';
import type { MonitorHandlers, MonitorOptions } from '../../src/client/monitor-options.ts';
import type { OneShot } from '../../src/client/operation.ts';
import { ServerLink } from '../../src/client/server-link.ts';
import { Subscription } from '../../src/client/subscription.ts';
import { ServerClient } from '../../src/server/server-client.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { type MemoryOptions, MemoryTransport } from './memory-transport.ts';
import { messagesIn, type RawMessage } from './raw-peer.ts';
import { hostOf } from './server-session.ts';

export class JoinedSession {
  readonly pvs: Map<string, ServedPV>;
  /** Connections made so far, oldest first. */
  readonly connections: { client: MemoryTransport; server: MemoryTransport; served: ServerClient }[] = [];
  /** Names being searched for. */
  readonly searching = new Map<number, string>();
  /** Why links ended. */
  readonly lost: (string | undefined)[] = [];
  private readonly options: MemoryOptions & { readonly maxSegment?: number };
  private readonly channels = new Map<string, Channel>();
  private link: ServerLink | null = null;
  private up = true;
  private nextCid = 0;

  constructor(
    pvs: Readonly<Record<string, ServedPV>>,
    options: MemoryOptions & { readonly maxSegment?: number } = {},
  ) {
    this.pvs = new Map(Object.entries(pvs));
    this.options = options;
  }

  channel(name: string): Channel {
    let channel = this.channels.get(name);
    if (!channel) {
      channel = new Channel({
        name,
        cid: ++this.nextCid,
        search: {
          add: (cid) => {
            this.searching.set(cid, name);
            queueMicrotask(() => this.find());
          },
          remove: (cid) => {
            this.searching.delete(cid);
          },
        },
        linkTo: () => this.linkNow(),
      });
      this.channels.set(name, channel);
    }
    return channel;
  }

  /** What a search would find, when there is a server. */
  private find(): void {
    if (!this.up) return;
    for (const [, name] of [...this.searching])
      if (this.pvs.has(name)) this.channels.get(name)?.found({ address: 'memory', port: 1 });
  }

  private linkNow(): ServerLink {
    if (this.link) return this.link;
    this.link = new ServerLink({
      endpoint: { address: 'memory', port: 1 },
      timeout: 40,
      user: 'operator',
      host: 'console',
      maxSegment: this.options.maxSegment,
      search: { onResponse: () => {} },
      connect: (_endpoint, events) => {
        const [client, server] = MemoryTransport.pair(this.options);
        const served = new ServerClient({ ...hostOf(this.pvs), maxSegment: this.options.maxSegment }, server);
        server.attach(served.connection);
        this.connections.push({ client, server, served });
        return {
          peer: client.peer,
          get pendingBytes() {
            return client.pendingBytes;
          },
          write: (chunks, sent) => client.write(chunks, sent),
          pauseReading: () => client.pauseReading(),
          resumeReading: () => client.resumeReading(),
          close: () => client.close(),
          attach: (connection) =>
            client.attach({
              decoder: connection.decoder,
              received: (target, n) => connection.received(target, n),
              receive: (chunk) => connection.receive(chunk),
              transportClosed: () => events.closed(undefined),
            }),
        };
      },
      ready: () => {},
      closed: (ended, channels, connected, reason) => {
        if (this.link === ended) this.link = null;
        this.lost.push(reason?.message);
        for (const c of channels) c.onLost(connected ? 'disconnected' : 'connect-failed', 'connection lost');
      },
    });
    return this.link;
  }

  /** The connection in use. */
  get now(): { client: MemoryTransport; server: MemoryTransport; served: ServerClient } {
    const now = this.connections.at(-1);
    if (!now) throw new Error('nothing is connected yet');
    return now;
  }

  get currentLink(): ServerLink {
    if (!this.link) throw new Error('nothing is connected yet');
    return this.link;
  }

  /** Messages the client wrote on all connections. */
  sentByClient(): RawMessage[] {
    return this.connections.flatMap(({ client }) => messagesIn(Buffer.concat(client.written)));
  }

  sentByServer(): RawMessage[] {
    return this.connections.flatMap(({ server }) => messagesIn(Buffer.concat(server.written)));
  }

  /** The server goes away; searches find nothing until `serverUp`. */
  serverDown(): void {
    this.up = false;
    this.now.served.close();
  }

  serverUp(): void {
    this.up = true;
    this.find();
  }

  run<T>(request: OneShot<T>): Promise<T> {
    return request.begin().promise;
  }

  monitor(name: string, handlers: MonitorHandlers = {}, options: MonitorOptions = {}): Subscription {
    return new Subscription(this.channel(name), options, handlers);
  }
}
