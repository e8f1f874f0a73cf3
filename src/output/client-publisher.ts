/**
 * ClientPublisher: output modes `pva` and `rpc`: each object is put into, or handed as argument to, a channel that the
 * next stage serves.
 *
 * Some requests are on their way at the same time, in order; while so many are unanswered the consumer waits, and so
 * does whoever feeds it. (PvaPy has one at a time, and reads the channel before each put: pvapy-behaviour.md 6.2.)
 *
 * What has been sent waits for its answer as long as the connection lives, for the next stage still works on it: to give
 * it up would count a processed object as an error, and send more to who is too slow already. Only what cannot be
 * sent, because the channel is not connected, fails after a while.
 */
import {
  type ChannelPut,
  type ChannelRPC,
  type Context,
  TimeoutError,
  type TypeDef,
  Value,
} from 'epics-pva-ts';
import { Counts } from '../counts.ts';
import type { Logger } from '../log.ts';
import { timerMs } from '../long-timer.ts';
import { objectBytes } from '../object-bytes.ts';
import type { DataPublisher, PublishedHandler, PublisherStats } from './data-publisher.ts';

export interface ClientPublisherOptions {
  readonly mode: 'pva' | 'rpc';
  readonly context: Context;
  readonly channel: string;
  /** Called when it was acknowledged. */
  readonly onPublished?: PublishedHandler | undefined;
  readonly logger: Logger;
}

/** A request on its way. */
interface Sent {
  readonly target: ChannelPut | ChannelRPC;
  readonly object: Value;
  readonly bytes: number;
  readonly epoch: number;
  /** When it was made, in ms. */
  readonly begin: number;
}

/** Requests on their way at once: so many in any case, ... */
const WINDOW = 8;
/**
 * ... and more, so that both ends work off several in one turn, while they take no more than so many bytes and answers
 * come within so many ms: behind a slow stage they would only wait there.
 */
const LARGEST_WINDOW = 32;
const WINDOW_BYTES = 8 * 1024 * 1024;
const QUICK_MS = 50;
/** Requests on their way if the processor does not wait for the consumer: what it publishes beyond them fails. */
const MOST_PENDING = 1000;
/** Seconds without an answer, and without a connection, until requests count as failed. */
const TIMEOUT = 5;
/** How often that is looked at, in ms. */
const WATCH_MS = 500;
/** Errors are logged this often at most, in ms. */
const LOG_INTERVAL = 1000;

export class ClientPublisher implements DataPublisher {
  private readonly options: ClientPublisherOptions;
  /** Made for the first object: who publishes nothing looks for no channel. */
  private target: ChannelPut | ChannelRPC | undefined;
  /** Objects without an answer. No Set of them: V8 keeps what thousands a second leave in one (transient.ts). */
  private pending = 0;
  private pendingBytes = 0;
  /** Those without an answer count as errors already. */
  private givenUp = false;
  private room: Waiting | undefined;
  private drained: Waiting | undefined;
  /** How long the last answer took, in ms. */
  private answerMs = Number.POSITIVE_INFINITY;
  /** The channel is looked at while answers do not come. */
  private watch: NodeJS.Timeout | undefined;
  private nAnswers = 0;
  private readonly counts = new Counts('nPublished', 'nErrors', 'nBytes');
  private lastLog = Number.NEGATIVE_INFINITY;

  constructor(options: ClientPublisherOptions) {
    this.options = options;
  }

  /** The next stage has decided about the type. */
  open(_first: Value | TypeDef): void {}

  publish(value: Value): void {
    if (this.pending >= MOST_PENDING) {
      this.failed(
        new Error(`${this.options.channel}: ${MOST_PENDING} objects are not acknowledged yet`),
        this.counts.epoch,
      );
      return;
    }
    const { epoch } = this.counts;
    const bytes = objectBytes(value);
    try {
      this.target ??= this.makeTarget();
      const { target } = this;
      // The memory it was received in is needed until the request is sent.
      const object = value.snapshot().mark();
      const request: Sent = { target, object, bytes, epoch, begin: performance.now() };
      this.pending++;
      this.pendingBytes += bytes;
      void this.send(target, object).then(
        () => this.acknowledged(request),
        (error: unknown) => this.unacknowledged(request, error),
      );
    } catch (error) {
      this.failed(asError(error), epoch);
    }
  }

  private send(target: ChannelPut | ChannelRPC, object: Value): Promise<void> {
    return 'put' in target
      ? target.put((type) => (object.type.equals(type) ? object : fieldsFor(type, object)))
      : target.rpc(object).then((answer) => this.check(answer));
  }

  /** What the next stage says of an object in its answer. */
  private check(answer: Value | null): void {
    if (!answer?.has('status') || Number(answer.get('status')) === 0) return;
    const reason = answer.has('errorMessage') ? answer.get('errorMessage') : 'refused';
    throw new Error(`${this.options.channel}: ${reason}`);
  }

  private acknowledged(request: Sent): void {
    if (!this.givenUp) {
      this.counts.count('nPublished', 1, request.epoch);
      this.counts.count('nBytes', request.bytes, request.epoch);
    }
    this.options.onPublished?.(request.object);
    this.over(request);
  }

  private unacknowledged(request: Sent, error: unknown): void {
    if (!this.givenUp)
      this.failed(request.target === this.target ? asError(error) : this.notConnected(), request.epoch);
    this.over(request);
  }

  private over({ object, bytes, begin }: Sent): void {
    object.release();
    this.nAnswers++;
    this.pending--;
    this.pendingBytes -= bytes;
    this.answerMs = performance.now() - begin;
    if (!this.isFull) this.room = this.room?.over();
    if (this.pending === 0) this.drained = this.drained?.over();
  }

  private makeTarget(): ChannelPut | ChannelRPC {
    const { mode, context, channel } = this.options;
    const settings = { timeout: 0, inFlight: LARGEST_WINDOW };
    const target =
      mode === 'pva'
        ? context.createChannelPut(channel, { ...settings, fetch: false, pvRequest: 'field()' })
        : context.createChannelRPC(channel, settings);
    this.watchAnswers();
    return target;
  }

  /** One timer for all: who is answered quickly pays nothing for it. */
  private watchAnswers(): void {
    let nAnswers = 0;
    let waiting = 0;
    this.watch = setInterval(() => {
      waiting = this.pending > 0 && this.nAnswers === nAnswers ? waiting + WATCH_MS : 0;
      nAnswers = this.nAnswers;
      if (waiting >= TIMEOUT * 1000) this.failUnlessConnected();
    }, WATCH_MS);
    this.watch.unref();
  }

  /**
   * Without a connection nothing that waits has been sent: what was has failed when the connection was lost. An
   * AbortSignal for each request would do the same, at a cost for each object.
   */
  private failUnlessConnected(): void {
    const { target } = this;
    if (!target || target.connected) return;
    clearInterval(this.watch);
    this.target = undefined;
    target.close();
  }

  private notConnected(): Error {
    return new TimeoutError(
      `${this.options.channel}: no server of this channel is connected for ${TIMEOUT} s, so nothing can be sent`,
    );
  }

  private failed(error: Error, epoch: number): void {
    this.counts.count('nErrors', 1, epoch);
    const now = performance.now();
    if (now - this.lastLog < LOG_INTERVAL) return;
    this.lastLog = now;
    this.options.logger.error(error, `publishing failed (${this.counts.totals.nErrors} error(s) so far)`);
  }

  private get isFull(): boolean {
    const wide = this.answerMs < QUICK_MS && this.pendingBytes < WINDOW_BYTES;
    return this.pending >= (wide ? LARGEST_WINDOW : WINDOW);
  }

  /** A processor may publish several objects for one: each answer need not make room for the next of them. */
  get saturated(): Promise<void> | undefined {
    if (!this.isFull) return undefined;
    this.room ??= new Waiting();
    return this.room.promise;
  }

  /** What is not acknowledged in the end counts as an error. */
  get nUnsent(): number {
    return 0;
  }

  async stop(drainMs: number): Promise<void> {
    await this.drain(drainMs);
    clearInterval(this.watch);
  }

  private async drain(drainMs: number): Promise<void> {
    if (this.pending === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timerMs(drainMs));
    });
    this.drained ??= new Waiting();
    await Promise.race([this.drained.promise, tooLate]);
    clearTimeout(timer);
    if (this.pending === 0) return;
    // The process ends before their time limit does: they count now, and not again.
    this.counts.count('nErrors', this.pending);
    this.givenUp = true;
    this.options.logger.error(
      `${this.pending} object(s) were sent to ${this.options.channel} and never acknowledged`,
    );
  }

  get stats(): PublisherStats {
    return { ...this.counts.current };
  }

  get totals(): PublisherStats {
    return { ...this.counts.totals };
  }

  resetStats(): void {
    this.counts.reset();
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** For what the answers bring. */
class Waiting {
  readonly promise: Promise<void>;
  private resolve: () => void = () => {};

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  over(): undefined {
    this.resolve();
  }
}

/**
 * A structure of the channel's type with the fields that it has in common with the object: the same normative type is
 * built with fields in another order by other implementations (PvaPy's NtNdArray).
 */
function fieldsFor(type: TypeDef, object: Value): Value {
  const value = Value.create(type);
  let common = 0;
  for (const node of object.type.nodes) {
    if (node.isStruct || !value.has(node.path)) continue;
    value.set(node.path, object.get(node.path));
    common++;
  }
  if (common === 0)
    throw new Error(`the channel's ${type.displayId} has no field of the ${object.id} to be put`);
  return value;
}
