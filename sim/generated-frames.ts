/**
 * Frames of random pixels: the frame source of the simulator when no input file is given. Only the choice of range,
 * number and memory is made here; the random numbers are `random.ts`'s.
 */
import type { DataType, TypedArray } from './data-type.ts';
import {
  checkFrameNumber,
  colorModeName,
  DEFAULT_MAX_BYTES,
  type FrameShape,
  type FrameSource,
  frameBytes,
  MAX_HELD_FRAMES,
} from './frame-source.ts';
import { fillFloats, fillInt32, fillInt64, fillSmallIntegers, fillWholeRange, Random } from './random.ts';
import { SimError } from './sim-error.ts';

/** Largest finite float32; PvaPy bounds float64 frames by it too, so that max - min stays finite. */
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

export interface GeneratedFramesOptions {
  shape: FrameShape;
  dataType: DataType;
  /** Lowest value; default and lowest possible: the lowest of the type (of float32 for both float types). */
  minimum?: number | undefined;
  /** Upper end of the values, itself excluded; default and highest possible: the highest of the type. */
  maximum?: number | undefined;
  /** Number of frames; 0 or less: `cacheSize` frames. */
  nFrames: number;
  /** Frames that the simulator caches. */
  cacheSize: number;
  /** Same seed, same frames, on every machine. Default 1. */
  seed?: number;
  /** Bytes that different frames may take together; at least one frame is always kept. Default 512 MiB. */
  maxBytes?: number;
}

/** Values of a frame: [min, max), or the constant min if both are equal. */
type ValueRange =
  | { readonly min: bigint; readonly max: bigint }
  | { readonly min: number; readonly max: number };

/**
 * Random frames as PvaPy's simulator makes them (adSimServer.py): integers uniform in [min, max) where min and max are
 * the limits of the type narrowed by the options (cut to whole numbers), so that the maximum itself never occurs; floats
 * uniform in the limits of float32 narrowed likewise. Unlike PvaPy, min = max gives constant frames.
 *
 * A frame is made when it is first asked for, by its own stream of the seed, and kept. If `nFrames` of them do not fit
 * into `maxBytes`, or are more than MAX_HELD_FRAMES, fewer different frames are made and repeat; `description()` says so.
 */
export class GeneratedFrames implements FrameSource {
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  /** Number of different frames: frame i equals frame i mod nDistinct. */
  readonly nDistinct: number;
  private readonly range: ValueRange;
  private readonly seed: number;
  private readonly maxBytes: number;
  private readonly frames: (TypedArray | undefined)[] = [];

  /** @throws SimError BAD_OPTION for a range that holds no value of the type or a number that is none. */
  constructor(options: GeneratedFramesOptions) {
    const { dataType, shape, nFrames, cacheSize, minimum, maximum } = options;
    this.dataType = dataType;
    this.shape = shape;
    this.nFrames = wholeNumber('number of frames', nFrames > 0 ? nFrames : cacheSize);
    this.range = narrowedRange(dataType, minimum, maximum);
    this.seed = options.seed ?? 1;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    const fitting = Math.max(1, Math.floor(this.maxBytes / frameBytes(this)));
    this.nDistinct = Math.min(this.nFrames, MAX_HELD_FRAMES, fitting);
  }

  frame(i: number): TypedArray {
    checkFrameNumber(i, this.nFrames);
    const k = i % this.nDistinct;
    let frame = this.frames[k];
    if (frame === undefined) {
      frame = this.generate(k);
      this.frames[k] = frame;
    }
    return frame;
  }

  description(): string[] {
    const lines = [
      `Generating random frames using color mode: ${colorModeName(this.shape.colorMode)}`,
      `Generated frame shape: [${this.shape.dimensions.join(', ')}]`,
      `Range of generated values: [${this.range.min},${this.range.max}${this.range.min === this.range.max ? ']' : ')'}`,
    ];
    if (this.nDistinct < this.nFrames) {
      const wanted = mebibytes(this.nFrames * frameBytes(this));
      const why =
        this.nDistinct === MAX_HELD_FRAMES
          ? 'no more are kept in memory'
          : `all of them would take ${wanted} of memory, the limit is ${mebibytes(this.maxBytes)}`;
      lines.push(`Only ${this.nDistinct} of the ${this.nFrames} frames are different, and repeat: ${why}`);
    }
    return lines;
  }

  private generate(k: number): TypedArray {
    const { nElements } = this.shape;
    const random = new Random(this.seed, k);
    let out: TypedArray;
    try {
      out = new this.dataType.arrayConstructor(nElements);
    } catch {
      const size = mebibytes(frameBytes(this));
      throw new SimError(
        'BAD_OPTION',
        `no memory for a frame of ${size}: use fewer pixels or a smaller type`,
      );
    }
    const { min, max } = this.range;
    if (typeof min === 'bigint' && typeof max === 'bigint') {
      this.fillIntegers(random, out, min, max);
    } else if (min === max) {
      (out as Float64Array).fill(Number(min));
    } else {
      fillFloats(random, out as Float64Array, Number(min), Number(max));
    }
    return out;
  }

  private fillIntegers(random: Random, out: TypedArray, min: bigint, max: bigint): void {
    if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
      if (min === max) out.fill(min);
      else fillInt64(random, out, min, max);
      return;
    }
    const limits = this.dataType.integerLimits!;
    if (min === max) out.fill(Number(min));
    else if (min === limits.min && max === limits.max) fillWholeRange(random, out, Number(max));
    else if (out.BYTES_PER_ELEMENT <= 2) fillSmallIntegers(random, out, Number(min), Number(max));
    else fillInt32(random, out, Number(min), Number(max));
  }
}

function wholeNumber(what: string, n: number): number {
  if (Number.isSafeInteger(n) && n >= 1) return n;
  throw new SimError('BAD_OPTION', `${what} ${n}: use a whole number of 1 or more`);
}

function mebibytes(bytes: number): string {
  const size = bytes / 2 ** 20;
  return `${size >= 10 ? Math.round(size) : Number(size.toPrecision(2))} MiB`;
}

/** The limits of the type narrowed by the options: PvaPy's max(limit, minimum) and min(limit, maximum), cut. */
function narrowedRange(
  dataType: DataType,
  minimum: number | undefined,
  maximum: number | undefined,
): ValueRange {
  const limits = dataType.integerLimits ?? { min: -FLOAT32_MAX, max: FLOAT32_MAX };
  for (const [what, value] of [
    ['minimum', minimum],
    ['maximum', maximum],
  ] as const) {
    if (Number.isNaN(value))
      throw new SimError('BAD_OPTION', `the ${what} of generated values is not a number`);
  }
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    throw new SimError(
      'BAD_OPTION',
      `the minimum of generated values, ${minimum}, is above the maximum, ${maximum}`,
    );
  }
  // Mixed comparisons of bigint and number are exact.
  if (minimum !== undefined && minimum > limits.max) throw outside('minimum', minimum, dataType, limits);
  if (maximum !== undefined && maximum < limits.min) throw outside('maximum', maximum, dataType, limits);
  const low = minimum !== undefined && minimum > limits.min ? minimum : limits.min;
  const high = maximum !== undefined && maximum < limits.max ? maximum : limits.max;
  if (dataType.integerLimits === undefined) return { min: Number(low), max: Number(high) };
  return { min: truncated(low), max: truncated(high) };
}

function truncated(value: number | bigint): bigint {
  return typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
}

function outside(what: string, value: number, dataType: DataType, limits: ValueRange): SimError {
  return new SimError(
    'BAD_OPTION',
    `the ${what} of generated values, ${value}, is outside of ${dataType.name}: ${limits.min} to ${limits.max}`,
  );
}
