/**
 * A whole client whose server is the test: it sees every message and answers, or not, with whatever bytes it likes,
 * in either byte order. Handshake and CREATE_CHANNEL are answered by themselves unless told otherwise.
 */
import { Channel } from '../../src/client/channel.ts';
import type { MonitorHandlers } from '../../src/client/monitor-options.ts';
import type { OneShot } from '../../src/client/operation.ts';
import { ServerLink } from '../../src/client/server-link.ts';
import { Subscription } from '../../src/client/subscription.ts';
import { Command } from '../../src/frame/command.ts';
import {
  decodeCreateChannelRequest,
  encodeCreateChannelResponse,
  encodeDestroyChannel,
} from '../../src/message/channel.ts';
import { encodeValidated } from '../../src/message/connection-validation.ts';
import { OK } from '../../src/wire/status.ts';
import type { WireWriter } from '../../src/wire/writer.ts';
import { greeting } from './client-session.ts';
import { MemoryTransport, settled } from './memory-transport.ts';
import { brief, type RawMessage, RawPeer, readerOf } from './raw-peer.ts';

export interface ScriptedOptions {
  readonly littleEndian?: boolean;
  /** Size of the next piece the client reads. */
  readonly cut?: (available: number) => number;
  /** Answer CREATE_CHANNEL; default true. */
  readonly createChannels?: boolean;
}

export class ScriptedServer {
  readonly littleEndian: boolean;
  /** The server's end of every connection so far. */
  readonly peers: RawPeer[] = [];
  /** Why connections ended. */
  readonly lost: (string | undefined)[] = [];
  /** sid of each channel created, by name. */
  readonly sids = new Map<string, number>();
  /** New searches find the server. */
  up = true;
  private readonly options: ScriptedOptions;
  private readonly channels = new Map<number, Channel>();
  private link: ServerLink | null = null;
  private nextSid = 0x100;

  constructor(options: ScriptedOptions = {}) {
    this.options = options;
    this.littleEndian = options.littleEndian ?? true;
  }

  channel(name: string): Channel {
    const cid = this.channels.size + 1;
    const channel: Channel = new Channel({
      name,
      cid,
      search: {
        add: () => queueMicrotask(() => this.up && channel.found({ address: 'script', port: 1 })),
        remove: () => {},
      },
      linkTo: () => this.linkNow(),
    });
    this.channels.set(cid, channel);
    return channel;
  }

  private linkNow(): ServerLink {
    this.link ??= new ServerLink({
      endpoint: { address: 'script', port: 1 },
      timeout: 40,
      user: 'operator',
      host: 'console',
      search: { onResponse: () => {} },
      connect: (_endpoint, events) => {
        const [near, far] = MemoryTransport.pair(this.options.cut ? { cut: this.options.cut } : {});
        this.peers.push(new RawPeer(far));
        far.write([greeting(this.littleEndian)]);
        return Object.assign(near, {
          attach: (connection: Parameters<MemoryTransport['attach']>[0]) =>
            MemoryTransport.prototype.attach.call(near, {
              decoder: connection.decoder as { writeTarget(): Uint8Array },
              received: (target, n) => connection.received?.(target, n),
              receive: (chunk) => connection.receive(chunk),
              transportClosed: () => events.closed(undefined),
            }),
        });
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

  /** The server's end of the present connection. */
  get peer(): RawPeer {
    const peer = this.peers.at(-1);
    if (!peer) throw new Error('nobody has connected');
    return peer;
  }

  /** The client's connection. */
  get connection(): ServerLink['connection'] {
    if (!this.link) throw new Error('nobody is connected');
    return this.link.connection;
  }

  send(command: number, write: (w: WireWriter) => void): void {
    this.peer.send(command, write, { littleEndian: this.littleEndian, fromServer: true });
  }

  /** Removes a channel, as a server does whose PV goes away. */
  destroyChannel(name: string): void {
    const sid = this.sids.get(name) as number;
    const [cid] = [...this.channels].find(([, c]) => c.name === name) as [number, Channel];
    this.send(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid, cid }));
  }

  createChannel(cid: number, status = OK): number {
    const sid = ++this.nextSid;
    this.sids.set(this.channels.get(cid)?.name ?? '', sid);
    this.send(Command.CREATE_CHANNEL, (w) => encodeCreateChannelResponse(w, { cid, sid, status }));
    return sid;
  }

  /** What the client asks for next: all messages once everything has settled, without those answered here. */
  async requests(): Promise<RawMessage[]> {
    const requests: RawMessage[] = [];
    for (;;) {
      await settled();
      if (this.peers.length === 0) return requests;
      const messages = await this.peer.replies();
      if (messages.length === 0) return requests;
      for (const m of messages) if (!this.answer(m)) requests.push(m);
    }
  }

  /** As {@link requests}, but exactly one. */
  async request(): Promise<RawMessage> {
    const all = await this.requests();
    if (all.length !== 1) throw new Error(`one request expected, got: ${brief(all)}`);
    return all[0] as RawMessage;
  }

  private answer(m: RawMessage): boolean {
    if (m.command === Command.CONNECTION_VALIDATION) {
      this.send(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, OK));
      return true;
    }
    if (m.command !== Command.CREATE_CHANNEL || this.options.createChannels === false) return false;
    for (const { cid } of decodeCreateChannelRequest(readerOf(m)).channels) this.createChannel(cid);
    return true;
  }

  run<T>(request: OneShot<T>): Promise<T> {
    return request.begin().promise;
  }

  monitor(channel: Channel, handlers: MonitorHandlers = {}): Subscription {
    return new Subscription(channel, {}, handlers);
  }
}
