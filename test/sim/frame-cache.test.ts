import { describe, expect, it } from 'vitest';
import { DATA_TYPES, type TypedArray } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { type FrameSource, frameShape } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';

/** A source of frames [i, i] that notes which frames were asked for. */
class CountingSource implements FrameSource {
  readonly dataType = DATA_TYPES.uint16;
  readonly shape = frameShape(2, 1, 0);
  readonly nFrames: number;
  readonly asked: number[] = [];

  constructor(nFrames: number) {
    this.nFrames = nFrames;
  }

  frame(i: number): TypedArray {
    this.asked.push(i);
    return Uint16Array.of(i, i);
  }

  description(): string[] {
    return [];
  }
}

function take(cache: FrameCache, n: number): number[] {
  return Array.from({ length: n }, () => {
    const frame = cache.next()!;
    expect(frame.data).toEqual(Uint16Array.of(frame.index, frame.index));
    return frame.index;
  });
}

describe('a source of no more frames than the cache size', () => {
  it('is prepared whole and recycled for ever, frame n modulo the total', () => {
    const source = new CountingSource(3);
    const cache = new FrameCache({ source, cacheSize: 3 });
    expect(cache.kind).toBe('recycled');
    expect(cache.fill()).toBe(3);
    expect(take(cache, 8)).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
    expect(source.asked).toEqual([0, 1, 2]);
    expect(cache).toMatchObject({ nTaken: 8, nProduced: 3, nOnDemand: 0, nReady: 3, capacity: 3 });
  });

  it('needs no preparation: a frame that is not ready is produced on the spot and kept', () => {
    const source = new CountingSource(4);
    const cache = new FrameCache({ source });
    expect(cache.fill(1)).toBe(1);
    expect(take(cache, 2)).toEqual([0, 1]);
    expect(cache.fill()).toBe(2);
    expect(take(cache, 6)).toEqual([2, 3, 0, 1, 2, 3]);
    expect(source.asked).toEqual([0, 1, 2, 3]);
    expect(cache).toMatchObject({ nTaken: 8, nProduced: 4, nOnDemand: 1, nReady: 4 });
    expect(cache.fill()).toBe(0);
  });

  it('is taken from the source again where memory ends', () => {
    const source = new CountingSource(4);
    const cache = new FrameCache({ source, maxBytes: 9 });
    expect(cache).toMatchObject({ kind: 'recycled', capacity: 2 });
    expect(cache.fill()).toBe(2);
    expect(take(cache, 10)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1]);
    expect(source.asked).toEqual([0, 1, 2, 3, 2, 3]);
    expect(cache).toMatchObject({ nTaken: 10, nProduced: 6, nOnDemand: 4, nReady: 2 });
  });

  it('gives the same frames out every time', () => {
    const shape = frameShape(16, 16, 0);
    const source = new GeneratedFrames({ shape, dataType: DATA_TYPES.int16, nFrames: 0, cacheSize: 5 });
    const cache = new FrameCache({ source, cacheSize: 5 });
    const first = Array.from({ length: 5 }, () => cache.next());
    for (let i = 0; i < 15; i++) expect(cache.next()).toBe(first[i % 5]);
  });
});

describe('a source of more frames than the cache size', () => {
  it('is played once in order, at most the cache size ahead, and ends', () => {
    const source = new CountingSource(5);
    const cache = new FrameCache({ source, cacheSize: 2 });
    expect(cache.kind).toBe('once');
    expect(cache.fill()).toBe(2);
    expect(cache.fill()).toBe(0);
    expect(take(cache, 1)).toEqual([0]);
    expect(cache.fill()).toBe(1);
    expect(cache.nReady).toBe(2);
    expect(take(cache, 4)).toEqual([1, 2, 3, 4]);
    expect(cache.next()).toBeUndefined();
    expect(cache.next()).toBeUndefined();
    expect(cache.fill()).toBe(0);
    expect(source.asked).toEqual([0, 1, 2, 3, 4]);
    expect(cache).toMatchObject({ nTaken: 5, nProduced: 5, nOnDemand: 2, nReady: 0 });
  });

  it('loses and repeats nothing, however filling and taking alternate', () => {
    for (const capacity of [1, 2, 3, 7]) {
      for (let pattern = 0; pattern < 32; pattern++) {
        const source = new CountingSource(20);
        const cache = new FrameCache({ source, cacheSize: capacity });
        const indices: number[] = [];
        for (let step = 0; indices.length < 20; step++) {
          if ((pattern >> (step % 5)) & 1) cache.fill(1 + (step % 3));
          expect(cache.nReady).toBeLessThanOrEqual(capacity);
          indices.push(...take(cache, Math.min(1 + (step % 2), 20 - indices.length)));
          expect(cache.nProduced).toBe(cache.nTaken + cache.nReady);
        }
        expect(indices).toEqual([...Array(20).keys()]);
        expect(cache.next()).toBeUndefined();
      }
    }
  });

  it('holds no more bytes than allowed, but always one frame', () => {
    const source = new CountingSource(100);
    expect(new FrameCache({ source, cacheSize: 50, maxBytes: 41 }).fill()).toBe(10);
    const one = new FrameCache({ source, cacheSize: 50, maxBytes: 1 });
    expect(one.fill()).toBe(1);
    expect(take(one, 3)).toEqual([0, 1, 2]);
  });
});

it('cache sizes below 1 count as 1, others must be whole numbers', () => {
  expect(new FrameCache({ source: new CountingSource(2), cacheSize: 0 })).toMatchObject({
    kind: 'once',
    cacheSize: 1,
  });
  expect(new FrameCache({ source: new CountingSource(1), cacheSize: -5 }).kind).toBe('recycled');
  for (const cacheSize of [1.5, Number.NaN]) {
    expect(() => new FrameCache({ source: new CountingSource(2), cacheSize })).toThrow(
      `cache size ${cacheSize}: use a whole number of frames`,
    );
  }
});

describe('a kind that is asked for', () => {
  it('once: a source that fits passes once too', () => {
    const cache = new FrameCache({ source: new CountingSource(3), cacheSize: 10, kind: 'once' });
    cache.fill();
    expect(take(cache, 3)).toEqual([0, 1, 2]);
    expect(cache.next()).toBeUndefined();
  });

  it('recycled: of a larger source the first frames are kept, the others made again every time', () => {
    const source = new CountingSource(4);
    const cache = new FrameCache({ source, cacheSize: 2, kind: 'recycled' });
    expect(cache.fill()).toBe(2);
    expect(take(cache, 9)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0]);
    expect(source.asked).toEqual([0, 1, 2, 3, 2, 3]);
    expect(cache.nReady).toBe(2);
  });
});

describe('compressed frames', () => {
  it.for(['recycled', 'once'] as const)('are counted by their own bytes, %s', (kind) => {
    // Frames of 100, 300, 100, 300, ... bytes; pixels would be 4 bytes.
    const source = Object.assign(new CountingSource(20), { codec: 'lz4' });
    source.frame = (i: number) => new Uint8Array(i % 2 === 0 ? 100 : 300).fill(i);
    const cache = new FrameCache({ source, kind, maxBytes: 1000 });
    expect(cache.capacity).toBe(20);
    // 100 + 300 + 100 + 300: another one of 300 would be too much.
    expect(cache.fill()).toBe(4);
    expect(cache.fill()).toBe(0);
    const seen = Array.from({ length: 20 }, () => {
      const index = cache.next()?.index;
      cache.fill();
      expect(cache.nReady).toBeLessThanOrEqual(9);
      return index;
    });
    expect(seen).toEqual([...Array(20).keys()]);
    expect(cache).toMatchObject({ nTaken: 20, nBytesTaken: 4000 });
  });

  it('a frame that is larger than all that may be held is held alone', () => {
    const source = Object.assign(new CountingSource(3), { codec: 'lz4' });
    source.frame = () => new Uint8Array(50);
    const cache = new FrameCache({ source, kind: 'once', maxBytes: 10 });
    for (const index of [0, 1, 2]) {
      expect(cache.fill()).toBe(1);
      expect(cache.next()?.index).toBe(index);
    }
    expect(cache).toMatchObject({ nOnDemand: 0, nBytesTaken: 150 });
  });
});
