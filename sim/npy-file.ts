/**
 * A NumPy `.npy` file as frames: checks the file and reads single frames of it; the format of a header is
 * `npy-header.ts`'s.
 */
import type { DataType, TypedArray } from './data-type.ts';
import { type FrameFile, framesOfShape, readStoredFrame } from './frame-file.ts';
import { type FrameShape, frameBytes } from './frame-source.ts';
import { bad, InputFile } from './input-file.ts';
import { MAX_HEADER_BYTES, type NpyHeader, parseNpyHeader } from './npy-header.ts';

/** An array of shape (ny, nx), (frames, ny, nx) or (frames, ny, nx, 3); both byte orders, bool as uint8. */
export class NpyFile implements FrameFile {
  readonly path: string;
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  readonly note: string | undefined;
  private readonly file: InputFile;
  private readonly swapped: boolean;
  private readonly dataOffset: number;
  private readonly bytes: number;

  /**
   * Reads the header and checks that all frames are there.
   *
   * @throws SimError BAD_INPUT: missing, not a .npy file, truncated, in Fortran order, of a type or shape that makes no
   *   frames
   */
  constructor(path: string) {
    this.path = path;
    this.file = new InputFile(path);
    const header = this.header();
    this.file.close();
    if (header.fortranOrder) {
      throw bad(
        path,
        'it is in Fortran order: save it with numpy.save(file, numpy.ascontiguousarray(array))',
      );
    }
    const { nFrames, shape } = framesOfShape(path, header.shape);
    this.dataType = header.dataType;
    this.dataOffset = header.dataOffset;
    this.swapped = header.swapped;
    this.nFrames = nFrames;
    this.shape = shape;
    this.bytes = frameBytes(this);
    const needed = this.dataOffset + nFrames * this.bytes;
    const { size } = this.file;
    if (size < needed) throw bad(path, `truncated: it has ${size} bytes, its header promises ${needed}`);
    this.note = size > needed ? `${size - needed} bytes behind its first array are ignored` : undefined;
  }

  read(i: number): TypedArray {
    return readStoredFrame(this, this.file, this.dataOffset + i * this.bytes, this.swapped);
  }

  close(): void {
    this.file.close();
  }

  private header(): NpyHeader {
    try {
      return parseNpyHeader(this.file.read(0, MAX_HEADER_BYTES));
    } catch (error) {
      this.file.close();
      throw bad(this.path, (error as Error).message);
    }
  }
}
