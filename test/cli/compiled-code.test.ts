/** What V8 compiled of a command is kept, and whatever happens to it is no reason not to run the command. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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

/** With the hash that belongs to what follows it. */
function signed(file: Buffer): Buffer {
  createHash('sha1').update(file.subarray(20)).digest().copy(file);
  return file;
}

/** As kept by a run of this age (ms) and bytecode (bytes). */
function withFigures(file: Buffer, figures: { readonly bytecode: number; readonly age: number }): Buffer {
  const end = 24 + file.readUInt32LE(20);
  const index = Buffer.from(JSON.stringify({ ...JSON.parse(file.toString('utf8', 24, end)), ...figures }));
  const head = Buffer.alloc(24);
  head.writeUInt32LE(index.length, 20);
  return signed(Buffer.concat([head, index, file.subarray(end)]));
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
    // What V8 refuses is replaced by each run; what it takes stays, once no run of a busy computer had more of it.
    const times = new Set<number>();
    for (let runs = 0; runs < 8 && times.size === runs; runs++) {
      run('ad-sim-server', args, env);
      times.add(statSync(kept().path).mtimeMs);
    }
    expect(times.size).toBeLessThan(8);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['rubbish', () => Buffer.alloc(5000, 'rubbish ')],
    ['cut short', (before: Buffer) => before.subarray(0, before.length / 2)],
    [
      'damaged where V8 does not look',
      (before: Buffer) => {
        const other = Buffer.from(before);
        for (let at = other.length >> 1; at < other.length; at += 1000)
          other.writeUInt8(~other.readUInt8(at) & 0xff, at);
        return other;
      },
    ],
    [
      'of another V8',
      (before: Buffer) => signed(Buffer.from(before).fill(0x5a, before.lastIndexOf(']]}') + 3)),
    ],
    [
      'of another build',
      (before: Buffer) => {
        const other = Buffer.from(before);
        const at = other.indexOf('"build":"') + '"build":"'.length;
        other[at] = other[at] === 0x61 ? 0x62 : 0x61;
        return signed(other);
      },
    ],
  ] as const)('that is %s is not used, and replaced', (_, damage) => {
    run('pvget', ['--version']);
    const { path } = kept();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    expect(run('pvget', ['--version'])).toContain(VERSION);
    const after = readFileSync(path);
    expect(after.equals(damaged)).toBe(false);
    expect(signed(Buffer.from(after))).toEqual(after);
    expect(run('pvget', ['--version'])).toContain(VERSION);
  });

  it.each([
    ['of a longer run with more of it takes its place', { bytecode: 1, age: 1 }, true],
    ['stays when a run was no longer', { bytecode: 1, age: 1e9 }, false],
    ['stays when a longer run had no more of it', { bytecode: 1e9, age: 1 }, false],
  ] as const)('%s', (_, figures, isReplaced) => {
    run('pvget', ['--version']);
    const { path } = kept();
    writeFileSync(path, withFigures(readFileSync(path), figures));
    const { inode } = kept();
    run('pvget', ['--version']);
    expect(kept().inode !== inode).toBe(isReplaced);
  });

  it('is not kept with NODE_DISABLE_COMPILE_CACHE', () => {
    expect(run('pvget', ['--version'], { NODE_DISABLE_COMPILE_CACHE: '1' })).toContain(VERSION);
    expect(readdirSync(home)).toEqual([]);
  });

  it('is not taken from a file that others may write', () => {
    run('pvget', ['--version']);
    const first = kept();
    chmodSync(first.path, 0o666);
    expect(run('pvget', ['--version'])).toContain(VERSION);
    expect(kept().inode).not.toBe(first.inode);
  });

  it('stays for three installations, and nothing is left of runs that were killed', () => {
    run('pvget', ['--version']);
    const { path } = kept();
    const long = new Date(Date.now() - 1e6);
    for (const name of ['v20.0.0-x64-00000000', 'v20.1.0-x64-00000000', 'v20.1.0-x64-00000000.123456.part']) {
      writeFileSync(join(folder(), `pvget-${name}`), 'older');
      utimesSync(join(folder(), `pvget-${name}`), long, long);
    }
    writeFileSync(join(folder(), 'pvput-v20.0.0-x64-00000000'), 'of another command');
    rmSync(path);
    run('pvget', ['--version']);
    const left = readdirSync(folder());
    expect(left).toHaveLength(4);
    expect(left).toContain(basename(path));
    expect(left).toContain('pvput-v20.0.0-x64-00000000');
  });

  it('changes nothing about a run, however long, where its folder cannot be made', () => {
    writeFileSync(join(home, 'epics-hpc'), 'a file');
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(BIN, 'pvget.js'), '-w', '0.6', 'compiled-code:nowhere'],
      { env: { ...process.env, XDG_CACHE_HOME: home }, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'Timeout\n' });
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
