/** The figures of a stage that refer to the last seconds: rates, bytes a second, and the age of objects. */
import { type LatencyFigures, latencyFigures } from './latency-histogram.ts';
import { type ObjectLatencies, ObjectLatency } from './object-latency.ts';
import { RateWindow, SAMPLE_MS, WINDOW_SECONDS } from './rate-window.ts';

/** Counters whose growth is looked at, and the name of each one's rate. */
const RATES = {
  received: 'receivedRate',
  receivedBytes: 'receivedBytesPerSecond',
  rejected: 'rejectedRate',
  processed: 'processedRate',
  missed: 'missedRate',
  errors: 'errorRate',
  published: 'publishedRate',
  publishedBytes: 'publishedBytesPerSecond',
} as const;

type Counter = keyof typeof RATES;
const COUNTERS = Object.keys(RATES) as Counter[];

/** All counters of a stage; they go up until they are reset. */
export type StageCounters = Readonly<Record<Counter, number>>;

/** `rateStats` of the status channel: objects, or bytes, a second over the last seconds. */
export type RateStats = Readonly<Record<(typeof RATES)[Counter], number>> & {
  /** Length of the window, in seconds. */
  readonly window: number;
};

/** `latencyStats` of the status channel: the age of objects by their own time stamps, in seconds. */
export interface LatencyStats {
  /** Length of the window, in seconds. */
  readonly window: number;
  /** Objects the figures are made of. */
  readonly nProcessed: number;
  readonly processedP50: number;
  readonly processedP90: number;
  readonly processedP99: number;
  readonly processedMax: number;
  readonly nPublished: number;
  readonly publishedP50: number;
  readonly publishedP90: number;
  readonly publishedP99: number;
  readonly publishedMax: number;
  /** Objects from the future, whose age counts as 0: the clocks do not agree. */
  readonly nAhead: number;
}

/** The figures of distributions, of one stage or of several. */
export function latencyStats(latencies: ObjectLatencies): LatencyStats {
  const processed = latencyFigures(latencies.processed);
  const published = latencyFigures(latencies.published);
  const named = (p: LatencyFigures) => [p.p50, p.p90, p.p99, p.max] as const;
  const [processedP50, processedP90, processedP99, processedMax] = named(processed);
  const [publishedP50, publishedP90, publishedP99, publishedMax] = named(published);
  return {
    window: WINDOW_SECONDS,
    nProcessed: processed.count,
    processedP50,
    processedP90,
    processedP99,
    processedMax,
    nPublished: published.count,
    publishedP50,
    publishedP90,
    publishedP99,
    publishedMax,
    nAhead: processed.nNegative + published.nNegative,
  };
}

export class StageFigures {
  readonly latency = new ObjectLatency();
  private readonly window = new RateWindow(COUNTERS);
  private ticks = 0;

  /** To be called every {@link SAMPLE_MS}. Returns whether a second has passed. */
  tick(counters: StageCounters): boolean {
    this.window.sample(performance.now(), counters);
    const second = ++this.ticks % (1000 / SAMPLE_MS) === 0;
    if (second) this.latency.rotate();
    return second;
  }

  rates(counters: StageCounters): RateStats {
    const rates = this.window.rates(performance.now(), counters);
    const named = Object.fromEntries(COUNTERS.map((name) => [RATES[name], rates[name]]));
    return { window: WINDOW_SECONDS, ...named } as unknown as RateStats;
  }

  reset(): void {
    this.latency.reset();
    this.window.reset();
  }
}
