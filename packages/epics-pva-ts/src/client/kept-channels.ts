/**
 * ChannelPut and ChannelRPC: a channel that is put to, or called, again and again, as the classes of these names in
 * pvAccess: INIT is sent once, and every further call, or put that reads nothing before, is one message there and one back.
 */
import { ConfigError } from '../errors.ts';
import type { Value } from '../value/value.ts';
import type { Channel } from './channel.ts';
import type { OneShot } from './operation.ts';
import { RequestQueue } from './request-queue.ts';
import {
  type GetOptions,
  type PutBuilder,
  type PutOptions,
  PutRequest,
  RpcRequest,
  requestValue,
} from './requests.ts';

/** How many requests may be on their way. */
export interface RequestQueueOptions {
  /**
   * Requests sent and not answered, at once, each on an operation of its own; further ones wait, up to 1,000. Default 1.
   * They are sent in the order they were made, but nothing says in which order a server answers.
   */
  readonly inFlight?: number;
}

/** A request's own options. */
export type RequestLimits = Pick<GetOptions, 'timeout' | 'signal'>;

/** Options of {@link ChannelPut}; `timeout` is the default of its puts. */
export interface ChannelPutOptions extends Omit<PutOptions, 'signal'>, RequestQueueOptions {}

/** Options of {@link ChannelRPC}; `timeout` is the default of its calls. */
export interface ChannelRPCOptions extends Omit<GetOptions, 'signal'>, RequestQueueOptions {}

/** What both have in common. */
abstract class KeptChannel<O extends GetOptions> {
  private readonly channel: Channel;
  private readonly options: O;
  private readonly queue: RequestQueue;

  /** @internal Made by {@link Context}. @throws ConfigError, PvRequestError */
  constructor(
    channel: Channel,
    options: O & RequestQueueOptions,
    ended: (kept: { fail(error: Error): void }) => void,
  ) {
    const { inFlight = 1 } = options;
    if (!Number.isInteger(inFlight) || inFlight < 1)
      throw new ConfigError(`inFlight is ${inFlight}; it must be an integer of at least 1`);
    this.channel = channel;
    this.options = { ...options, pvRequest: requestValue(options.pvRequest) };
    this.queue = new RequestQueue(channel, inFlight, () => ended(this));
  }

  /** @internal One more request, behind those there are. */
  protected run<T>(
    make: (channel: Channel, options: O) => OneShot<T>,
    limits: RequestLimits | undefined,
  ): Promise<T> {
    return this.queue.run(make(this.channel, limits ? this.limited(limits) : this.options));
  }

  private limited({ timeout = this.options.timeout, signal }: RequestLimits): O {
    return { ...this.options, ...(timeout !== undefined && { timeout }), ...(signal && { signal }) };
  }

  /** Requests without an answer yet, those that wait included. */
  get pending(): number {
    return this.queue.pending;
  }

  /** Is the channel connected at present? Requests wait while it is not. */
  get connected(): boolean {
    return this.channel.state === 'active';
  }

  /** Ends it. Requests on their way are answered; those that wait, for others or a connection, fail with DisconnectedError. */
  close(): void {
    this.queue.close();
  }

  /** @internal The Context ends: everything fails. */
  fail(error: Error): void {
    this.queue.fail(error);
  }
}

/** A channel to put to again and again, made by {@link Context.createChannelPut}. Keeps its channel connected. */
export class ChannelPut extends KeptChannel<PutOptions> {
  /**
   * Puts as {@link Context.put} does, behind all puts before it. The time limit begins now.
   * @throws TimeoutError, RemoteError, NoConvertError, NoFieldError, DisconnectedError (after it was sent),
   * CancelledError, LocalProtocolError (closed, or 1,000 requests wait)
   */
  put(build: PutBuilder, options?: RequestLimits): Promise<void>;
  put(input: unknown, options?: RequestLimits): Promise<void>;
  put(input: unknown, options?: RequestLimits): Promise<void> {
    return this.run((channel, all) => new PutRequest(channel, input, all), options);
  }
}

/** A channel to call again and again, made by {@link Context.createChannelRPC}. Keeps its channel connected. */
export class ChannelRPC extends KeptChannel<GetOptions> {
  /**
   * Calls as {@link Context.rpc} does, behind all calls before it. The time limit begins now.
   * @throws TimeoutError, RemoteError, DisconnectedError (after it was sent), CancelledError, LocalProtocolError
   * (closed, or 1,000 requests wait)
   */
  rpc(argument: Value | null, options?: RequestLimits): Promise<Value | null> {
    return this.run((channel, all) => new RpcRequest(channel, argument, all), options);
  }
}
