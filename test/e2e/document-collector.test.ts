/**
 * PvaPy's streaming framework document, with its command lines: Splitting Images Into Tiles, Data Collector, Splitting
 * and Stitching. Behind a collector everything is there once, in order, with its pixels.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NTNDArray, type Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { idsFrom, type Status } from './support/consumer.ts';
import {
  channels,
  expectAllProcessed,
  handledBy,
  IMAGE_PROCESSOR,
  PASS_THROUGH,
  stages,
  stopAll,
  streamThrough,
} from './support/document.ts';
import { watch } from './support/processing.ts';
import { it, until, type World } from './support/world.ts';

const idOf = (value: Value): number => Number(value.get('uniqueId'));

describe('Data Collector', () => {
  it('sorts what four processors shared, and four writers save each image once', async ({ world }) => {
    const folder = join(world.folder, 'data');
    mkdirSync(folder);
    await world.start(
      `hpc-consumer --input-channel pvapy:image ${channels('processor')} ${IMAGE_PROCESSOR} --report-period 10 --server-queue-size 100 --receiver-queue-size 1000 --n-consumers 4 --distributor-updates 8`,
    );
    const collector = await world.start(
      `hpc-collector --collector-id 1 --producer-id-list 1,2,3,4 --input-channel processor:*:output ${channels('collector')} ${PASS_THROUGH} --report-period 10 --server-queue-size 1000 --collector-cache-size 10000 --receiver-queue-size 2000`,
    );
    await world.start(
      `hpc-consumer --input-channel collector:1:output --output-channel file:*:output --control-channel file:*:control --status-channel file:*:status --processor-class pvapy.hpc.adOutputFileProcessor.AdOutputFileProcessor --processor-args '{"outputDirectory" : "${folder}", "outputFileNameFormat" : "bdp_{uniqueId:06d}.{processorId}.tiff"}' --n-consumers 4 --report-period 10 --server-queue-size 1000 --receiver-queue-size 10000 --distributor-updates 1`,
    );
    const mirror = await world.start('mirror-server --channel-map "(pvapy:image,ad:image,pva,1000)"');
    await mirror.waitForLine(/^Started mirror server/, 20_000);
    const ids = watch(world, 'collector:1:output', idOf);
    const published = await streamThrough(
      world,
      'ad-sim-server -cn ad:image -nx 128 -ny 128 -dt uint8 -fps 2000 -rt 60 -rp 2000',
      { fps: 100, runtime: 3.2, watched: [ids] },
      // The writers have a first image when one processor's has come; the collector needs all four.
      ['collector:1', ...stages('file', 4)],
    );
    const writers = await handledBy(world, stages('file', 4), published);
    await until(() => expect(ids.at(-1)).toBe(published));
    expect(ids).toEqual(idsFrom(0, published));
    const [c] = (await handledBy(world, ['collector:1'], published)) as [Status & Collected];
    expect(c.collectorStats).toMatchObject({ nCollected: published, nMissed: 0, nRejected: 0, nCached: 0 });
    expect(c.processorStats).toMatchObject({ nProcessed: published, nErrors: 0, nMissed: 0 });
    expect(c.publisherStats).toMatchObject({ nPublished: published, nErrors: 0 });
    for (const s of writers) {
      expectAllProcessed(s, published / 4);
      expect(s.userStats).toMatchObject({ nFilesSaved: published / 4 });
    }
    // One file at a time to each of the four, in turn.
    const files = readdirSync(folder)
      .sort()
      .map((name) => /^bdp_(\d{6})\.([1-4])\.tiff$/.exec(name)?.slice(1).map(Number) ?? [name]);
    expect(files.map(([id]) => id)).toEqual(idsFrom(1, published));
    const turns = files.map(([, writer]) => writer);
    expect(new Set(turns.slice(0, 4)).size).toBe(4);
    expect(turns).toEqual(turns.map((_, i) => turns[i % 4]));
    await stopAll(world, ['collector:1']);
    expect(await collector.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });
  });
});

interface Collected {
  readonly collectorStats: Readonly<Record<string, number>>;
}

/** Terminals 1 and 2 of both examples: one consumer cuts images into four tiles, four consumers share these. */
async function splitters(world: World): Promise<void> {
  await world.start(
    `hpc-consumer --input-channel pvapy:image ${channels('split')} --processor-file examples/split-ad-image-processor.ts --processor-class SplitAdImageProcessor --processor-args='{"nx" : 1920, "ny" : 1080}' --report-period 10 --server-queue-size 100`,
  );
  await world.start(
    `hpc-consumer --input-channel split:1:output ${channels('process')} ${PASS_THROUGH} --report-period 10 --server-queue-size 100 --n-consumers 4 --distributor-updates 1`,
  );
}

/** Fewer different images than the simulator would hold: they are large. */
const SIMULATOR = 'ad-sim-server -cn pvapy:image -nx 3840 -ny 2160 -dt uint8 -fps 100 -rp 100 -rt 60 -nf 4';
const SCALE = { fps: 5, runtime: 4 };

const sizes = (value: Value): number[] => new NTNDArray(value).dimensions.map(({ size }) => size);

/** Every tile is the same one of its image, of 1920 x 1080 pixels; which ones there are. */
async function tilesSeen(world: World, published: number): Promise<string[]> {
  const names = stages('process', 4);
  const all = await handledBy(world, names, 4 * published);
  // Tiles have their image's id: a step of less than four ids is none missed.
  for (const s of all) expectAllProcessed(s, published);
  return Promise.all(
    names.map(async (name) => {
      const tile = await world.context.get(`${name}:output`);
      expect(sizes(tile)).toEqual([1920, 1080]);
      expect(idOf(tile)).toBe(published);
      return `${tile.get('tileIndexX')},${tile.get('tileIndexY')}`;
    }),
  );
}

describe('Splitting Images Into Tiles', () => {
  it('gives each of four consumers the same tile of every image', async ({ world }) => {
    await splitters(world);
    const published = await streamThrough(world, SIMULATOR, SCALE, stages('process', 4));
    expect(sizes(await world.context.get('pvapy:image'))).toEqual([3840, 2160]);
    const [split] = await handledBy(world, ['split:1'], published);
    expect(split?.processorStats).toMatchObject({ nProcessed: published, nMissed: 0, nErrors: 0 });
    expect(split?.publisherStats).toMatchObject({ nPublished: 4 * published, nErrors: 0 });
    expect((await tilesSeen(world, published)).sort()).toEqual(['0,0', '0,1', '1,0', '1,1']);
  });
});

describe('Splitting and Stitching Images With Data Collector', () => {
  it('makes every image again as it was', async ({ world }) => {
    await splitters(world);
    await world.start(
      `hpc-collector --collector-id 1 --producer-id-list 1,2,3,4 --input-channel process:*:output ${channels('collector')} --processor-file examples/stitch-ad-image-processor.ts --processor-class StitchAdImageProcessor --processor-args='{"nx" : 3840, "ny" : 2160}' --report-period 10 --server-queue-size 100 --collector-cache-size 100`,
    );
    const ids = watch(world, 'collector:1:output', idOf);
    const published = await streamThrough(world, SIMULATOR, { ...SCALE, watched: [ids] }, ['collector:1']);
    expect(new Set(await tilesSeen(world, published)).size).toBe(4);
    await until(() => expect(ids.at(-1)).toBe(published));
    expect(ids).toEqual(idsFrom(0, published));
    const [c] = (await handledBy(world, ['collector:1'], 4 * published)) as [Status & Collected];
    expect(c.collectorStats).toMatchObject({ nCollected: 4 * published, nRejected: 0, nCached: 0 });
    expect(c.userStats).toMatchObject({ nFramesStitched: published, nFramesMissed: 0, nTilesDiscarded: 0 });
    // The last image, identical to the original one.
    const [original, stitched] = await Promise.all(
      ['pvapy:image', 'collector:1:output'].map(async (name) => new NTNDArray(await world.context.get(name))),
    );
    expect(stitched?.uniqueId).toBe(original?.uniqueId);
    expect(stitched?.dimensions.map(({ size }) => size)).toEqual([3840, 2160]);
    const [a, b] = [original, stitched].map((image) => Buffer.from(image?.pixels as Uint8Array));
    expect(Buffer.compare(a as Buffer, b as Buffer)).toBe(0);
  });
});
