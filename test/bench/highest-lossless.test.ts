/** The search for the highest lossless rate, on producers and consumers whose limits are known. */
import { describe, expect, it } from 'vitest';
import { climbLossless, highestLossless } from '../../bench/highest-lossless.ts';

/** A pair in which the consumer loses frames above one rate and the producer cannot go beyond another. */
function pair(limits: { consumer: number; producer?: number }) {
  return async (rate: number) => {
    const achievedFps = Math.min(rate, limits.producer ?? Number.POSITIVE_INFINITY);
    return { lossless: achievedFps <= limits.consumer, achievedFps };
  };
}

const LADDER = [100, 200, 500, 1_000, 2_000, 5_000, 10_000];

describe('highestLossless', () => {
  it.each([
    [100, 100],
    [999, 500],
    [1_000, 1_000],
    [20_000, 10_000],
  ])('a consumer that can take %i a second is measured at %i', async (consumer, expected) => {
    const { best } = await highestLossless(pair({ consumer }), LADDER);
    expect(best?.achievedFps).toBe(expected);
  });

  it('tries about log2(n) rates and repeats only those that lose', async () => {
    const { runs } = await highestLossless(pair({ consumer: 700 }), LADDER, { attempts: 2 });
    expect(runs.map(({ rate }) => rate)).toEqual([1_000, 1_000, 200, 500]);
  });

  it('finds nothing when every rate loses', async () => {
    const { best, runs } = await highestLossless(pair({ consumer: 0 }), LADDER, { attempts: 1 });
    expect(best).toBeUndefined();
    expect(runs.at(-1)?.rate).toBe(100);
  });

  it('reports the limit of a producer that cannot keep up', async () => {
    const { best } = await highestLossless(pair({ consumer: 1e6, producer: 3_000 }), LADDER);
    expect(best?.achievedFps).toBe(3_000);
  });

  it('gives a rate that lost a frame by accident another attempt', async () => {
    let accidents = 1;
    const { best } = await highestLossless(
      async (rate) => ({ lossless: rate <= 500 && !(rate === 500 && accidents-- > 0), achievedFps: rate }),
      LADDER,
    );
    expect(best?.achievedFps).toBe(500);
  });

  it('gives a rate that the producer missed by accident another attempt', async () => {
    let accidents = 1;
    const { best } = await highestLossless(
      async (rate) => ({
        lossless: rate <= 500,
        achievedFps: rate === 500 && accidents-- > 0 ? 0.9 * rate : rate,
      }),
      LADDER,
    );
    expect(best?.achievedFps).toBe(500);
  });

  it('refuses a ladder that does not ascend', async () => {
    await expect(highestLossless(pair({ consumer: 1 }), [200, 100])).rejects.toThrow(/must ascend/);
  });
});

describe('climbLossless', () => {
  it.each([
    ['from below', 700, 1, [200, 500, 1_000, 1_000], 500],
    ['from above', 700, 4, [2_000, 2_000, 1_000, 1_000, 500], 500],
    ['from the limit itself', 1_000, 3, [1_000, 2_000, 2_000], 1_000],
    ['to the top', 20_000, 5, [5_000, 10_000], 10_000],
    ['from outside', 700, 99, [10_000, 10_000, 5_000, 5_000, 2_000, 2_000, 1_000, 1_000, 500], 500],
  ])('finds the limit %s', async (_where, consumer, from, tried, best) => {
    const found = await climbLossless(pair({ consumer }), LADDER, from);
    expect(found.runs.map(({ rate }) => rate)).toEqual(tried);
    expect(found.best?.achievedFps).toBe(best);
  });

  it("stops at a producer's own limit", async () => {
    const found = await climbLossless(pair({ consumer: 1e6, producer: 3_000 }), LADDER, 5);
    expect(found.runs.map(({ rate }) => rate)).toEqual([5_000, 5_000]);
    expect(found.best?.achievedFps).toBe(3_000);
  });

  it('finds nothing when every rate loses', async () => {
    const found = await climbLossless(pair({ consumer: 0 }), LADDER, 1, { attempts: 1 });
    expect(found.runs.map(({ rate }) => rate)).toEqual([200, 100]);
    expect(found.best).toBeUndefined();
  });
});
