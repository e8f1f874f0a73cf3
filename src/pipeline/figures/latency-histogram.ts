/**
 * LatencyHistogram: how long something took, over the last seconds: fixed memory, no allocation for a sample.
 *
 * Buckets grow with the value: 16 for each power of two of microseconds, so that a percentile is known to 1/16 of
 * itself. The window is made of slices; the oldest is forgotten when a new one begins.
 */

/** Sub-buckets of a power of two, as bits. */
const BITS = 4;
const SUB = 1 << BITS;
/** 2^31 microseconds are 36 minutes; what takes longer counts as that. */
const OCTAVES = 31 - BITS + 1;
/** Number of buckets of a histogram. */
export const BUCKETS: number = SUB + (OCTAVES - 1) * SUB;
const MAX_MICROS = 2 ** 31 - 1;

/** What is known of a distribution: plain data, to be added to that of other processes. */
export interface LatencyCounts {
  /** Samples by bucket. */
  readonly counts: Uint32Array;
  /** The longest, in seconds. */
  readonly max: number;
  /** Samples below 0, counted as 0: the clocks do not agree. */
  readonly nNegative: number;
}

/** Seconds; all 0 without a sample. */
export interface LatencyFigures {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Samples below 0, counted as 0: the clocks do not agree. */
  readonly nNegative: number;
}

function bucketOf(micros: number): number {
  if (micros < SUB) return micros;
  const shift = 31 - Math.clz32(micros) - BITS;
  return (shift << BITS) + (micros >>> shift);
}

/** The middle of a bucket, in microseconds. */
function middleOf(bucket: number): number {
  if (bucket < 2 * SUB) return bucket + 0.5;
  const shift = (bucket >> BITS) - 1;
  const low = ((bucket & (SUB - 1)) + SUB) * 2 ** shift;
  return low + 2 ** (shift - 1);
}

export class LatencyHistogram {
  private readonly slices: number;
  private readonly counts: Uint32Array;
  private readonly maxima: Float64Array;
  private readonly negatives: Uint32Array;
  private current = 0;
  /** Offset of the current slice in `counts`. */
  private base = 0;

  /** @param slices of the window */
  constructor(slices: number) {
    this.slices = slices;
    this.counts = new Uint32Array(slices * BUCKETS);
    this.maxima = new Float64Array(slices);
    this.negatives = new Uint32Array(slices);
  }

  /** One sample, in milliseconds. */
  add(ms: number): void {
    let micros = (ms * 1000) | 0;
    if (ms >= MAX_MICROS / 1000) micros = MAX_MICROS;
    else if (ms < 0) {
      micros = 0;
      (this.negatives[this.current] as number)++;
    }
    (this.counts[this.base + bucketOf(micros)] as number)++;
    if (ms > (this.maxima[this.current] as number)) this.maxima[this.current] = ms;
  }

  /** Begins a new slice in place of the oldest. */
  rotate(): void {
    this.current = (this.current + 1) % this.slices;
    this.base = this.current * BUCKETS;
    this.counts.fill(0, this.base, this.base + BUCKETS);
    this.maxima[this.current] = 0;
    this.negatives[this.current] = 0;
  }

  reset(): void {
    this.counts.fill(0);
    this.maxima.fill(0);
    this.negatives.fill(0);
  }

  /** All slices together. */
  snapshot(): LatencyCounts {
    const counts = new Uint32Array(BUCKETS);
    for (let i = 0; i < this.counts.length; i++) (counts[i % BUCKETS] as number) += this.counts[i] as number;
    const nNegative = this.negatives.reduce((n, m) => n + m, 0);
    return { counts, max: Math.max(...this.maxima) / 1000, nNegative };
  }
}

/** The distributions of several consumers as one. */
export function mergeLatencies(all: readonly LatencyCounts[]): LatencyCounts {
  const counts = new Uint32Array(BUCKETS);
  for (const each of all) for (let i = 0; i < BUCKETS; i++) (counts[i] as number) += each.counts[i] ?? 0;
  return {
    counts,
    max: Math.max(0, ...all.map(({ max }) => max)),
    nNegative: all.reduce((n, each) => n + each.nNegative, 0),
  };
}

/** Percentiles by nearest rank; none exceeds the longest. */
export function latencyFigures({ counts, max, nNegative }: LatencyCounts): LatencyFigures {
  let count = 0;
  for (const n of counts) count += n;
  const percentile = (p: number): number => {
    if (count === 0) return 0;
    let left = Math.max(1, Math.ceil(count * p));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= counts[bucket] as number;
      if (left <= 0) return Math.min(middleOf(bucket) / 1e6, max);
    }
    return max;
  };
  return { count, p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99), max, nNegative };
}
