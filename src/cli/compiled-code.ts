/**
 * What V8 compiled of the scripts of a command, kept in the user's cache folder from run to run. It may be missing or of
 * no use at any time: then the start takes longer, and nothing else happens. NODE_DISABLE_COMPILE_CACHE=1, Node's own
 * variable for that, does without.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { getHeapCodeStatistics } from 'node:v8';
import type { Script } from 'node:vm';
import { cacheFolder } from '../cache-folder.ts';
import { START_MS } from './engine-flags.ts';

/** A run of so many times the duration of the one that is kept may have compiled more. */
const LONGER = 1.2;
/** A run with so many times its bytecode takes its place. */
const MORE = 1.1;
/** Of one command: installations beside each other, each with its own. Older ones go. */
const MAX_FILES = 3;
/** In front of all: SHA-1 of what follows, since V8 runs whatever has a right header, then the length of the index. */
const HASH_BYTES = 20;
const INDEX_AT = HASH_BYTES + 4;

/** In front of the compiled scripts, which follow in this order. */
interface Index {
  /** V8 compares the length of a script with what it compiled, not the text. */
  readonly build: string;
  /** What the process had then: bytes of bytecode, and its age in ms; 0 if its start was a slow one. */
  readonly bytecode: number;
  readonly age: number;
  readonly scripts: readonly (readonly [file: string, bytes: number])[];
}

export class CompiledCode {
  private readonly path: string | undefined;
  private readonly build: string;
  private readonly kept = new Map<string, Buffer>();
  private readonly scripts = new Map<string, Script>();
  private best = { bytecode: 0, age: 0 };

  /**
   * @param name of the command: each has its own, for each uses other parts of the scripts that they share
   * @param build names the one build of the scripts that fits
   */
  constructor(name: string, build: string) {
    this.build = build;
    const folder = process.env['NODE_DISABLE_COMPILE_CACHE'] ? false : cacheFolder();
    if (folder === false) return;
    const file = [name, process.version, process.arch, build.slice(0, 8)].join('-');
    this.path = join(folder, 'compiled', file);
    try {
      this.read(readOwn(this.path));
    } catch {
      // There is none, or not one that can be used.
    }
    const keep = (): void => {
      clearTimeout(timer);
      process.off('exit', keep);
      this.keep();
      this.kept.clear();
      this.scripts.clear();
    };
    const timer = setTimeout(keep, START_MS - performance.now()).unref();
    process.once('exit', keep);
  }

  /** What is kept of a script. */
  of(file: string): Buffer | undefined {
    return this.kept.get(file);
  }

  /** This script was compiled, perhaps of what is kept. */
  add(file: string, script: Script): void {
    this.scripts.set(file, script);
    // Of another V8, or with other flags.
    if (script.cachedDataRejected) this.best = { bytecode: 0, age: 0 };
  }

  private read(all: Buffer): void {
    if (!all.subarray(0, HASH_BYTES).equals(hashOf(all.subarray(HASH_BYTES)))) return;
    let at = INDEX_AT + all.readUInt32LE(HASH_BYTES);
    const { build, scripts, ...best } = JSON.parse(all.toString('utf8', INDEX_AT, at)) as Index;
    if (build !== this.build) return;
    for (const [file, bytes] of scripts) {
      this.kept.set(file, all.subarray(at, at + bytes));
      at += bytes;
    }
    this.best = best;
  }

  private keep(): void {
    const { path, best } = this;
    const age = performance.now();
    if (path === undefined || age < LONGER * best.age) return;
    // Takes some ms.
    const bytecode = getHeapCodeStatistics().bytecode_and_metadata_size;
    if (bytecode < MORE * best.bytecode) return;
    const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
    try {
      makeOwn(dirname(path));
      writeFileSync(temporary, this.contents(bytecode, age > LONGER * START_MS ? 0 : age), {
        flag: 'wx',
        mode: 0o600,
      });
      renameSync(temporary, path);
      removeOld(path);
    } catch {
      // A full disk, a home that cannot be written.
      try {
        unlinkSync(temporary);
      } catch {}
    }
  }

  private contents(bytecode: number, age: number): Buffer {
    const codes = [...this.scripts].map(([file, script]) => [file, script.createCachedData()] as const);
    const scripts = codes.map(([file, code]) => [file, code.length] as const);
    const index = Buffer.from(JSON.stringify({ build: this.build, bytecode, age, scripts } satisfies Index));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(index.length);
    const rest = Buffer.concat([size, index, ...codes.map(([, code]) => code)]);
    return Buffer.concat([hashOf(rest), rest]);
  }
}

function hashOf(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest();
}

/** Code of somebody else is not run, nor what others may have changed. */
function checkOwner({ uid, mode }: { uid: number; mode: number }): void {
  const own = process.geteuid?.();
  if (own !== undefined && (uid !== own || (mode & 0o022) !== 0)) throw new Error('of another user');
}

function readOwn(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    checkOwner(fstatSync(file));
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Root that keeps a user's home (sudo) leaves nothing there that the user could not replace. */
function makeOwn(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkOwner(statSync(folder));
}

/** Also what runs that were killed left half written. */
function removeOld(path: string): void {
  const folder = dirname(path);
  const [command = ''] = basename(path).split(/-v\d/);
  const files = readdirSync(folder)
    .filter((name) => name.startsWith(`${command}-v`))
    .map((name) => ({ name, time: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time);
  for (const { name } of files.slice(MAX_FILES)) unlinkSync(join(folder, name));
}
