import { describe, expect, it } from 'vitest';
import { DATA_TYPES, type DataTypeName, type TypedArray } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { frameShape } from '../../sim/frame-source.ts';
import { GeneratedFrames, type GeneratedFramesOptions } from '../../sim/generated-frames.ts';

const INTEGERS = Object.values(DATA_TYPES).filter((type) => type.integerLimits !== undefined);
const FLOAT32_MAX = 3.4028234663852886e38;

function generate(dataType: DataTypeName, options: Partial<GeneratedFramesOptions> = {}): GeneratedFrames {
  const shape = frameShape(100, 50, 0);
  return new GeneratedFrames({
    shape,
    dataType: DATA_TYPES[dataType],
    nFrames: 2,
    cacheSize: 1000,
    ...options,
  });
}

/** Every pixel of every frame, as numbers. */
function pixels(source: GeneratedFrames): number[] {
  const all: number[] = [];
  for (let i = 0; i < source.nFrames; i++) for (const pixel of source.frame(i)) all.push(Number(pixel));
  return all;
}

function bounds(frames: readonly TypedArray[]): { min: number | bigint; max: number | bigint } {
  let min: number | bigint = Infinity;
  let max: number | bigint = -Infinity;
  for (const frame of frames) {
    for (const pixel of frame) {
      if (pixel < min) min = pixel;
      if (pixel > max) max = pixel;
    }
  }
  return { min, max };
}

/** Chi-square over `bins` equal bins, divided by its degrees of freedom: near 1 for a uniform distribution. */
function chiSquarePerDegree(values: readonly number[], min: number, max: number, bins: number): number {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor(((value - min) * bins) / (max - min)));
    counts[bin] = counts[bin]! + 1;
  }
  const expected = values.length / bins;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0) / (bins - 1);
}

describe('generated frames', () => {
  it('have the array type of the data type and the elements of the shape', () => {
    for (const type of Object.values(DATA_TYPES)) {
      const mono = generate(type.name).frame(0);
      expect(mono).toBeInstanceOf(type.arrayConstructor);
      expect(mono.length).toBe(5000);
      expect(generate(type.name, { shape: frameShape(7, 5, 3) }).frame(1).length).toBe(105);
      expect(generate(type.name, { shape: frameShape(1, 1, 0) }).frame(0).length).toBe(1);
    }
  });

  it.each(INTEGERS)('$name: use the whole range without its maximum, uniformly', (type) => {
    const { min, max } = type.integerLimits!;
    const source = generate(type.name, { nFrames: 10 });
    const values = pixels(source);
    expect(values.length).toBe(50_000);
    expect(chiSquarePerDegree(values, Number(min), Number(max), 51)).toBeLessThan(1.8);
    const found = bounds(Array.from({ length: 10 }, (_, i) => source.frame(i)));
    expect(found.max < max).toBe(true);
    if (type.bytesPerElement === 1) expect(found).toEqual({ min: Number(min), max: Number(max) - 1 });
  });

  it.each(INTEGERS)('$name: minimum and maximum narrow the range, the maximum excluded', (type) => {
    const source = generate(type.name, { minimum: 10, maximum: 20, nFrames: 10 });
    expect(new Set(pixels(source))).toEqual(new Set([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]));
    expect(chiSquarePerDegree(pixels(source), 10, 20, 10)).toBeLessThan(3.5);
  });

  it.each(INTEGERS.filter((type) => type.name.startsWith('i')))('$name: ranges may be negative', (type) => {
    const source = generate(type.name, { minimum: -3, maximum: 2 });
    expect(new Set(pixels(source))).toEqual(new Set([-3, -2, -1, 0, 1]));
  });

  it('64-bit ranges are exact at both ends, across the 32-bit border and beyond 2^53', () => {
    const half = generate('int64', { maximum: 1000, nFrames: 20 });
    const { min, max } = bounds(Array.from({ length: 20 }, (_, i) => half.frame(i)));
    expect(min < -(2n ** 62n) && max > -(2n ** 54n) && max < 1000n).toBe(true);
    const border = generate('int64', { minimum: -(2 ** 32) - 1, maximum: -(2 ** 32) + 2 });
    expect(new Set(border.frame(0) as BigInt64Array)).toEqual(
      new Set([-(2n ** 32n) - 1n, -(2n ** 32n), -(2n ** 32n) + 1n]),
    );
    const top = generate('uint64', { minimum: 2 ** 64 - 2048 }).frame(0) as BigUint64Array;
    expect(top.every((pixel) => pixel >= 2n ** 64n - 2048n && pixel < 2n ** 64n - 1n)).toBe(true);
  });

  it.each(['float32', 'float64'] as const)(
    '%s: uniform within the limits of float32, always finite',
    (name) => {
      const values = pixels(generate(name, { nFrames: 10 }));
      expect(values.every((value) => Math.abs(value) <= FLOAT32_MAX)).toBe(true);
      expect(chiSquarePerDegree(values, -FLOAT32_MAX, FLOAT32_MAX, 50)).toBeLessThan(1.8);
      const narrow = pixels(generate(name, { minimum: -0.5, maximum: 0.25, nFrames: 10 }));
      expect(narrow.every((value) => value >= -0.5 && value <= 0.25)).toBe(true);
      expect(chiSquarePerDegree(narrow, -0.5, 0.25, 50)).toBeLessThan(1.8);
      const infinite = pixels(generate(name, { minimum: -Infinity, maximum: Infinity }));
      expect(infinite.every(Number.isFinite)).toBe(true);
    },
  );

  it.each(Object.values(DATA_TYPES))('$name: equal minimum and maximum give constant frames', (type) => {
    expect(new Set(pixels(generate(type.name, { minimum: 7, maximum: 7 })))).toEqual(new Set([7]));
  });

  it('options beyond the limits of the type narrow nothing, as in PvaPy', () => {
    const source = generate('uint8', { minimum: -1e6, maximum: 1e6 });
    expect(source.description()).toContain('Range of generated values: [0,255)');
    expect(source.frame(0)).toEqual(generate('uint8').frame(0));
  });

  it.each([
    ['uint8', { minimum: 20, maximum: 10 }, 'the minimum of generated values, 20, is above the maximum, 10'],
    ['uint8', { minimum: 300 }, 'the minimum of generated values, 300, is outside of uint8: 0 to 255'],
    ['uint16', { maximum: -1 }, 'the maximum of generated values, -1, is outside of uint16: 0 to 65535'],
    ['float64', { minimum: 1e39 }, 'the minimum of generated values, 1e+39, is outside of float64'],
    ['float32', { maximum: Number.NaN }, 'the maximum of generated values is not a number'],
    ['uint8', { nFrames: 1.5 }, 'number of frames 1.5: use a whole number of 1 or more'],
  ] as const)('refuse %s with %j', (name, options, message) => {
    expect(() => generate(name, options)).toThrow(message);
    expect(() => generate(name, options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });

  it('are the same for the same seed, in whatever order they are asked for, and differ otherwise', () => {
    const a = generate('uint16');
    const b = generate('uint16');
    const last = b.frame(1);
    expect(a.frame(0)).toEqual(b.frame(0));
    expect(a.frame(1)).toEqual(last);
    expect(a.frame(0)).not.toEqual(a.frame(1));
    expect(generate('uint16', { seed: 2 }).frame(0)).not.toEqual(a.frame(0));
    // The very pixels, so that a change of the generator does not go unnoticed.
    expect([...a.frame(0).subarray(0, 4)]).toEqual([53_584, 63_212, 39_577, 46_199]);
  });

  it('fill the cache when no number is given', () => {
    expect(generate('uint8', { nFrames: 0, cacheSize: 25 }).nFrames).toBe(25);
    expect(generate('uint8', { nFrames: -1, cacheSize: 25 }).nFrames).toBe(25);
    expect(generate('uint8', { nFrames: 40, cacheSize: 25 }).nFrames).toBe(40);
  });

  it('repeat, and say so, when they would take too much memory', () => {
    const source = generate('uint8', { nFrames: 100, maxBytes: 3 * 5000 + 1 });
    expect(source.nFrames).toBe(100);
    expect(source.nDistinct).toBe(3);
    expect(source.frame(98)).toBe(source.frame(2));
    expect(new Set(Array.from({ length: 100 }, (_, i) => source.frame(i))).size).toBe(3);
    expect(source.description().at(-1)).toBe(
      'Only 3 of the 100 frames are different, and repeat: all of them would take 0.48 MiB of memory, the limit is 0.014 MiB',
    );
    expect(generate('uint8', { maxBytes: 1 }).nDistinct).toBe(1);
    const big = generate('float64', { shape: frameShape(4096, 4096, 0), nFrames: 0 });
    expect(big.nDistinct).toBe(4);
    expect(big.description().at(-1)).toContain('take 128000 MiB of memory, the limit is 512 MiB');
  });

  it('repeat, and say so, when they are too many to be kept, however small', () => {
    const source = generate('uint8', { shape: frameShape(2, 2, 0), nFrames: 0, cacheSize: 2 ** 53 - 1 });
    expect(source.nFrames).toBe(2 ** 53 - 1);
    expect(source.nDistinct).toBe(2 ** 20);
    expect(source.frame(2 ** 40 + 3)).toBe(source.frame(3));
    expect(source.description().at(-1)).toBe(
      'Only 1048576 of the 9007199254740991 frames are different, and repeat: no more are kept in memory',
    );
    expect(new FrameCache({ source, cacheSize: 2 ** 53 - 1 }).capacity).toBe(2 ** 20);
  });

  it('describe themselves', () => {
    const source = generate('int8', { shape: frameShape(32, 16, 2), minimum: 0, maximum: 9 });
    expect(source.description()).toEqual([
      'Generating random frames using color mode: RGB1',
      'Generated frame shape: [3, 32, 16]',
      'Range of generated values: [0,9)',
    ]);
  });

  it('refuse a number that is none of theirs', () => {
    for (const i of [-1, 2, 0.5, Number.NaN]) expect(() => generate('uint8').frame(i)).toThrow(RangeError);
  });
});
