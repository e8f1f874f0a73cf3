/** Files that cannot be written: one clear line, every image accounted for, and images are saved again as soon as they can be. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decode as decodePng } from 'fast-png';
import { describe, expect } from 'vitest';
import { control, expectLedger, idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { checked, figure, hdf5, limited, tiffs } from './support/output-files.ts';
import { done } from './support/processing.ts';
import { it, type World } from './support/world.ts';

/** A disk of one's own, full or read-only, takes a namespace of one's own, and not every host allows one. */
const namespaces = spawnSync('unshare', ['-rm', 'true']).status === 0;

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
    // Two images of 16 kB fit into a file of 42 kB, their ids and times do not; those are written after 2 s,
    // when both images have come.
    const line = `${hdf5(folder, { flushImages: 50, flushSeconds: 2 })} --fail-on-loss`;
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
    // A reset is for the status; what was lost stays lost.
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(15_000)).toMatchObject({ code: 3 });
    await consumer.waitForLine(/^hpc-consumer: objects were lost: 35 lost after they were processed \(/, 100);
  });

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

/** The pixels in a file of OutputFileProcessor; TIFF and npy have them at their end. */
function pixelsIn(path: string, size = 128 * 128): Uint8Array {
  const file = readFileSync(path);
  return path.endsWith('.png') ? (decodePng(file).data as Uint8Array) : file.subarray(-size);
}

/** Files named by their image's number: each is whole, and nothing else is there; the numbers, in order. */
function savedImages(folder: string): number[] {
  const ids = readdirSync(folder).map((name) => {
    expect(name).toMatch(/^\d+\.\w+$/);
    const id = Number.parseInt(name, 10);
    expect(Buffer.compare(pixelsIn(join(folder, name)), pixelsOf(id)), name).toBe(0);
    return id;
  });
  return ids.sort((a, b) => a - b);
}

/** `nErrors` and `nLost` of the processor and its files that were saved are all images. */
function expectAccounted(s: Status, images: number): void {
  expectLedger(s, images);
  const { nErrors, nLost } = s.processorStats;
  expect(figure(s, 'nErrors')).toBe(nErrors + nLost);
  expect(figure(s, 'nFilesSaved') + nErrors + nLost).toBe(images);
}

const settled = (world: World, images: number): Promise<Status> =>
  statusWhen(
    world,
    1,
    `settled at ${images}`,
    ({ processorStats, userStats }) =>
      processorStats.lastObjectId === images &&
      processorStats.nInFlight + Number(userStats?.['nInFlight']) === 0,
  );

describe.concurrent('a disk that is full', () => {
  it.skipIf(!namespaces).for([
    ['tiff', 1],
    ['png', 1],
    ['npy', 3],
  ] as const)(
    '%s, %i at a time: files are whole or not there, and go on when there is space',
    async ([extension, maxWritesInFlight], { world }) => {
      const detector = await Detector.start(world);
      const folder = join(world.folder, 'disk');
      mkdirSync(folder);
      // Of 200 kB a file of one image, whatever its format, takes 4 kB or more.
      const mount = `unshare -rm bash -c 'mount -t tmpfs -o size=200k none ${folder}'`;
      const args = { outputFileNameFormat: `{uniqueId}.${extension}`, maxWritesInFlight };
      const consumer = await limited(world, mount, `${tiffs(folder, args)} --fail-on-loss`);
      const seen = `/proc/${consumer.pid}/root${folder}`;
      await detector.subscribers(1);
      await detector.publish(80, 400);
      const full = await settled(world, 80);
      expectAccounted(full, 80);
      const kept = savedImages(seen);
      expect(kept.length).toBe(figure(full, 'nFilesSaved'));
      expect(kept.length).toBeGreaterThan(5);
      expect(kept.length).toBeLessThan(80);
      await consumer.waitForLine(
        /(processing failed \(.*\): Error|image not saved \(\d+ so far\)): cannot write .*\/\d+\.\w+: no space left on the disk \(ENOSPC\): free some, or set outputDirectory to another disk$/,
        5_000,
      );

      for (const name of readdirSync(seen)) rmSync(join(seen, name));
      await detector.publish(5, 400);
      const after = await settled(world, 85);
      expectAccounted(after, 85);
      expect(savedImages(seen)).toEqual(idsFrom(81, 85));
      expect(await control(world, 1, 'stop')).toBe('Stop flag set');
      expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 3 });
    },
  );
});

describe.concurrent('a folder that is there and cannot be written', () => {
  // To root rights say nothing, unless it lacks this capability (capabilities(7)).
  const root = process.getuid?.() === 0;
  const user = root ? 'setpriv --bounding-set=-dac_override bash -c true' : 'bash -c true';
  const users = !root || spawnSync('setpriv', ['--bounding-set=-dac_override', 'true']).status === 0;
  const made = (world: World, name: string, mode: number): string => {
    const folder = join(world.folder, name);
    mkdirSync(folder);
    chmodSync(folder, mode);
    return folder;
  };

  it.skipIf(!users).for([
    ['OutputFileProcessor', tiffs],
    ['Hdf5WriterProcessor', hdf5],
  ] as const)('ends the start with one line: no permission, %s', async ([, line], { world }) => {
    const folder = made(world, 'out', 0o555);
    const consumer = await limited(world, user, line(folder));
    expect(await consumer.waitForExit(20_000)).toMatchObject({ code: 1 });
    expect(consumer.lines.map(({ text }) => text)).toEqual([
      `hpc-consumer: error: the processor's start() failed: Error: cannot write into ${folder}: permission denied (EACCES): let this user write there, or set outputDirectory to another folder (HPC_PROCESSOR)`,
    ]);
  });

  it.skipIf(!namespaces).for([
    ['OutputFileProcessor', tiffs],
    ['Hdf5WriterProcessor', hdf5],
  ] as const)('ends the start with one line: a disk mounted read-only, %s', async ([, line], { world }) => {
    const folder = made(world, 'out', 0o755);
    const mount = `unshare -rm bash -c 'mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}'`;
    const consumer = await limited(world, mount, line(folder));
    expect(await consumer.waitForExit(20_000)).toMatchObject({ code: 1 });
    expect(consumer.lines.map(({ text }) => text)).toEqual([
      `hpc-consumer: error: the processor's start() failed: Error: cannot write into ${folder}: the disk is mounted read-only (EROFS): set outputDirectory to another folder (HPC_PROCESSOR)`,
    ]);
  });

  it.skipIf(!users)('refuses configure, and images go on to where they went', async ({ world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'out');
    const line = tiffs(folder, { outputFileNameFormat: '{uniqueId}.tiff' });
    const consumer = await limited(world, user, line);
    await detector.subscribers(1);
    await detector.publish(3, 400);
    await settled(world, 3);
    const closed = made(world, 'closed', 0o555);
    expect(await control(world, 1, 'configure', JSON.stringify({ outputDirectory: closed }))).toMatch(
      new RegExp(`cannot write into ${closed}: permission denied \\(EACCES\\)`),
    );
    await detector.publish(3, 400);
    expectAccounted(await settled(world, 6), 6);
    expect(savedImages(folder)).toEqual(idsFrom(1, 6));
    consumer.signal('SIGINT');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0 });
  });

  it.skipIf(!users).for(['tiff', 'npy', 'png'])(
    '%s: images that come meanwhile are errors, those before and after are saved',
    async (extension, { world }) => {
      const detector = await Detector.start(world);
      const folder = join(world.folder, 'out');
      const line = tiffs(folder, { outputFileNameFormat: `{uniqueId}.${extension}` });
      const consumer = await limited(world, user, line);
      await detector.subscribers(1);
      for (const [images, mode] of [
        [10, 0o755],
        [20, 0o555],
        [30, 0o755],
      ] as const) {
        chmodSync(folder, mode);
        await detector.publish(10, 400);
        await settled(world, images);
      }
      const s = await status(world, 1);
      expectAccounted(s, 30);
      expect(s.processorStats.nErrors).toBe(10);
      expect(savedImages(folder)).toEqual([...idsFrom(1, 10), ...idsFrom(21, 30)]);
      await consumer.waitForLine(
        /processing failed \(object id 11, 1 error\(s\) so far\): Error: cannot write \S+: permission denied \(EACCES\): let this user write there, or set outputDirectory to another folder$/,
        5_000,
      );
      consumer.signal('SIGINT');
      await consumer.waitForExit(10_000);
    },
  );

  it.skipIf(!users)(
    'HDF5: the open file keeps what it has, and writing is tried again',
    async ({ world }) => {
      const detector = await Detector.start(world);
      const folder = join(world.folder, 'out');
      const consumer = await limited(world, user, hdf5(folder, { nImagesPerFile: 10 }));
      const counts = (s: Status) =>
        ['nFramesSaved', 'nFramesOpen', 'nFramesLost', 'nErrors'].map((name) => figure(s, name));
      await detector.subscribers(1);
      await detector.publish(15, 400);
      await done(world, 1, 15);
      chmodSync(folder, 0o555);
      // Five more fill the file, which cannot get its name; for the rest none can be made.
      await detector.publish(10, 400);
      const closed = await done(world, 1, 25);
      expectLedger(closed, 25);
      expect(counts(closed)).toEqual([20, 0, 0, 5]);
      expect(readdirSync(folder).sort()).toEqual(['000001.1.hdf', '000002.1.hdf.partial']);
      expect(checked(folder)).toEqual(idsFrom(1, 20));
      chmodSync(folder, 0o755);
      await detector.publishUntil(
        statusWhen(world, 1, 'writing again', (s) => figure(s, 'nFramesSaved') >= 30),
        20,
      );
      const after = await done(world, 1, detector.published);
      expect(counts(after).reduce((a, b) => a + b)).toBe(detector.published);
      consumer.signal('SIGINT');
      await consumer.waitForExit(10_000);
    },
  );
});
