/**
 * Bitshuffle: bit k of byte j of all elements of a block, side by side (https://github.com/kiyo-masui/bitshuffle).
 * Pixels that use few of their bits become long runs of zeros that way.
 */

/** Elements of a block are a multiple of this; what is left over is not shuffled. */
export const BLOCK_MULTIPLE = 8;
const TARGET_BLOCK_BYTES = 8192;
const MIN_BLOCK_ELEMENTS = 128;

/** Elements of a block where nobody says otherwise; writers and readers must agree on it. */
export function defaultBlockElements(elementSize: number): number {
  const elements = Math.floor(TARGET_BLOCK_BYTES / elementSize / BLOCK_MULTIPLE) * BLOCK_MULTIPLE;
  return Math.max(elements, MIN_BLOCK_ELEMENTS);
}

/** Shuffles `count` elements (a multiple of 8) of `elementSize` bytes from `src[from...]` to `dst[at...]`. */
export function bitshuffle(
  src: Uint8Array,
  from: number,
  dst: Uint8Array,
  at: number,
  count: number,
  elementSize: number,
): void {
  const row = count / 8;
  for (let j = 0; j < elementSize; j++)
    turn(src, from + j, elementSize, 8 * elementSize, dst, at + j * count, row, 1, row);
}

/** Undoes {@link bitshuffle}. */
export function bitunshuffle(
  src: Uint8Array,
  from: number,
  dst: Uint8Array,
  at: number,
  count: number,
  elementSize: number,
): void {
  const row = count / 8;
  for (let j = 0; j < elementSize; j++)
    turn(src, from + j * count, row, 1, dst, at + j, elementSize, 8 * elementSize, row);
}

/**
 * Turns `times` matrices of 8 x 8 bits, each in two 32-bit numbers; turning is its own inverse. A matrix has its rows
 * `srcStep` (`dstStep`) bytes apart, the next one begins `srcNext` (`dstNext`) bytes further.
 */
function turn(
  src: Uint8Array,
  from: number,
  srcStep: number,
  srcNext: number,
  dst: Uint8Array,
  at: number,
  dstStep: number,
  dstNext: number,
  times: number,
): void {
  let s = from;
  let d = at;
  for (let n = 0; n < times; n++) {
    let lo =
      (src[s] as number) |
      ((src[s + srcStep] as number) << 8) |
      ((src[s + 2 * srcStep] as number) << 16) |
      ((src[s + 3 * srcStep] as number) << 24);
    let hi =
      (src[s + 4 * srcStep] as number) |
      ((src[s + 5 * srcStep] as number) << 8) |
      ((src[s + 6 * srcStep] as number) << 16) |
      ((src[s + 7 * srcStep] as number) << 24);
    // Most planes of most images are empty.
    if ((lo | hi) !== 0) {
      let t = (lo ^ (lo >>> 7)) & 0x00aa00aa;
      lo ^= t ^ (t << 7);
      t = (hi ^ (hi >>> 7)) & 0x00aa00aa;
      hi ^= t ^ (t << 7);
      t = (lo ^ (lo >>> 14)) & 0x0000cccc;
      lo ^= t ^ (t << 14);
      t = (hi ^ (hi >>> 14)) & 0x0000cccc;
      hi ^= t ^ (t << 14);
      t = (lo ^ (hi << 4)) & 0xf0f0f0f0;
      lo ^= t;
      hi ^= t >>> 4;
    }
    dst[d] = lo;
    dst[d + dstStep] = lo >>> 8;
    dst[d + 2 * dstStep] = lo >>> 16;
    dst[d + 3 * dstStep] = lo >>> 24;
    dst[d + 4 * dstStep] = hi;
    dst[d + 5 * dstStep] = hi >>> 8;
    dst[d + 6 * dstStep] = hi >>> 16;
    dst[d + 7 * dstStep] = hi >>> 24;
    s += srcNext;
    d += dstNext;
  }
}
