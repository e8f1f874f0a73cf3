/** Raw binary files, described in YAML. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { FileFrames } from '../../sim/file-frames.ts';
import { openInput } from '../../sim/input-files.ts';

const root = mkdtempSync(join(tmpdir(), 'raw-file-'));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
let config: string;
let n = 0;
beforeEach(() => {
  directory = join(root, `d${n++}`);
  mkdirSync(directory);
  config = join(directory, 'info.yaml');
});

function describeFiles(lines: Record<string, unknown>): void {
  const all = { width: 3, height: 2, datatype: 'uint16', ...lines };
  const text = Object.entries(all).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`);
  writeFileSync(config, `file_info:\n${text.join('')}`);
}

/** `header` bytes, then frames of six pixels counting from `first`, `gap` bytes between them. */
function frames(count: number, { first = 0, header = 0, gap = 0, big = false } = {}): Buffer {
  const parts: Buffer[] = [Buffer.alloc(header, 0xaa)];
  for (let f = 0; f < count; f++) {
    const pixels = Buffer.alloc(12);
    for (let i = 0; i < 6; i++) {
      const v = first + f * 6 + i;
      if (big) pixels.writeUInt16BE(v, 2 * i);
      else pixels.writeUInt16LE(v, 2 * i);
    }
    parts.push(...(f === 0 ? [] : [Buffer.alloc(gap, 0xbb)]), pixels);
  }
  return Buffer.concat(parts);
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** First pixel of every frame. */
function firsts(source: FileFrames): number[] {
  return Array.from({ length: source.nFrames }, (_, i) => Number(source.frame(i)[0]));
}

describe('frames', () => {
  it('one after the other, as many as there are in the file', async () => {
    describeFiles({});
    const path = write('scan.raw', Buffer.concat([frames(3), Buffer.alloc(5)]));
    const source = await openInput({ files: [path], configFile: config });
    expect(source).toMatchObject({ nFrames: 3, dataType: { name: 'uint16' }, shape: { dimensions: [3, 2] } });
    expect(source.frame(1)).toEqual(Uint16Array.of(6, 7, 8, 9, 10, 11));
    expect(source.description()).toEqual([
      `Loaded input file ${path} (3 frames of 3x2 uint16; 5 bytes behind its last frame are ignored)`,
    ]);
    source.close();
  });

  it.each([
    ['a header', { header_offset: 17 }, { header: 17 }],
    ['gaps', { between_frames: 7 }, { gap: 7 }],
    ['both', { header_offset: 5, between_frames: 4 }, { header: 5, gap: 4 }],
    ['big-endian', { endian: 'big' }, { big: true }],
    ["big-endian in NumPy's way", { endian: '>' }, { big: true }],
    ['little-endian', { endian: '<' }, {}],
  ])('with %s', async (_, info, made) => {
    describeFiles(info);
    const source = await openInput({ files: [write('a.bin', frames(3, made))], configFile: config });
    expect(firsts(source)).toEqual([0, 6, 12]);
    expect(source.frame(2)).toEqual(Uint16Array.of(12, 13, 14, 15, 16, 17));
  });

  it('only so many as n_images says', async () => {
    describeFiles({ n_images: 2 });
    const source = await openInput({ files: [write('a.bin', frames(3))], configFile: config });
    expect(firsts(source)).toEqual([0, 6]);
  });

  it('of all files of a directory but the description, or of those listed, in their order', async () => {
    write('b', frames(1, { first: 100 }));
    write('a.dat', frames(2));
    write('c.bin', frames(1, { first: 200 }));
    describeFiles({});
    const all = await openInput({ directory, configFile: config });
    expect(firsts(all)).toEqual([0, 6, 100, 200]);
    expect(all.description().at(-1)).toBe('Skipped 1 file (the configuration): info.yaml');
    describeFiles({ ordered_files: ['c.bin', 'a.dat'] });
    expect(firsts(await openInput({ directory, configFile: config }))).toEqual([200, 0, 6]);
    expect(firsts(await openInput({ configFile: config }))).toEqual([200, 0, 6]);
    expect(firsts(await openInput({ configFile: config, nFrames: 2 }))).toEqual([200, 0]);
  });
});

describe('what is wrong: one line', () => {
  it.each([
    [
      'a name for a size',
      { width: 'wide' },
      'file_info.width: Invalid input: expected number, received string',
    ],
    ['no size', { height: 0 }, 'file_info.height: Too small: expected number to be >=1'],
    ['a part of a byte', { header_offset: 1.5 }, 'file_info.header_offset: Invalid input: expected int'],
    ['a negative gap', { between_frames: -1 }, 'file_info.between_frames: Too small'],
    ['another type', { datatype: 'float16' }, 'file_info.datatype: Invalid option: expected one of "int8"|'],
    [
      'another order',
      { endian: 'middle' },
      'file_info.endian: Invalid option: expected one of "little"|"big"',
    ],
    ['a key with a fault', { header: 3 }, 'file_info: Unrecognized key: "header"'],
    ['a file that is no name', { ordered_files: ['a', 3] }, 'file_info.ordered_files.1: Invalid input'],
  ])('%s', async (_, info, message) => {
    describeFiles(info);
    const opening = openInput({ files: [write('a.bin', frames(1))], configFile: config });
    await expect(opening).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(openInput({ directory, configFile: config })).rejects.toThrow(`${config}: ${message}`);
  });

  it.each([
    ['file_info: [', 'not YAML: '],
    ['just text', 'the file: Invalid input: expected object, received string'],
    ['', 'the file: Invalid input: expected object, received null'],
    ['other: 1', 'file_info: Invalid input: expected object, received undefined'],
  ])('a description that says %j', async (text, message) => {
    writeFileSync(config, text);
    const failed = await openInput({ directory, configFile: config }).catch((e: Error) => e);
    expect((failed as Error).message).toContain(`${config}: ${message}`);
    expect((failed as Error).message).toMatch(/^[\x20-\x7e]{1,300}$/);
  });

  it('files that are missing or too short', async () => {
    describeFiles({ header_offset: 4 });
    const path = write('short.bin', frames(1, { header: 3 }));
    await expect(openInput({ files: [path], configFile: config })).rejects.toThrow(
      `${path}: truncated: it has 15 bytes, one frame as described would need 16`,
    );
    describeFiles({ n_images: 3 });
    const two = write('two.bin', frames(2));
    await expect(openInput({ files: [two], configFile: config })).rejects.toThrow(
      `${two}: truncated: it has 24 bytes, 3 frames (n_images) would need 36`,
    );
    await expect(openInput({ files: [two], configFile: join(directory, 'none.yaml') })).rejects.toThrow(
      'none.yaml: no such file or directory',
    );
    describeFiles({ ordered_files: ['gone.bin'] });
    await expect(openInput({ configFile: config })).rejects.toThrow(`${directory}/gone.bin: no such file`);
    describeFiles({});
    await expect(openInput({ configFile: config })).rejects.toThrow('no input file or directory was given');
  });
});
