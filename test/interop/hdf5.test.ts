/**
 * h5py, and with it the HDF5 library of C, reads what Hdf5WriterProcessor writes: complete, being written, left by a
 * crash; and writes what the simulator reads.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NTNDArray, type NumericArray } from 'epics-pva-ts';
import { afterAll, beforeEach, describe, expect, onTestFinished } from 'vitest';
import { Hdf5WriterProcessor } from '../../processors/hdf5-writer-processor.ts';
import { openInput } from '../../sim/input-files.ts';
import { idsFrom, statusWhen } from '../e2e/support/consumer.ts';
import { Detector, pixelsOf } from '../e2e/support/detector.ts';
import { consume, LINE } from '../e2e/support/processing.ts';
import { it, until } from '../e2e/support/world.ts';
import { spawnChild } from './child.ts';
import { ensureHdf5Python, repositoryRoot } from './peers.ts';

const peers = await ensureHdf5Python();
const ANSWER_TIMEOUT_MS = 20_000;
const root = mkdtempSync(join(tmpdir(), 'epics-hpc-h5py-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
let nFolders = 0;
beforeEach(() => {
  folder = join(root, String(++nFolders));
});

interface H5pyDataset {
  readonly shape: readonly number[];
  /** In numpy's words: `<u2`. */
  readonly dtype: string;
  readonly chunks: readonly number[];
  readonly maxshape: readonly (number | null)[];
  /** 0: not compressed. */
  readonly gzip: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly values: readonly unknown[];
  /** In place of the values of images that are large. */
  readonly hashes?: readonly string[];
}

interface H5pyFile {
  readonly groups: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly datasets: Readonly<Record<string, H5pyDataset>>;
  readonly links: Readonly<Record<string, string>>;
  readonly plot: { readonly signal: string; readonly axes: readonly string[] };
}

/** A Python that holds one file open at a time; ends with the test. */
async function startH5py() {
  const child = await spawnChild({
    command: peers.python,
    args: [join(repositoryRoot(), 'test', 'interop', 'python', 'read_hdf5.py')],
    env: process.env,
    name: 'h5py',
  });
  onTestFinished(async () => void (await child.stop()));
  const ask = async (request: object): Promise<H5pyFile> => {
    const since = child.lineCount;
    child.writeLine(JSON.stringify(request));
    const [line] = await child.waitForLine(/^\{.*\}$/, ANSWER_TIMEOUT_MS, since);
    const answer = JSON.parse(line as string) as H5pyFile & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  };
  return {
    open: (path: string, swmr = false) => ask({ open: path, swmr }),
    refresh: () => ask({ refresh: true }),
    close: () => ask({ close: true }),
  };
}

function frameOf(
  uniqueId: number,
  pixels: NumericArray,
  given: Partial<Parameters<typeof NTNDArray.create>[0]> = {},
) {
  return NTNDArray.create({
    pixels,
    dimensions: [3, 2],
    uniqueId,
    timeStamp: { secondsPastEpoch: 1_700_000_000n, nanoseconds: uniqueId },
    dataTimeStamp: { secondsPastEpoch: 1_600_000_000n, nanoseconds: 2 * uniqueId },
    ...given,
  });
}

/** 3 x 2 pixels that tell the image's number. */
const sixPixels = (id: number): Uint16Array<ArrayBuffer> =>
  Uint16Array.from({ length: 6 }, (_, i) => id * 1000 + i);

async function writer(args: Record<string, unknown> = {}): Promise<Hdf5WriterProcessor> {
  const made = new Hdf5WriterProcessor({ outputDirectory: folder, ...args } as never);
  made.logger = { info: () => {}, warning: () => {}, error: () => {} } as never;
  made.processorId = 1;
  made.resetStats();
  await made.start();
  return made;
}

const ids = (file: H5pyFile): readonly unknown[] => file.datasets['/entry/data/uniqueId']?.values ?? [];
const images = (file: H5pyFile): unknown[] => (file.datasets['/entry/data/images']?.values ?? []).flat(3);

describe.skipIf(!peers.available)('h5py', () => {
  it('reads images, ids, times and attributes, and finds what to show as NeXus says', async () => {
    const made = await writer();
    for (const id of [1, 3]) {
      const attributes = { gain: id / 4, sample: `Nr. ${id} µ`, count: BigInt(id), many: [1, id] };
      Object.assign(attributes, { 'motor/x': id, motor_x: -id });
      await made.process(frameOf(id, sixPixels(id), { attributes }));
    }
    await made.process(frameOf(4, sixPixels(4)));
    made.stop();
    const h5py = await startH5py();
    const file = await h5py.open(join(folder, '000001.1.hdf'));
    expect(file.plot).toEqual({ signal: '/entry/data/images', axes: ['/entry/data/uniqueId', '.', '.'] });
    expect(file.links).toEqual({ '/images': '/entry/data/images' });
    expect(file.groups).toEqual({
      '/': { NX_class: 'NXroot', default: 'entry', creator: 'epics-hpc' },
      '/entry': { NX_class: 'NXentry', default: 'data' },
      '/entry/data': {
        NX_class: 'NXdata',
        signal: 'images',
        axes: ['uniqueId', '.', '.'],
        uniqueId_indices: 0,
      },
      '/entry/instrument': { NX_class: 'NXinstrument' },
      '/entry/instrument/NDAttributes': { NX_class: 'NXcollection' },
    });
    expect(file.datasets['/entry/data/images']).toEqual({
      shape: [3, 2, 3],
      dtype: '<u2',
      chunks: [1, 2, 3],
      maxshape: [null, 2, 3],
      gzip: 0,
      attributes: { interpretation: 'image' },
      values: [1, 3, 4].map((id) => [
        [id * 1000, id * 1000 + 1, id * 1000 + 2],
        [id * 1000 + 3, id * 1000 + 4, id * 1000 + 5],
      ]),
    });
    expect(ids(file)).toEqual([1, 3, 4]);
    const times = { units: 'ns', start: '1970-01-01T00:00:00Z' };
    expect(file.datasets['/entry/data/timeStamp']).toMatchObject({
      dtype: '<i8',
      values: ['1700000000000000001', '1700000000000000003', '1700000000000000004'],
      attributes: times,
    });
    expect(file.datasets['/entry/data/dataTimeStamp']).toMatchObject({
      values: ['1600000000000000002', '1600000000000000006', '1600000000000000008'],
      attributes: times,
    });
    const column = (name: string) => file.datasets[`/entry/instrument/NDAttributes/${name}`];
    expect(column('gain')).toMatchObject({
      dtype: '<f8',
      values: [0.25, 0.75, 'nan'],
      attributes: { NDAttrName: 'gain' },
    });
    expect(column('motor_x')).toMatchObject({
      values: [1, 3, 'nan'],
      attributes: { NDAttrName: 'motor/x' },
    });
    expect(column('motor_x_2')).toMatchObject({ values: [-1, -3, 'nan'] });
    expect(column('count')).toMatchObject({ dtype: '<i8', values: [1, 3, String(-(2n ** 63n))] });
    expect(column('sample')).toMatchObject({ dtype: '|S256', values: ['Nr. 1 µ', 'Nr. 3 µ', ''] });
    expect(column('many')).toMatchObject({ dtype: '|S256', values: ['[1,1]', '[1,3]', ''] });
  });

  it.for([
    ['|i1', new Int8Array([-128, 2, 3, 4, 5, 127])],
    ['|u1', new Uint8Array([0, 2, 3, 4, 5, 255])],
    ['<i2', new Int16Array([-32768, 2, 3, 4, 5, 32767])],
    ['<u2', new Uint16Array([0, 2, 3, 4, 5, 65535])],
    ['<i4', new Int32Array([-(2 ** 31), 2, 3, 4, 5, 6])],
    ['<u4', new Uint32Array([2 ** 32 - 1, 2, 3, 4, 5, 6])],
    ['<i8', new BigInt64Array([-(2n ** 63n), 2n, 3n, 4n, 5n, 6n])],
    ['<u8', new BigUint64Array([2n ** 64n - 1n, 2n, 3n, 4n, 5n, 6n])],
    ['<f4', new Float32Array([-0.5, 2, 3, 4, 5, 6])],
    ['<f8', new Float64Array([1e300, 2, 3, 4, 5, 6])],
  ] as const)('reads pixels of type %s', async ([dtype, pixels]) => {
    const made = await writer();
    await made.process(frameOf(1, pixels));
    made.stop();
    const h5py = await startH5py();
    const file = await h5py.open(join(folder, '000001.1.hdf'));
    expect(file.datasets['/entry/data/images']?.dtype).toBe(dtype);
    const text = (value: unknown): string => String(value);
    expect(images(file).map(text)).toEqual(Array.from(pixels as Iterable<unknown>, text));
  });

  it('reads colour images, and images compressed by HDF5', async () => {
    const made = await writer({ compression: 'gzip', compressionLevel: 4 });
    const planes = new Uint8Array([1, 2, 3, 4, 5, 6]);
    await made.process(frameOf(1, planes, { dimensions: [2, 1, 3], colorMode: 4 }));
    await made.process(frameOf(2, sixPixels(2)));
    await made.process(frameOf(3, sixPixels(3)).compress('bslz4'));
    made.stop();
    const h5py = await startH5py();
    const colour = await h5py.open(join(folder, '000001.1.hdf'));
    expect(colour.datasets['/entry/data/images']).toMatchObject({
      shape: [1, 1, 2, 3],
      gzip: 4,
      attributes: { interpretation: 'rgba-image' },
    });
    expect(images(colour)).toEqual([1, 3, 5, 2, 4, 6]);
    expect(colour.groups['/entry/data']?.['axes']).toEqual(['uniqueId', '.', '.', '.']);
    const mono = await h5py.open(join(folder, '000002.1.hdf'));
    expect(mono.datasets['/entry/data/images']).toMatchObject({ shape: [2, 2, 3], gzip: 4 });
    expect(images(mono)).toEqual([...sixPixels(2), ...sixPixels(3)]);
  });

  it('reads a file while it is written, up to each flush (SWMR)', async () => {
    const made = await writer({ flushImages: 5, flushSeconds: 1000 });
    const write = async (from: number, to: number): Promise<void> => {
      for (const id of idsFrom(from, to))
        await made.process(frameOf(id, sixPixels(id), { attributes: { gain: id } }));
    };
    await write(1, 7);
    const h5py = await startH5py();
    const expectUpTo = (file: H5pyFile, last: number): void => {
      const expected = idsFrom(1, last);
      expect(ids(file)).toEqual(expected);
      expect(images(file).slice(0, last * 6)).toEqual(expected.flatMap((id) => [...sixPixels(id)]));
      const gains = file.datasets['/entry/instrument/NDAttributes/gain']?.values ?? [];
      expect(gains.slice(0, last)).toEqual(expected);
    };
    expectUpTo(await h5py.open(join(folder, '000001.1.hdf.partial'), true), 5);
    await write(8, 10);
    expectUpTo(await h5py.refresh(), 10);
    await write(11, 12);
    expectUpTo(await h5py.refresh(), 10);
    made.stop();
    // The reader keeps what it has opened, although it has another name now.
    expectUpTo(await h5py.refresh(), 12);
    await h5py.close();
    expectUpTo(await h5py.open(join(folder, '000001.1.hdf')), 12);
  });

  it('reads what a consumer that was killed leaves, up to the last flush', async ({ world }) => {
    const detector = await Detector.start(world);
    const args = JSON.stringify({ outputDirectory: folder, nImagesPerFile: 80, flushImages: 10 });
    const consumer = await consume(
      world,
      detector,
      `${LINE} --processor-class Hdf5WriterProcessor --processor-args '${args}'`,
    );
    let over = false;
    const publishing = detector.publishUntil(
      until(() => expect(over).toBe(true), 60_000),
      300,
    );
    const { processorStats } = await statusWhen(
      world,
      1,
      'in the second file',
      (s) => s.processorStats.nProcessed > 85,
    );
    consumer.signal('SIGKILL');
    await consumer.exited;
    over = true;
    await publishing;
    const names = readdirSync(folder).sort();
    expect(names.at(-1)).toMatch(/^00000\d\.1\.hdf\.partial$/);
    const h5py = await startH5py();
    const found: number[] = [];
    for (const name of names) {
      const file = await h5py.open(join(folder, name), name.endsWith('.partial'));
      expect(file.plot.signal).toBe('/entry/data/images');
      const inFile = ids(file).map(Number);
      const hashes = file.datasets['/entry/data/images']?.hashes ?? [];
      expect(hashes.slice(0, inFile.length)).toEqual(inFile.map((id) => sha256(pixelsOf(id))));
      found.push(...inFile);
      await h5py.close();
    }
    expect(found).toEqual(idsFrom(1, found.length));
    expect(found.at(-1)).toBeGreaterThan(processorStats.lastObjectId - 10);
  });

  it('writes images that may still grow, in whichever dimensions: the simulator finds each of them', async () => {
    mkdirSync(folder);
    const path = join(folder, 'growing.h5');
    const script = join(repositoryRoot(), 'test', 'interop', 'python', 'write_growing.py');
    const written = await promisify(execFile)(peers.python, [script, path], { timeout: ANSWER_TIMEOUT_MS });
    const names = written.stdout.trim().split('\n');
    expect(names).toHaveLength(8);
    for (const name of names) {
      const source = await openInput({ files: [path], hdfDataset: `/${name}` });
      expect(source.nFrames).toBe(40);
      for (let f = 0; f < 40; f++)
        expect(source.frame(f), `${name}, frame ${f}`).toEqual(
          Uint16Array.from({ length: 24 }, (_, i) => f * 100 + i),
        );
      source.close();
    }
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
