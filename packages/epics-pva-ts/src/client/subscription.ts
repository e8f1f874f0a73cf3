/**
 * Subscription: a monitor. It reconnects by itself and then delivers a complete first update.
 *
 * Two ways to read: callbacks, called while the bytes are being received (the fast path: no queue, and a callback
 * that returns a promise makes the connection wait, so the server's queue takes the strain); or `for await`, through
 * a small client-side queue in which a full queue squashes the new update into the newest (as PVXS).
 */
import { callUser, isPromise, surface } from '../connection/surface.ts';
import { CancelledError, RemoteError, TimeoutError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { MAX_UNSENT_BYTES } from '../limits.ts';
import type { AccessRights } from '../message/acl-change.ts';
import { encodeMonitorRequest, type MonitorResponse } from '../message/monitor.ts';
import { SUB } from '../message/operation.ts';
import { PvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import type { Channel } from './channel.ts';
import type { MonitorHandlers, MonitorOptions, SubscriptionStats } from './monitor-options.ts';
import { type Attachment, asError, newIoid, type Operation } from './operation.ts';
import { PipelineWindow } from './pipeline-window.ts';
import { requestValue } from './requests.ts';
import { UpdateHistory } from './update-history.ts';
import { type MonitorUpdate, UpdateQueue } from './update-queue.ts';

/**
 * A monitor, made by {@link Context.monitor}. It reconnects by itself and then delivers a complete first update.
 * Read it with callbacks or with `for await`; leaving the loop closes it.
 */
export class Subscription implements Operation, AsyncIterable<Value> {
  /** The channel's name. */
  readonly name: string;
  private readonly channel: Channel;
  private readonly handlers: MonitorHandlers;
  private readonly pvRequest: Value;
  /** Flow control, when the request asks for it. */
  private readonly window: PipelineWindow | null;
  private readonly history = new UpdateHistory();
  private readonly queue: UpdateQueue;
  private at: Attachment | null = null;
  private dataType: TypeDef | undefined;
  private ioidNow = newIoid();
  private ended: { error: Error | undefined } | null = null;
  private paused = false;
  private received = 0;
  private overruns = 0;
  private readonly abort = (): void => this.end(new CancelledError(`${this.name}: cancelled`));
  private readonly signal: AbortSignal | undefined;

  private readonly onEnd: (self: Subscription) => void;

  /** @internal Made by {@link Context.monitor}. */
  constructor(
    channel: Channel,
    options: MonitorOptions,
    handlers: MonitorHandlers,
    onEnd: (self: Subscription) => void = () => {},
  ) {
    this.onEnd = onEnd;
    this.channel = channel;
    this.name = channel.name;
    this.handlers = handlers;
    this.pvRequest = requestValue(options.pvRequest);
    const request = new PvRequest(this.pvRequest);
    this.window = PipelineWindow.isWanted(request)
      ? new PipelineWindow(request, (n) => this.acknowledge(n))
      : null;
    // With flow control nothing that the server was told it may send is ever squashed.
    this.queue = new UpdateQueue(
      Math.max(1, options.queueSize ?? 4, this.window?.size ?? 0),
      options.whenFull,
    );
    this.signal = options.signal;
    if (this.signal?.aborted) queueMicrotask(this.abort);
    else this.signal?.addEventListener('abort', this.abort, { once: true });
    channel.add(this);
  }

  /** @internal */
  get ioid(): number {
    return this.ioidNow;
  }

  /** Type of the updates; undefined until the server has told it. */
  get type(): TypeDef | undefined {
    return this.dataType;
  }

  /** The counters now. */
  get stats(): SubscriptionStats {
    const { received, overruns, queue } = this;
    const connected = this.at !== null && this.dataType !== undefined;
    const { squashed, rejected, length: queued } = queue;
    const delivered = this.handlers.update ? received : queue.delivered;
    return { received, overruns, squashed, rejected, delivered, queued, connected };
  }

  /** Counts from here on; what is queued counts as received. */
  resetStats(): void {
    this.received = this.queue.length;
    this.overruns = 0;
    this.queue.resetCount();
  }

  /** @internal */
  onConnect(at: Attachment): void {
    this.at = at;
    const { pvRequest, ioidNow: ioid, window } = this;
    window?.reset();
    const subcommand = window ? SUB.INIT | SUB.PIPELINE : SUB.INIT;
    const nfree = window ? Math.max(0, window.size - this.queue.length) : 0;
    try {
      at.connection.send(Command.MONITOR, (w) =>
        encodeMonitorRequest(w, { sid: at.sid, ioid, subcommand, pvRequest, nfree }),
      );
    } catch (error) {
      this.end(asError(error));
    }
  }

  /** @internal */
  onDisconnect(why: string): void {
    const wasConnected = this.at !== null && this.dataType !== undefined;
    this.at?.forget(false);
    this.at = null;
    this.dataType = undefined;
    this.history.clear();
    this.ioidNow = newIoid();
    if (wasConnected && !this.ended) callUser(() => this.handlers.disconnected?.(why));
  }

  /** @internal */
  onReply(): void {}
  /** @internal */
  onServerMessage(): void {}

  /** @internal */
  onAccessRights(rights: AccessRights): void {
    callUser(() => this.handlers.accessRights?.(rights));
  }

  /** @internal */
  onMonitor(m: MonitorResponse): void {
    const at = this.at;
    if (!at || this.ended) {
      m.value?.release();
      return;
    }
    if (m.status.type > 1) {
      at.forget(false);
      this.at = null;
      const error = new RemoteError(`${this.name}: ${m.status.message || 'the server refused the monitor'}`);
      const { error: onError } = this.handlers;
      if (onError) callUser(() => onError.call(this.handlers, error));
      else if (this.handlers.update === undefined) this.end(error);
      return;
    }
    if (m.subcommand & SUB.INIT) {
      if (this.dataType) return;
      this.dataType = m.type;
      callUser(() => this.handlers.connected?.(at.server, m.type as TypeDef));
      if (this.ended) return;
      if (!this.paused) this.say(SUB.START);
      this.window?.flush();
      return;
    }
    if (m.value) this.deliver(m.value, m.overrun as BitSet, at);
    if (m.subcommand & SUB.DESTROY) {
      at.forget(false);
      this.at = null;
      if (!this.ended) callUser(() => this.handlers.finished?.());
      this.end(undefined);
    }
  }

  private deliver(value: Value, overrun: BitSet, at: Attachment): void {
    this.received++;
    this.overruns += overrun.isEmpty() ? 0 : 1;
    this.history.accept(value);
    const { update } = this.handlers;
    if (update) {
      try {
        const pending = update.call(this.handlers, value, overrun);
        if (pending !== undefined && isPromise(pending)) this.hold(pending, at);
        else this.window?.consume();
      } catch (error) {
        this.failed(error);
      }
      return;
    }
    this.queue.push(value, overrun);
  }

  /** Reads no further until the user is done with this update. */
  private hold(pending: Promise<void>, at: Attachment): void {
    const { connection } = at;
    connection.holdReading();
    pending.then(
      () => {
        // Of a stream that is over it is nobody's business: the window of the present one has not counted it.
        if (this.at === at) this.window?.consume();
        connection.releaseReading();
      },
      (error: unknown) => {
        this.failed(error);
        connection.releaseReading();
      },
    );
  }

  /**
   * Asks the server to send nothing until {@link resume}; the channel stays connected, and one that reconnects
   * meanwhile stays paused. Updates that are on their way still come. What the server does with later ones is its
   * affair: PVXS sends what its queue held; ours and pvDatabase forget them and begin with the complete present
   * value. Source: pva-protocol.md 3.15.
   */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.say(SUB.STOP);
  }

  /** Ends a {@link pause}. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.say(SUB.START);
  }

  /** Starts or stops the stream, if there is one; else it is told when there is. */
  private say(subcommand: number): void {
    const { at, ioidNow: ioid } = this;
    if (!at || !this.dataType || this.ended) return;
    at.connection.send(Command.MONITOR, (w) => encodeMonitorRequest(w, { sid: at.sid, ioid, subcommand }));
  }

  /**
   * Tells the server that `nfree` more updates find room; false when it is to be told later. A server that ignores the
   * window and does not read must not be answered without end. Without a stream nobody is to be told.
   */
  private acknowledge(nfree: number): boolean {
    const { at, ioidNow: ioid } = this;
    if (!at) return true;
    if (!this.dataType || at.connection.unsentBytes > MAX_UNSENT_BYTES) return false;
    at.connection.send(Command.MONITOR, (w) =>
      encodeMonitorRequest(w, { sid: at.sid, ioid, subcommand: SUB.PIPELINE, nfree }),
    );
    return true;
  }

  private failed(error: unknown): void {
    this.end(asError(error));
    surface(error);
  }

  /** The next queued update's value, or undefined when none is there now. */
  pop(): Value | undefined {
    return this.popUpdate()?.value;
  }

  /** As {@link pop}, with the overrun mask. */
  popUpdate(): MonitorUpdate | undefined {
    const update = this.queue.shift();
    if (update) this.window?.consume();
    return update;
  }

  /**
   * The next update's value: the oldest queued one, or the first to come; undefined when the stream has ended.
   * @param timeout seconds; default: none
   * @throws TimeoutError when none comes within `timeout`; what ended the stream
   */
  async take(timeout: number = Number.POSITIVE_INFINITY): Promise<Value | undefined> {
    const until = performance.now() + timeout * 1000;
    for (;;) {
      const value = this.pop();
      if (value) return value;
      if (this.ended?.error) throw this.ended.error;
      if (this.ended) return undefined;
      if (!(await this.queue.arrival((until - performance.now()) / 1000)))
        throw new TimeoutError(`${this.name}: no update within ${timeout} s`);
    }
  }

  /** Updates with their overrun masks until the stream ends or `close()`; throws what ended it. */
  updates(): AsyncGenerator<MonitorUpdate, void, undefined> {
    return this.stream((update) => update);
  }

  /** The values of {@link updates}. */
  [Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    return this.stream((update) => update.value);
  }

  private async *stream<T>(part: (update: MonitorUpdate) => T): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const update = this.popUpdate();
        if (update) yield part(update);
        else if (this.ended) {
          if (this.ended.error) throw this.ended.error;
          return;
        } else await this.queue.arrival();
      }
    } finally {
      this.close();
    }
  }

  /** Ends the subscription. */
  close(): void {
    this.end(undefined);
  }

  private end(error: Error | undefined): void {
    if (this.ended) return;
    this.ended = { error };
    this.signal?.removeEventListener('abort', this.abort);
    this.window?.reset();
    this.at?.forget(true);
    this.at = null;
    this.history.clear();
    this.channel.remove(this);
    this.onEnd(this);
    this.queue.wake();
  }
}
