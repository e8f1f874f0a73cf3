/**
 * What V8 compiled of the scripts of a command, kept in the user's cache folder from run to run. It may be missing or of
 * no use at any time: then the start takes longer, and nothing else happens. NODE_DISABLE_COMPILE_CACHE=1, Node's own
 * variable for that, does without.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getHeapCodeStatistics } from 'node:v8';
import type { Script } from 'node:vm';
import { cacheFolder } from '../cache-folder.ts';
import { START_MS } from './engine-flags.ts';

/** A run of so many times the duration of the one that is kept may have compiled more. */
const LONGER = 1.2;
/** A run with so many times its bytecode takes its place. */
const MORE = 1.1;

/** In front of the compiled scripts, which follow in this order. */
interface Index {
  /** V8 compares the length of a script with what it compiled, not the text. */
  readonly build: string;
  /** What the process had then: bytes of bytecode, and its age in ms. */
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
    this.path = join(folder, 'compiled', `${name}-${process.version}-${process.arch}`);
    try {
      this.read(readFileSync(this.path));
    } catch {
      // There is none, or not one of ours.
    }
    const keep = (): void => {
      clearTimeout(timer);
      process.off('exit', keep);
      this.keep();
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
    let at = 4 + all.readUInt32LE(0);
    const { build, scripts, ...best } = JSON.parse(all.toString('utf8', 4, at)) as Index;
    if (build !== this.build) return;
    for (const [file, bytes] of scripts) {
      this.kept.set(file, all.subarray(at, at + bytes));
      at += bytes;
    }
    this.best = best;
  }

  private keep(): void {
    const { path, build, best } = this;
    const age = performance.now();
    if (path === undefined || age < LONGER * best.age) return;
    // Takes some ms.
    const bytecode = getHeapCodeStatistics().bytecode_and_metadata_size;
    if (bytecode < MORE * best.bytecode) return;
    const codes = [...this.scripts].map(([file, script]) => [file, script.createCachedData()] as const);
    const index: Index = { build, bytecode, age, scripts: codes.map(([file, code]) => [file, code.length]) };
    const text = Buffer.from(JSON.stringify(index));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(text.length);
    const temporary = `${path}.${process.pid}.part`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, Buffer.concat([size, text, ...codes.map(([, code]) => code)]));
      renameSync(temporary, path);
    } catch {
      // A full disk, a home that cannot be written.
      rmSync(temporary, { force: true });
    }
  }
}
