/** Percentiles of the last seconds: as exact as promised, bounded in memory, and the same when processes are added up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUCKETS,
  LatencyHistogram,
  latencyFigures,
  mergeLatencies,
} from '../../../src/pipeline/figures/latency-histogram.ts';

function figuresOf(samples: readonly number[]) {
  const histogram = new LatencyHistogram(5);
  for (const ms of samples) histogram.add(ms);
  return latencyFigures(histogram.snapshot());
}

/** By nearest rank, in seconds. */
function exact(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return (sorted[Math.max(1, Math.ceil(sorted.length * p)) - 1] as number) / 1000;
}

describe('percentiles', () => {
  it('are within a sixteenth of the true ones, or a microsecond, and never beyond the longest', () => {
    const ms = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 2_000_000, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), (samples) => {
        const figures = figuresOf(samples);
        expect(figures.count).toBe(samples.length);
        expect(figures.max).toBe(Math.max(...samples) / 1000);
        for (const [name, p] of [
          ['p50', 0.5],
          ['p90', 0.9],
          ['p99', 0.99],
        ] as const) {
          const wanted = exact(samples, p);
          expect(Math.abs(figures[name] - wanted)).toBeLessThanOrEqual(wanted / 16 + 1e-6);
          expect(figures[name]).toBeLessThanOrEqual(figures.max);
        }
      }),
    );
  });

  it('are 0 without a sample', () => {
    expect(figuresOf([])).toEqual({ count: 0, p50: 0, p90: 0, p99: 0, max: 0, nNegative: 0 });
  });

  it('take what is longer than half an hour as that long, and show the longest', () => {
    const { p50, max } = figuresOf([1e10]);
    expect(p50).toBeGreaterThan(2000);
    expect(max).toBe(1e7);
  });

  it('count what is from the future as 0, and say so', () => {
    expect(figuresOf([-5, -1, 2])).toMatchObject({ count: 3, nNegative: 2, p50: 5e-7, max: 0.002 });
  });
});

describe('the window', () => {
  it('forgets a sample after as many slices as it has, and not before', () => {
    const histogram = new LatencyHistogram(3);
    histogram.add(7);
    for (let i = 0; i < 2; i++) histogram.rotate();
    expect(latencyFigures(histogram.snapshot())).toMatchObject({ count: 1, max: 0.007 });
    histogram.rotate();
    expect(latencyFigures(histogram.snapshot())).toMatchObject({ count: 0, max: 0 });
  });

  it('has as many buckets as it always has, whatever comes', () => {
    const histogram = new LatencyHistogram(2);
    for (const ms of [0, 1e-9, 0.016, 1e3, 1e9, Number.MAX_VALUE]) histogram.add(ms);
    const { counts } = histogram.snapshot();
    expect(counts).toHaveLength(BUCKETS);
    expect(counts.reduce((n, m) => n + m, 0)).toBe(6);
  });
});

it('several processes together have the percentiles of all samples', () => {
  const parts = [[1, 2, 3], [10, 20, 900, -1], []];
  const merged = mergeLatencies(
    parts.map((part) => {
      const histogram = new LatencyHistogram(5);
      for (const ms of part) histogram.add(ms);
      return histogram.snapshot();
    }),
  );
  expect(latencyFigures(merged)).toEqual(figuresOf(parts.flat()));
});
