/** HDF5 files as frames; the files beside make.py were written by h5py with the filters of hdf5plugin. */
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCodec, NTNDArray } from 'epics-pva-ts';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileFrames } from '../../sim/file-frames.ts';
import type { CachedFrame } from '../../sim/frame-cache.ts';
import { ImageRecord } from '../../sim/image-record.ts';
import { openInput } from '../../sim/input-files.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/hdf5');
const directory = mkdtempSync(join(tmpdir(), 'hdf5-file-'));
afterAll(() => rmSync(directory, { recursive: true }));

function open(file: string, dataset: string, hdfAsStored = false): Promise<FileFrames> {
  const hdfDataset = dataset.startsWith('/') ? dataset : `/entry/data/${dataset}`;
  return openInput({ files: [join(FIXTURES, file)], hdfDataset, hdfAsStored });
}

/** Pixel values of frame `f`, as make.py writes them. */
function pixels(f: number, nx: number, ny: number): number[] {
  return Array.from({ length: nx * ny }, (_, i) => f * 1000 + Math.floor(i / nx) * 5 + ((i % nx) >> 4));
}

/** Files of versions of the format that index chunks in different ways. */
const VERSIONS = ['earliest.h5', 'v110.h5', 'v200.h5'];
const MANY: Record<string, number> = { 'earliest.h5': 100, 'v110.h5': 250, 'v200.h5': 10 };

describe('datasets that HDF5 itself reads', () => {
  it.each([
    ['gzip', 'uint16', 3, 64, 80],
    ['big', 'int32', 2, 6, 4],
    ['float', 'float32', 2, 6, 4],
    ['image', 'int64', 1, 6, 4],
  ])('%s', async (dataset, type, nFrames, nx, ny) => {
    const source = await open('v110.h5', dataset);
    expect(source).toMatchObject({ nFrames, codec: undefined, dataType: { name: type }, shape: { nx, ny } });
    for (const f of [nFrames - 1, 0])
      expect(Array.from(source.frame(f) as Uint8Array, Number)).toEqual(pixels(f, nx, ny));
    expect(source.description()).toEqual([
      expect.stringMatching(new RegExp(`v110.h5 \\(${nFrames} frames? of ${nx}x${ny} ${type}\\)$`)),
    ]);
    source.close();
    expect(Array.from(source.frame(0) as Uint8Array, Number)).toEqual(pixels(0, nx, ny));
    source.close();
  });

  it('(frames, ny, nx, 3) is RGB1, and can be laid out by rows or planes', async () => {
    const plain = await open('v110.h5', 'rgb');
    expect(plain.shape).toMatchObject({ colorMode: 2, dimensions: [3, 6, 4] });
    expect(plain.frame(1)).toEqual(Uint8Array.from({ length: 72 }, (_, i) => 72 + i));
    const files = [join(FIXTURES, 'v110.h5')];
    const at = (o: number) => 72 + o;
    const rows = await openInput({ files, hdfDataset: '/entry/data/rgb', colorMode: 3 });
    expect(rows.shape.dimensions).toEqual([6, 3, 4]);
    // Red of the first row, then its green.
    expect(Array.from(rows.frame(1).subarray(0, 8) as Uint8Array)).toEqual(
      [0, 3, 6, 9, 12, 15, 1, 4].map(at),
    );
    expect(Array.from(rows.frame(1).subarray(18, 20) as Uint8Array)).toEqual([18, 21].map(at));
    const planes = await openInput({ files, hdfDataset: '/entry/data/rgb', colorMode: 4 });
    expect(planes.shape.dimensions).toEqual([6, 4, 3]);
    expect(Array.from(planes.frame(1).subarray(24, 27) as Uint8Array)).toEqual([1, 4, 7].map(at));
    expect(planes.description()[1]).toBe('Publishing color mode: RGB3');
  });
});

describe.each(VERSIONS)('chunks of the filters of detectors, %s', (file) => {
  it.each(['bslz4', 'lz4'])('%s is decompressed', async (dataset) => {
    const source = await open(file, dataset);
    expect(source).toMatchObject({ nFrames: 3, codec: undefined, dataType: { name: 'uint16' } });
    for (const f of [2, 0, 1]) expect(Array.from(source.frame(f) as Uint16Array)).toEqual(pixels(f, 64, 80));
    source.close();
  });

  it.each(['bslz4', 'lz4', 'blosc'])('%s is streamed as it is stored, and can be read', async (dataset) => {
    const source = await open(file, dataset, true);
    expect(source).toMatchObject({ codec: dataset, shape: { dimensions: [64, 80] } });
    expect(source.description()[0]).toMatch(new RegExp(`of 64x80 uint16, ${dataset} as stored\\)$`));
    const record = new ImageRecord(source);
    for (const index of [0, 2]) {
      const data = source.frame(index) as CachedFrame['data'];
      const frame = NTNDArray.wrap(record.of({ data, index }, 1));
      expect(frame.codec).toEqual({ name: dataset, parameters: 6 });
      expect([frame.compressedSize, frame.uncompressedSize]).toEqual([data.byteLength, 10240]);
      expect(data.byteLength).toBeLessThan(2048);
      const plain = await frame.decompress();
      expect(Array.from(plain.pixels as Uint16Array)).toEqual(pixels(index, 64, 80));
    }
    source.close();
  });

  it('many frames', async () => {
    const source = await open(file, 'many');
    expect(source.nFrames).toBe(MANY[file]);
    for (let f = 0; f < source.nFrames; f++) {
      const v = (f * 1000) & 255;
      expect(Array.from(source.frame(f) as Uint8Array)).toEqual([v, v, v + 5, v + 5].map((p) => p & 255));
    }
    source.close();
  });

  it('a frame that was never written is named', async () => {
    const source = await open(file, 'gaps');
    expect(source.frame(0)).toEqual(Uint8Array.of(0, 0, 5, 5));
    expect(() => source.frame(1)).toThrow(/gaps: frame 1 cannot be read: it was never written$/);
  });

  it('a chunk that was stored past the filter', async () => {
    const plain = await open(file, 'past');
    const expected = Uint8Array.of(232, 232, 237, 237);
    expect(plain.frame(1)).toEqual(expected);
    const stored = await open(file, 'past', true);
    const { decode } = await loadCodec('lz4');
    const image = { size: 4, elementSize: 1, kind: 'ubyte', dimensions: [], colorMode: undefined } as const;
    expect(decode({ ...image, bytes: stored.frame(1) as Uint8Array })).toEqual(expected);
  });
});

describe('other indexes', () => {
  it('one chunk', async () => {
    const source = await open('v110.h5', 'one');
    expect(Array.from(source.frame(0) as Uint16Array)).toEqual(pixels(0, 64, 80));
  });

  it('a fixed array in pages', async () => {
    const source = await open('paged.h5', '/fixed');
    expect(source.nFrames).toBe(1030);
    for (const f of [0, 1, 1023, 1024, 1029])
      expect(source.frame(f)).toEqual(Uint8Array.of((f * 1000) & 255));
  });

  it('a tree, of a dataset that may grow in two dimensions', async () => {
    const source = await open('v110.h5', 'two');
    for (const f of [2, 0, 1]) expect(Array.from(source.frame(f) as Uint16Array)).toEqual(pixels(f, 64, 80));
    const deep = await open('paged.h5', '/tree');
    expect(deep.nFrames).toBe(150);
    for (let f = 0; f < 150; f++) expect(deep.frame(f)).toEqual(Uint8Array.of((f * 1000) & 255));
  });

  it.each(['frames', 'rows', 'wide_rows', 'columns', 'tall_columns', 'limited', 'all'])(
    'images that may still grow, by %s',
    async (dataset) => {
      const source = await open('growing.h5', `/${dataset}`);
      expect(source).toMatchObject({ nFrames: 3, shape: { nx: 6, ny: 4 } });
      for (const f of [2, 0, 1]) expect(Array.from(source.frame(f) as Uint16Array)).toEqual(pixels(f, 6, 4));
      source.close();
    },
  );

  it('colour images and a single one that may still grow', async () => {
    const rgb = await open('growing.h5', '/rgb');
    expect(rgb.frame(1)).toEqual(Uint8Array.from({ length: 72 }, (_, i) => 72 + i));
    const image = await open('growing.h5', '/image');
    expect(Array.from(image.frame(0) as Uint16Array)).toEqual(pixels(0, 6, 4));
  });

  it('big-endian elements', async () => {
    const source = await open('v110.h5', 'biglz4');
    expect(source.frame(1)).toEqual(Int32Array.from(pixels(1, 6, 4)));
    await expect(open('v110.h5', 'biglz4', true)).rejects.toThrow(
      'big-endian: compressed frames are little-endian, leave out --hdf-compression-mode',
    );
  });

  it('a colour dataset and a link', async () => {
    const rgb = await open('v110.h5', 'rgblz4');
    expect(rgb.frame(1)).toEqual(Uint8Array.from({ length: 72 }, (_, i) => 72 + i));
    const link = await open('v110.h5', 'link', true);
    expect(link.codec).toBe('lz4');
  });
});

describe('what cannot be streamed: one line with the file and the reason', () => {
  const latest = join(FIXTURES, 'v110.h5');
  it.each<[string, string, boolean, string]>([
    ['no such dataset', '/entry/image', false, 'it has no dataset /entry/image; there are: /entry/data/'],
    ['a group', '/entry', false, '/entry is a group, not a dataset; there are: '],
    ['a link to nothing', 'nowhere', false, '/entry/data/nowhere is a link to nothing'],
    ['a link into another file', 'elsewhere', false, 'elsewhere is a link into other.h5: stream that file'],
    ['text', 'text', false, 'its elements are no numbers'],
    ['float16', 'half', false, "its elements are 'float16'"],
    ['one dimension', 'line', false, 'an array of shape (5) holds no frames'],
    ['bitshuffle with Zstandard', 'zstd', false, 'bitshuffle without LZ4: only LZ4 can be read'],
    ['several chunks a frame', 'parts', true, 'chunks of (1, 40, 64): only one chunk per frame, (1, 80, 64)'],
    [
      'blosc, to be decompressed',
      'blosc',
      false,
      'compressed by blosc: stream it as it is stored, with --hdf-c',
    ],
    [
      'gzip, as it is stored',
      'gzip',
      true,
      'not compressed by blosc, lz4 or bslz4 (filters: 2 shuffle, 1 deflate',
    ],
    ['nothing, as it is stored', 'big', true, 'not compressed by blosc, lz4 or bslz4 (filters: none)'],
  ])('%s', async (_, dataset, asStored, message) => {
    const error = await open('v110.h5', dataset, asStored).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error).toMatchObject({ code: 'BAD_INPUT' });
    expect(error?.message).toContain(latest);
    expect(error?.message).toContain(message);
    expect(error?.message).toMatch(/^[\x20-\x7e]{1,400}$/);
  });

  it('no name of a dataset', async () => {
    await expect(openInput({ files: [latest] })).rejects.toThrow(
      `${latest}: name the dataset to stream with --hdf-dataset`,
    );
  });

  it('another kind of file, a missing one and an empty one', async () => {
    const path = join(directory, 'text.h5');
    const hdfDataset = '/data';
    writeFileSync(path, 'no HDF5 at all');
    await expect(openInput({ files: [path], hdfDataset })).rejects.toThrow(
      `${path}: not an HDF5 file that can be read: `,
    );
    writeFileSync(path, '');
    await expect(openInput({ files: [path], hdfDataset })).rejects.toThrow(`${path}: not an HDF5 file`);
    const missing = join(directory, 'missing.h5');
    await expect(openInput({ files: [missing], hdfDataset })).rejects.toThrow(
      `${missing}: no such file or directory`,
    );
    await expect(openInput({ files: [directory], hdfDataset })).rejects.toThrow('not a regular file');
  });

  it('a truncated file: an error when it is opened or a frame is read, never wrong pixels', async () => {
    let [opened, failed] = [0, 0];
    for (const file of VERSIONS) {
      const path = join(directory, file);
      const whole: Record<string, FileFrames> = {
        bslz4: await open(file, 'bslz4'),
        many: await open(file, 'many'),
      };
      for (let n = 1; n < 40_000; n += 977) {
        copyFileSync(join(FIXTURES, file), path);
        truncateSync(path, n);
        for (const dataset of ['bslz4', 'many']) {
          try {
            const source = await openInput({ files: [path], hdfDataset: `/entry/data/${dataset}` });
            opened++;
            const i = source.nFrames - 1;
            expect(source.frame(i)).toEqual(whole[dataset]?.frame(i));
            source.close();
          } catch (error) {
            failed++;
            expect(error).toMatchObject({ code: 'BAD_INPUT' });
            expect((error as Error).message).toMatch(/^[\x20-\x7e]{1,500}$/);
          }
        }
      }
    }
    expect(failed).toBeGreaterThan(100);
    expect(opened).toBeLessThan(failed);
  });

  it('a file that is cut while it is streamed', async () => {
    const path = join(directory, 'cut.h5');
    copyFileSync(latest, path);
    const source = await openInput({ files: [path], hdfDataset: '/entry/data/bslz4' });
    expect(source.frame(0).length).toBe(5120);
    source.close();
    truncateSync(path, 2000);
    expect(() => source.frame(2)).toThrow(`${path}`);
  });
});
