/** CacheCounts: what became of the objects of a collector's cache, and how long they were in it. */
import { Counts } from '../../counts.ts';
import { type LatencyCounts, LatencyHistogram } from '../figures/latency-histogram.ts';
import { WINDOW_SECONDS } from '../figures/rate-window.ts';

/** Counters since the start or the last reset. `inserted = nCollected + nRejected + nCached` at any time. */
export interface CollectorCacheStats {
  /** Released, in order. */
  readonly nCollected: number;
  /** Came after a later object had been released: dropped. */
  readonly nRejected: number;
  /** Ids that never came, by the step of ids. */
  readonly nMissed: number;
  /** In the cache now. */
  readonly nCached: number;
  /** Most objects that were in the cache at once. */
  readonly maxCached: number;
  /** Ids, other than the last one, released with fewer objects than the others have. */
  readonly nIncomplete: number;
  /** Numberings begun again. */
  readonly nRestarts: number;
  /** Time objects spent in the cache, in s: mean over all released ones, and the longest. */
  readonly meanAddedLatency: number;
  readonly maxAddedLatency: number;
}

/** Since the start, whatever was reset; and what is in the cache now. */
export type CollectorCacheTotals = Pick<
  CollectorCacheStats,
  'nCollected' | 'nRejected' | 'nMissed' | 'nIncomplete' | 'nRestarts' | 'nCached'
>;

export class CacheCounts {
  /** In the cache now; a reset leaves it. */
  nCached = 0;
  private readonly counts = new Counts('nCollected', 'nRejected', 'nMissed', 'nIncomplete', 'nRestarts');
  private maxCached = 0;
  private latencySum = 0;
  private latencyMax = 0;
  private readonly latency = new LatencyHistogram(WINDOW_SECONDS);

  /** See Counts. */
  count(name: 'nRejected' | 'nMissed' | 'nIncomplete' | 'nRestarts', by = 1): void {
    this.counts.count(name, by);
  }

  inserted(): void {
    this.nCached++;
    if (this.nCached > this.maxCached) this.maxCached = this.nCached;
  }

  /** One that was in the cache was too late. */
  refused(): void {
    this.nCached--;
    this.counts.count('nRejected');
  }

  /** @param arrivals of objects that leave together; both in ms */
  released(arrivals: readonly number[], now: number): void {
    this.nCached -= arrivals.length;
    this.counts.count('nCollected', arrivals.length);
    for (const arrival of arrivals) {
      const latency = now - arrival;
      this.latency.add(latency);
      this.latencySum += latency;
      if (latency > this.latencyMax) this.latencyMax = latency;
    }
  }

  get stats(): CollectorCacheStats {
    const { nCached, maxCached } = this;
    const { nCollected } = this.counts.current;
    return {
      ...this.counts.current,
      nCached,
      maxCached,
      meanAddedLatency: nCollected > 0 ? this.latencySum / nCollected / 1000 : 0,
      maxAddedLatency: this.latencyMax / 1000,
    };
  }

  get totals(): CollectorCacheTotals {
    return { ...this.counts.totals, nCached: this.nCached };
  }

  /** What is in the cache stays there and is counted when it is released. */
  reset(): void {
    this.counts.reset();
    this.maxCached = this.nCached;
    this.latencySum = 0;
    this.latencyMax = 0;
    this.latency.reset();
  }

  /** A second has passed: see LatencyHistogram. */
  rotate(): void {
    this.latency.rotate();
  }

  /** How long objects were in the cache that left it in the last seconds. */
  get addedLatency(): LatencyCounts {
    return this.latency.snapshot();
  }
}
