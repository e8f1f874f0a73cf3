/** The age of objects when they were processed and published, by their own time stamps. */
import { NTNDArray, nowTimeStamp, struct, Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { latencyFigures } from '../../../src/pipeline/figures/latency-histogram.ts';
import { ObjectLatency } from '../../../src/pipeline/figures/object-latency.ts';
import { WallClock } from '../../../src/pipeline/figures/wall-clock.ts';

/** An image that was taken so many seconds ago. */
function image(age: number): Value {
  const { secondsPastEpoch, nanoseconds } = nowTimeStamp();
  const timeStamp = { secondsPastEpoch: secondsPastEpoch - BigInt(age), nanoseconds };
  return NTNDArray.create({ uniqueId: 1, timeStamp }).value;
}

const figures = (latency: ObjectLatency) => {
  const { processed, published } = latency.snapshot();
  return { processed: latencyFigures(processed), published: latencyFigures(published) };
};

describe('an object', () => {
  it('has its age when it was processed, and when it was published on the way', () => {
    const latency = new ObjectLatency();
    const object = image(10);
    const stamp = latency.begin(object);
    latency.publishedObject(object);
    latency.done(stamp, latency.end());
    const { processed, published } = figures(latency);
    expect(processed).toMatchObject({ count: 1, nNegative: 0 });
    expect(processed.max).toBeGreaterThanOrEqual(9.99);
    expect(processed.max).toBeLessThan(20);
    expect(published).toEqual(processed);
  });

  it('that is made of others has its own age, however many there are', () => {
    const latency = new ObjectLatency();
    const stamp = latency.begin(image(10));
    for (const age of [10, 10, 100, 10]) latency.publishedObject(image(age));
    latency.done(stamp, latency.end());
    const { published } = figures(latency);
    expect(published).toMatchObject({ count: 4 });
    expect(published.max).toBeGreaterThan(99);
    expect(published.p50).toBeLessThan(20);
  });

  it('published while nothing is processed counts at once', () => {
    const latency = new ObjectLatency();
    latency.publishedObject(image(3));
    expect(figures(latency).published.count).toBe(1);
  });

  it('without a time stamp, or with an empty one, is in no figure', () => {
    const latency = new ObjectLatency();
    for (const object of [
      Value.create(struct('', { value: 'int' })),
      Value.create(struct('', { timeStamp: 'double' })),
      NTNDArray.create({ timeStamp: { secondsPastEpoch: 0n, nanoseconds: 0 } }).value,
    ]) {
      const stamp = latency.begin(object);
      latency.publishedObject(object);
      latency.done(stamp, latency.end());
    }
    expect(figures(latency)).toMatchObject({ processed: { count: 0 }, published: { count: 0 } });
  });

  it('from the future counts as new, and shows that clocks do not agree', () => {
    const latency = new ObjectLatency();
    latency.done(latency.begin(image(-60)), latency.end());
    expect(figures(latency).processed).toMatchObject({ count: 1, nNegative: 1, max: 0 });
  });
});

describe('the clock', () => {
  it('is finer than a millisecond and stays within one of the wall clock, whatever is done to it', () => {
    let monotonic = 0;
    let wall = 1_000_000;
    const clock = new WallClock(
      () => monotonic,
      () => Math.floor(wall),
      1_000_000,
    );
    for (const [passed, shown] of [
      [0.25, 0.25],
      [1000, 1000],
      [1000, 1004],
      [1000, 990],
      [10, -3_600_000],
      [10, 7_200_000],
    ] as const) {
      monotonic += passed;
      wall += shown;
      clock.adjust();
      expect(clock.now() - Math.floor(wall)).toBeGreaterThanOrEqual(0);
      expect(clock.now() - Math.floor(wall)).toBeLessThan(1);
    }
    const before = clock.now();
    monotonic += 0.125;
    expect(clock.now() - before).toBeCloseTo(0.125, 6);
  });
});
