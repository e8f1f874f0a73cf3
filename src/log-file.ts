/**
 * The file of a log: lines are appended, synchronously, and what is kept is bounded. A file that is full becomes
 * `<file>.1`, what was that `<file>.2`, and so on; the oldest goes. Processes that share a file share this, too: one
 * that finds its file renamed goes on with the new one. (PvaPy begins a new file each day.)
 */
import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { UserError } from './errors.ts';

/** A file of this length is full, and so many full ones are kept. */
export const MAX_LOG_BYTES = 16 * 1024 ** 2;
export const KEPT_LOG_FILES = 7;

export interface LogFileBounds {
  /** Default {@link MAX_LOG_BYTES}; the line that crosses it is still written. */
  readonly maxBytes?: number;
  /** Full files kept beside the one that is written; default {@link KEPT_LOG_FILES}. */
  readonly kept?: number;
}

export class LogFile {
  private readonly path: string;
  private readonly maxBytes: number;
  private readonly kept: number;
  private fd: number;

  /** @throws UserError `HPC_LOG_FILE` if the file cannot be opened for appending */
  constructor(path: string, { maxBytes = MAX_LOG_BYTES, kept = KEPT_LOG_FILES }: LogFileBounds = {}) {
    this.path = path;
    this.kept = kept;
    try {
      this.fd = openSync(path, 'a');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UserError('HPC_LOG_FILE', `cannot write the log file '${path}': ${reason}`, { cause: error });
    }
    // A pipe or a device is never full.
    this.maxBytes = fstatSync(this.fd).isFile() ? maxBytes : Number.POSITIVE_INFINITY;
  }

  /** @throws what the operating system says */
  write(line: string): void {
    if (this.maxBytes !== Number.POSITIVE_INFINITY) this.makeRoom();
    writeSync(this.fd, line);
  }

  private makeRoom(): void {
    const ours = fstatSync(this.fd);
    if (ours.size < this.maxBytes) return;
    const there = statSync(this.path, { throwIfNoEntry: false });
    if (there?.ino === ours.ino && there.dev === ours.dev) this.rename();
    const next = openSync(this.path, 'a');
    closeSync(this.fd);
    this.fd = next;
  }

  private rename(): void {
    const name = (i: number): string => (i === 0 ? this.path : `${this.path}.${i}`);
    for (let i = this.kept - 1; i >= 0; i--) {
      try {
        renameSync(name(i), name(i + 1));
      } catch (error) {
        // There are not that many yet, or another process was faster.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
