/** Frames that are compressed on the way into the cache: what is published, and that each is compressed once. */

import { NTNDArray } from 'epics-pva-ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODECS, CompressedFrames, compressFrames } from '../../sim/compressed-frames.ts';
import { DATA_TYPES, type DataTypeName, type TypedArray } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { type FrameSource, frameBytes, frameShape } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';
import { ImageRecord } from '../../sim/image-record.ts';

function generated(type: DataTypeName, nx: number, ny: number, mode: 0 | 2 | 3 | 4, nFrames = 3) {
  const shape = frameShape(nx, ny, mode);
  return new GeneratedFrames({
    shape,
    dataType: DATA_TYPES[type],
    nFrames,
    cacheSize: 10,
    minimum: 0,
    maximum: 9,
  });
}

describe('every type and codec', () => {
  const types = Object.keys(DATA_TYPES) as DataTypeName[];

  it.each(CODECS.flatMap((codec) => types.map((type) => [codec, type] as const)))(
    '%s, %s',
    async (codec, type) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 90 }),
          fc.integer({ min: 1, max: 90 }),
          fc.constantFrom(0, 2, 3, 4) as fc.Arbitrary<0 | 2 | 3 | 4>,
          async (nx, ny, mode) => {
            const plain = generated(type, nx, ny, mode);
            const source = await compressFrames(plain, codec);
            const record = new ImageRecord(source);
            const cache = new FrameCache({ source });
            for (let i = 0; i < plain.nFrames; i++) {
              const cached = cache.next()!;
              const frame = NTNDArray.wrap(record.of(cached, i + 1));
              expect(frame.codec).toEqual({ name: codec, parameters: DATA_TYPES[type].scalarType });
              expect(frame.pixels).toBe(cached.data);
              expect([frame.compressedSize, frame.uncompressedSize]).toEqual([
                cached.data.byteLength,
                frameBytes(plain),
              ]);
              const back = frame.decompressSync();
              expect(back.pixels).toEqual(plain.frame(i));
              expect([back.width, back.height, back.colorMode]).toEqual([nx, ny, mode]);
            }
          },
        ),
        { numRuns: 15 },
      );
    },
  );
});

/** Counts what is compressed. */
class Counting {
  n = 0;
  encode = (pixels: Uint8Array): Uint8Array => {
    this.n++;
    return pixels.slice();
  };
}

describe('a frame is compressed once', () => {
  it('however often it is published', () => {
    const counting = new Counting();
    const source = new CompressedFrames(generated('uint8', 8, 8, 0), 'mine', counting.encode);
    new ImageRecord(source);
    const cache = new FrameCache({ source, cacheSize: 10 });
    cache.fill();
    for (let i = 0; i < 100; i++) cache.next();
    expect(counting.n).toBe(3);
  });

  it('also when generated frames repeat because memory is limited', () => {
    const counting = new Counting();
    const plain = new GeneratedFrames({
      shape: frameShape(8, 8, 0),
      dataType: DATA_TYPES.uint8,
      nFrames: 100,
      cacheSize: 10,
      maxBytes: 5 * 64,
    });
    const source = new CompressedFrames(plain, 'mine', counting.encode);
    const frames = Array.from({ length: 100 }, (_, i) => source.frame(i));
    expect(counting.n).toBe(5);
    expect(frames[7]).toBe(frames[2]);
  });

  it('but frames of files that pass once are not kept', () => {
    const counting = new Counting();
    const { dataType, shape } = generated('uint8', 8, 8, 0);
    const frame = (i: number): TypedArray => new Uint8Array(64).fill(i);
    const plain: FrameSource = { dataType, shape, nFrames: 50, frame, description: () => [] };
    const source = new CompressedFrames(plain, 'mine', counting.encode);
    for (const i of [0, 0, 1, 1]) expect(source.frame(i)[0]).toBe(i);
    expect(counting.n).toBe(3);
  });
});

it('frames that are compressed already are not compressed again', async () => {
  const source = await compressFrames(generated('uint8', 8, 8, 0), 'lz4');
  await expect(compressFrames(source, 'bslz4')).rejects.toThrow(
    'the frames are compressed already (lz4): leave out --codec or --hdf-compression-mode',
  );
  expect(source.description().at(-1)).toBe('Compressing frames: lz4');
});
