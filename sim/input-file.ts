/**
 * Reading pieces of an input file by position, and the errors of input files. Formats have files of their own; what is
 * common to all of them, opening, short reads and the wording of faults, lives here.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SimError } from './sim-error.ts';

/** What one read call may ask for: Linux transfers at most 2 GiB - 4096 bytes at once. */
const MAX_READ = 2 ** 30;

/** A fault of an input file as the error a user sees: its path and the reason. */
export function bad(path: string, reason: string): SimError {
  return new SimError('BAD_INPUT', `${path}: ${reason}`);
}

/** The error for what the operating system says about a file. */
export function cannotRead(path: string, error: unknown): SimError {
  const { code, message } = error as NodeJS.ErrnoException;
  return bad(path, code === 'ENOENT' ? 'no such file or directory' : `cannot be read: ${message}`);
}

/** `3 frames`, `1 frame`. */
export function plural(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** A file that is read by position; it opens when it is first read, and again after `close()`. */
export class InputFile {
  readonly path: string;
  /** Bytes it had when it was first opened. */
  readonly size: number;
  private descriptor: number | undefined;

  /** @throws SimError BAD_INPUT if there is no regular file that can be read */
  constructor(path: string) {
    this.path = path;
    let regular = false;
    try {
      this.descriptor = openSync(path, 'r');
      const stat = fstatSync(this.descriptor);
      regular = stat.isFile();
      this.size = stat.size;
    } catch (error) {
      this.close();
      throw cannotRead(path, error);
    }
    if (regular) return;
    this.close();
    throw bad(path, 'it is not a regular file');
  }

  /**
   * Fills `buffer` from `position` on.
   *
   * @returns the bytes read: fewer than asked for at the end of the file
   * @throws SimError BAD_INPUT
   */
  readInto(buffer: Uint8Array, position: number): number {
    let done = 0;
    try {
      this.descriptor ??= openSync(this.path, 'r');
      while (done < buffer.length) {
        const length = Math.min(MAX_READ, buffer.length - done);
        const n = readSync(this.descriptor, buffer, done, length, position + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      throw cannotRead(this.path, error);
    }
    return done;
  }

  /** The bytes from `position` on, `length` of them or as many as there are. @throws SimError BAD_INPUT */
  read(position: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - position)));
    return buffer.subarray(0, this.readInto(buffer, position));
  }

  /**
   * Bytes of pixels, in a buffer of their own: a frame that was handed out is never written again.
   *
   * @throws SimError BAD_INPUT if they are no longer all there
   */
  readPixels(position: number, length: number): Buffer<ArrayBuffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    if (this.readInto(buffer, position) < length)
      throw bad(this.path, 'it has become shorter since it was opened');
    return buffer;
  }

  /** Gives the descriptor back. */
  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }
}

/** Turns the bytes of every element round, in place. */
export function swapBytes(buffer: Buffer, bytesPerElement: number): void {
  if (bytesPerElement === 2) buffer.swap16();
  else if (bytesPerElement === 4) buffer.swap32();
  else if (bytesPerElement === 8) buffer.swap64();
}
