/** HDF5 files of images: what is in them, when one ends and the next begins, and no image that is not accounted for. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NTNDArray, type NumericArray } from 'epics-pva-ts';
import { type Dataset, File, type Group, ready } from 'h5wasm/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Hdf5WriterProcessor } from '../../processors/hdf5-writer-processor.ts';
import type { PvObject } from '../../src/processor/user-data-processor.ts';

const root = mkdtempSync(join(tmpdir(), 'epics-hpc-hdf5-'));
beforeAll(async () => {
  await ready;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
let nFolders = 0;
beforeEach(() => {
  folder = join(root, String(++nFolders));
});

interface FrameOptions {
  readonly pixels?: NumericArray;
  readonly dimensions?: readonly number[];
  readonly colorMode?: number;
  readonly attributes?: Record<string, unknown>;
}

/** 6 x 4 pixels of uint16 that tell the image's number. */
function frameOf(uniqueId: number, options: FrameOptions = {}): NTNDArray {
  const { pixels = Uint16Array.from({ length: 24 }, (_, i) => uniqueId * 100 + i), dimensions = [6, 4] } =
    options;
  return NTNDArray.create({
    pixels,
    dimensions,
    uniqueId,
    timeStamp: { secondsPastEpoch: 1_700_000_000n, nanoseconds: uniqueId },
    dataTimeStamp: { secondsPastEpoch: 1_600_000_000n, nanoseconds: 2 * uniqueId },
    ...(options.colorMode !== undefined && { colorMode: options.colorMode }),
    ...(options.attributes && { attributes: options.attributes }),
  });
}

async function writer(args: Record<string, unknown> = {}) {
  const made = new Hdf5WriterProcessor({ outputDirectory: folder, ...args } as never);
  const out: PvObject[] = [];
  const log: string[] = [];
  made.dataPublisher = { publish: (object) => out.push(object) };
  const note = (m: string) => void log.push(m);
  made.logger = { info: note, error: note, warning: note } as never;
  made.processorId = 2;
  made.resetStats();
  await made.start();
  return { made, out, log };
}

/** Opens a file for as long as `look` looks. */
function read<T>(name: string, look: (file: File) => T, mode: 'r' | 'Sr' = 'r'): T {
  const file = new File(join(folder, name), mode);
  if (file.file_id < 0n) throw new Error(`${name} cannot be opened`);
  try {
    return look(file);
  } finally {
    file.close();
  }
}

function dataset(file: File, path: string): { shape: number[] | null; value: unknown[]; dtype: unknown } {
  const found = file.get(path) as Dataset;
  const value = found.value as Iterable<unknown>;
  return { shape: found.shape, value: value ? Array.from(value) : [], dtype: found.dtype };
}

const ids = (name: string, mode: 'r' | 'Sr' = 'r'): number[] =>
  read(name, (file) => dataset(file, 'entry/data/uniqueId').value.map(Number), mode);

const attributesOf = (entity: Group | Dataset) =>
  Object.fromEntries(Object.entries(entity.attrs).map(([name, { value }]) => [name, value]));

describe('a file', () => {
  it('has the images, their ids and times, and their attributes, in NeXus layout', async () => {
    const { made, out } = await writer();
    for (const id of [1, 2, 3])
      await made.process(frameOf(id, { attributes: { gain: id / 4, sample: `Nr. ${id} µ`, many: [1, id] } }));
    expect(made.getStats()).toMatchObject({ nFilesSaved: 0, nFramesSaved: 0n, nFramesOpen: 3 });
    expect(readdirSync(folder)).toEqual(['000001.2.hdf.partial']);
    made.stop();
    expect(out).toHaveLength(3);
    expect(readdirSync(folder)).toEqual(['000001.2.hdf']);
    read('000001.2.hdf', (file) => {
      expect(dataset(file, 'images')).toEqual({
        shape: [3, 4, 6],
        dtype: '<H',
        value: [1, 2, 3].flatMap((id) => Array.from(frameOf(id).pixels as Uint16Array)),
      });
      expect(dataset(file, 'entry/data/images')).toEqual(dataset(file, 'images'));
      expect(dataset(file, 'entry/data/uniqueId').value).toEqual([1n, 2n, 3n]);
      expect(dataset(file, 'entry/data/timeStamp').value).toEqual(
        [1, 2, 3].map((n) => 1_700_000_000_000_000_000n + BigInt(n)),
      );
      expect(dataset(file, 'entry/data/dataTimeStamp').value).toEqual(
        [2, 4, 6].map((n) => 1_600_000_000_000_000_000n + BigInt(n)),
      );
      const attributes = 'entry/instrument/NDAttributes';
      expect((file.get(attributes) as Group).keys().sort()).toEqual(['gain', 'many', 'sample']);
      expect(dataset(file, `${attributes}/gain`).value).toEqual([0.25, 0.5, 0.75]);
      expect(dataset(file, `${attributes}/sample`).value.map((s) => String(s).trimEnd())).toEqual([
        'Nr. 1 µ',
        'Nr. 2 µ',
        'Nr. 3 µ',
      ]);
      expect(dataset(file, `${attributes}/many`).value.map((s) => String(s).trimEnd())).toEqual([
        '[1,1]',
        '[1,2]',
        '[1,3]',
      ]);
      expect(attributesOf(file)).toMatchObject({ NX_class: 'NXroot', default: 'entry' });
      expect(attributesOf(file.get('entry') as Group)).toEqual({ NX_class: 'NXentry', default: 'data' });
      expect(attributesOf(file.get('entry/data') as Group)).toEqual({
        NX_class: 'NXdata',
        signal: 'images',
        axes: ['uniqueId', '.', '.'],
        uniqueId_indices: 0,
      });
      expect((file.get('images') as Dataset).metadata.chunks).toEqual([1, 4, 6]);
    });
    const { size } = statSync(join(folder, '000001.2.hdf'));
    expect(made.getStats()).toMatchObject({
      nFilesSaved: 1,
      nBytesSaved: BigInt(size),
      nFramesSaved: 3n,
      nFramesOpen: 0,
      nFramesLost: 0n,
      nErrors: 0,
    });
  });

  it.for([
    ['int8', new Int8Array([-1, 2]), '<b'],
    ['uint8', new Uint8Array([1, 255]), '<B'],
    ['int16', new Int16Array([-30000, 2]), '<h'],
    ['int32', new Int32Array([-(2 ** 31), 2]), '<i'],
    ['uint32', new Uint32Array([2 ** 32 - 1, 2]), '<I'],
    ['int64', new BigInt64Array([-(2n ** 63n), 2n]), '<q'],
    ['uint64', new BigUint64Array([2n ** 64n - 1n, 2n]), '<Q'],
    ['float32', new Float32Array([-0.5, 2]), '<f'],
    ['float64', new Float64Array([1e300, 2]), '<d'],
  ] as const)('holds %s', async ([, pixels, dtype]) => {
    const { made } = await writer({ datasetName: 'frames' });
    await made.process(frameOf(1, { pixels, dimensions: [1, 2] }));
    made.stop();
    read('000001.2.hdf', (file) =>
      expect(dataset(file, 'frames')).toEqual({
        shape: [1, 2, 1],
        dtype,
        value: Array.from(pixels as Iterable<unknown>),
      }),
    );
  });

  it('holds colour images, as (n, ny, nx, 3) whatever their colour mode', async () => {
    const { made } = await writer();
    const planes = new Uint8Array([1, 2, 3, 4, 5, 6]);
    await made.process(frameOf(1, { pixels: planes, dimensions: [2, 1, 3], colorMode: 4 }));
    made.stop();
    read('000001.2.hdf', (file) => {
      expect(dataset(file, 'images')).toMatchObject({ shape: [1, 1, 2, 3], value: [1, 3, 5, 2, 4, 6] });
      expect(dataset(file, 'entry/instrument/NDAttributes/ColorMode').value).toEqual([4]);
    });
  });

  it('has every attribute, also those whose names HDF5 would take for one', async () => {
    const { made } = await writer();
    const attributes = { 'motor/x': 1, motor_x: 2, 'motor\0x': 3, '': 4, ['long'.repeat(20_000)]: 5 };
    await made.process(frameOf(1, { attributes }));
    // In another order, and not all.
    await made.process(frameOf(2, { attributes: { motor_x: 20, 'motor/x': 10 } }));
    made.stop();
    read('000001.2.hdf', (file) => {
      const group = file.get('entry/instrument/NDAttributes') as Group;
      const stored = group.keys().map((name) => {
        const { NDAttrName } = attributesOf(group.get(name) as Dataset);
        return [name, NDAttrName, dataset(file, `entry/instrument/NDAttributes/${name}`).value];
      });
      expect(stored.filter(([name]) => String(name).startsWith('motor'))).toEqual([
        ['motor_x', 'motor/x', [1, 10]],
        ['motor_x_2', 'motor_x', [2, 20]],
        ['motor_x_3', 'motor', [3, Number.NaN]],
      ]);
      expect(stored.map(([, , value]) => (value as number[])[0]).sort()).toEqual([1, 2, 3, 4, 5]);
    });
  });

  it('may be compressed, and compressed images are decompressed', async () => {
    const { made } = await writer({ compression: 'gzip', compressionLevel: 6 });
    const pixels = new Uint16Array(256 * 256).fill(7);
    await made.process(frameOf(1, { pixels, dimensions: [256, 256] }));
    await made.process(frameOf(2, { pixels, dimensions: [256, 256] }).compress('bslz4'));
    made.stop();
    expect(statSync(join(folder, '000001.2.hdf')).size).toBeLessThan(pixels.byteLength / 2);
    read('000001.2.hdf', (file) => {
      const images = file.get('images') as Dataset;
      expect(images.shape).toEqual([2, 256, 256]);
      expect(images.filters).toMatchObject([{ id: 1, cd_values: [6] }]);
      expect(new Set(images.value as Uint16Array)).toEqual(new Set([7]));
    });
  });
});

describe('a file ends and the next begins', () => {
  it('after nImagesPerFile, which configure may change', async () => {
    const { made } = await writer({ nImagesPerFile: 3 });
    for (let id = 1; id <= 7; id++) await made.process(frameOf(id));
    expect(readdirSync(folder)).toEqual(['000001.2.hdf', '000002.2.hdf', '000003.2.hdf.partial']);
    await made.configure({ nImagesPerFile: 2 });
    await made.process(frameOf(8));
    expect([1, 2, 3].map((n) => ids(`00000${n}.2.hdf`))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ]);
    expect(made.getStats()).toMatchObject({ nFilesSaved: 3, nFramesSaved: 8n, nFramesOpen: 0 });
    made.stop();
  });

  it('with an image of another size or type', async () => {
    const { made } = await writer();
    await made.process(frameOf(1));
    await made.process(frameOf(2, { pixels: new Uint16Array(24), dimensions: [4, 6] }));
    await made.process(frameOf(3, { pixels: new Uint8Array(24), dimensions: [4, 6] }));
    await made.process(frameOf(4, { pixels: new Uint8Array(24), dimensions: [4, 6] }));
    made.stop();
    expect([1, 2, 3].map((n) => ids(`00000${n}.2.hdf`))).toEqual([[1], [2], [3, 4]]);
  });

  it('with an attribute that is new or changes its type, but not with one that comes and goes', async () => {
    const { made } = await writer();
    const attributes = [{ a: 1 }, { b: 2 }, { a: 1 }, {}, { a: 1, b: 2 }, { a: 'x' }, { a: 1 }];
    for (const [i, given] of attributes.entries()) await made.process(frameOf(i + 1, { attributes: given }));
    made.stop();
    expect([1, 2, 3].map((n) => ids(`00000${n}.2.hdf`))).toEqual([[1], [2, 3, 4, 5], [6, 7]]);
    const columns = (name: string) =>
      ['a', 'b'].map((a) => read(name, (file) => dataset(file, `entry/instrument/NDAttributes/${a}`).value));
    expect(columns('000002.2.hdf')).toEqual([
      [Number.NaN, 1, Number.NaN, 1],
      [2, Number.NaN, Number.NaN, 2],
    ]);
    expect(columns('000003.2.hdf')[0]?.map((s) => String(s).trimEnd())).toEqual(['x', '1']);
  });

  it('when configure sends the images elsewhere, and nothing happens when it makes no sense', async () => {
    const { made } = await writer();
    await made.process(frameOf(1));
    await expect(made.configure({ outputDirectory: join(folder, 'x'), datasetName: 'a/b' })).rejects.toThrow(
      'argument datasetName: "a/b" is not a name for the images: no path, and none of entry, uniqueId, timeStamp, dataTimeStamp',
    );
    await made.process(frameOf(2));
    await made.configure({ outputDirectory: join(folder, 'other') });
    expect(readdirSync(folder).sort()).toEqual(['000001.2.hdf', 'other']);
    await made.process(frameOf(3));
    made.stop();
    expect(ids('000001.2.hdf')).toEqual([1, 2]);
    expect(ids('other/000002.2.hdf')).toEqual([3]);
  });
});

describe('no file is overwritten', () => {
  it('numbers that are taken are left out', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, '000001.2.hdf'), 'precious');
    writeFileSync(join(folder, '000002.2.hdf.partial'), 'of a crash');
    const { made } = await writer();
    await made.process(frameOf(1));
    made.stop();
    expect(readdirSync(folder)).toEqual(['000001.2.hdf', '000002.2.hdf.partial', '000003.2.hdf']);
    expect(statSync(join(folder, '000001.2.hdf')).size).toBe(8);
  });

  it('a name that another process takes at the same moment is left out', async () => {
    mkdirSync(folder);
    // What a look does not find and opening does: as a file that is made between the two.
    symlinkSync('nowhere', join(folder, '000001.2.hdf.partial'));
    const { made, log } = await writer();
    await made.process(frameOf(1));
    made.stop();
    expect(ids('000002.2.hdf')).toEqual([1]);
    expect(made.getStats()).toMatchObject({ nErrors: 0, nFramesSaved: 1n });
    expect(log).toEqual([]);
  });

  it('a file that is put there while its name is only reserved', async () => {
    const { made, log } = await writer();
    await made.process(frameOf(1));
    writeFileSync(join(folder, '000001.2.hdf'), 'precious');
    made.stop();
    expect(readFileSync(join(folder, '000001.2.hdf'), 'utf8')).toBe('precious');
    expect(ids('000001.2.hdf.partial')).toEqual([1]);
    expect(made.getStats()).toMatchObject({ nFramesSaved: 1n, nFramesLost: 0n });
    expect(log).toEqual([
      `0 image(s) lost; ${folder}/000001.2.hdf.partial keeps the 1 before them: cannot rename ${folder}/000001.2.hdf.partial to ${folder}/000001.2.hdf: there is a file of that name (EEXIST): set outputDirectory to another folder`,
    ]);
  });

  it('a name without a number is an error of the image', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'scan.h5'), 'precious');
    const { made } = await writer({ outputFileNameFormat: 'scan.h5' });
    expect(() => made.process(frameOf(1))).toThrow(
      `${folder}/scan.h5 is there already and is not overwritten: move it, or add {outputFileId} to outputFileNameFormat`,
    );
    expect(made.getStats()).toMatchObject({ nErrors: 1, nFramesOpen: 0, nFramesSaved: 0n });
    await made.configure({ outputFileNameFormat: 'scan-{uniqueId}.h5' });
    await made.process(frameOf(2));
    made.stop();
    expect(ids('scan-2.h5')).toEqual([2]);
  });

  it('a name without a number whose file a crash left unfinished: that file is named', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'scan.h5.partial'), 'of a crash');
    const { made } = await writer({ outputFileNameFormat: 'scan.h5' });
    expect(() => made.process(frameOf(1))).toThrow(
      `${folder}/scan.h5.partial is there already and is not overwritten: if no other consumer is writing it, a crash left it: keep its images under another name (h5clear -s), or remove it, or add {outputFileId} to outputFileNameFormat`,
    );
    expect(readFileSync(join(folder, 'scan.h5.partial'), 'utf8')).toBe('of a crash');
    expect(made.getStats()).toMatchObject({ nErrors: 1, nFramesOpen: 0 });
  });
});

describe('what is on the disk before the file is complete', () => {
  it('is all up to the last flush: others read it meanwhile', async () => {
    const { made } = await writer({ flushImages: 5, flushSeconds: 1000 });
    for (let id = 1; id <= 7; id++) await made.process(frameOf(id));
    expect(ids('000001.2.hdf.partial', 'Sr')).toEqual([1, 2, 3, 4, 5]);
    for (let id = 8; id <= 10; id++) await made.process(frameOf(id));
    expect(ids('000001.2.hdf.partial', 'Sr')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    made.stop();
  });

  it('is all after flushSeconds, although no image comes', async () => {
    const { made } = await writer({ flushSeconds: 0.05 });
    await made.process(frameOf(1));
    await expect.poll(() => ids('000001.2.hdf.partial', 'Sr')).toEqual([1]);
    made.stop();
  });
});

it('images wait for their flush as long as flushSeconds says, however long that is', async () => {
  const { made } = await writer({ flushSeconds: 1e7 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await made.process(frameOf(1));
    vi.advanceTimersByTime(1_000_000);
    expect(ids('000001.2.hdf.partial', 'Sr')).toEqual([]);
    vi.advanceTimersByTime(2 ** 31);
    expect(ids('000001.2.hdf.partial', 'Sr')).toEqual([1]);
  } finally {
    vi.useRealTimers();
  }
  made.stop();
});

describe('a folder that goes away', () => {
  it('is an error of the image, not tried again at once; images go on when it is back', async () => {
    const { made } = await writer({ nImagesPerFile: 1 });
    await made.process(frameOf(1));
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    onTestFinished(() => clock.mockRestore());
    rmSync(folder, { recursive: true });
    expect(() => made.process(frameOf(2))).toThrow(
      `cannot write ${folder}/000002.2.hdf.partial: the folder is not there (ENOENT): make it again (is its disk mounted?), or set outputDirectory to another`,
    );
    mkdirSync(folder);
    clock.mockReturnValue(999);
    expect(() => made.process(frameOf(3))).toThrow(
      /^not written; next attempt in 1 s: cannot write .*ENOENT/,
    );
    clock.mockReturnValue(1000);
    await made.process(frameOf(4));
    expect(readdirSync(folder)).toHaveLength(1);
    expect(made.getStats()).toMatchObject({ nFramesSaved: 2n, nErrors: 2, nFramesLost: 0n });
  });
});

describe('arguments that make no sense', () => {
  it.for([
    [{ nImagesPerFile: 0 }, 'argument nImagesPerFile: 0 is not a whole number from 1 on'],
    [{ compression: 'lz4' }, 'argument compression: "lz4" is not one of none, gzip'],
    [{ compressionLevel: 10 }, 'argument compressionLevel: 10 is not a whole number from 1 to 9'],
    [{ flushSeconds: 'x' }, 'argument flushSeconds: "x" is not a number from 0.01 on'],
    [{ datasetName: 'timeStamp' }, /^argument datasetName: "timeStamp" is not a name for the images/],
    [{ outputDirectory: '/proc' }, /^cannot write into \/proc: /],
  ] as const)('%j', async ([args, message]) => {
    await expect(writer(args)).rejects.toThrow(message);
  });
});
