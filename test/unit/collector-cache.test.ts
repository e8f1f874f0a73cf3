/** The collector's cache: whatever producers do, output is sorted and every object is accounted for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CollectorCache } from '../../src/pipeline/collector/collector-cache.ts';

interface Setup {
  readonly nProducers?: number;
  readonly cacheSize?: number;
  readonly oidOffset?: number;
  readonly objectsPerId?: number;
}

/** A cache of numbers, and what came out of it. */
function make({ nProducers = 2, cacheSize = 20, oidOffset = 1, objectsPerId = 0 }: Setup = {}) {
  const out: number[] = [];
  const cache = new CollectorCache<number>({
    nProducers,
    cacheSize,
    cacheLimit: cacheSize,
    oidOffset,
    objectsPerId,
    gapTimeout: 5000,
    release: (id) => out.push(id),
    sizeOf: () => 0,
  });
  let now = 0;
  /** `[producer, id]` each, a millisecond apart. */
  const feed = (...objects: [number, number][]): number[] => {
    for (const [producer, id] of objects) cache.insert(producer, id, id, now++);
    return out;
  };
  return { cache, out, feed, at: (time: number) => cache.expire(time), time: () => now };
}

describe('an object leaves as soon as its turn has come', () => {
  it('waits at first until every producer has been heard, then goes at once', () => {
    const { feed, out } = make();
    expect(feed([0, 2])).toEqual([]);
    expect(feed([1, 1])).toEqual([1, 2]);
    expect(feed([1, 3])).toEqual([1, 2, 3]);
    feed([0, 4]);
    expect(out).toEqual([1, 2, 3, 4]);
  });

  it('waits for the one before it', () => {
    const { feed } = make();
    feed([0, 1], [1, 2]);
    expect(feed([0, 3], [0, 5])).toEqual([1, 2, 3]);
    expect(feed([1, 4])).toEqual([1, 2, 3, 4, 5]);
  });

  it('knows that a lost object will not come when every producer has gone beyond it', () => {
    const { feed, cache } = make();
    feed([0, 1], [1, 2], [0, 5]);
    expect(feed([1, 6])).toEqual([1, 2, 5, 6]);
    expect(cache.stats).toMatchObject({ nMissed: 2, nCollected: 4, nRejected: 0, nCached: 0 });
  });

  it('follows ids in steps of the object id offset', () => {
    const { feed, cache } = make({ oidOffset: 4 });
    expect(feed([0, 1], [1, 5], [0, 9], [1, 21], [0, 21])).toEqual([1, 5, 9, 21, 21]);
    expect(cache.stats.nMissed).toBe(2);
  });
});

describe('a gap', () => {
  it('ends when the cache is full', () => {
    const { feed } = make({ cacheSize: 3 });
    feed([0, 1], [1, 2]);
    expect(feed([0, 4], [0, 5])).toEqual([1, 2]);
    expect(feed([0, 6])).toEqual([1, 2, 4, 5, 6]);
  });

  it('ends with the gap timeout, after which the silent producer is not waited for until it sends again', () => {
    const { feed, cache, out, at } = make();
    feed([0, 1], [1, 2], [0, 4]);
    expect(cache.nextDeadline).toBe(5002);
    at(5001);
    expect(out).toEqual([1, 2]);
    at(5002);
    expect(out).toEqual([1, 2, 4]);
    expect(cache.nextDeadline).toBeUndefined();
    expect(feed([0, 6])).toEqual([1, 2, 4, 6]);
    feed([1, 8]);
    expect(feed([0, 9])).toEqual([1, 2, 4, 6, 8, 9]);
  });

  it('keeps no object longer than the gap timeout, even if what is before it came later', () => {
    const { cache, out, feed, at, time } = make({ nProducers: 4 });
    feed([0, 1], [1, 2], [2, 3], [3, 4]);
    const arrival = time();
    feed([0, 9]);
    // Each before the one that came before, with a gap before it: the last producer might still fill it.
    cache.insert(1, 8, 8, arrival + 4000);
    cache.insert(2, 6, 6, arrival + 4999);
    expect(out).toEqual([1, 2, 3, 4]);
    expect(cache.nextDeadline).toBe(arrival + 5000);
    at(arrival + 4999.9);
    expect(out).toEqual([1, 2, 3, 4]);
    at(arrival + 5000);
    expect(out).toEqual([1, 2, 3, 4, 6, 8, 9]);
    expect(cache.stats).toMatchObject({ nMissed: 2, maxAddedLatency: 5, nCached: 0 });
  });

  it('ends when the cache is made smaller, or the timeout shorter, while it is waited for', () => {
    const { cache, out, feed, time } = make({ cacheSize: 10 });
    feed([0, 1], [1, 2], [0, 4], [0, 5], [0, 6]);
    expect(out).toEqual([1, 2]);
    cache.configure({ cacheSize: 3, cacheLimit: 3 }, time());
    expect(out).toEqual([1, 2, 4, 5, 6]);
    feed([0, 8]);
    cache.configure({ gapTimeout: 100 }, time());
    expect(cache.nextDeadline).toBe(time() - 1 + 100);
    cache.configure({ gapTimeout: 1 }, time());
    expect(out).toEqual([1, 2, 4, 5, 6, 8]);
  });

  it('ends when the producer that is waited for goes away', () => {
    const { feed, cache, out } = make();
    feed([0, 1], [1, 2], [0, 4]);
    cache.leave(1, 10);
    expect(out).toEqual([1, 2, 4]);
  });
});

describe('late, equal and restarted ids', () => {
  it('drops and counts what comes after a later object', () => {
    const { feed, cache } = make({ cacheSize: 2 });
    feed([0, 1], [1, 2], [0, 4], [0, 5]);
    expect(feed([1, 3], [1, 6])).toEqual([1, 2, 4, 5, 6]);
    expect(cache.stats).toMatchObject({ nRejected: 1, nMissed: 1 });
  });

  it('keeps tiles with the same id together and learns how many there are', () => {
    const { feed, cache } = make();
    const tiles = (id: number): [number, number][] => [
      [0, id],
      [0, id],
      [1, id],
      [1, id],
    ];
    feed(...tiles(1));
    // The second producer is behind: nothing of 3 may pass its tiles of 2.
    expect(feed([0, 2], [0, 2], [0, 3], [0, 3])).toEqual([1, 1, 1, 1]);
    expect(feed([1, 2], [1, 2], [1, 3], [1, 3])).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    expect(cache.stats).toMatchObject({ nRejected: 0, nMissed: 0, nIncomplete: 0 });
  });

  it('counts ids with tiles missing', () => {
    const { feed, cache } = make({ objectsPerId: 2 });
    expect(feed([0, 1], [1, 1], [0, 2], [0, 3], [1, 3])).toEqual([1, 1, 2, 3, 3]);
    expect(cache.stats).toMatchObject({ nIncomplete: 1, nMissed: 0, nRejected: 0 });
  });

  it('that comes twice once is waited for only for a while, and makes no other id incomplete', () => {
    const { feed, cache, out } = make();
    // Two producers in turn, of which the first sends one object twice.
    const inTurn = (first: number, last: number): [number, number][] =>
      Array.from({ length: last - first + 1 }, (_, i) => [(first + i + 1) % 2, first + i]);
    feed(...inTurn(1, 5), [0, 5], ...inTurn(6, 20));
    // Another may come of each until both producers are beyond it.
    expect(out.at(-1)).toBe(18);
    feed(...inTurn(21, 68));
    expect(out.at(-1)).toBe(66);
    // 64 ids later nothing is waited for any more.
    feed(...inTurn(69, 72));
    expect(out.at(-1)).toBe(72);
    expect(cache.stats).toMatchObject({
      nCollected: 73,
      nIncomplete: 0,
      nMissed: 0,
      nRejected: 0,
      nCached: 0,
    });
  });

  it('counts tiles missing from the second image on, as soon as two in a row have told how many there are', () => {
    const { feed, cache, time } = make();
    feed([0, 1], [1, 1], [1, 1], [0, 2], [1, 2], [0, 3], [1, 3], [1, 3]);
    expect(cache.stats.nIncomplete).toBe(0);
    feed([0, 4], [1, 4], [1, 4]);
    expect(cache.stats).toMatchObject({ nIncomplete: 1, nRejected: 0 });
    // What two in a row had is expected for good.
    for (let id = 5; id < 100; id++) feed([0, id], [1, id]);
    feed([0, 100]);
    cache.flush(time());
    expect(cache.stats).toMatchObject({ nIncomplete: 96, nRejected: 0 });
  });

  it('begins a new numbering when producers go back, without losing the end of the old one', () => {
    const { feed, cache } = make();
    feed([0, 101], [1, 102], [0, 103]);
    expect(feed([0, 1], [1, 104], [1, 2])).toEqual([101, 102, 103, 104, 1, 2]);
    expect(cache.stats).toMatchObject({ nRestarts: 1, nRejected: 0, nMissed: 0 });
  });
});

describe('statistics', () => {
  it('reset without touching what is cached', () => {
    const { feed, cache, time } = make();
    feed([0, 1], [1, 2], [0, 4]);
    cache.resetStats();
    expect(cache.stats).toMatchObject({ nCollected: 0, nCached: 1, maxCached: 1 });
    cache.flush(time());
    expect(cache.stats).toMatchObject({ nCollected: 1, nMissed: 1, nCached: 0 });
  });

  it('tell how long objects waited, in seconds', () => {
    const { cache, feed, at } = make();
    feed([0, 1]);
    at(5000);
    expect(cache.stats).toMatchObject({ meanAddedLatency: 5, maxAddedLatency: 5 });
  });
});

describe('whatever arrives when', () => {
  it('no object is in the cache for longer than the gap timeout', () => {
    const arrivals = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 60 }), fc.nat(3000)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(arrivals, (steps) => {
        const entered = new Map<object, number>();
        let now = 0;
        const cache = new CollectorCache<object>({
          nProducers: 3,
          cacheSize: 30,
          cacheLimit: 30,
          oidOffset: 1,
          objectsPerId: 0,
          gapTimeout: 5000,
          release: (object) => {
            expect(now - (entered.get(object) ?? 0)).toBeLessThanOrEqual(5000);
            entered.delete(object);
          },
          refuse: (object) => entered.delete(object),
          sizeOf: () => 0,
        });
        const pass = (ms: number): void => {
          const end = now + ms;
          for (let next = cache.nextDeadline; next !== undefined && next <= end; next = cache.nextDeadline) {
            now = next;
            cache.expire(now);
          }
          now = end;
        };
        for (const [producer, id, ms] of steps) {
          pass(ms);
          const object = {};
          entered.set(object, now);
          if (!cache.insert(producer, id, object, now)) entered.delete(object);
        }
        pass(5000);
        expect(entered.size).toBe(0);
      }),
    );
  });
});

/** Per producer the ids it sends, ascending, some lost; and in which order the producers come to word. */
const streams = fc
  .record({
    nProducers: fc.integer({ min: 1, max: 5 }),
    nIds: fc.integer({ min: 0, max: 60 }),
    perId: fc.integer({ min: 1, max: 4 }),
    oidOffset: fc.integer({ min: 1, max: 3 }),
    cacheSize: fc.integer({ min: 1, max: 30 }),
    known: fc.boolean(),
    seed: fc.array(fc.nat(), { minLength: 1, maxLength: 200 }),
    lossPercent: fc.integer({ min: 0, max: 40 }),
  })
  .map((s) => {
    let turn = 0;
    const dice = (n: number): number => ((s.seed[turn++ % s.seed.length] as number) + turn * 7919) % n;
    const queues: number[][] = Array.from({ length: s.nProducers }, () => []);
    for (let i = 0; i < s.nIds; i++)
      for (let k = 0; k < s.perId; k++)
        if (dice(100) >= s.lossPercent) (queues[dice(s.nProducers)] as number[]).push(1 + i * s.oidOffset);
    const order: [number, number][] = [];
    while (queues.some((q) => q.length > 0)) {
      const p = dice(s.nProducers);
      const id = queues[p]?.shift();
      if (id !== undefined) order.push([p, id]);
    }
    return { ...s, order };
  });

describe('any interleaving, loss and duplication', () => {
  it('comes out sorted, and inserted = collected + rejected, missed = ids that never came out', () => {
    fc.assert(
      fc.property(streams, ({ nProducers, cacheSize, oidOffset, perId, known, order }) => {
        const { cache, out, feed, time } = make({
          nProducers,
          cacheSize,
          oidOffset,
          objectsPerId: known ? perId : 0,
        });
        for (const object of order) {
          feed(object);
          expect(cache.stats.nCached).toBeLessThanOrEqual(cacheSize);
        }
        cache.flush(time());
        const { nCollected, nRejected, nMissed, nCached, nRestarts } = cache.stats;
        expect(nCached).toBe(0);
        expect(nCollected).toBe(out.length);
        expect(nCollected + nRejected).toBe(order.length);
        expect(nRestarts).toBe(0);
        expect(out).toEqual([...out].sort((a, b) => a - b));
        if (out.length > 0) {
          const span = ((out.at(-1) as number) - (out[0] as number)) / oidOffset + 1;
          expect(nMissed).toBe(span - new Set(out).size);
        }
      }),
    );
  });

  it('loses nothing when the cache is large enough for the delay of producers', () => {
    fc.assert(
      fc.property(streams, ({ nProducers, oidOffset, perId, order }) => {
        const { cache, out, feed, time } = make({
          nProducers,
          cacheSize: 1000,
          oidOffset,
          objectsPerId: perId,
        });
        feed(...order);
        cache.flush(time());
        expect(cache.stats.nRejected).toBe(0);
        expect(out).toHaveLength(order.length);
      }),
    );
  });
});
