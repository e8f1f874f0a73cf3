/** Dimensions and colour modes of an NTNDArray: which axis is x, y and colour (areaDetector, pva-protocol.md 8.4). */
import { Value } from '../value/value.ts';

/** areaDetector's colour modes. */
export const ColorMode = {
  /** Grey: [x, y]. */
  Mono: 0,
  /** Raw pixels behind a Bayer filter: [x, y]. */
  Bayer: 1,
  /** Colour is the fastest axis: [3, x, y]. */
  RGB1: 2,
  /** Colour by row: [x, 3, y]. */
  RGB2: 3,
  /** Colour by plane: [x, y, 3]. */
  RGB3: 4,
  /** A luminance and two colour differences for each pixel. */
  YUV444: 5,
  /** Colour differences shared by two pixels. */
  YUV422: 6,
  /** Colour differences shared by four pixels. */
  YUV411: 7,
} as const;
/** One of the numbers of {@link ColorMode}. */
export type ColorMode = (typeof ColorMode)[keyof typeof ColorMode];

/** One axis of an image, in pixels. dimension[0] is the fastest varying index (areaDetector's x). */
export interface Dimension {
  /** Pixels along this axis. */
  readonly size: number;
  /** First pixel of the detector's own that is in the image. */
  readonly offset: number;
  /** Pixels the detector has along this axis. */
  readonly fullSize: number;
  /** Detector pixels summed into one. */
  readonly binning: number;
  /** Is the axis turned round? */
  readonly reverse: boolean;
}

/** The dimensions, fastest first. Fields a writer left out read as an image that shows all of the detector. */
export function readDimensions(array: Value): Dimension[] {
  const list = array.tryGet('dimension');
  if (!Array.isArray(list)) return [];
  const dimensions: Dimension[] = [];
  for (const d of list) {
    if (!(d instanceof Value)) continue;
    const size = Number(d.tryGet('size') ?? 0);
    dimensions.push({
      size,
      offset: Number(d.tryGet('offset') ?? 0),
      fullSize: Number(d.tryGet('fullSize') ?? size),
      binning: Number(d.tryGet('binning') ?? 1),
      reverse: d.tryGet('reverse') === true,
    });
  }
  return dimensions;
}

/** Sets the dimensions; a bare number is a size. Fields the type does not have are left out. */
export function writeDimensions(
  array: Value,
  dimensions: readonly (number | (Pick<Dimension, 'size'> & Partial<Dimension>))[],
): void {
  const type = array.type.node('dimension').type.element;
  array.set(
    'dimension',
    dimensions.map((d) => {
      const {
        size,
        offset = 0,
        fullSize = size,
        binning = 1,
        reverse = false,
      } = typeof d === 'number' ? { size: d } : d;
      const all = { size, offset, fullSize, binning, reverse };
      return Value.create(
        type,
        Object.fromEntries(Object.entries(all).filter(([name]) => type.find(name) !== undefined)),
      );
    }),
  );
}

/** Index of the x and the y dimension: beside the colour axis in RGB images, the first two otherwise. */
export function imageAxes(colorMode: number | undefined, dimensionCount: number): { x: number; y: number } {
  if (dimensionCount >= 3) {
    if (colorMode === ColorMode.RGB1) return { x: 1, y: 2 };
    if (colorMode === ColorMode.RGB2) return { x: 0, y: 2 };
  }
  return { x: 0, y: 1 };
}
