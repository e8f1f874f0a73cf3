/**
 * Frames read from NumPy `.npy` files, one after the other. Finding and checking the files and reading single frames
 * lives here; the format of a header is `npy-header.ts`'s.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataType, TypedArray } from './data-type.ts';
import {
  COLOR_MODES,
  checkFrameNumber,
  colorModeName,
  type FrameShape,
  type FrameSource,
  frameBytes,
  frameShape,
} from './frame-source.ts';
import { MAX_HEADER_BYTES, type NpyHeader, parseNpyHeader } from './npy-header.ts';
import { SimError } from './sim-error.ts';

export interface NpyFramesOptions {
  /** Single files, whatever their names. */
  files?: readonly string[];
  /** All `.npy` files of this directory, not those of directories in it. */
  directory?: string | undefined;
  /** At most so many frames, counted over all files; 0 or less: all. Default 0. */
  nFrames?: number;
}

/** One input file: its array as frames. */
interface NpyFile {
  readonly path: string;
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly swapped: boolean;
  readonly dataOffset: number;
  /** Frames taken from this file. */
  readonly nFrames: number;
  /** Number that the file's first frame has in the source. */
  readonly firstFrame: number;
  /** Bytes behind the array. */
  readonly nTrailing: number;
}

/** Files that `description()` names one by one. */
const MAX_LISTED = 10;

/** What one read call may ask for: Linux transfers at most 2 GiB - 4096 bytes at once. */
const MAX_READ = 2 ** 30;

/**
 * The frames of one or more `.npy` files, in the order of the files' names: arrays of shape (ny, nx) are one frame,
 * (frames, ny, nx) several, (frames, ny, nx, 3) several in RGB1. Both byte orders, bool as uint8.
 *
 * Every frame is read by its position when it is asked for; of the rest of a file only the header is read, at
 * construction. One file is open at a time. PvaPy differs: it cuts the list of files, not of frames, by `-nf`, and that
 * before it is sorted.
 */
export class NpyFrames implements FrameSource {
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  private readonly files: readonly NpyFile[];
  private readonly skipped: readonly string[];
  private readonly bytes: number;
  private current: NpyFile;
  private descriptor: number | undefined;

  /**
   * @throws SimError BAD_INPUT, with the name of the file: missing, not a .npy file, truncated, in Fortran order, of a
   *   type or shape that makes no frames, or of another shape or type than the first file; a directory without
   *   .npy files. BAD_OPTION if neither a file nor a directory is given.
   */
  constructor(options: NpyFramesOptions) {
    const { paths, skipped } = inputFiles(options);
    this.skipped = skipped;
    const limit = options.nFrames !== undefined && options.nFrames > 0 ? options.nFrames : Infinity;
    const files: NpyFile[] = [];
    let nFrames = 0;
    for (const path of paths) {
      if (nFrames >= limit) break;
      const file = inspect(path, nFrames, limit - nFrames);
      checkAlike(file, files[0] ?? file);
      files.push(file);
      nFrames += file.nFrames;
    }
    this.files = files;
    this.current = files[0]!;
    this.dataType = this.current.dataType;
    this.shape = this.current.shape;
    this.nFrames = nFrames;
    this.bytes = frameBytes(this);
  }

  frame(i: number): TypedArray {
    checkFrameNumber(i, this.nFrames);
    const file = this.fileOf(i);
    // A buffer of its own: a frame that was handed out is never written again.
    const buffer = Buffer.allocUnsafeSlow(this.bytes);
    this.read(file, buffer, file.dataOffset + (i - file.firstFrame) * this.bytes);
    if (file.swapped) swap(buffer, this.dataType.bytesPerElement);
    return new this.dataType.arrayConstructor(buffer.buffer, buffer.byteOffset, this.shape.nElements);
  }

  description(): string[] {
    const { nx, ny, colorMode } = this.shape;
    const color = colorMode === COLOR_MODES.MONO ? '' : ` ${colorModeName(colorMode)}`;
    const lines = this.files.slice(0, MAX_LISTED).map((file) => {
      const trailing =
        file.nTrailing > 0 ? `; ${file.nTrailing} bytes behind its first array are ignored` : '';
      const what = `${plural(file.nFrames, 'frame')} of ${nx}x${ny}${color} ${this.dataType.name}`;
      return `Loaded input file ${file.path} (${what}${trailing})`;
    });
    const more = this.files.slice(MAX_LISTED);
    if (more.length > 0) {
      const n = more.reduce((sum, file) => sum + file.nFrames, 0);
      lines.push(`Loaded ${plural(more.length, 'more input file')} (${plural(n, 'frame')})`);
    }
    if (this.skipped.length > 0) {
      const names = this.skipped.slice(0, 3).join(', ') + (this.skipped.length > 3 ? ', ...' : '');
      lines.push(`Skipped ${plural(this.skipped.length, 'file')} without the ending .npy: ${names}`);
    }
    return lines;
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  /** The file of frame `i`; frames are mostly asked for in order. */
  private fileOf(i: number): NpyFile {
    const { firstFrame, nFrames } = this.current;
    if (i >= firstFrame && i < firstFrame + nFrames) return this.current;
    let low = 0;
    let high = this.files.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.files[middle]!.firstFrame <= i) low = middle;
      else high = middle - 1;
    }
    this.close();
    this.current = this.files[low]!;
    return this.current;
  }

  private read(file: NpyFile, buffer: Buffer, position: number): void {
    let done = 0;
    try {
      this.descriptor ??= openSync(file.path, 'r');
      while (done < buffer.length) {
        const length = Math.min(MAX_READ, buffer.length - done);
        const n = readSync(this.descriptor, buffer, done, length, position + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      throw cannotRead(file.path, error);
    }
    if (done < buffer.length) throw bad(file.path, 'it has become shorter since it was opened');
  }
}

function inputFiles(options: NpyFramesOptions): { paths: string[]; skipped: string[] } {
  const paths = [...(options.files ?? [])];
  const skipped: string[] = [];
  const { directory } = options;
  if (directory !== undefined) {
    for (const name of listFiles(directory)) {
      if (name.toLowerCase().endsWith('.npy')) paths.push(join(directory, name));
      else skipped.push(name);
    }
    if (paths.length === 0) throw bad(directory, 'there is no .npy file in this directory');
  }
  if (paths.length === 0) throw new SimError('BAD_OPTION', 'no input file or directory was given');
  return { paths: paths.sort(), skipped: skipped.sort() };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).filter(
      (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.isFile() === true,
    );
  } catch (error) {
    throw cannotRead(directory, error);
  }
}

/** Reads the header of a file and checks that it holds at least one whole frame; takes at most `limit` frames. */
function inspect(path: string, firstFrame: number, limit: number): NpyFile {
  const { start, size } = readStart(path);
  let header: NpyHeader;
  try {
    header = parseNpyHeader(start);
  } catch (error) {
    throw bad(path, (error as Error).message);
  }
  const { dataType, dataOffset, swapped } = header;
  if (header.fortranOrder) {
    throw bad(path, 'it is in Fortran order: save it with numpy.save(file, numpy.ascontiguousarray(array))');
  }
  const { nFrames, shape } = framesOf(path, header.shape);
  const needed = dataOffset + nFrames * shape.nElements * dataType.bytesPerElement;
  if (size < needed) throw bad(path, `truncated: it has ${size} bytes, its header promises ${needed}`);
  const taken = Math.min(nFrames, limit);
  return { path, dataType, shape, swapped, dataOffset, nFrames: taken, firstFrame, nTrailing: size - needed };
}

function readStart(path: string): { start: Uint8Array; size: number } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw bad(path, 'it is not a regular file');
    const start = Buffer.allocUnsafe(Math.min(MAX_HEADER_BYTES, stat.size));
    return { start: start.subarray(0, readSync(descriptor, start, 0, start.length, 0)), size: stat.size };
  } catch (error) {
    throw error instanceof SimError ? error : cannotRead(path, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function framesOf(path: string, shape: readonly number[]): { nFrames: number; shape: FrameShape } {
  const text = `(${shape.join(', ')})`;
  const expected = 'frames are (ny, nx), (frames, ny, nx) or (frames, ny, nx, 3)';
  const colour = shape.length === 4;
  if (shape.length < 2 || shape.length > 4 || (colour && shape[3] !== 3)) {
    throw bad(path, `an array of shape ${text} holds no frames: ${expected}`);
  }
  if (shape.includes(0)) throw bad(path, `its array of shape ${text} is empty`);
  const [nFrames, ny, nx] = shape.length === 2 ? [1, ...shape] : shape;
  try {
    const mode = colour ? COLOR_MODES.RGB1 : COLOR_MODES.MONO;
    return { nFrames: nFrames!, shape: frameShape(nx!, ny!, mode) };
  } catch (error) {
    throw bad(path, (error as Error).message);
  }
}

function checkAlike(file: NpyFile, first: NpyFile): void {
  const [mine, others] = [file, first].map(
    ({ shape, dataType }) => `[${shape.dimensions.join(', ')}] ${dataType.name}`,
  );
  if (mine !== others) {
    throw bad(file.path, `its frames are ${mine}, but those of ${first.path} are ${others}: stream one kind`);
  }
}

function swap(buffer: Buffer, bytesPerElement: number): void {
  if (bytesPerElement === 2) buffer.swap16();
  else if (bytesPerElement === 4) buffer.swap32();
  else buffer.swap64();
}

function plural(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

function bad(path: string, reason: string): SimError {
  return new SimError('BAD_INPUT', `${path}: ${reason}`);
}

function cannotRead(path: string, error: unknown): SimError {
  const { code, message } = error as NodeJS.ErrnoException;
  return bad(path, code === 'ENOENT' ? 'no such file or directory' : `cannot be read: ${message}`);
}
