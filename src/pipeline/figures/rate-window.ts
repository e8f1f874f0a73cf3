/**
 * RateWindow: how fast counters grew lately. Counters are sampled a few times a second, so that counting an object
 * costs nothing more than the counter it has anyway; memory is fixed.
 */

/** Rates refer to about this much time, in seconds. */
export const WINDOW_SECONDS = 5;
/** Time between two samples, in ms. */
export const SAMPLE_MS = 500;

const SAMPLES = (WINDOW_SECONDS * 1000) / SAMPLE_MS + 1;
/** In less time than this, in ms, a rate says nothing. */
const LEAST_MS = 100;

export class RateWindow<K extends string> {
  private readonly names: readonly K[];
  /** Rows of time (ms of any steady clock) and counters. */
  private readonly samples: Float64Array;
  private readonly width: number;
  private next = 0;
  private filled = 0;

  constructor(names: readonly K[]) {
    this.names = names;
    this.width = names.length + 1;
    this.samples = new Float64Array(SAMPLES * this.width);
  }

  /** Notes the counters; to be called every {@link SAMPLE_MS}. A counter that shrank was reset: the window begins anew. */
  sample(now: number, counters: Readonly<Record<K, number>>): void {
    const { names, samples, width } = this;
    if (this.filled > 0) {
      const last = ((this.next + SAMPLES - 1) % SAMPLES) * width;
      if (names.some((name, i) => counters[name] < (samples[last + 1 + i] as number))) this.reset();
    }
    const at = this.next * width;
    samples[at] = now;
    for (let i = 0; i < names.length; i++) samples[at + 1 + i] = counters[names[i] as K];
    this.next = (this.next + 1) % SAMPLES;
    this.filled = Math.min(this.filled + 1, SAMPLES);
  }

  /** Growth a second since the oldest sample, by counter; 0 while nothing is known. */
  rates(now: number, counters: Readonly<Record<K, number>>): Record<K, number> {
    const { names, samples, width } = this;
    const oldest = ((this.next + SAMPLES - this.filled) % SAMPLES) * width;
    const ms = this.filled > 0 ? now - (samples[oldest] as number) : 0;
    const rate = (name: K, i: number): number =>
      ms < LEAST_MS ? 0 : (Math.max(0, counters[name] - (samples[oldest + 1 + i] as number)) * 1000) / ms;
    return Object.fromEntries(names.map((name, i) => [name, rate(name, i)])) as Record<K, number>;
  }

  reset(): void {
    this.filled = 0;
    this.next = 0;
  }
}
