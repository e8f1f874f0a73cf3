/** Images in files, by the commands: as many as were published, also when the disk is full or the process is killed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Child, spawnChild } from '../../bench/peers/child.ts';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { control, expectLedger, idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { checked, figure, hdf5, images, limited, tiffs } from './support/output-files.ts';
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
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toHaveLength(1);
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

describe.concurrent('files that cannot be written', () => {
  it('TIFF: each is an error, one line says why, and the stream goes on', async ({ world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'out');
    const consumer = await limited(world, "bash -c 'ulimit -f 8'", `${tiffs(folder)} --fail-on-loss`);
    await detector.subscribers(1);
    await detector.publish(40, 400);
    const s = await done(world, 1, 40);
    expectLedger(s, 40);
    expect(s.processorStats).toMatchObject({ nProcessed: 0, nErrors: 40 });
    expect(s.publisherStats.nPublished).toBe(40);
    expect([figure(s, 'nFilesSaved'), figure(s, 'nErrors')]).toEqual([0, 40]);
    expect(readdirSync(folder)).toEqual([]);
    await consumer.waitForLine(
      /processing failed \(object id \d+, \d+ error\(s\) so far\): Error: cannot write .*\.tiff: the file would be larger than allowed \(EFBIG\): raise the limit \(ulimit -f\), or write smaller files$/,
      5_000,
    );
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 3 });
  });

  it('HDF5: what is in files and what is not is accounted for, and writing is tried again', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'out');
    const consumer = await limited(world, "bash -c 'ulimit -f 200'", hdf5(folder, { flushImages: 3 }));
    await detector.subscribers(1);
    await detector.publish(250, 100);
    const s = await done(world, 1, 250);
    expectLedger(s, 250);
    consumer.signal('SIGINT');
    await consumer.waitForExit(10_000);
    // Reports asked for before are printed, too.
    const last = (name: string): number =>
      Number(
        consumer.lines.flatMap(({ text }) => new RegExp(`'${name}': (\\d+)`).exec(text)?.[1] ?? []).at(-1),
      );
    const saved = last('nFramesSaved');
    const lost = last('nFramesLost');
    expect(saved + lost + s.processorStats.nErrors).toBe(250);
    expect(s.processorStats.nErrors).toBeGreaterThan(0);
    const ids = checked(folder);
    // 200 kB hold some 10 images of 16 kB; what was saved twice or not at all would show here.
    expect(saved).toBeGreaterThan(5);
    expect(ids.length).toBeGreaterThanOrEqual(saved);
    // What counts as lost may be there: a failed flush does not say how far it came.
    expect(ids.length).toBeLessThanOrEqual(saved + lost);
    expect(new Set(ids).size).toBe(ids.length);
    expect(readdirSync(folder).length).toBeGreaterThan(1);
  });

  it('HDF5: images lost in a later flush are losses of the consumer', async ({ world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'out');
    // Two images of 16 kB fit into a file of 42 kB, their ids and times do not; those are written after 0.3 s.
    const line = `${hdf5(folder, { flushImages: 50, flushSeconds: 0.3 })} --fail-on-loss`;
    const consumer = await limited(world, "bash -c 'ulimit -f 42'", line);
    await detector.subscribers(1);
    await detector.publish(2, 1000);
    const s = await statusWhen(world, 1, 'flushed', (now) => figure(now, 'nFramesLost') > 0);
    expectLedger(s, 2);
    expect(s.processorStats).toMatchObject({ nProcessed: 2, nErrors: 0, nLost: 2 });
    expect(figure(s, 'nFramesLost')).toBe(2);
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 3 });
    await consumer.waitForLine(/^hpc-consumer: objects were lost: 2 lost after they were processed \(/, 100);
  });

  it.for([
    ['in the consumer', ''],
    ['in workers', '--processor-workers 2'],
  ] as const)('TIFF: writes in flight that fail are losses (%s)', async ([, options], { world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'out');
    const line = `${tiffs(folder, { maxWritesInFlight: 3 })} ${options} --fail-on-loss`;
    const consumer = await limited(world, "bash -c 'ulimit -f 8'", line);
    await detector.subscribers(1);
    await detector.publish(30, 400);
    const s = await statusWhen(world, 1, 'written', (now) => figure(now, 'nErrors') === 30);
    expectLedger(s, 30);
    expect(s.processorStats).toMatchObject({ nProcessed: 30, nErrors: 0, nLost: 30 });
    expect(await control(world, 1, 'reset_stats')).toBe('Stats reset successful');
    expect((await status(world, 1)).processorStats).toMatchObject({ nProcessed: 0, nLost: 0 });
    await detector.publish(5, 400);
    await statusWhen(world, 1, 'written', (now) => figure(now, 'nErrors') === 5);
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(15_000)).toMatchObject({ code: 3 });
    await consumer.waitForLine(/^hpc-consumer: objects were lost: 5 lost after they were processed \(/, 100);
  });

  // Without a namespace of one's own only root can have a disk that is full, and not every host allows one.
  const namespaces = spawnSync('unshare', ['-rm', 'true']).status === 0;
  it.skipIf(!namespaces)('a disk that is full, and then is not', async ({ world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'disk');
    mkdirSync(folder);
    // A disk of 1 MB that only this consumer has; seen from here through its process.
    const mount = `unshare -rm bash -c 'mount -t tmpfs -o size=1m none ${folder}'`;
    const consumer = await limited(world, mount, hdf5(folder, { flushImages: 5, nImagesPerFile: 20 }));
    const seen = `/proc/${consumer.pid}/root${folder}`;
    await detector.subscribers(1);
    await detector.publish(100, 500);
    const full = await done(world, 1, 100);
    expectLedger(full, 100);
    await consumer.waitForLine(
      /processing failed \(.*\): Error: cannot \w+ .*\.partial: no space left on the disk \(ENOSPC\): free some, or set outputDirectory to another disk$/,
      5_000,
    );
    const kept = checked(seen);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept).toEqual(idsFrom(1, kept.length));
    const counts = (s: Status) =>
      ['nFramesSaved', 'nFramesOpen', 'nFramesLost', 'nErrors'].map((name) => figure(s, name));
    expect(counts(full).reduce((a, b) => a + b)).toBe(100);
    expect(figure(full, 'nFramesSaved')).toBe(kept.length);

    for (const name of readdirSync(seen)) rmSync(join(seen, name));
    await detector.publishUntil(
      statusWhen(world, 1, 'writing again', (s) => figure(s, 'nFramesSaved') >= kept.length + 20),
      20,
    );
    const last = detector.published;
    const after = await done(world, 1, last);
    expect(counts(after).reduce((a, b) => a + b)).toBe(last);
    consumer.signal('SIGINT');
    await consumer.waitForExit(10_000);
  });

  it('a folder that cannot be written ends the start with one line', async ({ world }) => {
    for (const line of [tiffs('/proc/nowhere'), hdf5('/dev/null/x')]) {
      const { code, stderr } = await world.run(line);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^hpc-consumer: error: the constructor of \w+ failed: Error: cannot make the folder \S+: .*\(E\w+\): .*\(HPC_PROCESSOR\)\n$/,
      );
    }
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
