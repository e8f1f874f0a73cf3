/**
 * The collector's cache behind producers whose own ids are out of order: what came late once is sorted from then on, and
 * nothing of it is taken for a numbering that begins again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CollectorCache } from '../../src/pipeline/collector/collector-cache.ts';

const GAP_TIMEOUT = 5000;

function make(nProducers: number, cacheSize = 20, objectsPerId = 1) {
  const out: number[] = [];
  const refused: number[] = [];
  const cache = new CollectorCache<number>({
    nProducers,
    cacheSize,
    cacheLimit: cacheSize,
    oidOffset: 1,
    objectsPerId,
    gapTimeout: GAP_TIMEOUT,
    release: (id) => out.push(id),
    refuse: (id) => refused.push(id),
    sizeOf: () => 1,
  });
  const send = (producer: number, ...ids: number[]): number[] => {
    for (const id of ids) if (!cache.insert(producer, id, id, 0)) refused.push(id);
    return out;
  };
  return { cache, out, refused, send };
}

describe('a producer that is out of order', () => {
  it('loses the first late object, and is sorted from then on', () => {
    const { cache, out, refused, send } = make(1);
    expect(send(0, 2, 1, 3)).toEqual([2, 3]);
    expect(send(0, 5, 7)).toEqual([2, 3]);
    expect(send(0, 6, 4, 8)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(refused).toEqual([1]);
    // What is missing is waited for as long as the gap timeout.
    send(0, 10);
    expect(out.at(-1)).toBe(8);
    cache.expire(GAP_TIMEOUT);
    expect(out.at(-1)).toBe(10);
    expect(cache.stats).toMatchObject({ nCollected: 8, nRejected: 1, nMissed: 1, nRestarts: 0, nCached: 0 });
  });

  it('is waited for at the beginning of a numbering, too', () => {
    const { cache, out, send } = make(1);
    send(0, 101, 102, 104, 103, 105);
    expect(send(0, 2, 1, 3)).toEqual([101, 102, 104, 105]);
    cache.expire(GAP_TIMEOUT);
    expect(out).toEqual([101, 102, 104, 105, 1, 2, 3]);
    expect(cache.stats).toMatchObject({ nRejected: 1, nRestarts: 1 });
  });

  it('does not hold up or refuse the others', () => {
    const { cache, out, refused, send } = make(2);
    send(0, 1, 2);
    send(1, 6);
    send(0, 4, 3, 5);
    send(1, 7);
    expect(out).toEqual([1, 2, 4, 5, 6, 7]);
    expect(refused).toEqual([3]);
    send(0, 9);
    send(1, 10);
    send(0, 8);
    expect(out).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10]);
    expect(cache.stats).toMatchObject({ nRejected: 1, nMissed: 1, nRestarts: 0, nCached: 0 });
  });

  it('is found out without a loss where others are waited for', () => {
    const { cache, send } = make(2);
    send(0, 1);
    send(1, 2);
    send(0, 5, 4);
    expect(send(1, 3)).toEqual([1, 2, 3, 4, 5]);
    send(0, 8);
    send(1, 9);
    expect(send(0, 7, 6)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(cache.stats).toMatchObject({ nRejected: 0, nMissed: 0, nRestarts: 0 });
  });

  it('may send an object twice', () => {
    const { cache, out, refused, send } = make(1);
    send(0, 1, 2, 3, 2);
    expect(cache.stats).toMatchObject({ nCached: 1, nRejected: 0 });
    expect(send(0, 4, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(out).toHaveLength(5);
    expect(refused).toEqual([2]);
    expect(cache.stats).toMatchObject({ nCollected: 5, nRejected: 1, nRestarts: 0, nCached: 0 });
  });

  it('may send a tile of an image that has left without it', () => {
    const { cache, refused, send } = make(1, 20, 2);
    expect(send(0, 1, 1, 2, 3, 3, 2, 4, 4)).toEqual([1, 1, 2, 3, 3, 4, 4]);
    expect(refused).toEqual([2]);
    expect(cache.stats).toMatchObject({ nRejected: 1, nRestarts: 0, nCached: 0 });
  });
});

describe('a numbering that begins again', () => {
  it('far behind does so at once', () => {
    const { cache, out, send } = make(1);
    send(0, 100, 101, 1);
    expect(out).toEqual([100, 101, 1]);
    expect(cache.stats).toMatchObject({ nRestarts: 1, nRejected: 0 });
  });

  it('soon does so with its second object, or with the first of another producer', () => {
    const one = make(1);
    expect(one.send(0, 1, 2, 3, 1)).toEqual([1, 2, 3]);
    expect(one.send(0, 2, 3, 4)).toEqual([1, 2, 3, 1, 2, 3, 4]);
    const two = make(2);
    two.send(0, 1, 3);
    two.send(1, 2, 4);
    two.send(0, 1);
    expect(two.send(1, 2)).toEqual([1, 2, 3, 4, 1, 2]);
    for (const { cache } of [one, two])
      expect(cache.stats).toMatchObject({ nRestarts: 1, nRejected: 0, nMissed: 0, nCached: 0 });
  });

  it('with one object is seen when no other follows, and when everything is let go', () => {
    const silent = make(1);
    silent.send(0, 1, 2, 3, 1);
    expect(silent.cache.nextDeadline).toBe(GAP_TIMEOUT);
    silent.cache.expire(GAP_TIMEOUT);
    const ended = make(1);
    ended.send(0, 1, 2, 3, 1);
    ended.cache.flush(0);
    for (const { cache, out } of [silent, ended]) {
      expect(out).toEqual([1, 2, 3, 1]);
      expect(cache.stats).toMatchObject({ nRestarts: 1, nRejected: 0, nCached: 0 });
      expect(cache.nextDeadline).toBeUndefined();
    }
  });

  it('does not if others go on with the old one', () => {
    const { cache, out, refused, send } = make(2);
    send(0, 1, 3);
    send(1, 2, 4);
    send(0, 1);
    send(1, 5, 6);
    cache.expire(GAP_TIMEOUT);
    expect(out).toEqual([1, 2, 3, 4, 5, 6]);
    expect(refused).toEqual([1]);
    expect(cache.stats).toMatchObject({ nRestarts: 0, nRejected: 1, nCached: 0 });
  });

  it('on another connection does so at once', () => {
    const { cache, out, send } = make(1);
    send(0, 1, 2, 3);
    cache.leave(0, 0);
    cache.join(0);
    send(0, 2);
    expect(out).toEqual([1, 2, 3, 2]);
    expect(cache.stats).toMatchObject({ nRestarts: 1, nRejected: 0 });
  });
});

const producer = fc.integer({ min: 0, max: 3 });
/** Objects of four producers, each overtaken by none that is `window` ids or more greater; some are lost. */
const shuffled = fc
  .record({
    deal: fc.array(producer, { minLength: 1, maxLength: 40 }),
    jitter: fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 200 }),
    lost: fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
    window: fc.integer({ min: 1, max: 15 }),
    n: fc.integer({ min: 1, max: 200 }),
  })
  .map(({ deal, jitter, lost, window, n }) => {
    const of = <E>(list: readonly E[], i: number): E => list[i % list.length] as E;
    const all = Array.from({ length: n }, (_, i) => ({
      id: i + 1,
      producer: of(deal, i),
      at: i + of(jitter, i) * window,
      lost: of(lost, i * 7 + Math.floor(i / lost.length)),
    }));
    return { window, objects: all.sort((a, b) => a.at - b.at) };
  });

const ascending = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);

describe('whatever the order of producers that are shuffled within a window', () => {
  it('after the first that is out of order nothing greater than what has left is lost', () => {
    fc.assert(
      fc.property(shuffled, ({ objects }) => {
        const { cache, out, refused, send } = make(4, 1000);
        const greatest = [0, 0, 0, 0];
        const left: number[] = [];
        for (const { id, producer: p } of objects) {
          // Each producer is found out on its own.
          const g = greatest[p] as number;
          if (id < g && left[p] === undefined) left[p] = out.at(-1) ?? 0;
          send(p, id);
          greatest[p] = Math.max(g, id);
        }
        cache.flush(0);
        const latest = Math.max(0, ...left.filter((each) => each !== undefined));
        for (const id of refused) expect(id).toBeLessThan(latest);
        expect(out).toEqual(ascending(out));
        expect(ascending([...out, ...refused])).toEqual(objects.map((_, i) => i + 1));
        expect(cache.stats).toMatchObject({
          nCollected: out.length,
          nRejected: refused.length,
          nRestarts: 0,
          nCached: 0,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('output is sorted, nothing begins again, and every object is in one counter', () => {
    const run = fc.tuple(shuffled, fc.integer({ min: 0, max: 20 }));
    fc.assert(
      fc.property(run, ([{ objects, window }, more]) => {
        const { cache, out, refused, send } = make(4, window + more);
        const sent = objects.filter(({ lost }) => !lost);
        for (const { id, producer: p } of sent) {
          send(p, id);
          expect(cache.stats.nCached).toBeLessThanOrEqual(window + more);
        }
        cache.flush(0);
        expect(out).toEqual(ascending(out));
        expect(ascending([...out, ...refused])).toEqual(ascending(sent.map(({ id }) => id)));
        const { nRejected, nRestarts, nMissed, nCached } = cache.stats;
        expect([nRejected, nRestarts, nCached]).toEqual([refused.length, 0, 0]);
        const span = out.length > 0 ? (out.at(-1) as number) - (out[0] as number) + 1 : 0;
        expect(nMissed).toBe(span - out.length);
      }),
      { numRuns: 500 },
    );
  });
});

/** An object of a producer's with any id, time that passes, a producer that leaves or is there again. */
const anything = fc.array(
  fc.record({
    producer,
    id: fc.integer({ min: 1, max: 40 }),
    do: fc.constantFrom('send', 'send', 'send', 'send', 'send', 'wait', 'leave', 'join'),
  }),
  { maxLength: 200 },
);

it('whatever ids come, every object comes out or is refused, once', () => {
  const run = fc.tuple(anything, fc.integer({ min: 4, max: 30 }), fc.integer({ min: 0, max: 3 }));
  fc.assert(
    fc.property(run, ([events, cacheSize, objectsPerId]) => {
      const { cache, out, refused, send } = make(4, cacheSize, objectsPerId);
      const sent: number[] = [];
      let now = 0;
      for (const { do: what, producer: p, id } of events) {
        if (what === 'send') {
          sent.push(id);
          send(p, id);
        } else if (what === 'wait') {
          now += GAP_TIMEOUT / 2;
          cache.expire(now);
          expect(cache.nextDeadline ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
        } else if (what === 'leave') cache.leave(p, now);
        else cache.join(p);
        const { nCollected, nRejected, nCached } = cache.stats;
        expect([nCollected, nRejected]).toEqual([out.length, refused.length]);
        expect(nCollected + nRejected + nCached).toBe(sent.length);
        expect(nCached).toBeLessThanOrEqual(cacheSize);
      }
      cache.flush(now);
      expect(cache.stats.nCached).toBe(0);
      expect(ascending([...out, ...refused])).toEqual(ascending(sent));
    }),
    { numRuns: 500 },
  );
});
