/**
 * What a file of frames is, whatever its format, and the shapes of arrays that are frames. Formats (`npy-file.ts`,
 * `hdf5-file.ts`, `tiff-file.ts`, `raw-file.ts`) implement it; `file-frames.ts` joins files to one source.
 */
import type { DataType, TypedArray } from './data-type.ts';
import { COLOR_MODES, type FrameShape, frameBytes, frameShape } from './frame-source.ts';
import { bad, type InputFile, swapBytes } from './input-file.ts';

/** One input file. Of its pixels only the frame that is asked for is read. */
export interface FrameFile {
  readonly path: string;
  readonly dataType: DataType;
  readonly shape: FrameShape;
  /** Frames it holds, at least 1. */
  readonly nFrames: number;
  /** Codec of the frames as they are read, areaDetector's name; undefined: pixels. */
  readonly codec?: string | undefined;
  /** What is to be told about it, behind its number of frames. */
  readonly note?: string | undefined;
  /**
   * Frame `i`, 0 <= i < nFrames, in memory of its own: pixels, or bytes with a codec.
   *
   * @throws SimError BAD_INPUT
   */
  read(i: number): TypedArray;
  /** Gives back what it holds open; it can be read again. */
  close(): void;
}

/**
 * The frames that an array of this shape (slowest dimension first, as NumPy and HDF5 give it) holds: (ny, nx),
 * (frames, ny, nx) or, in RGB1, (frames, ny, nx, 3).
 *
 * @throws SimError BAD_INPUT for any other shape
 */
export function framesOfShape(
  path: string,
  shape: readonly number[],
): { nFrames: number; shape: FrameShape } {
  const text = `(${shape.join(', ')})`;
  const expected = 'frames are (ny, nx), (frames, ny, nx) or (frames, ny, nx, 3)';
  const colour = shape.length === 4;
  if (shape.length < 2 || shape.length > 4 || (colour && shape[3] !== 3)) {
    throw bad(path, `an array of shape ${text} holds no frames: ${expected}`);
  }
  if (shape.includes(0)) throw bad(path, `its array of shape ${text} is empty`);
  const [nFrames, ny, nx] = shape.length === 2 ? [1, ...shape] : shape;
  return { nFrames: nFrames!, shape: shapeIn(path, nx!, ny!, colour) };
}

/** The shape of frames in a file: mono or RGB1. @throws SimError BAD_INPUT, with the path, for sizes that are none */
export function shapeIn(path: string, nx: number, ny: number, colour: boolean): FrameShape {
  try {
    return frameShape(nx, ny, colour ? COLOR_MODES.RGB1 : COLOR_MODES.MONO);
  } catch (error) {
    throw bad(path, (error as Error).message);
  }
}

/**
 * A frame whose pixels lie in `input` at `position` one behind the other, in memory of its own.
 *
 * @param swapped they are in the other byte order than this machine's
 * @throws SimError BAD_INPUT
 */
export function readStoredFrame(
  frames: Pick<FrameFile, 'dataType' | 'shape'>,
  input: InputFile,
  position: number,
  swapped: boolean,
): TypedArray {
  const { dataType, shape } = frames;
  const buffer = input.readPixels(position, frameBytes(frames));
  if (swapped) swapBytes(buffer, dataType.bytesPerElement);
  return new dataType.arrayConstructor(buffer.buffer, buffer.byteOffset, shape.nElements);
}
