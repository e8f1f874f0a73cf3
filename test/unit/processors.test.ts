/** The ready-made processors, fed by hand: what comes out, what they count, and what they say of senseless arguments. */
import { ColorMode, NTNDArray, NTScalar, Server, struct, type TypeDef, Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { ImageStatisticsProcessor } from '../../processors/image-statistics-processor.ts';
import { MetadataProcessor } from '../../processors/metadata-processor.ts';
import { MovingAverageProcessor } from '../../processors/moving-average-processor.ts';
import { PROCESSORS } from '../../processors/registry.ts';
import { RotateProcessor } from '../../processors/rotate-processor.ts';
import type { PvObject, UserDataProcessor } from '../../src/processor/user-data-processor.ts';

/** Connects a processor to a list; what it publishes is added there. */
function published<P extends UserDataProcessor>(processor: P): { processor: P; out: PvObject[] } {
  const out: PvObject[] = [];
  processor.dataPublisher = { publish: (object) => out.push(object) };
  processor.resetStats();
  return { processor, out };
}

const args = (o: Record<string, unknown> = {}) => o as never;

const image = (pixels: number[], dimensions: number[], uniqueId = 1, type = Uint8Array): NTNDArray =>
  NTNDArray.create({ pixels: type.from(pixels), dimensions, uniqueId });

/** A colour image: of `numbers`, row by row, each pixel n has the colours 10 n, 10 n + 1 and 10 n + 2. */
function rgb(colorMode: number, numbers: readonly number[], nx: number, ny: number): NTNDArray {
  const pixels = new Uint8Array(3 * nx * ny);
  numbers.forEach((n, i) => {
    const [x, y] = [i % nx, Math.floor(i / nx)];
    for (const c of [0, 1, 2]) {
      const at = { 2: c + 3 * i, 3: x + nx * (c + 3 * y), 4: x + nx * (y + ny * c) }[colorMode] as number;
      pixels[at] = 10 * n + c;
    }
  });
  const dimensions = { 2: [3, nx, ny], 3: [nx, 3, ny], 4: [nx, ny, 3] }[colorMode] as number[];
  return NTNDArray.create({ pixels, dimensions, colorMode, uniqueId: 1 });
}

const last = (out: PvObject[]): { pixels: number[]; shape: number[] } => {
  const { pixels, dimensions } = out.at(-1) as NTNDArray;
  return { pixels: [...(pixels as Uint8Array)], shape: dimensions.map(({ size }) => size) };
};

describe('RotateProcessor', () => {
  // Three columns, two rows:  1 2 3 / 4 5 6
  it.for([
    [0, [1, 2, 3, 4, 5, 6], [3, 2]],
    [90, [4, 1, 5, 2, 6, 3], [2, 3]],
    [180, [6, 5, 4, 3, 2, 1], [3, 2]],
    [270, [3, 6, 2, 5, 1, 4], [2, 3]],
  ] as const)('turns by %i degrees', ([degrees, pixels, shape]) => {
    const { processor, out } = published(new RotateProcessor(args({ degrees })));
    processor.process(image([1, 2, 3, 4, 5, 6], [3, 2]));
    expect(last(out)).toEqual({ pixels, shape });
  });

  it('can be told another angle, and refuses others than it knows', () => {
    const { processor, out } = published(new RotateProcessor(args()));
    processor.configure({ degrees: 180 });
    processor.process(image([1, 2], [2, 1]));
    expect(last(out)).toEqual({ pixels: [2, 1], shape: [2, 1] });
    expect(() => processor.configure({ degrees: 45 })).toThrow(
      'argument degrees: 45 is not one of 0, 90, 180, 270',
    );
    expect(() => processor.configure('90')).toThrow('the arguments must be a JSON object, not "90"');
    // Three dimensions without a colour mode may be anything; RGB1 with four colours is no image.
    expect(() => processor.process(image([1, 2, 3], [1, 1, 3]))).toThrow(
      'turns images of two dimensions, or of three with RGB1, RGB2 or RGB3, not 1 x 1 x 3',
    );
    const four = NTNDArray.create({ pixels: new Uint8Array(8), dimensions: [4, 1, 2], colorMode: 2 });
    expect(() => processor.process(four)).toThrow(/not 4 x 1 x 2/);
    expect(() => processor.process(image([1, 2, 3], [3]))).toThrow('two or more dimensions, not 1');
  });

  // The same picture in each mode: three columns, two rows, pixel n has the colours 10 n, 10 n + 1, 10 n + 2.
  it.for(
    [0, 90, 180, 270].flatMap((degrees) =>
      [ColorMode.RGB1, ColorMode.RGB2, ColorMode.RGB3].map((mode) => [degrees, mode] as const),
    ),
  )('turns colours by %i degrees, colour mode %i', async ([degrees, mode]) => {
    const TURNED = { 0: '1 2 3/4 5 6', 90: '4 1/5 2/6 3', 180: '6 5 4/3 2 1', 270: '3 6/2 5/1 4' };
    const { processor, out } = published(new RotateProcessor(args({ degrees })));
    const frame = rgb(mode, [1, 2, 3, 4, 5, 6], 3, 2);
    await processor.process(degrees === 90 ? frame.compress('lz4') : frame);
    const rows = TURNED[degrees as 90].split('/').map((row) => row.split(' ').map(Number));
    const wanted = rgb(mode, rows.flat(), rows[0]?.length as number, rows.length);
    expect(last(out)).toEqual(last([wanted]));
    expect((out[0] as NTNDArray).colorMode).toBe(mode);
  });

  it('turns 64-bit integers', () => {
    const { processor, out } = published(new RotateProcessor(args()));
    processor.process(NTNDArray.create({ pixels: BigInt64Array.of(-1n, 2n), dimensions: [2, 1] }));
    expect((out[0] as NTNDArray).pixels).toEqual(BigInt64Array.of(-1n, 2n));
    expect((out[0] as NTNDArray).shape).toEqual([2, 1]);
  });

  it('passes an empty image on', () => {
    const { processor, out } = published(new RotateProcessor(args()));
    processor.process(NTNDArray.create({ uniqueId: 0 }));
    expect(out).toHaveLength(1);
  });
});

describe('MovingAverageProcessor', () => {
  it('publishes the mean of the last images, in their type', () => {
    const { processor, out } = published(new MovingAverageProcessor(args({ nImages: 2 })));
    for (const [i, pixels] of [
      [10, 0],
      [20, 1],
      [40, 255],
    ].entries())
      processor.process(image(pixels, [2, 1], i));
    expect(out.map((o) => [...((o as NTNDArray).pixels as Uint8Array)])).toEqual([
      [10, 0],
      [15, 0],
      [30, 128],
    ]);
    expect(processor.getStats()).toEqual({ nAveraged: 2, nRestarts: 0 });
  });

  it('begins anew with an image of another size, and forgets when told to average fewer', () => {
    const { processor, out } = published(new MovingAverageProcessor(args({ nImages: 5 })));
    for (const pixel of [2, 4, 9]) processor.process(image([pixel], [1, 1]));
    processor.configure({ nImages: 1 });
    processor.process(image([7], [1, 1]));
    expect(last(out).pixels).toEqual([7]);
    processor.process(image([1, 2], [2, 1]));
    expect(last(out).pixels).toEqual([1, 2]);
    expect(processor.getStats()).toEqual({ nAveraged: 1, nRestarts: 1 });
  });

  it('begins anew when images have as many pixels in another shape', () => {
    const { processor, out } = published(new MovingAverageProcessor(args({ nImages: 5 })));
    processor.process(image([1, 2], [2, 1]));
    processor.process(image([3, 6], [1, 2]));
    expect(last(out).pixels).toEqual([3, 6]);
    expect(processor.getStats()).toEqual({ nAveraged: 1, nRestarts: 1 });
  });

  it('is right again when a pixel has left that was so large that the others counted for nothing', () => {
    const { processor, out } = published(new MovingAverageProcessor(args({ nImages: 3 })));
    for (const [i, pixel] of [1, 1, 1e20, 1, 1, 1].entries())
      processor.process(
        NTNDArray.create({ pixels: Float64Array.of(pixel), dimensions: [1, 1], uniqueId: i }),
      );
    expect(last(out).pixels).toEqual([1]);
  });

  it('has a pixel again when the image in which it was not a number has left', () => {
    const { processor, out } = published(new MovingAverageProcessor(args({ nImages: 2 })));
    const pixels = [Number.NaN, 2, Number.POSITIVE_INFINITY, 4, 6];
    for (const [i, pixel] of pixels.entries())
      processor.process(
        NTNDArray.create({ pixels: Float32Array.of(pixel, i), dimensions: [2, 1], uniqueId: i }),
      );
    expect(out.map((o) => [...((o as NTNDArray).pixels as Float32Array)])).toEqual([
      [Number.NaN, 0],
      [Number.NaN, 0.5],
      [Number.POSITIVE_INFINITY, 1.5],
      [Number.POSITIVE_INFINITY, 2.5],
      [5, 3.5],
    ]);
  });

  it('refuses numbers of images that make no sense', () => {
    for (const nImages of [0, 1.5, '3'])
      expect(() => new MovingAverageProcessor(args({ nImages }))).toThrow(
        /argument nImages: .* is not a whole number from 1/,
      );
  });
});

describe('ImageStatisticsProcessor', () => {
  it('measures every image, passes it on and publishes the figures', async () => {
    await using server = Server.isolated();
    const { processor, out } = published(new ImageStatisticsProcessor(args({ satThreshold: 200 })));
    processor.pvaServer = server;
    processor.outputChannel = 'out';
    processor.start();
    expect(server.names()).toContain('out:statistics');
    processor.process(image([0, 1, 100, 200, 255], [5, 1], 7));
    const figures = { imageId: 7, minimum: 0, maximum: 255, mean: 111.2, sum: 556, nDark: 2, nSaturated: 2 };
    expect(processor.getStats()).toEqual(figures);
    expect(Object.keys(processor.getStatsPvaTypes())).toEqual(Object.keys(figures));
    expect(out).toHaveLength(1);
    expect(() => processor.configure({ desatThreshold: 'x' })).toThrow(
      /argument desatThreshold: "x" is not a number/,
    );
    // All or nothing.
    expect(() => processor.configure({ desatThreshold: 100, satThreshold: 'x' })).toThrow(
      /argument satThreshold: "x" is not a number/,
    );
    processor.process(image([0, 1, 100, 200, 255], [5, 1], 8));
    expect(processor.getStats()).toEqual({ ...figures, imageId: 8 });
  });
});

describe('MetadataProcessor', () => {
  /** A value with a time stamp, in ms. */
  const at = (ms: number, value: number): Value =>
    NTScalar.create('double', value).set('timeStamp.nanoseconds', ms * 1e6);
  const frameAt = (ms: number, uniqueId: number): NTNDArray =>
    image([1], [1, 1], uniqueId)
      .set('timeStamp.secondsPastEpoch', 0n)
      .set('timeStamp.nanoseconds', ms * 1e6);

  function withMetadata(queues: Record<string, Value[]>, config = {}) {
    const result = published(new MetadataProcessor(args(config)));
    result.processor.metadataQueueMap = new Map(
      Object.entries(queues).map(([name, values]) => [
        name,
        {
          get: () => values.shift(),
          get length() {
            return values.length;
          },
        },
      ]),
    );
    result.processor.start();
    return result;
  }

  it('adds the values taken at the time of the image, each once', () => {
    const { processor, out } = withMetadata({
      x: [at(10, 1), at(20, 2), at(30, 3)],
      y: [at(10, 10), at(30, 30)],
    });
    for (const [id, ms] of [
      [1, 10],
      [2, 20],
      [3, 30],
    ] as const)
      processor.process(frameAt(ms, id));
    expect(out.map((o) => Object.fromEntries((o as NTNDArray).attributes))).toEqual([
      { x: 1, y: 10 },
      { x: 2 },
      { x: 3, y: 30 },
    ]);
    expect(processor.getStats()).toEqual({
      nFramesProcessed: 2,
      nFrameErrors: 1,
      nMetadataProcessed: 5,
      nMetadataDiscarded: 0,
      nMissing_1: 0,
      nDiscarded_1: 0,
      nMissing_2: 1,
      nDiscarded_2: 0,
    });
  });

  it('discards what is too old, keeps what is newer, within tolerance and offset', () => {
    const { processor, out } = withMetadata(
      { x: [at(1, 1), at(5, 5), at(16, 16)] },
      { timestampTolerance: 0.002, metadataTimestampOffset: 0.004 },
    );
    processor.process(frameAt(10, 1));
    processor.process(frameAt(20, 2));
    expect(out.map((o) => Object.fromEntries((o as NTNDArray).attributes))).toEqual([{ x: 5 }, { x: 16 }]);
    expect(processor.getStats()).toMatchObject({
      nMetadataProcessed: 2,
      nMetadataDiscarded: 1,
      nFrameErrors: 0,
    });
  });

  it.for([
    ['nearest', [{ x: 1 }, { x: 2 }, { x: 2 }, {}]],
    ['previous', [{}, { x: 1 }, { x: 2 }, {}]],
    ['linear', [{}, { x: 1.75 }, {}, {}]],
  ] as const)('finds %s values, which may belong to several images', async ([interpolation, expected]) => {
    const queues = { x: [at(10, 1), at(20, 2)] };
    const { processor, out } = withMetadata(queues, { interpolation, timestampTolerance: 0.01 });
    for (const [i, ms] of [5, 17.5, 29, 31].entries()) await processor.process(frameAt(ms, i));
    expect(out.map((o) => Object.fromEntries((o as NTNDArray).attributes))).toEqual(expected);
    const missing = expected.filter((attributes) => !('x' in attributes)).length;
    expect(processor.getStats()).toMatchObject({ nMissing_1: missing, nMetadataProcessed: 4 - missing });
    expect(Object.keys(processor.getStatsPvaTypes())).toEqual(Object.keys(processor.getStats()));
  });

  it('waits for what has arrived at the computer, and for nothing else', async () => {
    const queue: Value[] = [];
    const { processor, out } = withMetadata({ x: queue });
    // Is read when the event loop asks its connections for the first time after the image.
    setImmediate(() => setImmediate(() => queue.push(at(10, 1))));
    const pending = processor.process(frameAt(10, 1));
    expect(out).toHaveLength(0);
    await pending;
    // A newer value is there: none will come any more.
    queue.push(at(40, 4));
    expect(processor.process(frameAt(30, 2))).toBeInstanceOf(NTNDArray);
    expect(out.map((o) => Object.fromEntries((o as NTNDArray).attributes))).toEqual([{ x: 1 }, {}]);
    expect(processor.getStats()).toMatchObject({ nFramesProcessed: 1, nFrameErrors: 1, nMissing_1: 1 });
  });

  it('waits for a late value of a channel that had one for the image before, if it is to', async () => {
    const queue: Value[] = [];
    const { processor, out } = withMetadata({ x: queue }, { metadataWait: 0 });
    await processor.process(frameAt(10, 1));
    processor.configure({ metadataWait: 3600 });
    // Waited for in vain once, it is not waited for again, ...
    await processor.process(frameAt(20, 2));
    // ... until it has had a value.
    queue.push(at(30, 3));
    processor.process(frameAt(30, 3));
    const late = setTimeout(() => queue.push(at(40, 4)), 20);
    await processor.process(frameAt(40, 4));
    clearTimeout(late);
    processor.configure({ metadataWait: 0.001 });
    await processor.process(frameAt(50, 5));
    expect(out.map((o) => Object.fromEntries((o as NTNDArray).attributes))).toEqual([
      {},
      {},
      { x: 3 },
      { x: 4 },
      {},
    ]);
    expect(() => processor.configure({ metadataWait: -1 })).toThrow('metadataWait');
  });

  it('says at level debug what is missing, and takes only what it knows', async () => {
    const said: string[] = [];
    const untimed = Value.create(struct('', { value: 'double' }));
    const { processor } = withMetadata({ x: [untimed, at(10, 1), at(20, 2)], y: [] });
    processor.logger = {
      isLevelEnabled: () => true,
      debug: (text: string) => said.push(text),
      warning: (text: string) => said.push(text),
    } as never;
    await processor.process(frameAt(5, 7));
    expect(said).toEqual([
      'metadata channel x: an update without timeStamp or value is of no use',
      'image 7: no value of x: the nearest is 0.005 s newer',
      'image 7: no value of y: none has come',
    ]);
    expect(processor.getStats()).toMatchObject({ nMetadataDiscarded: 1, nMissing_1: 1, nMissing_2: 1 });
    expect(() => processor.configure({ interpolation: 'cubic' })).toThrow(
      'argument interpolation: "cubic" is not one of none, nearest, previous, linear',
    );
    processor.configure({ interpolation: 'previous', timestampTolerance: 1 });
    await processor.process(frameAt(15, 8));
    expect(processor.getStats()).toMatchObject({ nMetadataProcessed: 1, nMissing_1: 1 });
  });

  it('goes on when the clock of a channel was ahead and is set back, and says so', async () => {
    const said: string[] = [];
    const queue = [at(900, 9)];
    const { processor, out } = withMetadata({ x: queue });
    processor.logger = { isLevelEnabled: () => false, warning: (text: string) => said.push(text) } as never;
    await processor.process(frameAt(10, 1));
    queue.push(at(20, 2));
    await processor.process(frameAt(20, 2));
    expect(out.map((o) => Object.fromEntries((o as NTNDArray).attributes))).toEqual([{}, { x: 2 }]);
    expect(processor.getStats()).toMatchObject({ nMissing_1: 1, nDiscarded_1: 1, nMetadataDiscarded: 1 });
    expect(said).toEqual([
      'metadata channel x: its time went back; 1 update(s) from the time ahead are dropped: check its clock',
    ]);
  });

  it('publishes no image before the detector has one', () => {
    const { processor, out } = withMetadata({});
    expect(processor.process(NTNDArray.create({ uniqueId: 0 }))).toBeUndefined();
    expect(out).toEqual([]);
  });
});

describe('every ready-made processor', () => {
  it.for(Object.keys(PROCESSORS))('%s is a class with this name', async (name) => {
    const Processor = (await PROCESSORS[name]?.()) as { name: string };
    expect(Processor.name).toBe(name);
  });

  // As PvaPy's, which derive from its AdImageProcessor.
  it.for(Object.keys(PROCESSORS).filter((name) => name !== 'UserDataProcessor'))(
    '%s says what can be put into it',
    async (name) => {
      const Processor = (await PROCESSORS[name]?.()) as { prototype: UserDataProcessor };
      const declared = Processor.prototype.getInputPvObjectType();
      const type = declared instanceof NTNDArray ? declared.value.type : (declared as TypeDef);
      expect(type.id).toBe(/Decrypt/.test(name) ? 'epics:hpc:EncryptedData:1.0' : 'epics:nt/NTNDArray:1.0');
      const isStitcher = name === 'StitchTilesProcessor';
      expect([type.member('tileIndexX'), type.member('tileIndexY')].includes(undefined)).toBe(!isStitcher);
    },
  );
});

describe('compressed images', () => {
  const compressed = (codec: string) => image([1, 2, 3, 4, 5, 6], [3, 2]).compress(codec);

  it.for(['lz4', 'bslz4', 'lz4hdf5'])('%s: are turned and averaged as pixels', async (codec) => {
    const rotate = published(new RotateProcessor(args({ degrees: 180 })));
    await rotate.processor.process(compressed(codec));
    expect(last(rotate.out)).toEqual({ pixels: [6, 5, 4, 3, 2, 1], shape: [3, 2] });
    const average = published(new MovingAverageProcessor(args()));
    await average.processor.process(compressed(codec));
    expect(last(average.out).pixels).toEqual([1, 2, 3, 4, 5, 6]);
    expect((average.out[0] as NTNDArray).codec.name).toBe('');
  });

  it('are measured as pixels and passed on as they are', async () => {
    const { processor, out } = published(new ImageStatisticsProcessor(args()));
    const frame = compressed('bslz4');
    await processor.process(frame);
    expect(processor.getStats()).toMatchObject({ minimum: 1, maximum: 6, sum: 21 });
    expect(out).toEqual([frame]);
    expect(frame.codec.name).toBe('bslz4');
  });
});
