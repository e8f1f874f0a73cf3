/**
 * MonitorReceiver: input mode `pva`, a monitor on a remote channel.
 *
 * Without a receiver queue objects are processed while they are received, so a slow processor makes the connection
 * and then the server's queue wait. With one they are put there, and the processor works it off in turns with
 * reception.
 */
import type { Context, Subscription, Value } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import type { DataReceiver, ObjectHandler, ReceiverStats } from './data-receiver.ts';
import { ObjectQueue, type QueueStats } from './object-queue.ts';

export interface MonitorReceiverOptions {
  readonly context: Context;
  readonly channel: string;
  /** See request-string.ts. */
  readonly pvRequest: string;
  /** Below 0: no queue; 0: limited by memory only. */
  readonly receiverQueueSize: number;
  readonly handle: ObjectHandler;
  /** Who handles an object releases its memory. Default: it is released as soon as it is handled. */
  readonly handlerReleases?: boolean;
  /** The next object is the first one of a new connection. */
  readonly onConnected?: () => void;
  readonly onDisconnected?: () => void;
  readonly logger: Logger;
}

/** A queue "without limit" ends here: half of what a small beamline computer has. */
const MAX_QUEUE_BYTES = 4 * 1024 ** 3;
/** Processing from the queue gives reception a turn this often, in ms. */
const TURN_MS = 5;

export class MonitorReceiver implements DataReceiver {
  private readonly options: MonitorReceiverOptions;
  private readonly queue: ObjectQueue | undefined;
  private subscription: Subscription | undefined;
  private working = false;
  private idle: Promise<void> = Promise.resolve();
  private abandoned = false;

  constructor(options: MonitorReceiverOptions) {
    this.options = options;
    if (options.receiverQueueSize >= 0)
      this.queue = new ObjectQueue(options.receiverQueueSize, MAX_QUEUE_BYTES);
  }

  start(): void {
    const { context, channel, pvRequest, logger, onConnected, onDisconnected } = this.options;
    const { queue } = this;
    this.subscription = context.monitor(
      channel,
      { pvRequest },
      {
        update: queue ? (value) => this.enqueue(queue, value) : (value) => this.handleNow(value),
        connected: (server) => {
          logger.info(`connected to ${channel} at ${server}`);
          onConnected?.();
        },
        disconnected: (why) => {
          logger.warning(`${channel}: ${why}`);
          onDisconnected?.();
        },
        error: (error) => logger.error(error.message),
        finished: () => logger.info(`${channel}: the server ended the stream`),
      },
    );
  }

  /** Without a queue: the connection waits for what is returned, and so does `stop`. */
  private handleNow(value: Value): void | Promise<void> {
    const pending = this.handle(value);
    if (pending) this.idle = pending;
    return pending;
  }

  private handle(value: Value): void | Promise<void> {
    const { handle, handlerReleases } = this.options;
    const pending = handle(value);
    if (handlerReleases) return pending;
    if (pending) return pending.then(() => value.release());
    value.release();
  }

  private enqueue(queue: ObjectQueue, value: Value): void {
    if (!queue.put(value)) value.release();
    else if (!this.working) {
      this.working = true;
      this.idle = this.work(queue);
    }
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

  async stop(drainMs: number): Promise<void> {
    this.subscription?.close();
    let timer: NodeJS.Timeout | undefined;
    const finished = await Promise.race([
      this.idle.then(() => true),
      new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), drainMs);
      }),
    ]);
    clearTimeout(timer);
    this.abandoned = true;
    if (finished) return;
    const left = this.queue?.length ?? 0;
    this.options.logger.warning(
      `processing did not end within ${drainMs / 1000} s; ${left} object(s) left in the receiver queue`,
    );
  }

  get stats(): ReceiverStats {
    const s = this.subscription?.stats;
    return { nReceived: s?.received ?? 0, nRejected: 0, nErrors: 0, nOverruns: s?.overruns ?? 0 };
  }

  get queueStats(): QueueStats | undefined {
    return this.queue?.stats;
  }

  resetStats(): void {
    this.subscription?.resetStats();
    this.queue?.resetStats();
  }

  configure(args: unknown): void {
    const size = (args as { receiverQueueSize?: unknown } | null)?.receiverQueueSize;
    if (this.queue && typeof size === 'number' && Number.isInteger(size) && size >= 0)
      this.queue.maxLength = size;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
