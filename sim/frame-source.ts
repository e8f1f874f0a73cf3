/**
 * What a source of frames is, and the shape of a frame in areaDetector's terms. Sources themselves (generated,
 * read from files) have their own files; what they share about shapes lives here.
 */
import type { DataType, TypedArray } from './data-type.ts';
import { SimError } from './sim-error.ts';

/** Colour modes by their areaDetector numbers, which are also the value of the `ColorMode` attribute (ADCore). */
export const COLOR_MODES = { MONO: 0, RGB1: 2, RGB2: 3, RGB3: 4 } as const;

export type ColorModeName = keyof typeof COLOR_MODES;
export type ColorMode = (typeof COLOR_MODES)[ColorModeName];

/** Shape of every frame of a source. */
export interface FrameShape {
  /** Pixels in x, the width. */
  readonly nx: number;
  /** Pixels in y, the height. */
  readonly ny: number;
  readonly colorMode: ColorMode;
  /** NTNDArray dimensions, fastest first: MONO [nx,ny], RGB1 [3,nx,ny], RGB2 [nx,3,ny], RGB3 [nx,ny,3]. */
  readonly dimensions: readonly number[];
  /** Elements of one frame: the product of `dimensions`. */
  readonly nElements: number;
}

/**
 * A numbered set of frames of one shape and one type.
 *
 * A frame that was handed out never changes afterwards: it may be queued for any time. The same number gives the
 * same pixels.
 */
export interface FrameSource {
  readonly dataType: DataType;
  /** Number of frames, at least 1. */
  readonly nFrames: number;
  readonly shape: FrameShape;
  /** Codec of the frames, areaDetector's name; undefined: not compressed. `dataType` and `shape` are the pixels'. */
  readonly codec?: string | undefined;
  /** Number of different frames where they repeat: frame i equals frame i mod nDistinct. */
  readonly nDistinct?: number;
  /**
   * Frame number `i`, 0 <= i < nFrames: its pixels, or with a codec its bytes.
   *
   * @throws RangeError outside of that range; SimError BAD_INPUT if an input file can no longer be read.
   */
  frame(i: number): TypedArray;
  /** What is streamed, for people: some lines, printed once at the start. */
  description(): string[];
  /** Gives back what the source holds open. */
  close?(): void;
}

/** Bytes of frames that the simulator keeps in memory unless told otherwise: 512 MiB. */
export const DEFAULT_MAX_BYTES = 512 * 2 ** 20;
/** Most frames that it keeps: of tiny ones the objects around the pixels are larger than the pixels. */
export const MAX_HELD_FRAMES = 2 ** 20;

/** pvData counts the elements of an array in a signed 32-bit integer. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/**
 * The colour mode of its areaDetector number, as given to `-cm`.
 *
 * @throws SimError BAD_OPTION for a number that is not a mode; the message lists the modes.
 */
export function parseColorMode(value: number): ColorMode {
  for (const mode of Object.values(COLOR_MODES)) if (mode === value) return mode;
  const known = Object.entries(COLOR_MODES).map(([name, mode]) => `${mode} (${name})`);
  throw new SimError('BAD_OPTION', `unknown color mode ${value}: use one of ${known.join(', ')}`);
}

/** Name of a colour mode: `MONO`, `RGB1`, `RGB2`, `RGB3`. */
export function colorModeName(mode: ColorMode): ColorModeName {
  const names = Object.keys(COLOR_MODES) as ColorModeName[];
  return names.find((name) => COLOR_MODES[name] === mode)!;
}

/**
 * Shape of frames of `nx` x `ny` pixels.
 *
 * @throws SimError BAD_OPTION if a size is no positive integer or a frame has more elements than a pvData array.
 */
export function frameShape(nx: number, ny: number, colorMode: ColorMode): FrameShape {
  for (const [axis, n] of [
    ['x', nx],
    ['y', ny],
  ] as const) {
    if (!Number.isInteger(n) || n < 1) {
      throw new SimError(
        'BAD_OPTION',
        `${n} pixels in ${axis} make no image: use a whole number of 1 or more`,
      );
    }
  }
  const nElements = nx * ny * (colorMode === COLOR_MODES.MONO ? 1 : 3);
  if (nElements > MAX_ELEMENTS) {
    throw new SimError(
      'BAD_OPTION',
      `a frame of ${nx}x${ny} pixels has ${nElements} elements: a pvData array holds at most ${MAX_ELEMENTS}`,
    );
  }
  return { nx, ny, colorMode, dimensions: dimensionsOf(nx, ny, colorMode), nElements };
}

function dimensionsOf(nx: number, ny: number, colorMode: ColorMode): number[] {
  switch (colorMode) {
    case COLOR_MODES.MONO:
      return [nx, ny];
    case COLOR_MODES.RGB1:
      return [3, nx, ny];
    case COLOR_MODES.RGB2:
      return [nx, 3, ny];
    case COLOR_MODES.RGB3:
      return [nx, ny, 3];
  }
}

/** Bytes of the pixels of one frame of a source, not compressed. */
export function frameBytes(source: Pick<FrameSource, 'dataType' | 'shape'>): number {
  return source.shape.nElements * source.dataType.bytesPerElement;
}

/** Throws the RangeError of {@link FrameSource.frame} unless 0 <= i < nFrames. */
export function checkFrameNumber(i: number, nFrames: number): void {
  if (!(Number.isInteger(i) && i >= 0 && i < nFrames)) {
    throw new RangeError(`frame ${i} asked of a source of ${nFrames} frames`);
  }
}
