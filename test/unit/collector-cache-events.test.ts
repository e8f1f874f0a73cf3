/**
 * The collector's cache under everything producers can do: fall behind, send twice, fall silent, go away, come back,
 * begin their numbering again. Whatever it is, output is sorted, and every object is in exactly one counter.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CollectorCache } from '../../src/pipeline/collector/collector-cache.ts';

const GAP_TIMEOUT = 100;

function make(nProducers: number, cacheSize: number) {
  const out: number[] = [];
  const cache = new CollectorCache<number>({
    nProducers,
    cacheSize,
    cacheLimit: cacheSize,
    oidOffset: 1,
    objectsPerId: 1,
    gapTimeout: GAP_TIMEOUT,
    release: (id) => out.push(id),
    sizeOf: () => 0,
  });
  return { cache, out };
}

describe('a producer that has gone away', () => {
  it('is waited for as soon as it is there again, before its first object', () => {
    const { cache, out } = make(2, 20);
    const feed = (...objects: [number, number][]): void => {
      for (const [producer, id] of objects) cache.insert(producer, id, id, 0);
    };
    feed([0, 1], [1, 2]);
    cache.leave(1, 0);
    feed([0, 4], [0, 5]);
    expect(out).toEqual([1, 2, 4, 5]);
    cache.join(1);
    feed([0, 7]);
    expect(out).toEqual([1, 2, 4, 5]);
    feed([1, 6]);
    expect(out).toEqual([1, 2, 4, 5, 6, 7]);
    // Silent, it keeps the others waiting no longer than the gap timeout.
    cache.leave(1, 0);
    cache.join(1);
    feed([0, 9]);
    expect(cache.nextDeadline).toBe(GAP_TIMEOUT);
    cache.expire(GAP_TIMEOUT);
    expect(out.at(-1)).toBe(9);
    expect(cache.stats).toMatchObject({ nCollected: 7, nRejected: 0, nMissed: 2, nCached: 0 });
  });
});

/** What happens next: an object of a producer's, time that passes, a producer that leaves or is there again. */
type Event =
  | { readonly do: 'send'; readonly producer: number; readonly twice: boolean; readonly lost: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'leave' | 'join'; readonly producer: number };

const producer = fc.integer({ min: 0, max: 3 });
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        do: fc.constant('send' as const),
        producer,
        twice: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
        lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 80 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'join' as const), producer }) },
  ),
  { maxLength: 300 },
);
/** How ids are dealt out to the four producers: each has its own, in order, and may be behind by any number. */
const deal = fc.array(producer, { minLength: 1, maxLength: 40 });

describe('whatever producers do', () => {
  it('output is sorted, every object is collected, refused or cached, missed are the ids that never came out', () => {
    fc.assert(
      fc.property(events, deal, fc.integer({ min: 1, max: 25 }), (all, dealt, cacheSize) => {
        const { cache, out } = make(4, cacheSize);
        // Ids of each producer that it has not sent yet.
        const queues: number[][] = [[], [], [], []];
        for (let id = 1; id <= all.length; id++) queues[dealt[id % dealt.length] as number]?.push(id);
        let [now, inserted] = [0, 0];
        const insert = (p: number, id: number): void => {
          cache.insert(p, id, id, now);
          inserted++;
        };
        const check = (): void => {
          const { nCollected, nRejected, nCached } = cache.stats;
          expect(nCollected + nRejected + nCached).toBe(inserted);
          expect(nCollected).toBe(out.length);
          expect(nCached).toBeLessThanOrEqual(cacheSize);
        };
        for (const event of all) {
          if (event.do === 'send') {
            const id = queues[event.producer]?.shift();
            if (id !== undefined && !event.lost) insert(event.producer, id);
            if (id !== undefined && event.twice) insert(event.producer, id);
          } else if (event.do === 'wait') {
            now += event.ms;
            cache.expire(now);
            // Nothing waits longer than the gap timeout.
            expect(cache.nextDeadline ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
          } else if (event.do === 'leave') cache.leave(event.producer, now);
          else cache.join(event.producer);
          check();
        }
        cache.flush(now);
        check();
        const { nCached, nRestarts, nMissed } = cache.stats;
        expect([nCached, nRestarts]).toEqual([0, 0]);
        expect(out).toEqual([...out].sort((a, b) => a - b));
        const span = out.length > 0 ? (out.at(-1) as number) - (out[0] as number) + 1 : 0;
        expect(nMissed).toBe(span - new Set(out).size);
      }),
      { numRuns: 300 },
    );
  });

  // Each producer has sent two at least: the same id again would be one more object with that id.
  it('a numbering that begins again comes out after the old one, with nothing lost and nothing counted as missed', () => {
    const life = fc.record({
      n: fc.integer({ min: 8, max: 60 }),
      order: fc.array(producer, { maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(life, { minLength: 2, maxLength: 4 }), (lives) => {
        const { cache, out } = make(4, 1000);
        for (const { n, order } of lives) {
          const queues: number[][] = [[], [], [], []];
          for (let id = 1; id <= n; id++) queues[id % 4]?.push(id);
          const turns = [...order, ...Array.from({ length: 4 * n }, (_, i) => i % 4)];
          for (const p of turns) {
            const id = queues[p]?.shift();
            if (id !== undefined) cache.insert(p, id, id, 0);
          }
        }
        cache.flush(0);
        expect(out).toEqual(lives.flatMap(({ n }) => Array.from({ length: n }, (_, i) => i + 1)));
        expect(cache.stats).toMatchObject({
          nMissed: 0,
          nRejected: 0,
          nCached: 0,
          nRestarts: lives.length - 1,
        });
      }),
    );
  });
});
