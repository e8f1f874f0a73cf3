/** Input files of several formats together, and which are skipped. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openInput } from '../../sim/input-files.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const root = mkdtempSync(join(tmpdir(), 'input-files-'));
afterAll(() => rmSync(root, { recursive: true }));

const folder = () => mkdtempSync(join(root, 'd-'));
const tiff = (name: string) => join(FIXTURES, 'tiff', name);

/** uint16 frames of 20 x 18 pixels of one value, in NumPy's format. */
function npy(value: number, count = 1): Uint8Array {
  const header = `{'descr': '<u2', 'fortran_order': False, 'shape': (${count}, 18, 20), }`.padEnd(117);
  const pixels = Buffer.from(new Uint16Array(count * 360).fill(value).buffer);
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'),
    Buffer.from(`${header}\n`),
    pixels,
  ]);
}

describe('a directory', () => {
  it('of several formats is one stream in the order of names', async () => {
    const directory = folder();
    copyFileSync(tiff('stack.tif'), join(directory, 'b.TIF'));
    writeFileSync(join(directory, 'a.npy'), npy(7));
    writeFileSync(join(directory, 'c.npy'), npy(9, 2));
    for (const name of ['readme.md', 'x.npz', 'log', 'z.cbf', 'y.edf'])
      writeFileSync(join(directory, name), 'x');
    const source = await openInput({ directory });
    const firsts = Array.from({ length: source.nFrames }, (_, i) => source.frame(i)[0]);
    expect(firsts).toEqual([7, 0, 1000, 2000, 9, 9]);
    expect(source.description().slice(3)).toEqual([
      'Skipped 4 files (not .npy, .h5, .hdf, .hdf5, .tif, .tiff): log, readme.md, y.edf, ...',
      'Skipped 1 file (.npz is an archive: save each array with numpy.save): x.npz',
    ]);
    source.close();
  });

  it('is sorted before it is cut, and no more files are opened than needed', async () => {
    const directory = folder();
    writeFileSync(join(directory, 'c.npy'), 'not read');
    writeFileSync(join(directory, 'b.npy'), npy(2));
    writeFileSync(join(directory, 'a.npy'), npy(1));
    const source = await openInput({ directory, nFrames: 2 });
    expect([source.frame(0)[0], source.frame(1)[0]]).toEqual([1, 2]);
    await expect(openInput({ directory, nFrames: 3 })).rejects.toThrow('c.npy: not a .npy file');
  });

  it('of frames of several kinds is refused', async () => {
    const directory = folder();
    copyFileSync(tiff('strips-u4.tif'), join(directory, 'b.tif'));
    writeFileSync(join(directory, 'a.npy'), npy(7));
    await expect(openInput({ directory })).rejects.toThrow(
      `${directory}/b.tif: its frames are [20, 18] uint32, but those of ${directory}/a.npy are [20, 18] uint16`,
    );
  });

  it('without input files is refused, and says why', async () => {
    const directory = folder();
    await expect(openInput({ directory })).rejects.toThrow(
      `${directory}: there is no input file in this directory: it is empty`,
    );
    writeFileSync(join(directory, 'a.bin'), 'x');
    await expect(openInput({ directory })).rejects.toThrow(
      `${directory}: there is no input file in this directory: 1 file skipped (not .npy, .h5, .hdf, .hdf5, .tif, .tiff); raw binary files need --config-file`,
    );
  });
});

describe('a file whose name does not say its format', () => {
  it.each([
    ['NumPy', () => npy(5), undefined, 360],
    ['TIFF', undefined, tiff('stack.tif'), 360],
    ['HDF5', undefined, join(FIXTURES, 'hdf5/v110.h5'), 24],
  ])('%s is known by its content', async (_, content, copied, length) => {
    const path = join(folder(), 'frames.dat');
    if (content) writeFileSync(path, content());
    if (copied) copyFileSync(copied, path);
    const source = await openInput({ files: [path], hdfDataset: '/entry/data/big' });
    expect(source.frame(0).length).toBe(length);
    source.close();
  });

  it('is refused if its content is unknown too', async () => {
    const path = join(folder(), 'frames.dat');
    writeFileSync(path, 'pixels');
    await expect(openInput({ files: [path] })).rejects.toThrow(
      `${path}: unknown format: .npy, .h5, .hdf, .hdf5, .tif, .tiff are known, raw binary files need --config-file`,
    );
  });
});

it('colour layouts: mono frames stay mono, frames that are streamed as stored stay as they are', async () => {
  const mono = await openInput({ files: [tiff('stack.tif')], colorMode: 4 });
  expect(mono.shape).toMatchObject({ colorMode: 0, dimensions: [20, 18] });
  const rgb = await openInput({ files: [tiff('rgb.tif')], colorMode: 2 });
  expect(rgb.shape.dimensions).toEqual([3, 20, 18]);
  await expect(
    openInput({
      files: [join(FIXTURES, 'hdf5/v110.h5')],
      hdfDataset: '/entry/data/rgblz4',
      hdfAsStored: true,
      colorMode: 4,
    }),
  ).rejects.toThrow('frames that are streamed as stored (lz4) stay RGB1: leave the color mode 4 out');
});
