/** What V8 compiled of a command is kept, and whatever happens to it is no reason not to run the command. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts, peerEnv } from '../../bench/peers/ports.ts';

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));
const VERSION = (JSON.parse(readFileSync(join(BIN, '../package.json'), 'utf8')) as { version: string })
  .version;

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'compiled code ')));
});
afterEach(() => rmSync(home, { recursive: true }));

const folder = (): string => join(home, 'epics-hpc', 'compiled');

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { NODE_DISABLE_COMPILE_CACHE: _, ...inherited } = process.env;
  return execFileSync(process.execPath, [join(BIN, `${command}.js`), ...args], {
    env: { ...inherited, XDG_CACHE_HOME: home, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The one file of what is kept, with its inode: another one has taken its place when that has changed. */
function kept(): { path: string; inode: number } {
  const names = readdirSync(folder());
  expect(names).toHaveLength(1);
  const path = join(folder(), names[0] as string);
  return { path, inode: statSync(path).ino };
}

describe('what was compiled', () => {
  it.each(['pvget', 'hpc-consumer'])('of %s is kept once, and used by the next run', (command) => {
    expect(run(command, ['--version'])).toContain(VERSION);
    const first = kept();
    expect(first.path).toMatch(new RegExp(`/${command}-v[^/]+$`));
    expect(statSync(first.path).size).toBeGreaterThan(100_000);
    expect(run(command, ['--version'])).toContain(VERSION);
    expect(kept().path).toBe(first.path);
  });

  it('of a simulator that warms up is taken by the next one: V8 refuses it under other flags', async () => {
    const env = { ...peerEnv(await freePorts()), XDG_CACHE_HOME: home };
    const args = '-cn compiled -nx 8 -ny 8 -fps 500 -std 1 -rt 0.1 -shd 0 -dc'.split(' ');
    run('ad-sim-server', args, env);
    const first = kept();
    run('ad-sim-server', args, env);
    expect(kept()).toEqual(first);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['rubbish', () => Buffer.alloc(5000, 'rubbish ')],
    ['cut short', (before: Buffer) => before.subarray(0, before.length / 2)],
    ['of another V8', (before: Buffer) => Buffer.from(before).fill(0x5a, before.indexOf('}') + 1)],
    [
      'of another build',
      (before: Buffer) => {
        const other = Buffer.from(before);
        const at = other.indexOf('"build":"') + '"build":"'.length;
        other[at] = other[at] === 0x61 ? 0x62 : 0x61;
        return other;
      },
    ],
  ] as const)('that is %s is not used, and replaced', (_, damage) => {
    run('pvget', ['--version']);
    const { path } = kept();
    const good = readFileSync(path);
    writeFileSync(path, damage(good));
    expect(run('pvget', ['--version'])).toContain(VERSION);
    expect(readFileSync(path).length).toBeGreaterThan(0.9 * good.length);
    expect(run('pvget', ['--version'])).toContain(VERSION);
  });

  it('of a run that compiles more than the one that is kept takes its place', () => {
    run('pvget', ['--version']);
    const { path } = kept();
    const before = readFileSync(path);
    // A run with a search and a wait of half a second is longer and compiles more.
    expect(() => run('pvget', ['-w', '0.5', 'compiled-code:nowhere'])).toThrow(/Timeout/);
    const after = readFileSync(path);
    expect(after.length).toBeGreaterThan(1.05 * before.length);
  });

  it('is not kept with NODE_DISABLE_COMPILE_CACHE', () => {
    expect(run('pvget', ['--version'], { NODE_DISABLE_COMPILE_CACHE: '1' })).toContain(VERSION);
    expect(readdirSync(home)).toEqual([]);
  });

  it('is done without where no folder can be made', () => {
    writeFileSync(join(home, 'epics-hpc'), 'a file');
    expect(run('pvget', ['--version'])).toContain(VERSION);
    rmSync(join(home, 'epics-hpc'));
    // Nor can a file be written where a folder has its name.
    run('pvget', ['--version']);
    const { path } = kept();
    rmSync(path);
    mkdirSync(join(path, 'inside'), { recursive: true });
    expect(run('pvget', ['--version'])).toContain(VERSION);
    expect(readdirSync(folder())).toHaveLength(1);
  });
});
