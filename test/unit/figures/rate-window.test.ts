/** Rates of the last seconds, from counters that are looked at twice a second. */
import { describe, expect, it } from 'vitest';
import { RateWindow, SAMPLE_MS, WINDOW_SECONDS } from '../../../src/pipeline/figures/rate-window.ts';

/** A counter that grows by `rates[i]` a second during the i-th second. */
function run(rates: readonly number[]) {
  const window = new RateWindow(['n']);
  let n = 0;
  let now = 1000;
  window.sample(now, { n });
  for (const rate of rates)
    for (let i = 0; i < 1000 / SAMPLE_MS; i++) {
      n += (rate * SAMPLE_MS) / 1000;
      now += SAMPLE_MS;
      window.sample(now, { n });
    }
  return { window, now, n };
}

describe('a rate', () => {
  it('is that of the window, not that since the start', () => {
    const { window, now, n } = run([...Array(20).fill(100), ...Array(WINDOW_SECONDS).fill(10)]);
    expect(window.rates(now, { n })).toEqual({ n: 10 });
  });

  it('falls to 0 within the window when nothing comes any more', () => {
    const { window, now, n } = run([...Array(10).fill(50), ...Array(WINDOW_SECONDS).fill(0)]);
    expect(window.rates(now, { n })).toEqual({ n: 0 });
  });

  it('is known from the first moment on, and follows between two samples', () => {
    const { window, now, n } = run([40]);
    expect(window.rates(now, { n })).toEqual({ n: 40 });
    expect(window.rates(now + 250, { n: n + 60 })).toEqual({ n: 80 });
  });

  it('is 0 while nothing is known', () => {
    const window = new RateWindow(['a', 'b']);
    expect(window.rates(0, { a: 5, b: 6 })).toEqual({ a: 0, b: 0 });
    window.sample(0, { a: 5, b: 6 });
    expect(window.rates(1, { a: 500, b: 6 })).toEqual({ a: 0, b: 0 });
  });

  it('begins anew when counters were reset', () => {
    const { window, now } = run([1000, 1000]);
    window.sample(now + SAMPLE_MS, { n: 3 });
    expect(window.rates(now + SAMPLE_MS + 1000, { n: 10 })).toEqual({ n: 7 });
  });
});
