/** Images cut into tiles and made again: pixel by pixel the same, every tile accounted for, whatever order and loss. */

import { ColorMode, NTNDArray, type PixelArray, type Value } from 'epics-pva-ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SplitTilesProcessor } from '../../processors/split-tiles-processor.ts';
import { StitchTilesProcessor } from '../../processors/stitch-tiles-processor.ts';
import type { PvObject, UserDataProcessor } from '../../src/processor/user-data-processor.ts';

function publishing<P extends UserDataProcessor>(processor: P): { processor: P; out: NTNDArray[] } {
  const out: NTNDArray[] = [];
  processor.dataPublisher = { publish: (object: PvObject) => out.push(object as NTNDArray) };
  processor.resetStats();
  return { processor, out };
}

const splitter = (nx: number, ny: number) => publishing(new SplitTilesProcessor({ nx, ny } as never));
const stitcher = (nx: number, ny: number, more = {}) =>
  publishing(new StitchTilesProcessor({ nx, ny, ...more } as never));

function tilesOf(image: NTNDArray, nx: number, ny: number): NTNDArray[] {
  const { processor, out } = splitter(nx, ny);
  processor.process(image);
  return out;
}

const dataOf = (value: Value): Record<string, unknown> => value.toJS();

const grey = (nx: number, ny: number, uniqueId = 1): NTNDArray =>
  NTNDArray.create({
    pixels: Uint16Array.from({ length: nx * ny }, (_, i) => uniqueId * 1000 + i),
    dimensions: [nx, ny],
    uniqueId,
    timeStamp: { secondsPastEpoch: BigInt(1000 + uniqueId), nanoseconds: 999_999_998, userTag: 7 },
    attributes: { Gain: 1.5 },
    colorMode: ColorMode.Mono,
  });

describe('SplitTilesProcessor', () => {
  it('publishes tiles row by row, with their place; those at the edges are smaller', () => {
    // 0 1 2 / 3 4 5 / 6 7 8
    const image = NTNDArray.create({
      pixels: Int8Array.from([...Array(9).keys()]),
      dimensions: [3, 3],
      uniqueId: 4,
    });
    const tiles = tilesOf(image, 2, 2);
    const place = (t: NTNDArray) => [t.get('tileIndexX'), t.get('tileIndexY')];
    expect(tiles.map((t) => [place(t), t.shape, [...(t.pixels as Int8Array)], t.uniqueId])).toEqual([
      [[0, 0], [2, 2], [0, 1, 3, 4], 4],
      [[0, 1], [2, 1], [2, 5], 4],
      [[1, 0], [1, 2], [6, 7], 4],
      [[1, 1], [1, 1], [8], 4],
    ]);
  });

  it('keeps what the image has, says where on the detector a tile was, and gives no two the same time stamp', () => {
    const image = grey(4, 2);
    image.dimensions = [
      { size: 4, offset: 100, fullSize: 1000, binning: 2, reverse: false },
      { size: 2, offset: 50, fullSize: 500, binning: 1, reverse: true },
    ];
    const tiles = tilesOf(image, 2, 1);
    expect(tiles.map((t) => t.dimensions.map(({ offset, fullSize }) => [offset, fullSize]))).toEqual([
      [
        [100, 1000],
        [51, 500],
      ],
      [
        [104, 1000],
        [51, 500],
      ],
      [
        [100, 1000],
        [50, 500],
      ],
      [
        [104, 1000],
        [50, 500],
      ],
    ]);
    expect(tiles.map((t) => [t.timeStamp.secondsPastEpoch, t.timeStamp.nanoseconds])).toEqual([
      [1001n, 999_999_998],
      [1001n, 999_999_999],
      [1002n, 0],
      [1002n, 1],
    ]);
    for (const tile of tiles) {
      expect(tile.attribute('Gain')).toBe(1.5);
      expect(tile.dataTimeStamp).toEqual(image.dataTimeStamp);
      expect(tile.compressedSize).toBe(4);
      expect(tile.value.id).toBe('epics:nt/NTNDArray:1.0');
    }
  });

  it('declares the type it publishes, cuts compressed images, and passes nothing on before the first image', async () => {
    const { processor, out } = splitter(2, 2);
    expect(processor.getOutputPvObjectType(NTNDArray.create()).find('tileIndexY')?.type.kind).toBe('int');
    expect(processor.process(NTNDArray.create())).toBeUndefined();
    await processor.process(grey(4, 4).compress('lz4'));
    expect(out.map((t) => [t.pixels?.length, t.codec.name])).toEqual([4, 4, 4, 4].map((n) => [n, '']));
    expect(processor.getStats()).toMatchObject({ nProcessed: 1, nTiles: 4 });
    expect(Object.keys(processor.getStatsPvaTypes())).toEqual(Object.keys(processor.getStats()));
  });

  it('refuses what makes no sense in one line', () => {
    expect(() => splitter(-1, 2)).toThrow('argument nx: -1 is not a whole number from 0 on');
    expect(() => splitter(1, 1).processor.process(grey(200, 100))).toThrow(
      /20000 of 200 x 100: at most 10000/,
    );
    const line = NTNDArray.create({ pixels: new Uint8Array(3), dimensions: [3] });
    expect(() => splitter(1, 1).processor.process(line)).toThrow(/two or more dimensions, not 1/);
    const [tile] = tilesOf(grey(2, 2), 1, 1);
    expect(() => splitter(1, 1).processor.process(tile as NTNDArray)).toThrow(/are tiles already/);
    const { processor } = splitter(2, 2);
    expect(() => processor.configure({ nx: 4, ny: 'x' })).toThrow('argument ny: "x"');
    processor.configure({ nx: 3 });
    processor.process(grey(6, 2));
    expect(processor.getStats()).toMatchObject({ nTiles: 2 });
  });
});

describe('tiles of any image', () => {
  const ARRAYS = [
    Int8Array,
    Int16Array,
    Int32Array,
    BigInt64Array,
    Uint8Array,
    Uint16Array,
    Uint32Array,
    BigUint64Array,
    Float32Array,
    Float64Array,
  ] as const;
  const images = fc
    .record({
      nx: fc.integer({ min: 1, max: 20 }),
      ny: fc.integer({ min: 1, max: 20 }),
      type: fc.constantFrom(...ARRAYS, undefined),
      colorMode: fc.constantFrom(ColorMode.Mono, ColorMode.RGB1, ColorMode.RGB2, ColorMode.RGB3),
      seed: fc.nat(1000),
    })
    .map(({ nx, ny, type, colorMode, seed }) => {
      const shapes: Record<number, number[]> = {
        [ColorMode.Mono]: [nx, ny],
        [ColorMode.RGB1]: [3, nx, ny],
        [ColorMode.RGB2]: [nx, 3, ny],
        [ColorMode.RGB3]: [nx, ny, 3],
      };
      const dimensions = shapes[colorMode] as number[];
      const length = dimensions.reduce((n, d) => n * d, 1);
      const big = type === BigInt64Array || type === BigUint64Array;
      const one = (i: number): number => (seed + i * 7) % 127;
      const pixels = type
        ? (type as { from(a: ArrayLike<unknown>, f: (v: unknown, i: number) => unknown): PixelArray }).from(
            { length },
            (_, i) => (big ? BigInt(one(i)) : one(i)),
          )
        : Array.from({ length }, (_, i) => one(i) % 2 === 0);
      return { nx, ny, image: NTNDArray.create({ pixels, dimensions, uniqueId: seed, colorMode }) };
    });

  it('make it again, all of it, in any order', () => {
    fc.assert(
      fc.property(
        images,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.nat()),
        ({ nx, ny, image }, tileX, tileY, order) => {
          const tiles = tilesOf(image, tileX, tileY);
          const shuffled = tiles
            .map((tile) => ({ tile, key: order.next().value as number }))
            .sort((a, b) => a.key - b.key);
          const { processor, out } = stitcher(nx, ny);
          for (const { tile } of shuffled) processor.process(tile);
          expect(out).toHaveLength(1);
          const [again] = out as [NTNDArray];
          expect(again.pixels).toEqual(image.pixels);
          expect(dataOf(again.value)).toEqual(dataOf(image.value));
          expect(again.value.type.equals(image.value.type)).toBe(true);
          expect(processor.getStats()).toMatchObject({
            nFramesStitched: 1,
            nTilesReceived: tiles.length,
            nTilesProcessed: tiles.length,
            nTilesHeld: 0,
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are all accounted for when some are lost, doubled, or come late', () => {
    const event = fc.record({ id: fc.integer({ min: 1, max: 6 }), tile: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.integer({ min: 1, max: 3 }), (events, maxFrames) => {
        const { processor, out } = stitcher(4, 4, { maxFrames });
        const cut = new Map([1, 2, 3, 4, 5, 6].map((id) => [id, tilesOf(grey(4, 4, id), 2, 2)]));
        for (const { id, tile } of events) {
          processor.process(cut.get(id)?.[tile] as NTNDArray);
          const s = processor.getStats() as Record<string, number>;
          expect(s['nTilesProcessed'] as number).toBe(4 * (s['nFramesStitched'] as number));
          expect(s['nTilesReceived']).toBe(
            (s['nTilesProcessed'] as number) + (s['nTilesDiscarded'] as number) + (s['nTilesHeld'] as number),
          );
          expect(s['nTilesHeld']).toBeLessThanOrEqual(4 * maxFrames);
        }
        for (const image of out) expect(image.pixels).toEqual(grey(4, 4, image.uniqueId).pixels);
        processor.stop();
        expect(processor.getStats()).toMatchObject({ nTilesHeld: 0, nTilesReceived: events.length });
      }),
      { numRuns: 200 },
    );
  });
});

describe('StitchTilesProcessor', () => {
  const four = (id: number): NTNDArray[] => tilesOf(grey(4, 4, id), 2, 2);

  /** Counts what a processor reports as lost. */
  function lossesOf(processor: StitchTilesProcessor): () => number {
    let lost = 0;
    processor.onLoss = (count) => {
      lost += count;
    };
    return () => lost;
  }

  it('reports tiles of images that it gives up as lost, once each, but none that come twice', () => {
    const { processor } = stitcher(4, 4);
    const lost = lossesOf(processor);
    for (const tile of [...four(1), ...four(2).slice(1), ...four(5)]) processor.process(tile);
    expect(lost()).toBe(3);
    const [first, second] = four(2) as [NTNDArray, NTNDArray];
    // Too late for image 2; and one that came before.
    processor.process(first);
    processor.process(second);
    for (const tile of four(5)) processor.process(tile);
    expect(lost()).toBe(4);
    for (const tile of four(6).slice(2)) processor.process(tile);
    processor.stop();
    expect(lost()).toBe(6);
    expect(processor.getStats()).toMatchObject({ nTilesProcessed: 8, nTilesDiscarded: 11 });
  });

  it('does not report as lost what is an error', () => {
    const { processor } = stitcher(4, 2);
    const lost = lossesOf(processor);
    for (const tile of four(1).slice(0, 1)) processor.process(tile);
    expect(() => processor.process(four(1)[2] as NTNDArray)).toThrow(/do not make one of 4 x 2/);
    expect(lost()).toBe(1);
  });

  it('gives up images that are incomplete when a later one is complete, and counts the ids between as PvaPy does', () => {
    const { processor, out } = stitcher(4, 4);
    for (const tile of [...four(1), ...four(2).slice(1), ...four(5)]) processor.process(tile);
    // Too late for image 2.
    processor.process(four(2)[0] as NTNDArray);
    expect(out.map((image) => image.uniqueId)).toEqual([1, 5]);
    expect(processor.getStats()).toMatchObject({
      nFramesStitched: 2,
      nFramesMissed: 3,
      nFramesDiscarded: 1,
      nTilesReceived: 12,
      nTilesProcessed: 8,
      nTilesDiscarded: 4,
      nTilesHeld: 0,
    });
    expect(Object.keys(processor.getStatsPvaTypes())).toEqual(Object.keys(processor.getStats()));
  });

  it('discards a tile that comes twice, before and after the image is complete', () => {
    const { processor, out } = stitcher(4, 4);
    const [a, b, c, d] = four(1) as [NTNDArray, NTNDArray, NTNDArray, NTNDArray];
    for (const tile of [a, b, a, b, c, d, d]) processor.process(tile);
    expect(out.map((image) => image.uniqueId)).toEqual([1]);
    expect(processor.getStats()).toMatchObject({
      nTilesProcessed: 4,
      nTilesDiscarded: 3,
      nFramesDiscarded: 0,
    });
  });

  it('takes the same numbers again when the source was restarted, complete or not', () => {
    const restarted = (id: number): NTNDArray[] => {
      const image = grey(4, 4, id);
      image.timeStamp = { ...image.timeStamp, secondsPastEpoch: 5000n };
      return tilesOf(image, 2, 2);
    };
    const { processor, out } = stitcher(4, 4);
    for (const tile of [...four(1), ...four(2).slice(0, 2), ...restarted(1), ...restarted(2)])
      processor.process(tile);
    expect(out.map((image) => image.uniqueId)).toEqual([1, 1, 2]);
    expect(processor.getStats()).toMatchObject({ nFramesDiscarded: 1, nTilesDiscarded: 2, nTilesHeld: 0 });
  });

  it('says what is wrong with tiles that make another image, and goes on', () => {
    const { processor, out } = stitcher(4, 2);
    for (const tile of four(1).slice(0, 1)) processor.process(tile);
    expect(() => processor.process(four(1)[2] as NTNDArray)).toThrow(
      'the 2 tiles of image 1 do not make one of 4 x 2: what are nx and ny?',
    );
    expect(() => processor.process(grey(4, 4))).toThrow('the images are no tiles');
    expect(() => processor.process(tilesOf(grey(9, 2), 9, 1)[0] as NTNDArray)).toThrow(/9 x 1 does not fit/);
    const other = tilesOf(grey(4, 2, 3), 2, 2);
    (other[1] as NTNDArray).pixels = new Float32Array(4);
    processor.process(other[0] as NTNDArray);
    expect(() => processor.process(other[1] as NTNDArray)).toThrow(/image 3 differ in their colours or type/);
    for (const tile of tilesOf(grey(4, 2, 4), 2, 2)) processor.process(tile);
    expect(out.map((image) => image.uniqueId)).toEqual([4]);
    expect(processor.getStats()).toMatchObject({ nTilesReceived: 8, nTilesProcessed: 2, nTilesDiscarded: 6 });
  });

  it('needs the size of the image', () => {
    expect(() => stitcher(0, 4)).toThrow('argument nx: 0 is not a whole number from 1 on');
    expect(() => new StitchTilesProcessor({} as never)).toThrow(/argument nx: 0 /);
    expect(() => stitcher(4, 4, { maxFrames: 0 })).toThrow(/argument maxFrames/);
  });
});
