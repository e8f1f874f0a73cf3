/** The search for the highest lossless rate, on producers and consumers whose limits are known. */
import { describe, expect, it } from 'vitest';
import { highestLossless } from '../../bench/highest-lossless.ts';

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

  it('refuses a ladder that does not ascend', async () => {
    await expect(highestLossless(pair({ consumer: 1 }), [200, 100])).rejects.toThrow(/must ascend/);
  });
});
