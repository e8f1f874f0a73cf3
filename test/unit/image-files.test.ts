/** Files of images, read back by others' readers, and what cannot be saved is said in one line. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NTNDArray, type NumericArray } from 'epics-pva-ts';
import { decode as decodePng } from 'fast-png';
import UTIF from 'utif2';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OutputFileProcessor } from '../../processors/output-file-processor.ts';
import { NpyFile } from '../../sim/npy-file.ts';
import type { PvObject } from '../../src/processor/user-data-processor.ts';

const root = mkdtempSync(join(tmpdir(), 'epics-hpc-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
let nFolders = 0;
beforeEach(() => {
  folder = join(root, String(++nFolders));
});

const TYPES = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
} as const;
type TypeName = keyof typeof TYPES;
const FLAT = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'] as const;

/** Pixels that use the whole range of their type, negative ones and fractions included. */
function pixelsOf(type: TypeName, count: number): NumericArray {
  const big = type.endsWith('64') && type !== 'float64';
  const step = type.startsWith('float') ? -1000.25 : 2 ** (8 * TYPES[type].BYTES_PER_ELEMENT - 3) - 7;
  const values = Array.from({ length: count }, (_, i) => (big ? BigInt(step) * BigInt(i) : i * step));
  return (TYPES[type] as unknown as { from(v: unknown[]): NumericArray }).from(values);
}

/** Colour modes with the dimensions of 5 x 4 pixels, fastest first, and where in them a colour of a pixel is. */
const MODES = {
  Mono: { mode: 0, dimensions: [5, 4] },
  RGB1: { mode: 2, dimensions: [3, 5, 4], at: (x: number, y: number, c: number) => (y * 5 + x) * 3 + c },
  RGB2: { mode: 3, dimensions: [5, 3, 4], at: (x: number, y: number, c: number) => (y * 3 + c) * 5 + x },
  RGB3: { mode: 4, dimensions: [5, 4, 3], at: (x: number, y: number, c: number) => (c * 4 + y) * 5 + x },
} as const;
type ModeName = keyof typeof MODES;

function frameOf(type: TypeName, name: ModeName = 'Mono', uniqueId = 1): NTNDArray {
  const { mode, dimensions } = MODES[name];
  const pixels = pixelsOf(type, name === 'Mono' ? 20 : 60);
  return NTNDArray.create({ pixels, dimensions, uniqueId, colorMode: mode });
}

/** What a reader must find: rows of pixels, colours side by side. */
function expected(type: TypeName, name: ModeName): (number | bigint)[] {
  const info = MODES[name];
  const pixels = pixelsOf(type, name === 'Mono' ? 20 : 60) as ArrayLike<number | bigint>;
  if (!('at' in info)) return Array.from(pixels);
  const out: (number | bigint)[] = [];
  for (let y = 0; y < 4; y++)
    for (let x = 0; x < 5; x++) for (let c = 0; c < 3; c++) out.push(pixels[info.at(x, y, c)]!);
  return out;
}

async function processor(args: Record<string, unknown> = {}) {
  const made = new OutputFileProcessor({ outputDirectory: folder, ...args } as never);
  const out: PvObject[] = [];
  const log: string[] = [];
  made.dataPublisher = { publish: (object) => out.push(object) };
  made.logger = { info: (m: string) => log.push(m), error: (m: string) => log.push(m) } as never;
  made.processorId = 7;
  made.resetStats();
  await made.start();
  return { made, out, log };
}

/** The bytes as pixels, whatever their alignment. */
function asPixels(type: TypeName, bytes: Uint8Array): (number | bigint)[] {
  return Array.from(new TYPES[type](new Uint8Array(bytes).buffer) as Iterable<number | bigint>);
}

const all = FLAT.flatMap((type) => (Object.keys(MODES) as ModeName[]).map((mode) => [type, mode] as const));

describe('TIFF', () => {
  it.for(all)('%s %s', async ([type, mode]) => {
    const { made, out } = await processor();
    await made.process(frameOf(type, mode));
    expect(out).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['000001.7.tiff']);
    const file = readFileSync(join(folder, '000001.7.tiff'));
    const [ifd, ...more] = UTIF.decode(file);
    expect(more).toEqual([]);
    const channels = mode === 'Mono' ? 1 : 3;
    const bits = 8 * TYPES[type].BYTES_PER_ELEMENT;
    const kind = type.startsWith('u') ? 1 : type.startsWith('i') ? 2 : 3;
    expect(ifd).toMatchObject({
      t256: [5],
      t257: [4],
      t258: Array(channels).fill(bits),
      t259: [1],
      t262: [channels === 3 ? 2 : 1],
      t277: [channels],
      t339: Array(channels).fill(kind),
    });
    const [start = 0] = ifd!['t273'] as number[];
    const [size = 0] = ifd!['t279'] as number[];
    expect(start + size).toBe(file.length);
    expect(asPixels(type, file.subarray(start))).toEqual(expected(type, mode));
    if (type === 'uint8') {
      UTIF.decodeImage(file, ifd!);
      expect(Array.from(ifd!.data)).toEqual(expected(type, mode));
    }
    expect(made.getStats()).toMatchObject({ nFilesSaved: 1, nBytesSaved: BigInt(file.length), nErrors: 0 });
  });
});

describe('npy', () => {
  const types = Object.keys(TYPES) as TypeName[];
  it.for(types.flatMap((type) => [[type, 'Mono'] as const, [type, 'RGB3'] as const]))(
    '%s %s',
    async ([type, mode]) => {
      const { made } = await processor({ outputFileNameFormat: '{frameId}.npy' });
      await made.process(frameOf(type, mode, 12));
      const frames = new NpyFile(join(folder, '12.npy'));
      expect(frames.dataType.name).toBe(type);
      // Of a single RGB image the simulator would make three mono ones: the header says it all.
      if (mode === 'Mono') {
        expect([frames.nFrames, frames.shape.dimensions]).toEqual([1, [5, 4]]);
        expect(Array.from(frames.read(0) as Iterable<number | bigint>)).toEqual(expected(type, mode));
      }
      frames.close();
      const file = readFileSync(join(folder, '12.npy'));
      const offset = 10 + file.readUInt16LE(8);
      expect(offset % 64).toBe(0);
      expect(file.toString('latin1', 10, offset)).toContain(mode === 'Mono' ? '(4, 5)' : '(4, 5, 3)');
      expect(asPixels(type, file.subarray(offset))).toEqual(expected(type, mode));
    },
  );
});

describe('PNG', () => {
  it.for(
    (['uint8', 'uint16'] as const).flatMap((type) =>
      (Object.keys(MODES) as ModeName[]).map((m) => [type, m] as const),
    ),
  )('%s %s', async ([type, mode]) => {
    const { made } = await processor({ outputFileNameFormat: '{uniqueId}.PNG' });
    await made.process(frameOf(type, mode));
    const png = decodePng(readFileSync(join(folder, '1.PNG')));
    expect(png).toMatchObject({
      width: 5,
      height: 4,
      depth: type === 'uint8' ? 8 : 16,
      channels: mode === 'Mono' ? 1 : 3,
    });
    expect(Array.from(png.data)).toEqual(expected(type, mode));
  });
});

describe('images that cannot be saved', () => {
  it.for([
    [
      'png',
      'int16',
      'PNG holds uint8 and uint16, not int16: name the files .tiff or .npy in outputFileNameFormat',
    ],
    [
      'png',
      'float64',
      'PNG holds uint8 and uint16, not float64: name the files .tiff or .npy in outputFileNameFormat',
    ],
    ['tiff', 'uint64', 'TIFF cannot hold uint64: name the files .npy in outputFileNameFormat'],
  ] as const)('%s of %s', async ([extension, type, message]) => {
    const { made, out } = await processor({ outputFileNameFormat: `{uniqueId}.${extension}` });
    await expect(made.process(frameOf(type))).rejects.toThrow(message);
    await made.process(frameOf('uint8', 'Mono', 2));
    expect(made.getStats()).toMatchObject({ nFilesSaved: 1, nErrors: 1 });
    // They are passed on all the same.
    expect(out).toHaveLength(2);
    expect(readdirSync(folder)).toEqual([`2.${extension}`]);
  });

  it('three dimensions without a colour mode, and dimensions that do not make the pixels', async () => {
    const { made } = await processor();
    const frame = NTNDArray.create({ pixels: new Uint8Array(60), dimensions: [3, 5, 4] });
    await expect(made.process(frame)).rejects.toThrow(
      'an array of 3 x 5 x 4 with no attribute ColorMode is not an image: two dimensions, or three with RGB1, RGB2 or RGB3',
    );
    frame.dimensions = [5, 5];
    await expect(made.process(frame)).rejects.toThrow('the dimensions 5 x 5 do not make its 60 pixels');
  });

  it('an image without pixels is passed on, and counted', async () => {
    const { made, out } = await processor();
    await made.process(NTNDArray.create({ uniqueId: 0 }));
    expect(made.getStats()).toMatchObject({ nFilesSaved: 0, nErrors: 0, nEmpty: 1 });
    expect(out).toHaveLength(1);
  });

  it('a compressed image is decompressed; one that is damaged is an error', async () => {
    const { made } = await processor({ outputFileNameFormat: '{uniqueId}.npy' });
    await made.process(frameOf('uint16').compress('lz4'));
    const file = readFileSync(join(folder, '1.npy'));
    expect(asPixels('uint16', file.subarray(10 + file.readUInt16LE(8)))).toEqual(expected('uint16', 'Mono'));
    const bad = frameOf('uint16', 'Mono', 2).setCompressed(
      new Uint8Array(3),
      { name: 'lz4', parameters: 6 },
      40,
    );
    await expect(made.process(bad)).rejects.toThrow(/LZ4/);
    expect(made.getStats()).toMatchObject({ nFilesSaved: 1, nErrors: 1 });
  });
});

describe('writes in flight', () => {
  it('are as many as allowed, then the next image waits; stop waits for all', async () => {
    const { made } = await processor({ maxWritesInFlight: 3 });
    let most = 0;
    for (let id = 1; id <= 40; id++) {
      await made.process(frameOf('uint8', 'Mono', id));
      most = Math.max(most, Number(made.getStats()['nInFlight']));
    }
    expect(most).toBeLessThanOrEqual(2);
    await made.stop();
    expect(made.getStats()).toMatchObject({ nFilesSaved: 40, nErrors: 0, nInFlight: 0 });
    expect(readdirSync(folder)).toHaveLength(40);
  });

  it('that fail are counted and logged, and the rest is saved', async () => {
    const { made, log } = await processor({ maxWritesInFlight: 4 });
    let lost = 0;
    made.onLoss = (count) => {
      lost += count;
    };
    for (const id of [3, 5]) mkdirSync(join(folder, `00000${id}.7.tiff`));
    // One line a second at most: both fail in the same one.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    onTestFinished(() => clock.mockRestore());
    for (let id = 1; id <= 8; id++) await made.process(frameOf('uint8', 'Mono', id));
    await made.stop();
    expect(made.getStats()).toMatchObject({ nFilesSaved: 6, nErrors: 2, nInFlight: 0 });
    expect(lost).toBe(2);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(
      /^image not saved \([12] so far\): cannot write .*\/00000[35]\.7\.tiff: there is a folder of that name \(EISDIR\): change outputFileNameFormat$/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('names', () => {
  it('with {outputFileId}: no file is replaced, whoever else counts in the folder', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, '1.npy'), 'of an earlier run');
    const args = { outputFileNameFormat: '{outputFileId}.npy', maxWritesInFlight: 4 };
    const both = [(await processor(args)).made, (await processor(args)).made];
    for (let id = 1; id <= 20; id++)
      for (const [n, made] of both.entries()) await made.process(frameOf('uint8', 'Mono', 2 * id + n));
    for (const made of both) {
      await made.stop();
      expect(made.getStats()).toMatchObject({ nFilesSaved: 20, nErrors: 0 });
    }
    expect(readFileSync(join(folder, '1.npy'), 'utf8')).toBe('of an earlier run');
    const numbers = readdirSync(folder).map((name) => Number.parseInt(name, 10));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 41 }, (_, i) => i + 1));
  });

  it('without it: a file of the same name is replaced', async () => {
    const { made } = await processor({ outputFileNameFormat: '{uniqueId}.npy' });
    await made.process(frameOf('uint8'));
    await made.process(frameOf('uint16'));
    expect(readdirSync(folder)).toEqual(['1.npy']);
    expect(readFileSync(join(folder, '1.npy'), 'latin1')).toContain('u2');
  });
});

describe('folders and arguments', () => {
  it('the folder is made with its parents; what processes that died left there is removed, no other file', async () => {
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    const host = hostname().replaceAll(/[^\w-]/g, '_');
    const namespace = existsSync('/proc/self/ns/pid') ? /\d+/.exec(readlinkSync('/proc/self/ns/pid')) : null;
    const here = namespace ? `${host}-${namespace}` : host;
    const names = [
      `.1.tiff.${here}-2147483646-0.part`,
      `.1.tiff.${here}-${process.pid}-99999.part`,
      '.1.tiff.elsewhere-2147483646-0.part',
      '.part',
    ];
    for (const name of names) writeFileSync(join(folder, 'a', 'b', name), '');
    const { log } = await processor({ outputDirectory: join(folder, 'a', 'b') });
    expect(readdirSync(join(folder, 'a', 'b')).sort()).toEqual(names.slice(1).sort());
    expect(log).toEqual([`1 unfinished file(s) of an earlier run removed from ${join(folder, 'a', 'b')}`]);
    await processor({ outputDirectory: join(folder, 'c', 'd') });
    expect(readdirSync(join(folder, 'c'))).toEqual(['d']);
  });

  it('what another container of this computer is writing stays; what has not changed for an hour goes', async () => {
    mkdirSync(folder);
    const host = hostname().replaceAll(/[^\w-]/g, '_');
    // Of a process id that is of nobody here, and there of who writes the file.
    const [writing, forgotten, earlier, elsewhere] = [
      `.1.tiff.${host}-1-2147483646-0.part`,
      `.2.tiff.${host}-1-2147483646-0.part`,
      // Without the namespace, as before there was one in the name.
      `.3.tiff.${host}-${existsSync('/proc/self/ns/pid') ? '' : '1-'}${process.pid}-0.part`,
      `.4.tiff.${host}x-1-2147483646-0.part`,
    ];
    for (const name of [writing, forgotten, earlier, elsewhere]) writeFileSync(join(folder, name), 'pixels');
    const longAgo = Date.now() / 1000 - 2 * 3600;
    for (const name of [forgotten, earlier, elsewhere]) utimesSync(join(folder, name), longAgo, longAgo);
    const { log } = await processor();
    expect(readdirSync(folder).sort()).toEqual([writing, elsewhere]);
    expect(log).toEqual([`2 unfinished file(s) of an earlier run removed from ${folder}`]);
  });

  it('that cannot be are refused at the start, in one line', async () => {
    mkdirSync(folder);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(processor({ outputDirectory: join(file, 'sub') })).rejects.toThrow(
      `cannot make the folder ${file}/sub: a part of the path is not a folder (ENOTDIR): set outputDirectory to another folder`,
    );
    await expect(processor({ outputDirectory: file })).rejects.toThrow(/^cannot make the folder .*EEXIST/);
    await expect(processor({ outputDirectory: '/proc' })).rejects.toThrow(
      /^cannot write into \/proc: .*\(E\w+\): .*outputDirectory/,
    );
    await expect(processor({ outputDirectory: 5 })).rejects.toThrow(
      'argument outputDirectory: 5 is not the name of a folder',
    );
    await expect(processor({ maxWritesInFlight: 0 })).rejects.toThrow(
      'argument maxWritesInFlight: 0 is not a whole number from 1 on',
    );
    await expect(processor({ outputFileNameFormat: '{uniqueId}.jpg' })).rejects.toThrow(
      "argument outputFileNameFormat: the ending '.jpg' is not one of .tiff, .tif, .png, .npy",
    );
  });

  it('a folder that goes away is an error of the image; when it is back all is well', async () => {
    const { made } = await processor();
    rmSync(folder, { recursive: true });
    await expect(made.process(frameOf('uint8'))).rejects.toThrow(
      `cannot write ${folder}/000001.7.tiff: the folder is not there (ENOENT): make it again (is its disk mounted?), or set outputDirectory to another`,
    );
    mkdirSync(folder);
    await made.process(frameOf('uint8', 'Mono', 2));
    expect(made.getStats()).toMatchObject({ nFilesSaved: 1, nErrors: 1 });
  });

  it('configure changes all of them, or nothing', async () => {
    const { made } = await processor();
    const other = join(folder, 'other');
    await expect(made.configure({ outputDirectory: other, outputFileNameFormat: 'x.gif' })).rejects.toThrow(
      /'\.gif'/,
    );
    await expect(made.configure('x')).rejects.toThrow('the arguments must be a JSON object, not "x"');
    await made.process(frameOf('uint8'));
    expect(readdirSync(folder)).toEqual(['000001.7.tiff']);
    await made.configure({
      outputDirectory: other,
      outputFileNameFormat: '{outputFileId:03}.npy',
      maxWritesInFlight: 2,
    });
    await made.process(frameOf('uint8'));
    await made.stop();
    expect(readdirSync(other)).toEqual(['002.npy']);
  });
});
