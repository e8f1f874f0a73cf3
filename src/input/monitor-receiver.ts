/** MonitorReceiver: input mode `pva`, a monitor on a remote channel. */
import type { Context, Subscription, Value } from 'epics-pva-ts';
import { Counts } from '../counts.ts';
import { MonitorRenewal } from '../monitor-renewal.ts';
import type { DataReceiver, ObjectHandler, ReceiverSettings, ReceiverStats } from './data-receiver.ts';
import type { QueueStats } from './object-queue.ts';
import { ObjectWorker, type ObjectWorkerOptions } from './object-worker.ts';

export interface MonitorReceiverOptions extends ObjectWorkerOptions {
  readonly context: Context;
  readonly channel: string;
  /** See request-string.ts. */
  readonly pvRequest: string;
  /** How many first objects of a connection `handleHeld` takes; the first connection is number 0. Default: none. */
  readonly nHeld?: (connection: number) => number;
  /** Takes, each in its turn, what the channel held already when it was connected. Default: as any other. */
  readonly handleHeld?: ObjectHandler;
  readonly onConnected?: () => void;
  /** Not for the first time to come, and not when this side ends it. */
  readonly onDisconnected?: (why: string) => void;
}

/** A server that does not say within so many seconds that it has heard the pause is believed to have. */
const PAUSE_HEARD_TIMEOUT = 30;

export class MonitorReceiver implements DataReceiver {
  private readonly options: MonitorReceiverOptions;
  private readonly worker: ObjectWorker;
  private readonly renewal: MonitorRenewal;
  private subscription: Subscription | undefined;
  private nConnections = 0;
  /** First objects of this connection still to come that `handleHeld` takes. */
  private heldToCome = 0;
  private paused = false;
  /** Resumed, but what was sent before the pause may still come. */
  private resuming: object | undefined;
  /** Has the server begun to send, since it was connected? */
  private begun = false;
  /** An object is processed that was not done at once. */
  private busy: Promise<void> | undefined;
  /** Objects that wait until it is done: one, or another one of each new connection meanwhile. */
  private inTurn = 0;
  private stopped = false;
  /** Those that came. They may wait behind objects of earlier connections, so they are known one by one. */
  private readonly held = new Set<Value>();
  private readonly counts = new Counts('nReceived', 'nOverruns', 'nBytes');

  constructor(options: MonitorReceiverOptions) {
    this.options = options;
    const { handle, handleHeld = handle, channel, logger } = options;
    this.renewal = new MonitorRenewal({ channel, logger, subscribe: () => this.subscribeAgain() });
    const { held } = this;
    this.worker = new ObjectWorker({
      ...options,
      handle: (object) => (held.size > 0 && held.delete(object) ? handleHeld(object) : handle(object)),
    });
  }

  start(): void {
    const { context, channel, pvRequest, nHeld, logger, onConnected, onDisconnected } = this.options;
    this.subscription?.close();
    this.subscription = context.monitor(
      channel,
      { pvRequest },
      {
        update: (value, overrun) => this.receive(value, !overrun.isEmpty()),
        connected: (server) => {
          this.renewal.connected();
          this.heldToCome = nHeld?.(this.nConnections++) ?? 0;
          this.begun = !this.paused && !this.resuming;
          logger.info(`connected to ${channel} at ${server}`);
          onConnected?.();
        },
        disconnected: (why) => {
          logger.warning(`${channel}: ${why}`);
          onDisconnected?.(why);
        },
        // The server refuses it, and takes it up again only on a new connection.
        error: (error) => {
          logger.error(error.message);
          this.renewal.refused();
          onDisconnected?.(error.message);
        },
        finished: () => {
          this.renewal.ended();
          onDisconnected?.('the server ended the stream');
        },
      },
    );
    if (this.paused || this.resuming) this.subscription.pause();
  }

  private subscribeAgain(): void {
    // A refused one begins again by itself on a new connection.
    if (!this.connected) this.start();
  }

  /**
   * Without a queue the connection waits, but only when a further object has come while one is processed: metadata
   * behind the first are on the same connection if one server has both, and its processing may wait for them.
   */
  private receive(value: Value, isOverrun: boolean): void | Promise<void> {
    const isHeld = this.heldToCome > 0;
    if (isHeld) {
      this.heldToCome--;
      this.held.add(value);
    }
    if (this.busy) return this.takeInTurn(value, isOverrun, isHeld);
    this.take(value, isOverrun, isHeld);
  }

  private async takeInTurn(value: Value, isOverrun: boolean, isHeld: boolean): Promise<void> {
    this.inTurn++;
    while (this.busy) await this.busy;
    this.inTurn--;
    this.take(value, isOverrun, isHeld);
  }

  private take(value: Value, isOverrun: boolean, isHeld: boolean): void {
    if (this.stopped) {
      // As if it had not been read any more.
      value.release();
      return;
    }
    this.counts.count('nReceived');
    this.counts.count('nOverruns', isOverrun ? 1 : 0);
    this.counts.count('nBytes', value.messageBytes);
    const taken = this.worker.offer(value);
    if (taken === false && isHeld) this.held.delete(value);
    if (typeof taken !== 'boolean') this.busy = this.until(taken);
  }

  private async until(taken: Promise<void>): Promise<void> {
    await taken;
    this.busy = undefined;
  }

  /** The server sends nothing more; what is on its way still comes. */
  pause(): void {
    this.paused = true;
    this.resuming = undefined;
    this.subscription?.pause();
  }

  /**
   * What the channel holds then is no news, as after a reconnect. But what the server had sent before it heard of the
   * pause is: so it is asked for something first, whose answer comes behind that, as a server hears and writes in order.
   */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (!this.connected) {
      this.subscription?.resume();
      return;
    }
    const { context, channel } = this.options;
    const turn = {};
    this.resuming = turn;
    const goOn = (): void => {
      if (this.resuming === turn) this.goOn();
    };
    // An error is an answer, too.
    context.info(channel, { timeout: PAUSE_HEARD_TIMEOUT }).then(goOn, goOn);
  }

  private goOn(): void {
    this.resuming = undefined;
    if (this.connected) {
      if (this.begun) this.heldToCome = this.options.nHeld?.(this.nConnections++) ?? 0;
      this.begun = true;
    }
    this.subscription?.resume();
  }

  async stop(drainMs: number): Promise<void> {
    this.stopped = true;
    this.resuming = undefined;
    this.renewal.stop();
    this.subscription?.close();
    await this.worker.stop(drainMs);
  }

  get stats(): ReceiverStats {
    return { nRejected: 0, nErrors: 0, ...this.counts.current };
  }

  get totals(): ReceiverStats {
    return { nRejected: 0, nErrors: 0, ...this.counts.totals };
  }

  /** Is the monitor running on a server now? */
  get connected(): boolean {
    return this.subscription?.stats.connected === true;
  }

  get waiting(): number {
    return this.inTurn + this.worker.queueLength;
  }

  get queueStats(): QueueStats | undefined {
    return this.worker.queueStats;
  }

  get queueTotals(): QueueStats | undefined {
    return this.worker.queueTotals;
  }

  resetStats(): void {
    this.counts.reset();
    this.worker.resetStats();
  }

  configure(settings: ReceiverSettings): void {
    this.worker.configure(settings);
  }
}
