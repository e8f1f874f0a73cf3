/** How fast the sources of a stage send lately: a collector's producers, or metadata channels. */
import { RateWindow, WINDOW_SECONDS } from './rate-window.ts';

/** Counters whose growth is looked at. */
interface SourceCounters {
  readonly receiverStats: {
    readonly nReceived: number;
    readonly nRejected: number;
    readonly nOverruns: number;
  };
}

/** `rateStats` of a source: updates a second over the last seconds. */
export interface SourceRateStats {
  /** Length of the window, in seconds. */
  readonly window: number;
  readonly receivedRate: number;
  readonly rejectedRate: number;
  readonly overrunRate: number;
}

export class SourceRates {
  private readonly windows: readonly RateWindow<keyof SourceCounters['receiverStats']>[];

  /** @param n sources; all calls give them in the same order */
  constructor(n: number) {
    this.windows = Array.from({ length: n }, () => new RateWindow(['nReceived', 'nRejected', 'nOverruns']));
  }

  /** To be called every SAMPLE_MS. */
  sample(sources: readonly SourceCounters[]): void {
    const now = performance.now();
    for (const [i, { receiverStats }] of sources.entries()) this.windows[i]?.sample(now, receiverStats);
  }

  /** The sources with their rates. */
  of<S extends SourceCounters>(sources: readonly S[]): (S & { readonly rateStats: SourceRateStats })[] {
    const now = performance.now();
    return sources.map((source, i) => {
      const rates = this.windows[i]?.rates(now, source.receiverStats);
      const { nReceived = 0, nRejected = 0, nOverruns = 0 } = rates ?? {};
      const rateStats = {
        window: WINDOW_SECONDS,
        receivedRate: nReceived,
        rejectedRate: nRejected,
        overrunRate: nOverruns,
      };
      return { ...source, rateStats };
    });
  }

  reset(): void {
    for (const window of this.windows) window.reset();
  }
}
