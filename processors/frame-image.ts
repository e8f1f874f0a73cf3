/**
 * A frame as an image: rows of pixels, colours of a pixel side by side, whatever the frame's colour mode. Colour
 * modes and dimensions are areaDetector's (pva-protocol.md 8.4, pvapy-behaviour.md 7.1).
 */
import { ColorMode, type NTNDArray, type NumericArray } from 'epics-pva-ts';

/** The image in an NTNDArray, as {@link imageOf} finds it. */
export interface FrameImage {
  /** Row by row from the first, of the frame's own type; three numbers for each pixel if there are colours. */
  readonly pixels: NumericArray;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Numbers for each pixel: 1, or 3 for red, green and blue. */
  readonly channels: 1 | 3;
}

/**
 * The image in a frame, as PvaPy's `AdImageUtility.reshapeNtNdArray` gives it: rows of pixels, with the colours of a
 * pixel side by side whether they came as RGB1, RGB2 or RGB3. A compressed frame is decompressed, if its codec needs no
 * package or was loaded (`NTNDArray.decompressSync`). The pixels are those of the frame, not a copy, unless they had to
 * be reordered (RGB2, RGB3): they must not be changed.
 *
 * @returns Undefined for a frame without pixels, which a detector shows that has not started yet.
 * @throws Error in one line for what is no image (booleans, one dimension too many, three without a colour mode, too
 *   few pixels); CodecError for bytes that cannot be decompressed
 */
export function imageOf(frame: NTNDArray): FrameImage | undefined {
  const { pixels } = frame.decompressSync();
  const sizes = frame.dimensions.map(({ size }) => size);
  // A detector that has not started yet shows an image without pixels.
  if (!pixels || pixels.length === 0 || sizes.length === 0) return undefined;
  if (Array.isArray(pixels)) throw new Error('an array of booleans is not an image');
  if (sizes.reduce((n, size) => n * size, 1) !== pixels.length)
    throw new Error(`the dimensions ${sizes.join(' x ')} do not make its ${pixels.length} pixels`);
  const [a = 1, b = 1, c = 1] = sizes;
  if (sizes.length <= 2) return { pixels, width: a, height: b, channels: 1 };
  const mode = frame.colorMode;
  if (sizes.length === 3) {
    if (mode === ColorMode.RGB1 && a === 3) return { pixels, width: b, height: c, channels: 3 };
    if (mode === ColorMode.RGB2 && b === 3)
      return { pixels: interleaved(pixels, a, c, 3 * a, a), width: a, height: c, channels: 3 };
    if (mode === ColorMode.RGB3 && c === 3)
      return { pixels: interleaved(pixels, a, b, a, a * b), width: a, height: b, channels: 3 };
  }
  const named = mode === undefined ? 'no attribute ColorMode' : `ColorMode ${mode}`;
  throw new Error(
    `an array of ${sizes.join(' x ')} with ${named} is not an image: two dimensions, or three with RGB1, RGB2 or RGB3`,
  );
}

/** @param row elements from one row to the next @param plane elements from one colour to the next */
function interleaved(
  pixels: NumericArray,
  width: number,
  height: number,
  row: number,
  plane: number,
): NumericArray {
  const out = new (pixels.constructor as new (length: number) => NumericArray)(pixels.length);
  // The element type does not matter to the loop, only to the engine.
  const from = pixels as unknown as number[];
  const to = out as unknown as number[];
  let n = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let color = 0; color < 3; color++) to[n++] = from[y * row + color * plane + x] as number;
  return out;
}

/** The bytes of pixels, not copied. */
export function bytesOf({ pixels }: FrameImage): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
