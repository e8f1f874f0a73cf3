/**
 * Context: a pvAccess client. One per process is enough; it shares connections and channels between operations.
 *
 * ```ts
 * const context = new Context();
 * const value = await context.get('my:pv');
 * ```
 */
import type { ClientConfig } from '../config.ts';
import { SEARCH_SEQUENCE, searchBatches } from '../connection/search-batch.ts';
import type { Endpoint } from '../endpoint.ts';
import { DisconnectedError, LocalProtocolError } from '../errors.ts';
import { hostName, userName } from '../socket/identity.ts';
import type { Value } from '../value/value.ts';
import { Channel } from './channel.ts';
import { type Log, noLog } from './log.ts';
import type { OneShot, RequestOptions } from './operation.ts';
import {
  type ChannelInfo,
  type GetOptions,
  GetRequest,
  InfoRequest,
  type PutBuilder,
  type PutOptions,
  PutRequest,
  RpcRequest,
  requestValue,
} from './requests.ts';
import { clientConfig, SearchEngine } from './search-engine.ts';
import { ServerLink } from './server-link.ts';
import { type MonitorHandlers, type MonitorOptions, Subscription } from './subscription.ts';

/** What a {@link Context} is made with: configuration entries that replace those of the environment, and the following. */
export interface ContextOptions extends Partial<ClientConfig> {
  /** Claims sent to servers; default the operating system's user and host names. */
  readonly user?: string;
  /** The host claimed; see `user`. */
  readonly host?: string;
  /** Told what is not an error of one operation. Default: silent. */
  readonly log?: Log;
}

/** A name server that does not answer is tried again after 1, 2, 4, 8 and then every 10 s (PVXS: 10 s always). */
const NAME_SERVER_RETRY_MS = 10_000;

interface NameServer {
  readonly endpoint: Endpoint;
  /** When to connect again, and how long to wait after the next failure. */
  retryAt: number;
  delay: number;
}

/** Channels and connections nobody uses are closed after two to three of these, in ms (PVXS). */
const COLLECT_MS = 10_000;

/**
 * A pvAccess client. One per process is enough: it shares connections and channels between operations, and reconnects by
 * itself. Channels nobody uses are closed after 20 to 30 s. Close it, or the process does not end while it is connected.
 */
export class Context {
  /** The configuration in force: the environment's with the given entries replaced. */
  readonly config: ClientConfig;
  private readonly user: string;
  private readonly host: string;
  private readonly search: SearchEngine;
  private readonly channels = new Map<string, Channel>();
  private readonly channelsByCid = new Map<number, Channel>();
  private readonly links = new Map<string, ServerLink>();
  private readonly nameServers = new Map<string, NameServer>();
  private readonly open = new Set<{ fail(error: Error): void } | Subscription>();
  private readonly log: Log;
  private readonly timer: NodeJS.Timeout;
  private nextCid = 0x12345678;
  private lastCollect = performance.now();
  private closed = false;

  /** @throws ConfigError for `EPICS_PVA_*` variables that cannot be understood */
  constructor(options: ContextOptions = {}) {
    const { user, host, log, ...config } = options;
    this.config = clientConfig(config);
    this.user = user ?? userName();
    this.host = host ?? hostName();
    this.log = log ?? noLog;
    this.search = new SearchEngine({
      config: this.config,
      log: this.log,
      found: (cid, server) => this.channelsByCid.get(cid)?.found(server),
      searchNameServers: (channels, sequence) => {
        for (const key of this.nameServers.keys()) this.links.get(key)?.search(channels, sequence);
      },
    });
    this.timer = setInterval(() => this.tick(), 1000);
    this.timer.unref();
    this.connectNameServers();
  }

  /**
   * The present value: all fields, or those of `pvRequest`.
   * @throws TimeoutError, RemoteError, PvRequestError, CancelledError
   */
  async get(name: string, options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new GetRequest(this.channel(name), { ...options, pvRequest }));
  }

  /**
   * Puts `input`: a value for the field `value` (an enum also by label), a plain object or Value with the fields to
   * set, or a function that makes the Value from the channel's type and present value.
   * @throws TimeoutError, RemoteError, NoConvertError, NoFieldError, DisconnectedError (after it was sent)
   */
  put(name: string, build: PutBuilder, options?: PutOptions): Promise<void>;
  put(name: string, input: unknown, options?: PutOptions): Promise<void>;
  async put(name: string, input: unknown, options: PutOptions = {}): Promise<void> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new PutRequest(this.channel(name), input, { ...options, pvRequest }));
  }

  /**
   * Calls a remote procedure. The argument is a structure, by convention an NTURI.
   * @throws TimeoutError, RemoteError, DisconnectedError (after it was sent)
   */
  async rpc(name: string, argument: Value | null, options: GetOptions = {}): Promise<Value | null> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new RpcRequest(this.channel(name), argument, { ...options, pvRequest }));
  }

  /** The channel's type and server. @throws TimeoutError, RemoteError */
  async info(name: string, options: RequestOptions = {}): Promise<ChannelInfo> {
    return this.run(new InfoRequest(this.channel(name), options));
  }

  /**
   * Subscribes. With `handlers.update` every update is delivered by callback as it arrives, otherwise read the
   * Subscription with `for await`. @throws PvRequestError
   */
  monitor(name: string, options: MonitorOptions = {}, handlers: MonitorHandlers = {}): Subscription {
    const pvRequest = requestValue(options.pvRequest);
    const subscription = new Subscription(this.channel(name), { ...options, pvRequest }, handlers, (ended) =>
      this.open.delete(ended),
    );
    this.open.add(subscription);
    return subscription;
  }

  private async run<T>(request: OneShot<T>): Promise<T> {
    this.open.add(request);
    try {
      return await request.begin().promise;
    } finally {
      this.open.delete(request);
    }
  }

  private channel(name: string): Channel {
    if (this.closed) throw new LocalProtocolError('this Context is closed');
    if (name === '' || Buffer.byteLength(name) > 500)
      throw new LocalProtocolError(`a channel name has 1 to 500 bytes, '${name.slice(0, 40)}' does not`);
    let channel = this.channels.get(name);
    if (!channel) {
      this.nextCid = (this.nextCid + 1) >>> 0;
      channel = new Channel({
        name,
        cid: this.nextCid,
        search: this.search,
        linkTo: (server) => this.linkTo(server),
      });
      this.channels.set(name, channel);
      this.channelsByCid.set(channel.cid, channel);
    }
    return channel;
  }

  private linkTo(endpoint: Endpoint): ServerLink {
    const key = `${endpoint.address}:${endpoint.port}`;
    let link = this.links.get(key);
    if (!link) {
      link = new ServerLink({
        endpoint,
        timeout: this.config.tcpTimeout,
        user: this.user,
        host: this.host,
        search: this.search,
        ready: (ready) => {
          if (this.nameServers.has(key)) this.askNameServer(ready);
        },
        closed: (ended, channels, connected, reason) => {
          if (this.links.get(key) === ended) this.links.delete(key);
          this.nameServerLost(key, connected);
          if (reason && connected) this.log('warn', `connection to ${key} lost: ${reason.message}`);
          const why = `connection to ${key} lost${reason ? `: ${reason.message}` : ''}`;
          if (!this.closed)
            for (const c of channels) c.onLost(connected ? 'disconnected' : 'connect-failed', why);
        },
      });
      this.links.set(key, link);
    }
    return link;
  }

  /** A name server that has just become reachable is asked at once for what is still missing. */
  private askNameServer(link: ServerLink): void {
    const missing = [...this.channels.values()].filter((c) => c.state === 'searching');
    for (const batch of searchBatches(missing)) link.search(batch, SEARCH_SEQUENCE);
  }

  private connectNameServers(): void {
    for (const entry of this.config.nameServers) {
      const at = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(entry);
      const address = at?.[1] ?? entry;
      const port = Number(at?.[2] ?? this.config.serverPort);
      const endpoint = { address, port };
      this.nameServers.set(`${address}:${port}`, { endpoint, retryAt: 0, delay: 1000 });
      this.linkTo(endpoint);
    }
  }

  private nameServerLost(key: string, connected: boolean): void {
    const server = this.nameServers.get(key);
    if (!server) return;
    if (connected) server.delay = 1000;
    server.retryAt = performance.now() + server.delay;
    server.delay = Math.min(NAME_SERVER_RETRY_MS, server.delay * 2);
  }

  private tick(): void {
    const now = performance.now();
    for (const link of this.links.values()) link.connection.tick(now);
    for (const channel of this.channels.values()) channel.tick(now);
    for (const [key, { endpoint, retryAt }] of this.nameServers)
      if (now >= retryAt && !this.links.has(key)) this.linkTo(endpoint);
    if (now - this.lastCollect < COLLECT_MS) return;
    this.lastCollect = now;
    for (const channel of this.channels.values()) {
      if (!channel.isUnused()) continue;
      this.channels.delete(channel.name);
      this.channelsByCid.delete(channel.cid);
      channel.close();
    }
    for (const [key, link] of this.links) if (!this.nameServers.has(key) && link.isUnused()) link.close();
  }

  /** Ends all operations and connections; requests under way fail with DisconnectedError. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    for (const op of [...this.open]) {
      if (op instanceof Subscription) op.close();
      else op.fail(new DisconnectedError('the Context was closed'));
    }
    this.open.clear();
    for (const channel of this.channels.values()) channel.close();
    for (const link of [...this.links.values()]) link.close();
    await this.search.close();
  }

  /** For `await using`: the same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
