/**
 * Context: a pvAccess client. One per process is enough; it shares connections and channels between operations.
 *
 * ```ts
 * const context = new Context();
 * const value = await context.get('my:pv');
 * ```
 */
import type { ClientConfig } from '../config.ts';
import { DisconnectedError, LocalProtocolError } from '../errors.ts';
import { hostName, userName } from '../socket/identity.ts';
import type { Lookup } from '../socket/resolve.ts';
import { TransientSet } from '../transient.ts';
import type { Value } from '../value/value.ts';
import type { Channel } from './channel.ts';
import { ChannelPool } from './channel-pool.ts';
import type { DiscoveredServer, DiscoverOptions, Discovery } from './discovery.ts';
import { ChannelPut, type ChannelPutOptions, ChannelRPC, type ChannelRPCOptions } from './kept-channels.ts';
import { type Log, noLog } from './log.ts';
import type { MonitorHandlers, MonitorOptions } from './monitor-options.ts';
import { MultiChannel } from './multi-channel.ts';
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
import { clientConfig, type SearchStats } from './search-engine.ts';
import { Subscription } from './subscription.ts';

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
  private readonly channels: ChannelPool;
  private readonly open = new TransientSet<{ fail(error: Error): void } | Subscription>();
  private readonly timer: NodeJS.Timeout;
  private closed = false;

  /**
   * @throws ConfigError for `EPICS_PVA_*` variables and options that cannot be understood, or that name an interface
   * this host does not have
   */
  constructor(options: ContextOptions = {}) {
    const { user, host, log, lookup, maxSegment, ...config } = options;
    this.config = clientConfig(config);
    this.channels = new ChannelPool({
      config: this.config,
      user: user ?? userName(),
      host: host ?? hostName(),
      log: log ?? noLog,
      lookup,
      maxSegment,
    });
    this.timer = setInterval(() => this.channels.tick(performance.now()), 1000);
    this.timer.unref();
  }

  /** What searching did so far, and what it does now. */
  get searchStats(): SearchStats {
    return this.channels.search.stats;
  }

  /**
   * Searches for the missing names sooner, as a server's first beacon does (PVXS `hurryUp`): up to 1,000 at once, more
   * within 6 s. At most once a second, for more names once in 30 s; too early a call does nothing.
   */
  hurryUp(): void {
    this.channels.search.hurryUp();
  }

  /**
   * From now on takes no search answers of servers with these GUIDs (PVXS `ignoreServerGUIDs`). A program that is
   * client and server of the same names, a gateway, gives its own `server.guid` and so never finds itself.
   */
  ignoreServerGuids(guids: Iterable<string>): void {
    this.channels.search.ignoreServerGuids(guids);
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
    return this.channels.search.discover(report, options);
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
    return this.run(new ProcessRequest(this.channel(name, options.server), { ...options, pvRequest }));
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
    return this.run(new PutGetRequest(this.channel(name, options.server), input, { ...options, pvRequest }));
  }

  /** What {@link putGet} would return, without putting (get-get). @throws as `get` */
  async getGet(name: string, options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(
      new PutGetReadRequest(this.channel(name, options.server), 'get', { ...options, pvRequest }),
    );
  }

  /** What {@link putGet} would change, as it is now (get-put). @throws as `get` */
  async getPut(name: string, options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(
      new PutGetReadRequest(this.channel(name, options.server), 'put', { ...options, pvRequest }),
    );
  }

  /**
   * Calls a remote procedure. The argument is a structure, by convention an NTURI.
   * @throws TimeoutError, RemoteError, DisconnectedError (after it was sent)
   */
  async rpc(name: string, argument: Value | null, options: GetOptions = {}): Promise<Value | null> {
    const pvRequest = requestValue(options.pvRequest);
    return this.run(new RpcRequest(this.channel(name, options.server), argument, { ...options, pvRequest }));
  }

  /**
   * A channel to put to again and again: with `fetch: false` one message for each put, where {@link put} sends three.
   * Close it when it is not needed any more.
   * @throws PvRequestError, ConfigError, LocalProtocolError
   */
  createChannelPut(name: string, options: ChannelPutOptions = {}): ChannelPut {
    return this.keep((ended) => new ChannelPut(this.channel(name, options.server), options, ended));
  }

  /** A channel to call again and again; see {@link createChannelPut}. @throws as `createChannelPut` */
  createChannelRPC(name: string, options: ChannelRPCOptions = {}): ChannelRPC {
    return this.keep((ended) => new ChannelRPC(this.channel(name, options.server), options, ended));
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
    const subscription = new Subscription(
      this.channel(name, options.server),
      { ...options, pvRequest },
      handlers,
      (ended) => this.open.delete(ended),
    );
    this.open.add(subscription);
    return subscription;
  }

  /**
   * Several channels as one: got, put and monitored as one NTMultiChannel (PvaPy's `MultiChannel`).
   *
   * ```ts
   * const motors = context.multiChannel(['motor:x', 'motor:y']);
   * const [x, y] = await motors.getAsDoubleArray();
   * ```
   */
  multiChannel(names: Iterable<string>): MultiChannel {
    return new MultiChannel(this, names, this.open);
  }

  private keep<T extends ChannelPut | ChannelRPC>(
    make: (ended: (kept: { fail(error: Error): void }) => void) => T,
  ): T {
    const kept = make((ended) => this.open.delete(ended));
    this.open.add(kept);
    return kept;
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
    return this.channels.channel(name, server);
  }

  /** Ends all operations and connections; requests under way fail with DisconnectedError. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.channels.stop();
    for (const op of [...this.open]) {
      if (op instanceof Subscription) op.close();
      else op.fail(new DisconnectedError('the Context was closed'));
    }
    this.open.clear();
    await this.channels.close();
  }

  /** For `await using`: the same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
