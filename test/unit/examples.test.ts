/** Every example is loaded as a user's file is, and does what its first lines say. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as pva from 'epics-pva-ts';
import { NTNDArray, struct, Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import * as processors from '../../processors/index.ts';
import * as hpc from '../../src/index.ts';
import { UserDataProcessor } from '../../src/index.ts';
import { createLogging } from '../../src/log.ts';
import { loadProcessorClass } from '../../src/processor/load-processor.ts';
import type { PvObject } from '../../src/processor/user-data-processor.ts';
import { ROOT } from '../e2e/support/world.ts';

/** PvaPy's class of each example. */
const CLASSES: Readonly<Record<string, string>> = {
  'hpc-ad-image-moving-average-processor.ts': 'HpcAdImageMovingAverageProcessor',
  'hpc-ad-image-processor.ts': 'HpcAdImageProcessor',
  'hpc-ad-metadata-processor.ts': 'HpcAdMetadataProcessor',
  'hpc-data-processor.ts': 'HpcDataProcessor',
  'split-ad-image-processor.ts': 'SplitAdImageProcessor',
  'stitch-ad-image-processor.ts': 'StitchAdImageProcessor',
};

async function load(file: string, config: object = {}) {
  const Processor = await loadProcessorClass({
    processorFile: join(ROOT, 'examples', file),
    processorClass: CLASSES[file],
    builtins: {},
    virtualModules: { 'epics-hpc': hpc, 'epics-hpc/processors': processors, 'epics-pva-ts': pva },
  });
  const processor = new Processor!({ ...config }) as UserDataProcessor;
  const published: PvObject[] = [];
  processor.logger = createLogging({ name: 'test' }).logger;
  processor.dataPublisher = { publish: (object) => published.push(object) };
  processor.resetStats();
  await processor.start();
  return { processor, published };
}

const image = (uniqueId: number, pixels: number[]): NTNDArray =>
  NTNDArray.create({ uniqueId, pixels: new Uint8Array(pixels), dimensions: [4, 2], colorMode: 0 });

describe('the examples', () => {
  it('are those that PvaPy has', () => {
    const files = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.ts'));
    expect(files.sort()).toEqual(Object.keys(CLASSES));
  });

  it.for(Object.keys(CLASSES))('%s', async (file) => {
    const { processor } = await load(file, { nx: 4, ny: 2 });
    expect(processor).toBeInstanceOf(UserDataProcessor);
    // The status channel has what the reports have.
    expect(Object.keys(processor.getStatsPvaTypes()).sort()).toEqual(
      Object.keys(processor.getStats()).sort(),
    );
  });

  it('HpcAdImageMovingAverageProcessor publishes means, and its time', async () => {
    const { processor, published } = await load('hpc-ad-image-moving-average-processor.ts', { nImages: 2 });
    for (const [i, level] of [10, 20, 40].entries())
      await processor.process(image(i + 1, new Array(8).fill(level)));
    expect(published.map((frame) => (frame as NTNDArray).pixels?.[0])).toEqual([10, 15, 30]);
    expect(processor.getStats()).toMatchObject({ nProcessed: 3, nAveraged: 2, nRestarts: 0 });
    expect(processor.getStats()['processingTime']).toBeGreaterThan(0);
    processor.resetStats();
    expect(processor.getStats()).toMatchObject({ nProcessed: 0, processingTime: 0, processingRate: 0 });
  });

  it('HpcAdImageProcessor swaps the axes of mono, colour and compressed images', async () => {
    const { processor, published } = await load('hpc-ad-image-processor.ts');
    const mono = [1, 2, 3, 4, 5, 6, 7, 8];
    const swapped = [1, 5, 2, 6, 3, 7, 4, 8];
    await processor.process(image(1, mono));
    await processor.process(image(2, mono).compress('lz4'));
    // Planes of red, green and blue: RGB3.
    const pixels = Uint8Array.from([0, 10, 20].flatMap((base) => mono.map((n) => base + n)));
    await processor.process(NTNDArray.create({ uniqueId: 3, pixels, dimensions: [4, 2, 3], colorMode: 4 }));
    // A detector that has not started yet.
    await processor.process(NTNDArray.create({ uniqueId: 4 }));
    const frames = published as NTNDArray[];
    expect(frames.map(({ uniqueId }) => uniqueId)).toEqual([1, 2, 3]);
    for (const frame of frames.slice(0, 2)) {
      expect([...(frame.pixels as Uint8Array)]).toEqual(swapped);
      expect([frame.width, frame.height, frame.codec.name]).toEqual([2, 4, '']);
    }
    const colour = frames[2] as NTNDArray;
    expect([colour.width, colour.height, colour.colorMode]).toEqual([2, 4, 2]);
    expect([...(colour.pixels as Uint8Array)]).toEqual(swapped.flatMap((n) => [n, 10 + n, 20 + n]));
    expect(processor.getStats()).toMatchObject({ nProcessed: 4 });
  });

  it('HpcDataProcessor passes any structure through', async () => {
    const { processor, published } = await load('hpc-data-processor.ts');
    const object = Value.create(struct('', { objectId: 'int' }), { objectId: 1 });
    expect(processor.process(object)).toBe(object);
    expect(published).toEqual([object]);
    expect(processor.getStats()).toMatchObject({ nProcessed: 1 });
  });

  it('HpcAdMetadataProcessor marks images that lack a value', async () => {
    const { processor, published } = await load('hpc-ad-metadata-processor.ts');
    processor.metadataQueueMap = new Map([['x', { length: 0, get: () => undefined }]]);
    await processor.start();
    await processor.process(image(1, [1, 2, 3, 4, 5, 6, 7, 8]));
    expect((published[0] as NTNDArray).attribute('metadataComplete')).toBe(0);
  });

  it('SplitAdImageProcessor and StitchAdImageProcessor undo each other', async () => {
    const split = await load('split-ad-image-processor.ts', { nx: 2, ny: 1 });
    const stitch = await load('stitch-ad-image-processor.ts', { nx: 4, ny: 2 });
    const pixels = [1, 2, 3, 4, 5, 6, 7, 8];
    await split.processor.process(image(7, pixels));
    expect(split.published).toHaveLength(4);
    for (const tile of split.published) await stitch.processor.process(tile);
    const [whole] = stitch.published as NTNDArray[];
    expect(whole?.uniqueId).toBe(7);
    expect(Array.from(whole?.pixels as Uint8Array)).toEqual(pixels);
  });
});
