/**
 * DataCollector: many producers, whose objects leave in the order of their ids through one processor and one output.
 *
 * Monitors -> collector-cache.ts -> processor. A processor that returns a promise holds back the objects behind it,
 * and with them the connections of all producers; so what waits here is bounded by the cache and one object each.
 */
import type { Value } from 'epics-pva-ts';
import { timerMs } from '../../long-timer.ts';
import { Deadline } from '../deadline.ts';
import { SourceRates } from '../figures/source-rates.ts';
import { ProcessingStage } from '../processing-stage.ts';
import type { RuntimeSettings } from '../runtime-settings.ts';
import type { StageOptions } from '../stage-input.ts';
import type { StageTotals } from '../stage-totals.ts';
import { collectorStatusType } from '../status-record.ts';
import { CollectorCache } from './collector-cache.ts';
import { type CollectorStats, collectorStats } from './collector-stats.ts';
import { OrderedWork } from './ordered-work.ts';
import { cacheSizeFor } from './sizes.ts';
import { SourceChannel } from './source-channel.ts';

export interface DataCollectorOptions
  extends Omit<StageOptions, 'id' | 'idField' | 'nSequentialUpdates' | 'inputMode'> {
  readonly collectorId: number;
  /** Input channel by producer id. */
  readonly producers: ReadonlyMap<number, string>;
  readonly pvRequest: string;
  /** Per producer; see sizes.ts. */
  readonly receiverQueueSize: number;
  readonly cacheSize: number;
  readonly cacheLimit: number;
  /** 0: learned. See CollectorCacheSettings. */
  readonly objectsPerId: number;
  /** In seconds. */
  readonly gapTimeout: number;
  /** A client asked for it with the control command `get_stats`. */
  readonly onGetStats?: (stats: CollectorStats) => void;
}

export class DataCollector {
  private readonly stage: ProcessingStage<CollectorStats>;
  private readonly cache: CollectorCache<Value>;
  private readonly sources: SourceChannel[];
  private readonly sourceRates: SourceRates;
  private readonly work: OrderedWork<Value>;
  private readonly options: DataCollectorOptions;
  private timer: NodeJS.Timeout | undefined;

  /** @throws UserError when the processor cannot be constructed or declares impossible statistics */
  constructor(options: DataCollectorOptions) {
    this.options = options;
    const { collectorId, producers, objectIdOffset, onGetStats } = options;
    this.stage = new ProcessingStage<CollectorStats>({
      ...options,
      id: collectorId,
      idField: 'collectorId',
      inputMode: 'pva',
      // Each source skips its own.
      skipInitialUpdates: 0,
      nSequentialUpdates: 1,
    });
    this.work = new OrderedWork<Value>({
      handle: (object) => this.stage.handle(object),
      done: (object) => object.release(),
    });
    this.cache = new CollectorCache<Value>({
      nProducers: producers.size,
      cacheSize: options.cacheSize,
      cacheLimit: options.cacheLimit,
      oidOffset: objectIdOffset,
      objectsPerId: options.objectsPerId,
      gapTimeout: options.gapTimeout * 1000,
      release: (object) => this.work.add(object),
      refuse: (object) => object.release(),
      sizeOf: (object) => object.receivedBytes,
    });
    this.sources = [...producers].map(([producerId, channel], index) => {
      return new SourceChannel({
        ...options,
        context: this.stage.context,
        producerId,
        channel,
        onObject: (id, object) => this.insert(index, id, object),
        onSkipped: (object) => {
          this.cache.join(index);
          this.stage.skip(object);
        },
        onConnected: () => this.stage.inputChanged(),
        onDisconnected: (why) => this.stage.inputChanged(`${channel}: ${why}`),
        onGone: () => this.cache.leave(index, this.beginTurn()),
      });
    });
    this.sourceRates = new SourceRates(this.sources.length);
    const collector = this;
    this.stage.connect({
      start: () => {
        for (const source of this.sources) source.start();
      },
      pause: () => {
        for (const source of this.sources) source.pause();
      },
      resume: () => {
        for (const source of this.sources) source.resume();
      },
      stop: (drainMs) => this.drain(drainMs),
      settable: {
        skipInitialUpdates: true,
        objectIdOffset: true,
        nSequentialUpdates: true,
        receiverQueueSize:
          options.receiverQueueSize >= 0 ||
          'this collector was started without receiver queues (--receiver-queue-size)',
        collectorCacheSize: true,
        objectsPerId: true,
        gapTimeout: true,
      },
      configure: (settings) => this.configure(settings),
      counters: () => this.counters(),
      get waiting() {
        return collector.waiting;
      },
      get connected() {
        return collector.sources.some((source) => source.connected);
      },
      sample: () => this.sourceRates.sample(this.sources.map((source) => source.stats)),
      rotate: () => this.cache.rotate(),
      resetStats: () => this.resetStats(),
      stats: (parts) =>
        collectorStats(
          collectorId,
          parts,
          this.cache.stats,
          this.cache.addedLatency,
          this.sourceRates.of(this.sources.map((source) => source.stats)),
        ),
      totals: () => ({
        collectorId,
        collectorStats: this.cache.totals,
        ...Object.fromEntries(
          this.sources.map(({ totals }) => [`producerStats_${totals.producerId}`, totals] as const),
        ),
      }),
      onGetStats: (stats) => onGetStats?.(stats),
      statusType: (userStats, nMetadata) => collectorStatusType([...producers.keys()], userStats, nMetadata),
    });
  }

  private insert(producer: number, id: number, object: Value): void | Promise<void> {
    const now = this.beginTurn();
    if (!this.cache.insert(producer, id, object, now)) object.release();
    this.timer ??= this.armTimer();
    return this.work.pending;
  }

  /** Objects may leave the cache now; the time. */
  private beginTurn(): number {
    const now = performance.now();
    this.work.begin(now);
    return now;
  }

  /** One timer, armed anew only when it fires: objects that leave in time cost nothing. */
  private armTimer(): NodeJS.Timeout | undefined {
    const deadline = this.cache.nextDeadline;
    if (deadline === undefined) return undefined;
    return setTimeout(
      () => {
        this.cache.expire(this.beginTurn());
        this.timer = this.armTimer();
      },
      timerMs(Math.max(1, Math.ceil(deadline - performance.now()))),
    );
  }

  private configure(settings: RuntimeSettings): void {
    for (const source of this.sources) source.configure(settings);
    const { collectorCacheSize, objectIdOffset, objectsPerId, gapTimeout } = settings;
    const now = this.beginTurn();
    this.cache.configure(
      {
        ...(collectorCacheSize !== undefined && cacheSizeFor(collectorCacheSize, this.sources.length)),
        ...(objectIdOffset !== undefined && { oidOffset: objectIdOffset }),
        ...(objectsPerId !== undefined && { objectsPerId }),
        ...(gapTimeout !== undefined && { gapTimeout: gapTimeout * 1000 }),
      },
      now,
    );
    clearTimeout(this.timer);
    this.timer = this.armTimer();
  }

  private counters(): { received: number; receivedBytes: number; rejected: number } {
    const total = { received: 0, receivedBytes: 0, rejected: this.cache.stats.nRejected };
    for (const source of this.sources) {
      const { nReceived, nBytes } = source.receiverStats;
      total.received += nReceived;
      total.receivedBytes += nBytes;
      total.rejected += source.stats.receiverStats.nRejected + (source.stats.queueStats?.nRejected ?? 0);
    }
    return total;
  }

  /** In the producers' queues, in the cache, and behind an object that takes its time. */
  private get waiting(): number {
    const queued = this.sources.reduce((n, { stats }) => n + (stats.queueStats?.nQueued ?? 0), 0);
    return queued + this.cache.stats.nCached + this.work.length;
  }

  private resetStats(): void {
    this.cache.resetStats();
    for (const source of this.sources) source.resetStats();
    this.sourceRates.reset();
  }

  /** Reception ends; what is cached is processed, gaps or not. */
  private async drain(drainMs: number): Promise<void> {
    const deadline = new Deadline(drainMs);
    await Promise.all(this.sources.map((source) => source.stop(deadline.left)));
    clearTimeout(this.timer);
    // Without any time nothing is worked off: it is dropped, and counted where it is.
    if (drainMs > 0) this.cache.flush(this.beginTurn());
    else this.work.abandon();
    const ended = await deadline.allows(async () => this.work.pending);
    // What is left stays counted as such.
    this.work.abandon();
    const left = this.work.length + this.cache.stats.nCached;
    if (ended && left === 0) return;
    this.options.logger.warning(`processing did not end within ${drainMs / 1000} s; ${left} object(s) left`);
  }

  /** @throws UserError, PvaError when the server or the processor cannot start */
  start(): Promise<void> {
    return this.stage.start();
  }

  stats(): CollectorStats {
    return this.stage.stats();
  }

  /** What it did since the start, whatever was reset. */
  totals(): StageTotals {
    return this.stage.totals();
  }

  /** Gathers the statistics and publishes them on the status channel. */
  updateStatus(): CollectorStats {
    return this.stage.updateStatus();
  }

  /** See ProcessingStage. */
  endReception(): void {
    this.stage.endReception();
  }

  /** Ends in good order; the final statistics. May be called once. */
  stop(): Promise<CollectorStats> {
    return this.stage.stop();
  }

  /** Closes everything at once. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.stage.close();
  }
}
