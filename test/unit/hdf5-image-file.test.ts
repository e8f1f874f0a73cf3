/** What a reader finds in a file whose writer was killed: looked at after each of the library's writes to the disk. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Hdf5ImageFile } from '../../processors/hdf5-image-file.ts';
import { Hdf5Library } from '../../processors/hdf5-library.ts';
import { images } from '../e2e/support/output-files.ts';

interface Written {
  write(...args: unknown[]): number;
}

it('every image that has an id is there, whichever write to the disk was the last one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'epics-hpc-hdf5-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const library = await Hdf5Library.load();
  const file = new Hdf5ImageFile(library, join(folder, 'images.h5'), {
    datasetName: 'images',
    dtype: '<B',
    shape: [64, 64],
    gzip: 0,
    attributes: new Map(),
  });
  const states: string[] = [];
  const files = library.module.FS as unknown as Written;
  const { write } = files;
  onTestFinished(() => {
    files.write = write;
  });
  files.write = (...args) => {
    const written = write.apply(files, args);
    const state = join(folder, `state-${states.length}`);
    copyFileSync(file.partial, state);
    states.push(state);
    return written;
  };
  for (let id = 1; id <= 120; id++) {
    const row = { uniqueId: id, timeStamp: 0n, dataTimeStamp: 0n, attributes: new Map() };
    file.append(new Uint8Array(64 * 64).fill(id), row);
    if (id % 10 === 0) file.flush();
  }
  files.write = write;
  file.finish();
  const counts = states.map((state) => {
    const { ids, image } = images(state, 'Sr');
    for (const [n, id] of ids.entries())
      expect(
        image(n).every((pixel) => pixel === id),
        `image ${id}`,
      ).toBe(true);
    return ids.length;
  });
  expect(counts.length).toBeGreaterThan(100);
  expect(counts.at(-1)).toBe(120);
});
