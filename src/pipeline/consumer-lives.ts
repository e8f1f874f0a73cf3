/**
 * What is known of a consumer that may have been restarted: the figures of its present life, and the sums of those
 * before, as far as they were reported. What a consumer did between its last report and its death nobody knows; for
 * how long that was is said beside the sums.
 */
import type { ConsumerStats } from './consumer-stats.ts';
import { mergeLatencies } from './figures/latency-histogram.ts';
import type { ObjectLatencies } from './figures/object-latency.ts';
import { type LatencyStats, latencyStats } from './figures/stage-figures.ts';
import type { Told } from './process-messages.ts';
import type { StageState } from './stage-status.ts';
import type { StageTotals } from './stage-totals.ts';
import { type CombinableStats, type CombinedStats, combineStats } from './stats-combine.ts';

/** What is not known of lives that ended, or was lost with them. */
interface Unknown {
  /** Objects that were received and not processed when a life ended, as far as known. */
  held: number;
  /** Milliseconds in which consumers lived unreported. */
  ms: number;
}

export class ConsumerLives {
  /** The last report of all, also of a life that is over. */
  last: ConsumerStats | undefined;
  /** The age of objects, as told last by a consumer that is alive. */
  latencies: ObjectLatencies | undefined;
  /** As `last`, whatever was reset. */
  lastTotals: StageTotals | undefined;
  /** Lives that are over. */
  private earlier: CombinableStats | undefined;
  private earlierTotals: CombinableStats | undefined;
  private lastAt = Number.NaN;
  private isOver = true;
  /** A life has begun that has told nothing yet. */
  private isSilent = false;
  /** A process starts, or is to, that has told nothing yet. */
  private isStarting = true;
  /** Since the last reset, and of all times. */
  private unknown: Unknown = { held: 0, ms: 0 };
  private readonly unknownEver: Unknown = { held: 0, ms: 0 };
  private deaths = 0;

  /** Its process starts again. */
  start(): void {
    this.isStarting = true;
  }

  /** Its process has ended, in whatever way. */
  exit(): void {
    this.isStarting = false;
  }

  /** The consumer runs, for the first time or again. */
  begin(): void {
    this.isSilent = true;
    this.lastAt = performance.now();
  }

  report({ stats, totals, latencies }: Told): void {
    // A client has reset the statistics: the lives before are forgotten with them.
    if (this.last && !this.isOver && stats.processorStats.startTime > this.last.processorStats.startTime)
      this.forget();
    this.last = stats;
    this.lastTotals = totals;
    this.isOver = false;
    this.isSilent = false;
    this.isStarting = false;
    this.lastAt = performance.now();
    if (latencies) this.latencies = latencies;
  }

  private forget(): void {
    this.earlier = undefined;
    this.unknown = { held: 0, ms: 0 };
  }

  /** The process has died before it could tell its last figures. */
  died(): void {
    const { last, lastTotals, unknown, unknownEver } = this;
    this.latencies = undefined;
    this.deaths++;
    const ms = this.isSilent || !this.isOver ? performance.now() - this.lastAt : 0;
    for (const each of [unknown, unknownEver]) each.ms += ms;
    this.isSilent = false;
    if (!last || !lastTotals || this.isOver) return;
    this.isOver = true;
    for (const each of [unknown, unknownEver]) each.held += last.processorStats.nInFlight;
    this.earlier = combineStats([...(this.earlier ? [this.earlier] : []), over(last)]);
    const { processorStats } = lastTotals;
    this.earlierTotals = combineStats([
      ...(this.earlierTotals ? [this.earlierTotals] : []),
      { ...lastTotals, processorStats: { ...processorStats, nInFlight: 0 } },
    ]);
  }

  /** Of all lives. */
  get all(): CombinableStats[] {
    const { earlier, last, isOver } = this;
    return [...(earlier ? [earlier] : []), ...(last && !isOver ? [last] : [])];
  }

  /** Of all lives, whatever was reset. */
  get allTotals(): CombinableStats[] {
    const { earlierTotals, lastTotals, isOver } = this;
    return [...(earlierTotals ? [earlierTotals] : []), ...(lastTotals && !isOver ? [lastTotals] : [])];
  }

  /** Times it died before it could tell its last figures. */
  get nDeaths(): number {
    return this.deaths;
  }

  /** Since the last reset. */
  get lost(): Readonly<Unknown> {
    return this.unknown;
  }

  /** Whatever was reset. */
  get lostEver(): Readonly<Unknown> {
    return this.unknownEver;
  }

  /** Of the present life; undefined between two. */
  get state(): StageState | undefined {
    if (this.isStarting) return 'starting';
    return this.isOver ? undefined : this.last?.state;
  }
}

/** The figures of a life that is over: nothing flows any more, nothing waits, and its end was its last report. */
function over(stats: ConsumerStats): CombinableStats {
  const { startTime, runtime } = stats.processorStats;
  return {
    receiverStats: counts(stats.receiverStats),
    publisherStats: counts(stats.publisherStats),
    queueStats: { ...counts(stats.queueStats), nQueued: 0 },
    processorStats: { ...counts(stats.processorStats), nInFlight: 0, endTime: startTime + runtime },
    // Its CPU time was spent, its memory is free.
    resourceStats: { ...counts(stats.resourceStats), residentBytes: 0 },
  };
}

function counts(group: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(group ?? {}).filter(([name]) => !name.endsWith('Rate')));
}

/** Several consumers as one system. */
export interface SystemStats extends CombinedStats {
  readonly nConsumers: number;
  /** Consumers running now. */
  readonly nAlive: number;
  readonly nRestarts: number;
  /** Objects that consumers that died had received and not processed, as far as they had told. */
  readonly nLostInRestarts: number;
  /** Seconds between the last reports of consumers that died and their deaths: what they did then is not known. */
  readonly unreportedTime: number;
  readonly latencyStats: LatencyStats;
  /**
   * `running` if any consumer receives, `paused` if none does and one is, `starting` or `draining` when all that live
   * are, `stopped` when all have ended; otherwise `disconnected`.
   */
  readonly state: StageState;
  readonly stateMessage: string;
}

/** What several consumers did, whatever was reset: the counters in which a loss shows. */
export type SystemTotals = Pick<SystemStats, 'nLostInRestarts' | 'unreportedTime'> & CombinableStats;

/** What one consumer did in all its lives, whatever was reset. */
export interface ConsumerTotals extends CombinedStats {
  readonly consumerId: number;
  /** Times it died before it could tell its last figures. */
  readonly nDeaths: number;
  /** Metadata channels that have sent something to the last one that told. */
  readonly nMetadataConnected: number;
}

export function consumerTotals(consumerId: number, lives: ConsumerLives): ConsumerTotals {
  const { allTotals, nDeaths, lastTotals } = lives;
  const nMetadataConnected = lastTotals?.nMetadataConnected ?? 0;
  return { ...combineStats(allTotals), consumerId, nDeaths, nMetadataConnected };
}

export function systemTotals(lives: readonly ConsumerLives[]): SystemTotals {
  const all = lives.flatMap((each) => each.allTotals);
  return { ...combineStats(all), ...losses(lives.map((each) => each.lostEver)) };
}

function losses(all: readonly Unknown[]): Pick<SystemStats, 'nLostInRestarts' | 'unreportedTime'> {
  return {
    nLostInRestarts: all.reduce((n, { held }) => n + held, 0),
    unreportedTime: all.reduce((n, { ms }) => n + ms, 0) / 1000,
  };
}

function systemState(lives: readonly ConsumerLives[]): StageState {
  const states = lives.map(({ state }) => state);
  if (states.every((state) => state === 'stopped')) return 'stopped';
  if (states.includes('running')) return 'running';
  if (states.includes('paused')) return 'paused';
  // Those that have ended, or died and are not back yet, say nothing about the others.
  const [first, ...others] = new Set(states.filter((state) => state !== 'stopped' && state !== undefined));
  const inUnison = others.length === 0 && (first === 'starting' || first === 'draining');
  return inUnison ? first : 'disconnected';
}

export function systemStats(
  lives: readonly ConsumerLives[],
  { nAlive, nRestarts }: { readonly nAlive: number; readonly nRestarts: number },
): SystemStats {
  const latencies = lives.flatMap((each) => each.latencies ?? []);
  const nRunning = lives.filter(({ state }) => state === 'running').length;
  return {
    nConsumers: lives.length,
    nAlive,
    nRestarts,
    ...losses(lives.map((each) => each.lost)),
    ...combineStats(lives.flatMap((each) => each.all)),
    latencyStats: latencyStats({
      processed: mergeLatencies(latencies.map(({ processed }) => processed)),
      published: mergeLatencies(latencies.map(({ published }) => published)),
    }),
    state: systemState(lives),
    stateMessage: `${nRunning} of ${lives.length} consumers receive`,
  };
}
