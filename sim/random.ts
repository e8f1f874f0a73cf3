/**
 * A seeded generator of random words and the uniform distributions over typed arrays made from it. It is our own
 * because the frames of a run must be the same on every machine, and because `Math.random` is slower by the element.
 *
 * The words are those of SFC32 (Chris Doty-Humphrey's "small fast counter", 128 bits of state, public domain),
 * seeded through SplitMix32. Not for cryptography.
 */
import { LITTLE_ENDIAN, type TypedArray } from './data-type.ts';

/** Words that are made in one go: enough to amortise the call, small enough for the first-level cache. */
const BLOCK = 2048;
const TWO_32 = 2 ** 32;

/** A stream of uniformly distributed 32-bit words, fixed by its two seeds. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;
  private readonly block = new Uint32Array(BLOCK);
  private used = BLOCK;

  /** Only the low 32 bits of `seed` and of `stream` count; different streams of one seed are independent. */
  constructor(seed: number, stream = 0) {
    const mixed = splitMix32(splitMix32(seed | 0) ^ (stream | 0));
    this.a = splitMix32(mixed);
    this.b = splitMix32(this.a);
    this.c = splitMix32(this.b);
    // The first words still show the seed; the author of SFC32 discards 12 to 15 of them.
    this.fillWords(new Uint32Array(16));
  }

  /** Fills `words` with the next words of the stream. */
  fillWords(words: Uint32Array): void {
    let { a, b, c, counter } = this;
    for (let i = 0; i < words.length; i++) {
      const word = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + word) | 0;
      words[i] = word;
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.counter = counter;
  }

  /** The next word, 0 <= word < 2^32. */
  word(): number {
    if (this.used === BLOCK) {
      this.fillWords(this.block);
      this.used = 0;
    }
    return this.block[this.used++]!;
  }

  /** Fills `units` with numbers of 53 random bits, 0 <= u < 1. */
  fillUnits(units: Float64Array): void {
    const words = this.block;
    for (let start = 0; start < units.length; start += BLOCK / 2) {
      this.fillWords(words);
      const n = Math.min(BLOCK / 2, units.length - start);
      for (let i = 0; i < n; i++) {
        units[start + i] = ((words[2 * i]! >>> 5) * 67108864 + (words[2 * i + 1]! >>> 6)) / 2 ** 53;
      }
    }
    this.used = BLOCK;
  }
}

function splitMix32(state: number): number {
  let z = (state + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

/**
 * The elements of `out` as unsigned integers of the same width. Storing a negative number in them wraps to the same
 * bits, and the loops below see three kinds of array, not six, which keeps them fast.
 */
function unsigned(out: TypedArray): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, length } = out;
  if (out.BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, length);
  if (out.BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, length);
  return new Uint32Array(buffer, byteOffset, length);
}

/** Fills `out` (integers of up to 32 bits, 4-byte aligned) with values of its whole range but the largest, `max`. */
export function fillWholeRange(random: Random, out: TypedArray, max: number): void {
  const target = unsigned(out);
  const bits = 8 * target.BYTES_PER_ELEMENT;
  const excluded = max >>> 0;
  const nWords = (out.byteLength / 4) | 0;
  random.fillWords(new Uint32Array(out.buffer, out.byteOffset, nWords));
  for (let i = (nWords * 32) / bits; i < target.length; i++) target[i] = random.word();
  // Drawing again whatever came out as `max` keeps the others exactly uniform.
  for (let i = 0; i < target.length; i++) {
    while (target[i] === excluded) target[i] = random.word();
  }
}

/** Fills `out` (integers of up to 16 bits) with values of [min, max), max > min. */
export function fillSmallIntegers(random: Random, out: TypedArray, min: number, max: number): void {
  const target = unsigned(out);
  const scale = (max - min) / TWO_32;
  const words = new Uint32Array(BLOCK);
  for (let start = 0; start < target.length; start += BLOCK) {
    random.fillWords(words);
    const n = Math.min(BLOCK, target.length - start);
    // Factors of 32 and 16 bits: the product is exact and below max - min; the bias is below 2^-16.
    for (let i = 0; i < n; i++) target[start + i] = min + ((scale * words[i]!) | 0);
  }
}

/** Fills `out` (32-bit integers) with values of [min, max), max > min. */
export function fillInt32(random: Random, out: TypedArray, min: number, max: number): void {
  const target = unsigned(out);
  const span = max - min;
  const units = new Float64Array(BLOCK);
  for (let start = 0; start < target.length; start += BLOCK) {
    random.fillUnits(units);
    const n = Math.min(BLOCK, target.length - start);
    for (let i = 0; i < n; i++) target[start + i] = min + Math.floor(units[i]! * span);
  }
}

/** Fills `out` (floats) with values of [min, max); a float32 is rounded to nearest and may so reach max. */
export function fillFloats(random: Random, out: Float32Array | Float64Array, min: number, max: number): void {
  const span = max - min;
  const units = new Float64Array(BLOCK);
  for (let start = 0; start < out.length; start += BLOCK) {
    random.fillUnits(units);
    const n = Math.min(BLOCK, out.length - start);
    for (let i = 0; i < n; i++) out[start + i] = min + units[i]! * span;
  }
}

/** Fills `out` (64-bit integers) with values of [min, max), max > min. Exact, and without a bigint per element. */
export function fillInt64(
  random: Random,
  out: BigInt64Array | BigUint64Array,
  min: bigint,
  max: bigint,
): void {
  const largest = max - min - 1n;
  const largestHigh = Number(largest >> 32n);
  const largestLow = Number(largest & 0xffffffffn);
  const minHigh = Number(BigInt.asIntN(32, min >> 32n));
  const minLow = Number(min & 0xffffffffn);
  const highMask = maskOf(largestHigh);
  const lowMask = largestHigh === 0 ? maskOf(largestLow) : 0xffffffff;
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length * 2);
  const high = LITTLE_ENDIAN ? 1 : 0;
  for (let i = 0; i < words.length; i += 2) {
    let h: number;
    let l: number;
    // Rejection within the next power of two: less than two rounds on average.
    do {
      h = (random.word() & highMask) >>> 0;
      l = (random.word() & lowMask) >>> 0;
    } while (h > largestHigh || (h === largestHigh && l > largestLow));
    const low = l + minLow;
    words[i + 1 - high] = low;
    words[i + high] = h + minHigh + (low >= TWO_32 ? 1 : 0);
  }
}

/** All ones up to the highest bit set in `n`. */
function maskOf(n: number): number {
  return n === 0 ? 0 : 0xffffffff >>> Math.clz32(n);
}
