/**
 * Where the pixels of a rectangle lie in an image: the arithmetic that cutting, stitching and turning share, for every
 * colour mode and every type of pixels. Nothing of frames or types.
 */
import { ColorMode, type Dimension, type PixelArray } from 'epics-pva-ts';

/** An image as its pixels lie: `inner` elements for each x, rows of them, `mid` of those for each y, `outer` such planes. */
export interface TileLayout {
  /** Index of the x and of the y dimension. */
  readonly xAxis: number;
  readonly yAxis: number;
  readonly nx: number;
  readonly ny: number;
  readonly inner: number;
  readonly mid: number;
  readonly outer: number;
}

/**
 * The layout of an image with these dimensions: RGB1 is [3, x, y], RGB2 [x, 3, y], everything else [x, y, ...] (ADCore).
 * @throws Error for fewer than two dimensions
 */
export function layoutOf(dimensions: readonly Dimension[], colorMode: number | undefined): TileLayout {
  if (dimensions.length < 2) throw new Error(`an image has two or more dimensions, not ${dimensions.length}`);
  const colour = dimensions.length > 2 ? colorMode : undefined;
  const xAxis = colour === ColorMode.RGB1 ? 1 : 0;
  const yAxis = colour === ColorMode.RGB1 || colour === ColorMode.RGB2 ? 2 : 1;
  const sizes = dimensions.map(({ size }) => size);
  const product = (from: number, to: number): number => sizes.slice(from, to).reduce((n, s) => n * s, 1);
  return {
    xAxis,
    yAxis,
    nx: sizes[xAxis] as number,
    ny: sizes[yAxis] as number,
    inner: product(0, xAxis),
    mid: product(xAxis + 1, yAxis),
    outer: product(yAxis + 1, sizes.length),
  };
}

/** Elements of an image with this layout. */
export function elementsOf({ nx, ny, inner, mid, outer }: TileLayout): number {
  return nx * ny * inner * mid * outer;
}

/** A new array of the same type. */
export function arrayLike(pixels: PixelArray, length: number): PixelArray {
  if (Array.isArray(pixels)) return new Array<boolean>(length).fill(false);
  return new (pixels.constructor as new (length: number) => Exclude<PixelArray, boolean[]>)(length);
}

/** A place in an image: its pixels, how they lie, and the column and row of a corner. */
export interface Place {
  readonly pixels: PixelArray;
  readonly layout: TileLayout;
  readonly x: number;
  readonly y: number;
}

/** Copies `width` x `height` pixels. Both images have the same type of pixels and the same colour axes. */
export function copyRectangle(from: Place, to: Place, width: number, height: number): void {
  const { inner, mid, outer } = from.layout;
  // Rectangles as wide as both images lie in one piece.
  const whole = width === from.layout.nx && width === to.layout.nx;
  const run = whole ? inner * width * mid * height : inner * width;
  const at = ({ layout, x, y }: Place, plane: number, row: number, m: number): number =>
    ((plane * layout.ny + y + row) * mid + m) * layout.nx * inner + x * inner;
  for (let plane = 0; plane < outer; plane++)
    for (let row = 0; row < (whole ? 1 : height); row++)
      for (let m = 0; m < (whole ? 1 : mid); m++)
        copyRun(from.pixels, at(from, plane, row, m), to.pixels, at(to, plane, row, m), run);
}

function copyRun(from: PixelArray, begin: number, to: PixelArray, at: number, count: number): void {
  if (Array.isArray(from)) {
    for (let i = 0; i < count; i++) (to as boolean[])[at + i] = from[begin + i] as boolean;
    return;
  }
  // The element type does not matter to the copy, only to the compiler: both arrays are of one class.
  (to as Uint8Array).set((from as Uint8Array).subarray(begin, begin + count), at);
}
