/** Colour frames from RGB1, as files hold them, to the other layouts of areaDetector. */
import type { TypedArray, TypedArrayConstructor } from './data-type.ts';
import { COLOR_MODES, type ColorMode } from './frame-source.ts';

/** A new frame of the same pixels in another layout. */
export type LayOut = (rgb1: TypedArray, nx: number, ny: number) => TypedArray;

/** From RGB1 [3, nx, ny] to RGB2 [nx, 3, ny] or RGB3 [nx, ny, 3]; undefined for RGB1 and MONO. */
export function layOutOf(mode: ColorMode): LayOut | undefined {
  if (mode === COLOR_MODES.RGB2) return (rgb1, nx, ny) => spread(rgb1, nx, ny, 3 * nx, nx);
  if (mode === COLOR_MODES.RGB3) return (rgb1, nx, ny) => spread(rgb1, nx, ny, nx, nx * ny);
  return undefined;
}

/** `row` and `plane` are how far the next row and the next colour are in the result. */
function spread(rgb1: TypedArray, nx: number, ny: number, row: number, plane: number): TypedArray {
  const from = rgb1 as Float64Array;
  const to = new (rgb1.constructor as TypedArrayConstructor)(rgb1.length) as Float64Array;
  let i = 0;
  for (let y = 0; y < ny; y++)
    for (let o = y * row; o < y * row + nx; o++) {
      to[o] = from[i++]!;
      to[o + plane] = from[i++]!;
      to[o + 2 * plane] = from[i++]!;
    }
  return to;
}
