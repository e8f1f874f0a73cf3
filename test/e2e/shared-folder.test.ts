/** Several processes that count their files in one folder: each takes numbers of its own, no file is overwritten, no image lost. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { expectLedger, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { checked, figure, hdf5, tiffs } from './support/output-files.ts';
import { it, type World } from './support/world.ts';

const SIZE = 32 * 32;
const IMAGES = 150;

/** Images of 32 x 32 go to two consumers that have the same command line but for their id; ends them. */
async function twoConsumers(world: World, line: string): Promise<void> {
  const detector = await Detector.start(world, { nx: 32, ny: 32 });
  const consumers = [await world.start(`${line} -id 1`), await world.start(`${line} -id 2`)];
  await detector.subscribers(2);
  await detector.publish(IMAGES, 200);
  for (const id of [1, 2]) {
    // Processed is not written: with several writes in flight the last files come later.
    const s = await statusWhen(
      world,
      id,
      'saved',
      (now) =>
        now.processorStats.lastObjectId === IMAGES &&
        now.processorStats.nInFlight === 0 &&
        figure(now, 'nFilesSaved') + figure(now, 'nErrors') === IMAGES,
    );
    expectLedger(s, IMAGES);
    expect(s.processorStats).toMatchObject({ nProcessed: IMAGES, nErrors: 0 });
    expect([figure(s, 'nFilesSaved'), figure(s, 'nErrors')]).toEqual([IMAGES, 0]);
  }
  for (const consumer of consumers) {
    consumer.signal('SIGINT');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0 });
  }
}

/** The number of the image that a TIFF file holds: each of its pixels tells. */
function imageIn(file: Buffer): number | undefined {
  const pixels = file.subarray(-SIZE);
  // Pixels of images that are 256 apart are the same: there are fewer.
  return idsFrom(1, IMAGES).find((id) => Buffer.compare(pixels, pixelsOf(id, SIZE)) === 0);
}

const numbered = (count: number, extension: string): string[] =>
  idsFrom(1, count).map((n) => `${String(n).padStart(6, '0')}.${extension}`);
const twice = idsFrom(1, IMAGES).flatMap((id) => [id, id]);
const sorted = (ids: readonly (number | undefined)[]): unknown[] =>
  [...ids].sort((a, b) => (a ?? 0) - (b ?? 0));

describe('consumers whose file names do not tell them apart', () => {
  it('HDF5: every image of both is in a file', async ({ world }) => {
    const folder = join(world.folder, 'out');
    await twoConsumers(
      world,
      hdf5(folder, { outputFileNameFormat: '{outputFileId:06}.hdf', nImagesPerFile: 1 }),
    );
    expect(readdirSync(folder).sort()).toEqual(numbered(2 * IMAGES, 'hdf'));
    expect(sorted(checked(folder, SIZE))).toEqual(twice);
  });

  it('TIFF: every image of both is in a file', async ({ world }) => {
    const folder = join(world.folder, 'out');
    const args = { outputFileNameFormat: '{outputFileId:06}.tiff', maxWritesInFlight: 3 };
    const line = tiffs(folder, args);
    await twoConsumers(world, line);
    expect(readdirSync(folder).sort()).toEqual(numbered(2 * IMAGES, 'tiff'));
    const found = readdirSync(folder).map((name) => imageIn(readFileSync(join(folder, name))));
    expect(sorted(found)).toEqual(twice);
  });
});

it('workers of one consumer, which have its number: every image is in a file', async ({ world }) => {
  const folder = join(world.folder, 'out');
  const detector = await Detector.start(world, { nx: 32, ny: 32 });
  const format = { outputFileNameFormat: '{outputFileId:06}.{processorId}.tiff' };
  const consumer = await world.start(`${tiffs(folder, format)} --processor-workers 2`);
  await detector.subscribers(1);
  await detector.publish(IMAGES, 200);
  const s = await statusWhen(world, 1, 'saved', (now) => figure(now, 'nFilesSaved') === IMAGES);
  expectLedger(s, IMAGES);
  consumer.signal('SIGINT');
  expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0 });
  expect(readdirSync(folder).sort()).toEqual(numbered(IMAGES, '1.tiff'));
  const found = readdirSync(folder).map((name) => imageIn(readFileSync(join(folder, name))));
  expect(sorted(found)).toEqual(idsFrom(1, IMAGES));
});
