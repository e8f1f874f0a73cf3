/** What an NTNDArray is made of and from: the descriptions a user gives and gets. */
import { NoConvertError } from '../errors.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { PvData } from '../value/value.ts';
import type { Dimension } from './nt-nd-array-image.ts';
import type { PixelArray } from './nt-nd-array-pixels.ts';
import type { TimeStamp } from './time-stamp.ts';

/** How the pixels are compressed; name "" means not at all. */
export interface Codec {
  /** areaDetector's names: `jpeg`, `blosc`, `lz4`, `bslz4`, `lz4hdf5`, `zlib`. */
  readonly name: string;
  /** For compressed pixels the number of their original type (pvData's ScalarType); null without. */
  readonly parameters: PvData;
}

/** An axis for writing: a size, or a size and what differs from an image that shows all of the detector. */
export type DimensionInput = number | (Pick<Dimension, 'size'> & Partial<Dimension>);

/** What {@link NTNDArray.create} makes a frame of. */
export interface NDArrayOptions {
  /** By reference: must not change while the array is in use. */
  readonly pixels?: PixelArray | Uint8ClampedArray;
  /** Fastest first (x, y, ...). Default: one dimension with all pixels. */
  readonly dimensions?: readonly DimensionInput[];
  /** The frame's number. Default 0. */
  readonly uniqueId?: number;
  /** When the array was made. Default now. */
  readonly timeStamp?: TimeStamp | Date;
  /** When the data were acquired. Default `timeStamp`. */
  readonly dataTimeStamp?: TimeStamp | Date;
  /** Values by name. A number becomes double, a bigint long; give an AnyValue for another type. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** See ColorMode; sets the attribute of that name. */
  readonly colorMode?: number;
  /** What the frame shows, in words. */
  readonly descriptor?: string;
  /** Type to build, for servers with members of their own. Default `NTNDArray.type`. */
  readonly type?: TypeDef;
}

/** @throws NoConvertError if the dimensions do not make that many pixels */
export function checkSize(pixels: number, dimensions: readonly DimensionInput[]): void {
  const sizes = dimensions.map((d) => (typeof d === 'number' ? d : d.size));
  const product = sizes.reduce((n, s) => n * s, 1);
  if (product !== pixels)
    throw new NoConvertError(`dimensions ${sizes.join(' x ')} make ${product} pixels, there are ${pixels}`);
}
