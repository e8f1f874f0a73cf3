/**
 * The collector's cache of the default size: a producer whose process is kept waiting for a moment loses nothing, and
 * one that is silent holds the others up once, for a second.
 */
import { describe, expect, it } from 'vitest';
import { CollectorCache } from '../../src/pipeline/collector/collector-cache.ts';
import { cacheSizeFor } from '../../src/pipeline/collector/sizes.ts';

const PRODUCERS = 4;
/** 500 objects a second. */
const PERIOD = 2;

interface Setup {
  readonly requested?: number;
  readonly bytes?: number;
}

/** Four producers that send every fourth id in turn; those of `late` are kept, to be sent later. */
function make({ requested = -1, bytes = 0 }: Setup = {}) {
  const out: number[] = [];
  const cache = new CollectorCache<number>({
    ...cacheSizeFor(requested, PRODUCERS),
    nProducers: PRODUCERS,
    oidOffset: 1,
    objectsPerId: 1,
    gapTimeout: 5000,
    release: (id) => out.push(id),
    sizeOf: () => bytes,
  });
  let id = 0;
  const kept: number[] = [];
  /** Lets so many ids come, the last one at the time that is returned. */
  const send = (n: number, late?: number): number => {
    for (const end = id + n; id < end; ) {
      const producer = ++id % PRODUCERS;
      if (producer === late) kept.push(id);
      else cache.insert(producer, id, id, id * PERIOD);
    }
    return id * PERIOD;
  };
  const sendKept = (now: number): void => {
    for (const each of kept.splice(0)) cache.insert(each % PRODUCERS, each, each, now);
  };
  return { cache, out, send, sendKept };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a cache of the default size', () => {
  it('loses nothing of a producer that is late by less than a second', () => {
    const { cache, out, send, sendKept } = make();
    send(400);
    sendKept(send(480, 1));
    send(120);
    expect(out).toEqual(upTo(1000));
    expect(cache.stats).toMatchObject({ nRejected: 0, nMissed: 0, nCached: 0 });
    expect(cache.stats.maxAddedLatency).toBeLessThan(1);
  });

  it('waits a second for a producer that is silent, and then not again until it sends', () => {
    const { cache, out, send, sendKept } = make();
    send(400);
    send(1600, 1);
    const others = upTo(2000).filter((id) => id <= 400 || id % PRODUCERS !== 1);
    expect(out).toEqual(others);
    expect(cache.stats).toMatchObject({ nCached: 0, maxAddedLatency: 1 });
    const { maxCached } = cache.stats;
    expect(maxCached).toBeGreaterThan(300);
    cache.resetStats();
    send(400, 1);
    // No longer than until all others have gone beyond what is missing.
    expect(cache.stats.maxAddedLatency).toBeLessThanOrEqual((2 * PERIOD) / 1000);
    // What it sends then is late, what follows is in order again.
    sendKept(2400 * PERIOD);
    expect(cache.stats.nRejected).toBe(500);
    send(400);
    expect(out.slice(-400)).toEqual(upTo(2800).slice(-400));
  });

  it('gives up waiting at once above 256 MiB, and at 1000 objects of each producer', () => {
    const large = make({ bytes: 2 * 1024 ** 2 });
    large.send(400);
    large.send(400, 1);
    expect(large.cache.stats.maxCached).toBe(128);
    const fast = make();
    for (let id = 1; id < 10_000; id += 2) fast.cache.insert(0, id, id, 0);
    expect(fast.cache.stats).toMatchObject({ maxCached: 4000, nCached: 3999 });
  });

  it('does so at 10 objects of each producer whatever they weigh, as PvaPy', () => {
    const { cache, send } = make({ bytes: 1024 ** 3 });
    send(400);
    send(100, 1);
    expect(cache.stats.maxCached).toBe(40);
  });
});

it('a cache of a size that was asked for gives up waiting when it is full', () => {
  const { cache, send } = make({ requested: 40 });
  send(400);
  send(480, 1);
  expect(cache.stats.maxCached).toBe(40);
});
