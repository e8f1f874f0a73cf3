/**
 * Files that appear complete or not at all: written under a temporary name beside the final one, then renamed. What a
 * crash leaves behind is hidden, never looks like an image, and goes away when the next run starts on that computer (in
 * another container: an hour later).
 * One exception: on a file system without hard links a name that must be free is held by an empty file for a moment.
 */
import { mkdirSync, readlinkSync, statSync } from 'node:fs';
import { link, open, opendir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { MAX_TAKEN } from './file-name-format.ts';
import { fileProblem } from './file-problem.ts';

const HOST = hostname().replaceAll(/[^\w-]/g, '_');
/** Who may know by a process id whether a file is still being written. */
const OWNER = [HOST, ...pidNamespace()].join('-');
/** Nobody is still writing a file that has not changed for so long, in ms. */
const FORGOTTEN_MS = 3_600_000;
let sequence = 0;

/**
 * The argument `outputDirectory` as an absolute path; the folder is made if it is not there, its parents too (PvaPy).
 * @throws Error in one line
 */
export function outputFolder(given: unknown): string {
  if (typeof given !== 'string' || given === '')
    throw new Error(`argument outputDirectory: ${JSON.stringify(given)} is not the name of a folder`);
  const folder = resolve(given);
  try {
    makeFolder(folder);
  } catch (error) {
    throw fileProblem(`cannot make the folder ${folder}`, error);
  }
  return folder;
}

/** As Node's own `recursive`, which never ends where a folder's parent is there and it still cannot be made (/proc). */
function makeFolder(path: string, parents = true): void {
  const isThere = (): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isThere()) return;
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another consumer may have been faster.
    if (code === 'EEXIST' && isThere()) return;
    if (code !== 'ENOENT' || !parents) throw error;
    makeFolder(dirname(path));
    makeFolder(path, false);
  }
}

/**
 * Writes a file whole; an existing one of that name is replaced. Returns its size in bytes.
 * @param otherPath the next name to try; with it no file is replaced, whoever makes one meanwhile
 * @throws Error in one line; nothing is left then, and an existing file is as it was
 */
export async function writeWhole(
  path: string,
  parts: readonly Uint8Array[],
  otherPath?: () => string,
): Promise<number> {
  const temporary = join(dirname(path), `.${basename(path)}.${OWNER}-${process.pid}-${sequence++}.part`);
  let size = 0;
  try {
    const file = await open(temporary, 'w');
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length; )
          at += (await file.write(part, at, part.length - at)).bytesWritten;
        size += part.length;
      }
    } finally {
      await file.close();
    }
    if (otherPath) await takeFreeName(temporary, path, otherPath);
    else await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileProblem(`cannot write ${path}`, error);
  }
  return size;
}

async function takeFreeName(temporary: string, path: string, otherPath: () => string): Promise<void> {
  let name = path;
  for (let n = 1; ; n++)
    try {
      return await takeName(temporary, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || n >= MAX_TAKEN) throw error;
      name = otherPath();
    }
}

/** Renames a file, but fails with EEXIST where rename(2) replaces: of two processes one gets the name. */
async function takeName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // File systems without hard links (FAT, some shares): an empty file holds the name until the rename replaces it.
    await (await open(path, 'wx')).close();
    await rename(temporary, path).catch(async (problem) => {
      await rm(path, { force: true }).catch(() => undefined);
      throw problem;
    });
    return;
  }
  // Should this fail, the file is there all the same, and the next start sweeps.
  await rm(temporary, { force: true }).catch(() => undefined);
}

/**
 * Number of the namespace that process ids are of: two containers may share the computer's name (host networking), and
 * each has a process 7 of its own. Linux only; elsewhere there is one.
 */
function pidNamespace(): string[] {
  try {
    return readlinkSync('/proc/self/ns/pid').match(/\d+/) ?? [];
  } catch {
    return [];
  }
}

/** Removes what processes of this computer that are no longer there left in a folder; how many files that were. */
export async function sweep(folder: string): Promise<number> {
  let removed = 0;
  for await (const { name } of await opendir(folder)) {
    const [, owner, pid] = /^\..+\.([\w-]+)-(\d+)-\d+\.part$/.exec(name) ?? [];
    if (owner === undefined || !isOfHost(owner)) continue;
    const path = join(folder, name);
    if (owner === OWNER ? isAlive(Number(pid)) : !(await isForgotten(path))) continue;
    await rm(path, { force: true }).then(
      () => removed++,
      () => undefined,
    );
  }
  return removed;
}

/** Of this computer, in whatever container; without a namespace it is of an earlier version. */
function isOfHost(owner: string): boolean {
  return owner === HOST || (owner.startsWith(`${HOST}-`) && /^\d+$/.test(owner.slice(HOST.length + 1)));
}

async function isForgotten(path: string): Promise<boolean> {
  // Gone meanwhile: its writer renamed it.
  const changed = await stat(path).catch(() => undefined);
  return changed !== undefined && Date.now() - changed.mtimeMs > FORGOTTEN_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Can files be made in the folder? @throws Error in one line */
export async function checkWritable(folder: string): Promise<void> {
  const temporary = join(folder, `.check.${OWNER}-${process.pid}-${sequence++}.part`);
  try {
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('ENOTDIR'), { code: 'ENOTDIR' });
    await (await open(temporary, 'w')).close();
    await rm(temporary);
  } catch (error) {
    throw fileProblem(`cannot write into ${folder}`, error);
  }
}
