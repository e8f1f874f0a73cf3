/** Files that take a free name on file systems that know no hard links: FAT and some shares, none of which can be mounted here. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { writeWhole } from '../../processors/whole-file.ts';

vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  // As Linux answers on FAT (link(2): EPERM).
  link: () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' })),
}));

const folder = mkdtempSync(join(tmpdir(), 'epics-hpc-whole-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('no file is replaced, and each has its contents', async () => {
  writeFileSync(join(folder, '1'), 'precious');
  let n = 0;
  const next = (): string => join(folder, String(++n));
  const write = (text: string): Promise<number> => writeWhole(next(), [Buffer.from(text)], next);
  await Promise.all(['a', 'b', 'c'].map(write));
  expect(readdirSync(folder).sort()).toEqual(['1', '2', '3', '4']);
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  expect(texts.sort()).toEqual(['a', 'b', 'c', 'precious']);
});

it('a folder that is not there is named', async () => {
  const path = join(folder, 'sub', '1');
  await expect(writeWhole(path, [], () => path)).rejects.toThrow(
    `cannot write ${path}: the folder is not there (ENOENT)`,
  );
});
