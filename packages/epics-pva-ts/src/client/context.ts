/**
 * Context: a pvAccess client. One per process is enough; it shares connections and channels between operations.
 *
 * ```ts
 * const context = new Context();
 * const value = await context.get('my:pv');
 * ```
 */
import { type ClientConfig, parseAddress } from '../config.ts';
import { lossReport } from '../connection/loss-report.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { DisconnectedError, LocalProtocolError } from '../errors.ts';
import { COLLECT_MS } from '../limits.ts';
import { hostName, userName } from '../socket/identity.ts';
import type { Lookup } from '../socket/resolve.ts';
import type { Value } from '../value/value.ts';
import { Channel } from './channel.ts';
import type { DiscoveredServer, DiscoverOptions, Discovery } from './discovery.ts';
import { FixedServer } from './fixed-server.ts';
import { type Log, noLog } from './log.ts';
import { NameServers } from './name-servers.ts';
import type { OneShot, RequestOptions } from './operation.ts';
import { ProcessRequest } from './process-request.ts';
import { PutGetReadRequest, PutGetRequest } from './put-get-request.ts';
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
import { clientConfig, SearchEngine, type SearchStats } from './search-engine.ts';
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
  /** Resolves the host names of address lists and name servers; default the operating system's resolver. */
  readonly lookup?: Lookup;
  /** Payload bytes above which a message is sent in segments; default 2^31-1, the most that every peer can read. */
  readonly maxSegment?: number;
}

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
  private readonly nameServers: NameServers;
  private readonly open = new Set<{ fail(error: Error): void } | Subscription>();
  private readonly log: Log;
  private readonly maxSegment: number | undefined;
  private readonly timer: NodeJS.Timeout;
  private nextCid = 0x12345678;
  private lastCollect = performance.now();
  private closed = false;

  /**
   * @throws ConfigError for `EPICS_PVA_*` variables and options that cannot be understood, or that name an interface
   * this host does not have
   */
  constructor(options: ContextOptions = {}) {
    const { user, host, log, lookup, maxSegment, ...config } = options;
    this.config = clientConfig(config);
    this.user = user ?? userName();
    this.host = host ?? hostName();
    this.log = log ?? noLog;
    this.maxSegment = maxSegment;
    this.search = new SearchEngine({
      config: this.config,
      log: this.log,
      lookup,
      found: (cid, server, guid) => this.channelsByCid.get(cid)?.found(server, guid),
      searchNameServers: (channels, sequence) => this.nameServers.search(channels, sequence),
      // The process that was there is gone, whether or not its connection has noticed: one message finds out.
      restarted: (server) => this.links.get(formatEndpoint(server))?.connection.probe(),
    });
    this.nameServers = new NameServers({
      servers: this.config.nameServers,
      defaultPort: this.config.serverPort,
      log: this.log,
      lookup,
      linkTo: (server) => this.linkTo(server),
      missing: () => [...this.channels.values()].filter((c) => c.state === 'searching'),
    });
    this.timer = setInterval(() => this.tick(), 1000);
    this.timer.unref();
  }

  /** What searching did so far, and what it does now. */
  get searchStats(): SearchStats {
    return this.search.stats;
  }

  /**
   * Searches for the missing names sooner, as a server's first beacon does (PVXS `hurryUp`): up to 1,000 at once, more
   * within 6 s. At most once a second, for more names once in 30 s; too early a call does nothing.
   */
  hurryUp(): void {
    this.search.hurryUp();
  }

  /**
   * From now on takes no search answers of servers with these GUIDs (PVXS `ignoreServerGUIDs`). A program that is
   * client and server of the same names, a gateway, gives its own `server.guid` and so never finds itself.
   */
  ignoreServerGuids(guids: Iterable<string>): void {
    this.search.ignoreServerGuids(guids);
  }

  /**
   * Reports servers as they come and go, as PVXS's `discover`: those known already, those that answer a ping, those
   * whose beacons are heard. `close()` of what is returned ends it.
   *
   * Beacons tell of a server at once when it starts, and of its end only by their absence: after
   * `options.lostAfter` (360 s). Who needs to know sooner sets `pingInterval` and a shorter `lostAfter`.
   *
   * ```ts
   * const discovery = context.discover(({ event, server, guid }) => console.log(event, server, guid));
   * ```
   * @throws ConfigError for times that are not numbers; LocalProtocolError if the Context is closed
   */
  discover(report: (server: DiscoveredServer) => void, options: DiscoverOptions = {}): Discovery {
    if (this.closed) throw new LocalProtocolError('this Context is closed');
    return this.search.discover(report, options);
  }

  /**
   * The present value: all fields, or those of `pvRequest`.
   * @throws TimeoutError, RemoteError, PvRequestError, CancelledError
   */
  async get(name: string, options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new GetRequest(this.channel(name, options.server), { ...options, pvRequest }));
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
    return this.run(new PutRequest(this.channel(name, options.server), input, { ...options, pvRequest }));
  }

  /**
   * Processes the record behind a channel, without putting anything. PVXS servers never answer PROCESS: they want a
   * put with `record[process=true]`.
   * @throws TimeoutError, RemoteError, DisconnectedError (after it was sent)
   */
  async process(name: string, options: GetOptions = {}): Promise<void> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new ProcessRequest(this.channel(name), { ...options, pvRequest }));
  }

  /**
   * Puts `input` as {@link put} does, and returns what is there after the channel has been processed.
   * `pvRequest` names what is put and what is got: `putField(value)getField(value,alarm)`. Only pvDatabase (PvaPy) and
   * servers of this library have it; PVXS servers never answer.
   * @throws as `put`
   */
  putGet(name: string, build: PutBuilder, options?: PutOptions): Promise<Value>;
  putGet(name: string, input: unknown, options?: PutOptions): Promise<Value>;
  async putGet(name: string, input: unknown, options: PutOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new PutGetRequest(this.channel(name), input, { ...options, pvRequest }));
  }

  /** What {@link putGet} would return, without putting (get-get). @throws as `get` */
  async getGet(name: string, options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new PutGetReadRequest(this.channel(name), 'get', { ...options, pvRequest }));
  }

  /** What {@link putGet} would change, as it is now (get-put). @throws as `get` */
  async getPut(name: string, options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new PutGetReadRequest(this.channel(name), 'put', { ...options, pvRequest }));
  }

  /**
   * Calls a remote procedure. The argument is a structure, by convention an NTURI.
   * @throws TimeoutError, RemoteError, DisconnectedError (after it was sent)
   */
  async rpc(name: string, argument: Value | null, options: GetOptions = {}): Promise<Value | null> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new RpcRequest(this.channel(name, options.server), argument, { ...options, pvRequest }));
  }

  /** The channel's type and server. @throws TimeoutError, RemoteError */
  async info(name: string, options: RequestOptions = {}): Promise<ChannelInfo> {
    return this.run(new InfoRequest(this.channel(name, options.server), options));
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

  private channel(name: string, server?: string): Channel {
    if (this.closed) throw new LocalProtocolError('this Context is closed');
    if (name === '' || Buffer.byteLength(name) > 500)
      throw new LocalProtocolError(`a channel name has 1 to 500 bytes, '${name.slice(0, 40)}' does not`);
    const key = server === undefined ? name : `${server}\0${name}`;
    let channel = this.channels.get(key);
    if (!channel) {
      const search = server === undefined ? this.search : this.fixedServer(server);
      this.nextCid = (this.nextCid + 1) >>> 0;
      channel = new Channel({
        name,
        cid: this.nextCid,
        search,
        linkTo: (server) => this.linkTo(server),
        log: this.log,
      });
      this.channels.set(key, channel);
      this.channelsByCid.set(channel.cid, channel);
    }
    return channel;
  }

  private fixedServer(server: string): FixedServer {
    const { host, port } = parseAddress(server, this.config.serverPort);
    return new FixedServer({ address: host, port }, (cid, endpoint) =>
      this.channelsByCid.get(cid)?.found(endpoint),
    );
  }

  private linkTo(endpoint: Endpoint): ServerLink {
    const key = formatEndpoint(endpoint);
    let link = this.links.get(key);
    if (!link) {
      link = new ServerLink({
        endpoint,
        timeout: this.config.tcpTimeout,
        user: this.user,
        host: this.host,
        maxSegment: this.maxSegment,
        notice: (text) => this.log('info', text),
        search: this.search,
        ready: (ready) => this.nameServers.onReady(ready),
        closed: (ended, channels, connected, reason) => {
          if (this.links.get(key) === ended) this.links.delete(key);
          this.nameServers.onClosed(ended, connected);
          if (reason && connected) this.log(...lossReport(`connection to ${key} lost`, reason));
          const why = `connection to ${key} lost${reason ? `: ${reason.message}` : ''}`;
          if (!this.closed)
            for (const c of channels) c.onLost(connected ? 'disconnected' : 'connect-failed', why);
        },
      });
      this.links.set(key, link);
    }
    return link;
  }

  private tick(): void {
    const now = performance.now();
    for (const link of this.links.values()) link.connection.tick(now);
    for (const channel of this.channels.values()) channel.tick(now);
    this.nameServers.tick(now);
    this.search.tick(now);
    if (now - this.lastCollect < COLLECT_MS) return;
    this.lastCollect = now;
    for (const [key, channel] of this.channels) {
      if (!channel.isUnused()) continue;
      this.channels.delete(key);
      this.channelsByCid.delete(channel.cid);
      channel.close();
    }
    for (const link of this.links.values()) if (!this.nameServers.uses(link) && link.isUnused()) link.close();
  }

  /** Ends all operations and connections; requests under way fail with DisconnectedError. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.nameServers.close();
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
