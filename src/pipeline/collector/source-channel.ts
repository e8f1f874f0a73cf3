/**
 * SourceChannel: one producer of a collector: its monitor, and which of its updates are no new objects.
 *
 * The first update of a connection is what the channel held already: a consumer that was started again shows there
 * what its own input held. So each connection has its initial updates; PvaPy skips only the very first one of all
 * producers (pvapy-behaviour.md 2.4).
 */
import type { Context, Value } from 'epics-pva-ts';
import { Counts } from '../../counts.ts';
import type { ReceiverSettings, ReceiverStats } from '../../input/data-receiver.ts';
import { MonitorReceiver } from '../../input/monitor-receiver.ts';
import type { Logger } from '../../log.ts';
import { objectIdOf } from '../../object-id.ts';
import type { SourceStats } from '../source-stats.ts';

export interface SourceChannelOptions {
  readonly context: Context;
  readonly producerId: number;
  readonly channel: string;
  readonly pvRequest: string;
  /** As for a consumer; see MonitorReceiver. */
  readonly receiverQueueSize: number;
  readonly objectIdField: string;
  /** First updates of each connection that are no objects. */
  readonly skipInitialUpdates: number;
  /** Takes the object over, with its memory. */
  readonly onObject: (id: number, object: Value) => void | Promise<void>;
  /** An initial update; its memory stays ours. */
  readonly onSkipped: (object: Value) => void;
  readonly onConnected: () => void;
  /** At once, while its objects may still be queued. */
  readonly onDisconnected: (why: string) => void;
  /** It is not connected, and the last of its objects was taken. */
  readonly onGone: () => void;
  readonly logger: Logger;
}

export class SourceChannel {
  private readonly options: SourceChannelOptions;
  private readonly receiver: MonitorReceiver;
  private disconnected = false;
  private readonly counts = new Counts('nRejected');

  constructor(options: SourceChannelOptions) {
    this.options = options;
    const { context, channel, pvRequest, receiverQueueSize, logger } = options;
    this.receiver = new MonitorReceiver({
      context,
      channel,
      pvRequest,
      receiverQueueSize,
      handle: (object) => this.handle(object),
      handlerReleases: true,
      nHeld: () => options.skipInitialUpdates,
      handleHeld: (object) => this.skip(object),
      onConnected: () => {
        this.disconnected = false;
        options.onConnected();
      },
      onDisconnected: (why) => {
        this.disconnected = true;
        options.onDisconnected(why);
        this.sayIfGone();
      },
      logger,
    });
  }

  private skip(object: Value): void {
    this.options.onSkipped(object);
    object.release();
    if (this.disconnected) this.sayIfGone();
  }

  private handle(object: Value): void | Promise<void> {
    const id = objectIdOf(object, this.options.objectIdField);
    const pending = Number.isNaN(id) ? this.reject(object) : this.options.onObject(id, object);
    if (this.disconnected) this.sayIfGone();
    return pending;
  }

  private reject(object: Value): void {
    if (this.counts.current.nRejected === 0) this.reportNoId();
    this.counts.count('nRejected');
    object.release();
  }

  private sayIfGone(): void {
    if (this.receiver.waiting === 0) this.options.onGone();
  }

  private reportNoId(): void {
    const { channel, objectIdField, logger } = this.options;
    logger.error(`${channel}: its objects have no number in the field '${objectIdField}' (--oid-field)`);
  }

  start(): void {
    this.receiver.start();
  }

  pause(): void {
    this.receiver.pause();
  }

  resume(): void {
    this.receiver.resume();
  }

  stop(drainMs: number): Promise<void> {
    return this.receiver.stop(drainMs);
  }

  configure(settings: ReceiverSettings): void {
    this.receiver.configure(settings);
  }

  get connected(): boolean {
    return this.receiver.connected;
  }

  get receiverStats(): ReceiverStats {
    return this.receiver.stats;
  }

  get stats(): SourceStats {
    const { nReceived, nOverruns } = this.receiver.stats;
    const { nRejected } = this.counts.current;
    return this.with({ nReceived, nRejected, nOverruns }, this.receiver.queueStats);
  }

  /** Since the start, whatever was reset. */
  get totals(): SourceStats {
    const { nReceived, nOverruns } = this.receiver.totals;
    const { nRejected } = this.counts.totals;
    return this.with({ nReceived, nRejected, nOverruns }, this.receiver.queueTotals);
  }

  private with(
    receiverStats: SourceStats['receiverStats'],
    queueStats: SourceStats['queueStats'],
  ): SourceStats {
    const { producerId, channel } = this.options;
    return { producerId, channel, connected: this.connected, receiverStats, queueStats };
  }

  resetStats(): void {
    this.receiver.resetStats();
    this.counts.reset();
  }
}
