/**
 * ObjectWorker: between reception and processing, for every input mode.
 *
 * Without a receiver queue an object is handled while it is received, so a slow processor makes the sender wait. With
 * one it is put there, and worked off in turns with reception; or, when objects are accumulated, in batches: nothing
 * is processed until so many objects are there, or until none has come for a while. Then all of them are. (PvaPy's
 * queue behaves as a delay line there, pvapy-behaviour.md 1.7.)
 */
import type { Value } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import { timerMs } from '../long-timer.ts';
import type { ObjectHandler, OutcomeHandler, ReceiverSettings } from './data-receiver.ts';
import { ObjectQueue, type QueueStats } from './object-queue.ts';

export interface ObjectWorkerOptions {
  /** Below 0: no queue; 0: limited by memory only. */
  readonly receiverQueueSize: number;
  /** Objects of a batch; without it, or without a queue, each is processed when it has come. */
  readonly accumulateObjects?: number | undefined;
  /** Seconds without an object after which an incomplete batch is processed. Default 1. */
  readonly accumulationTimeout?: number | undefined;
  readonly handle: ObjectHandler;
  /** Who handles an object releases its memory. Default: it is released as soon as it is handled. */
  readonly handlerReleases?: boolean | undefined;
  readonly logger: Logger;
}

/** A queue "without limit" ends here, or at its share of the heap: half of what a small beamline computer has. */
const MAX_QUEUE_BYTES = 4 * 1024 ** 3;
/** Processing from the queue gives reception a turn this often, in ms. */
const TURN_MS = 5;

/** Why batches of so many objects never come together in this queue, if that is so: they never leave a full one. */
export function batchObstacle(accumulateObjects: number, receiverQueueSize: number): string | undefined {
  if (receiverQueueSize <= 0 || accumulateObjects <= receiverQueueSize) return undefined;
  return `a batch of ${accumulateObjects} never fits into a receiver queue of ${receiverQueueSize}`;
}

export class ObjectWorker {
  private readonly handler: ObjectHandler;
  private readonly handlerReleases: boolean;
  private readonly logger: Logger;
  private readonly queue: ObjectQueue | undefined;
  private batch: number;
  private timeoutMs: number;
  private working = false;
  private idle: Promise<void> = Promise.resolve();
  private abandoned = false;
  private lastPut = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: ObjectWorkerOptions) {
    this.handler = options.handle;
    this.handlerReleases = options.handlerReleases === true;
    this.logger = options.logger;
    this.batch = options.accumulateObjects ?? 0;
    this.timeoutMs = (options.accumulationTimeout ?? 1) * 1000;
    if (options.receiverQueueSize >= 0)
      this.queue = new ObjectQueue({ maxLength: options.receiverQueueSize, maxBytes: MAX_QUEUE_BYTES });
  }

  /**
   * Takes an object over.
   *
   * @param outcome is told what came of an object that was not refused; with a queue at once that it was taken, because
   *   nobody can wait for a batch that only comes together when more is sent
   * @returns False when the queue is full: the object was refused and released. A promise, without a queue, when
   *   nothing more may be offered until it settles.
   */
  offer(value: Value, outcome?: OutcomeHandler): boolean | Promise<void> {
    const { queue } = this;
    if (!queue) {
      const pending = this.handle(value, outcome);
      if (!pending) return true;
      this.idle = pending;
      return pending;
    }
    if (!queue.put(value)) {
      value.release();
      return false;
    }
    if (this.batch > 1) this.accumulate(queue);
    else this.begin(queue);
    outcome?.(undefined);
    return true;
  }

  private begin(queue: ObjectQueue): void {
    if (this.working) return;
    this.working = true;
    this.idle = this.work(queue);
  }

  private accumulate(queue: ObjectQueue): void {
    this.lastPut = performance.now();
    if (queue.length >= this.batch) this.begin(queue);
    else this.timer ??= this.armTimer(queue, this.timeoutMs);
  }

  /** One timer, armed anew only when it fires. */
  private armTimer(queue: ObjectQueue, ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const left = this.lastPut + this.timeoutMs - performance.now();
      this.timer = left > 0 ? this.armTimer(queue, Math.ceil(left)) : undefined;
      if (left <= 0 && queue.length > 0) this.begin(queue);
    }, timerMs(ms));
  }

  /** Works the queue off, giving the event loop a turn first and every few milliseconds. */
  private async work(queue: ObjectQueue): Promise<void> {
    while (queue.length > 0 && !this.abandoned) {
      await nextTurn();
      const until = performance.now() + TURN_MS;
      do {
        const value = queue.get();
        if (!value) break;
        const pending = this.handle(value);
        if (pending) await pending;
      } while (performance.now() < until && !this.abandoned);
    }
    this.working = false;
  }

  private handle(value: Value, outcome?: OutcomeHandler): void | Promise<void> {
    const pending = this.handler(value, outcome);
    if (this.handlerReleases) return pending;
    if (pending) return pending.then(() => value.release());
    value.release();
  }

  /** Processes what is queued, complete batch or not, for at most `drainMs`. Nothing may be offered afterwards. */
  async stop(drainMs: number): Promise<void> {
    clearTimeout(this.timer);
    if (this.queue) this.begin(this.queue);
    let timer: NodeJS.Timeout | undefined;
    const finished = await Promise.race([
      this.idle.then(() => true),
      new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), timerMs(drainMs));
      }),
    ]);
    clearTimeout(timer);
    this.abandoned = true;
    if (finished) return;
    const left = this.queue?.length ?? 0;
    this.logger.warning(
      `processing did not end within ${drainMs / 1000} s; ${left} object(s) left in the receiver queue`,
    );
  }

  get queueLength(): number {
    return this.queue?.length ?? 0;
  }

  /** Undefined without a queue. */
  get queueStats(): QueueStats | undefined {
    return this.queue?.stats;
  }

  /** Since the start, whatever was reset. */
  get queueTotals(): QueueStats | undefined {
    return this.queue?.totals;
  }

  resetStats(): void {
    this.queue?.resetStats();
  }

  configure({ receiverQueueSize, accumulateObjects, accumulationTimeout }: ReceiverSettings): void {
    const { queue } = this;
    if (receiverQueueSize !== undefined && queue) queue.maxLength = receiverQueueSize;
    if (accumulateObjects !== undefined) this.batch = accumulateObjects;
    if (accumulationTimeout !== undefined) {
      this.timeoutMs = accumulationTimeout * 1000;
      // The batch that waits may have waited for long enough now.
      if (queue && this.timer) {
        clearTimeout(this.timer);
        const left = this.lastPut + this.timeoutMs - performance.now();
        this.timer = this.armTimer(queue, Math.max(0, Math.ceil(left)));
      }
    }
    // A batch that is complete now, or no batch any more.
    if (queue && queue.length >= Math.max(1, this.batch)) this.begin(queue);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
