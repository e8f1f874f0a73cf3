/** Images in files, by the commands: as many as were published, also when the process is killed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Child, spawnChild } from '../../bench/peers/child.ts';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { expectLedger, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { checked, figure, hdf5, images, tiffs } from './support/output-files.ts';
import { consume, done } from './support/processing.ts';
import { it, ROOT, until, type World } from './support/world.ts';

describe.concurrent('the commands of docs/reference/processors.md', () => {
  const lines = codeBlocks('docs/reference/processors.md', 'sh').flatMap(commandLines);
  const example = (name: string, folder: string): string => {
    const found = lines.filter((line) => line.includes(`-pc ${name} `));
    expect(found).toHaveLength(1);
    return `${found[0]?.replace('/data', folder)} -sc consumer:*:status -cc consumer:*:control -sqs 1000`;
  };
  /** Runs the simulator against a consumer that was there before it; images published. */
  const stream = async (world: World, consumer: Child): Promise<number> => {
    await consumer.waitForLine(/consumer\.1: monitoring pvapy:image/, 15_000);
    const simulator = await world.start(
      'ad-sim-server -cn pvapy:image -nx 64 -ny 64 -dt uint16 -fps 100 -rt 1.5 -std 5 -shd 60',
    );
    await simulator.waitForLine(/^Server exiting after reaching runtime/, 25_000);
    const last = await world.context.get('pvapy:image', { pvRequest: 'field(uniqueId)' });
    return Number(last.get('uniqueId'));
  };

  it('OutputFileProcessor: a file for each image', async ({ world }) => {
    const folder = join(world.folder, 'out');
    const consumer = await world.start(`${example('OutputFileProcessor', folder)} -ll debug`);
    const published = await stream(world, consumer);
    expect(published).toBe(150);
    const s = await done(world, 1, published);
    expectLedger(s, published);
    expect(s.processorStats).toMatchObject({ nProcessed: published, nErrors: 0, nMissed: 0 });
    expect(figure(s, 'nFilesSaved')).toBe(published);
    const names = readdirSync(folder).sort();
    expect(names).toEqual(idsFrom(1, published).map((id) => `${String(id).padStart(6, '0')}.1.tiff`));
    const bytes = names.reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
    expect(figure(s, 'nBytesSaved')).toBe(bytes);
    consumer.signal('SIGINT');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0 });
  });

  it('Hdf5WriterProcessor: all images, the last file as long as it has any', async ({ world }) => {
    const folder = join(world.folder, 'out');
    const consumer = await world.start(`${example('Hdf5WriterProcessor', folder)} -ll debug`);
    const published = await stream(world, consumer);
    expect(published).toBe(150);
    const s = await done(world, 1, published);
    expectLedger(s, published);
    expect(figure(s, 'nFramesSaved') + figure(s, 'nFramesOpen')).toBe(published);
    consumer.signal('SIGINT');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0 });
    await consumer.waitForLine(new RegExp(`'nFramesSaved': ${published}`), 100);
    const names = readdirSync(folder).sort();
    expect(names).toEqual(idsFrom(1, names.length).map((n) => `00000${n}.1.hdf`));
    expect(names.flatMap((name) => images(join(folder, name)).ids)).toEqual(idsFrom(1, published));
  });
});

describe.concurrent('a consumer that is killed', () => {
  it.for([0, 1, 2])('leaves HDF5 that has every image up to the last flush (%i)', async (n, { world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'out');
    const consumer = await consume(world, detector, hdf5(folder, { nImagesPerFile: 100, flushImages: 10 }));
    let over = false;
    const publishing = detector.publishUntil(
      until(() => expect(over).toBe(true), 60_000),
      500,
    );
    // Some way into the second file, each time somewhere else.
    const s = await statusWhen(world, 1, 'far enough', (now) => now.processorStats.nProcessed > 120 + 17 * n);
    consumer.signal('SIGKILL');
    await consumer.exited;
    over = true;
    await publishing;
    // None when a file had just been finished.
    const open = readdirSync(folder).filter((name) => name.endsWith('.partial'));
    expect(open.length).toBeLessThanOrEqual(1);
    const ids = checked(folder);
    // One after the other from the first on, and of those processed no more than an unfinished flush is missing.
    expect(ids).toEqual(idsFrom(1, ids.length).map((id) => id + (ids[0] ?? 1) - 1));
    expect(ids.at(-1)).toBeGreaterThan(s.processorStats.lastObjectId - 10);
  });

  it('and started again goes on beside what its first life left: every image is in a file or known to be lost', async ({
    world,
  }) => {
    const detector = await Detector.start(world, { nx: 32, ny: 32 });
    const folder = join(world.folder, 'out');
    const line = hdf5(folder, { nImagesPerFile: 40, flushImages: 10 });
    const first = await consume(world, detector, line);
    await detector.publish(75);
    await statusWhen(world, 1, 'done', (now) => now.processorStats.lastObjectId === 75);
    first.signal('SIGKILL');
    await first.exited;
    await detector.subscribers(0);
    const before = checked(folder, 32 * 32);
    expect(before).toEqual(idsFrom(1, before.length));
    expect(before.length).toBeGreaterThanOrEqual(70);
    await detector.publish(10);
    const second = await consume(world, detector, line);
    await detector.publish(50);
    const s = await done(world, 1, 135);
    expectLedger(s, 50);
    second.signal('SIGINT');
    expect(await second.waitForExit(10_000)).toMatchObject({ code: 0 });
    // What its first life had not flushed, and what came while there was none, is all that is missing.
    const after = checked(folder, 32 * 32).sort((a, b) => a - b);
    expect(after).toEqual([...before, ...idsFrom(86, 135)]);
  });

  it('leaves no TIFF that is not whole', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 1024, ny: 1024 });
    const folder = join(world.folder, 'out');
    const consumer = await consume(world, detector, tiffs(folder, { maxWritesInFlight: 4 }));
    await detector.publish(20, 200);
    await until(() => expect(readdirSync(folder).length).toBeGreaterThan(5));
    consumer.signal('SIGKILL');
    await consumer.exited;
    const whole = readdirSync(folder).filter((name) => !name.startsWith('.'));
    for (const name of whole) {
      const id = Number.parseInt(name, 10);
      const file = readFileSync(join(folder, name));
      expect(Buffer.compare(file.subarray(-1024 * 1024), pixelsOf(id, 1024 * 1024)), name).toBe(0);
    }
    // The next run removes what is not.
    await world.start(tiffs(folder));
    await until(() => expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]));
  });
});

it('HDF5 is loaded only when it is used', async ({ world }) => {
  // Every ready-made processor's file is loaded, as the command does it; none is started.
  const script = `
    const { PROCESSORS } = await import('./dist/processors/registry.js');
    await Promise.all(Object.values(PROCESSORS).map((load) => load()));
    const { Hdf5Library } = await import('./dist/processors/hdf5-library.js');
    console.log('before', Hdf5Library.isLoaded);
    await Hdf5Library.load();
    console.log('after', Hdf5Library.isLoaded);`;
  const args = ['--input-type=module', '-e', script];
  const child = await spawnChild({ command: process.execPath, args, cwd: ROOT, env: world.env });
  await child.waitForLine(/^before false$/, 15_000);
  await child.waitForLine(/^after true$/, 15_000);
});
