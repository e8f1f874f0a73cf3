/** Translated processor files are kept, and whatever happens to them is no reason not to load a processor. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const LOADER = fileURLToPath(new URL('../../dist/src/processor/load-processor.js', import.meta.url));
/** In a process of its own, as a consumer does: within one, files are loaded once. */
const PROGRAM = `
const { loadProcessorClass } = await import(process.argv[1]);
const Loaded = await loadProcessorClass({ processorFile: process.argv[2], builtins: {}, virtualModules: {} });
process.stdout.write(String(new Loaded({}).version));
`;

let folder: string;
let cache: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'processor cache ')));
  cache = join(folder, 'cache');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What is loaded from a file with this version in it. */
function loaded(version: number, XDG_CACHE_HOME = cache): string {
  const file = join(folder, 'processor.ts');
  writeFileSync(file, `export class Own { readonly version: number = ${version}; }\n`);
  const args = ['--input-type=module', '-e', PROGRAM, LOADER, file];
  return execFileSync(process.execPath, args, { env: { ...process.env, XDG_CACHE_HOME }, encoding: 'utf8' });
}

const kept = (): string[] => readdirSync(join(cache, 'epics-hpc'));

it('they are in the folder that the user has for such, and never older than the file', () => {
  expect(loaded(1)).toBe('1');
  expect(kept()).toHaveLength(1);
  const before = kept();
  expect(loaded(1)).toBe('1');
  expect(loaded(2)).toBe('2');
  expect(kept()).toEqual(before);
});

it('the folder may be impossible', () => {
  expect(loaded(1, '/dev/null')).toBe('1');
});

it('a file that cannot be read is done without', () => {
  loaded(1);
  for (const name of kept()) {
    rmSync(join(cache, 'epics-hpc', name));
    mkdirSync(join(cache, 'epics-hpc', name));
  }
  expect(loaded(1)).toBe('1');
});

it('a file that cannot be written is done without', () => {
  loaded(1);
  for (const name of kept()) {
    rmSync(join(cache, 'epics-hpc', name));
    symlinkSync(join(folder, 'nowhere', name), join(cache, 'epics-hpc', name));
  }
  expect(loaded(2)).toBe('2');
});
