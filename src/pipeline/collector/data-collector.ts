/**
 * DataCollector: many producers, whose objects leave in the order of their ids through one processor and one output.
 *
 * Monitors -> collector-cache.ts -> processor. A processor that returns a promise holds back the objects behind it,
 * and with them the connections of all producers; so what waits here is bounded by the cache and one object each.
 */
import type { Value } from 'epics-pva-ts';
import { ProcessingStage, type StageOptions } from '../processing-stage.ts';
import { collectorStatusType } from '../status-record.ts';
import { CollectorCache } from './collector-cache.ts';
import { type CollectorStats, collectorStats } from './collector-stats.ts';
import { SourceChannel } from './source-channel.ts';

export interface DataCollectorOptions extends Omit<StageOptions, 'id' | 'idField' | 'nSequentialUpdates'> {
  readonly collectorId: number;
  /** Input channel by producer id. */
  readonly producers: ReadonlyMap<number, string>;
  readonly pvRequest: string;
  /** Per producer; see sizes.ts. */
  readonly receiverQueueSize: number;
  readonly cacheSize: number;
  /** 0: learned. See CollectorCacheOptions. */
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
  private readonly backlog: Value[] = [];
  private working: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @throws UserError when the processor cannot be constructed or declares impossible statistics */
  constructor(options: DataCollectorOptions) {
    const { collectorId, producers, objectIdOffset, onGetStats } = options;
    this.stage = new ProcessingStage<CollectorStats>({
      ...options,
      id: collectorId,
      idField: 'collectorId',
      // Each source skips its own.
      skipInitialUpdates: 0,
      nSequentialUpdates: 1,
    });
    this.cache = new CollectorCache<Value>({
      nProducers: producers.size,
      cacheSize: options.cacheSize,
      oidOffset: objectIdOffset,
      objectsPerId: options.objectsPerId,
      gapTimeout: options.gapTimeout * 1000,
      release: (object) => this.process(object),
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
        onDisconnected: () => this.cache.leave(index, performance.now()),
      });
    });
    this.stage.connect({
      start: () => this.startSources(),
      stop: (drainMs) => this.drain(drainMs),
      configure: (args) => this.configureSources(args),
      resetStats: () => this.resetStats(),
      stats: (parts) =>
        collectorStats(
          collectorId,
          parts,
          this.cache.stats,
          this.sources.map((source) => source.stats),
        ),
      onGetStats: (stats) => onGetStats?.(stats),
      statusType: (userStats, nMetadata) => collectorStatusType([...producers.keys()], userStats, nMetadata),
    });
  }

  private insert(producer: number, id: number, object: Value): void | Promise<void> {
    if (!this.cache.insert(producer, id, object, performance.now())) object.release();
    this.timer ??= this.armTimer();
    return this.working;
  }

  /** One timer, armed anew only when it fires: objects that leave in time cost nothing. */
  private armTimer(): NodeJS.Timeout | undefined {
    const deadline = this.cache.nextDeadline;
    if (deadline === undefined) return undefined;
    return setTimeout(
      () => {
        this.cache.expire(performance.now());
        this.timer = this.armTimer();
      },
      Math.max(1, Math.ceil(deadline - performance.now())),
    );
  }

  /** Called by the cache, in order. */
  private process(object: Value): void {
    if (this.working) this.backlog.push(object);
    else {
      const pending = this.stage.handle(object);
      if (pending) this.working = this.work(object, pending);
      else object.release();
    }
  }

  private async work(object: Value, pending: Promise<void>): Promise<void> {
    await pending;
    object.release();
    for (let next = this.backlog.shift(); next; next = this.backlog.shift()) {
      await this.stage.handle(next);
      next.release();
    }
    this.working = undefined;
  }

  private startSources(): void {
    for (const source of this.sources) source.start();
  }

  private configureSources(args: unknown): void {
    for (const source of this.sources) source.configure(args);
  }

  private resetStats(): void {
    this.cache.resetStats();
    for (const source of this.sources) source.resetStats();
  }

  /** Reception ends; what is cached is processed, gaps or not. */
  private async drain(drainMs: number): Promise<void> {
    await Promise.all(this.sources.map((source) => source.stop(drainMs)));
    clearTimeout(this.timer);
    this.cache.flush(performance.now());
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    await Promise.race([this.working ?? Promise.resolve(), tooLate]);
    clearTimeout(timer);
  }

  /** @throws UserError, PvaError when the server or the processor cannot start */
  start(): Promise<void> {
    return this.stage.start();
  }

  stats(): CollectorStats {
    return this.stage.stats();
  }

  /** Gathers the statistics and publishes them on the status channel. */
  updateStatus(): CollectorStats {
    return this.stage.updateStatus();
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
