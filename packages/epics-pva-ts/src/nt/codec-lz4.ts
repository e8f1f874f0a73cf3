/**
 * LZ4 blocks (no frame), as areaDetector's codec `lz4` sends them: https://github.com/lz4/lz4 "LZ4 Block Format".
 *
 * The size of the decompressed block is known beforehand. A decoder never writes beyond it, nor reads beyond its
 * input, whatever the bytes are.
 */
import { CodecError } from '../errors.ts';

/** Shorter runs are copied in a loop, longer ones by the typed array's own copy, which costs a call. */
const LOOP = 32;
const MIN_MATCH = 4;
/** A block ends with at least 5 literals, and its last match begins at least 12 bytes before its end. */
const LAST_LITERALS = 5;
const LAST_MATCH = 12;
const MAX_OFFSET = 65_535;

function fail(what: string): never {
  throw new CodecError(`not an LZ4 block: ${what}`);
}

/**
 * Decompresses the block `src[from, to)` so that it fills `dst[at, end)`.
 * @throws CodecError if the bytes are no LZ4 block, or one of another size
 */
export function decodeLz4Block(
  src: Uint8Array,
  from: number,
  to: number,
  dst: Uint8Array,
  at: number,
  end: number,
): void {
  let i = from;
  let o = at;
  while (i < to) {
    const token = src[i++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (i >= to) fail('a length runs beyond its end');
        more = src[i++] as number;
        literals += more;
      }
    }
    if (literals > 0) {
      if (literals > to - i) fail('literals run beyond its end');
      if (literals > end - o) fail(`it holds more than the ${end - at} bytes announced`);
      if (literals <= LOOP) for (let n = 0; n < literals; n++) dst[o + n] = src[i + n] as number;
      else dst.set(src.subarray(i, i + literals), o);
      i += literals;
      o += literals;
    }
    // The last sequence has no match.
    if (i >= to) break;
    if (to - i < 2) fail('a match has no offset');
    const offset = (src[i] as number) | ((src[i + 1] as number) << 8);
    i += 2;
    if (offset === 0 || offset > o - at) fail('a match points outside');
    let length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        if (i >= to) fail('a length runs beyond its end');
        more = src[i++] as number;
        length += more;
      }
    }
    length += MIN_MATCH;
    if (length > end - o) fail(`it holds more than the ${end - at} bytes announced`);
    copyMatch(dst, o, offset, length);
    o += length;
  }
  if (o !== end) fail(`it holds ${o - at} bytes, not the ${end - at} announced`);
}

/** A match may overlap what it writes: then it repeats the last `offset` bytes. */
function copyMatch(dst: Uint8Array, o: number, offset: number, length: number): void {
  if (length <= LOOP) for (let n = o; n < o + length; n++) dst[n] = dst[n - offset] as number;
  else if (offset === 1) dst.fill(dst[o - 1] as number, o, o + length);
  else {
    let done = Math.min(offset, length);
    dst.copyWithin(o, o - offset, o - offset + done);
    while (done < length) {
      const more = Math.min(done, length - done);
      dst.copyWithin(o + done, o, o + more);
      done += more;
    }
  }
}

/** The most bytes a block of `size` bytes takes when compressed. */
export function lz4Bound(size: number): number {
  return size + Math.floor(size / 255) + 16;
}

const HASH_BITS_SMALL = 12;
const HASH_BITS = 16;
/** Where a hash of four bytes was seen last, as distance from the start plus 1; 0 is never. */
const seen = new Int32Array(1 << HASH_BITS);

/**
 * Compresses `src[from, to)` to `dst` from `at` on, where {@link lz4Bound} bytes must be free. Greedy, with one
 * candidate for every place, as the reference's fast mode.
 * @returns where in `dst` the block ends
 */
export function encodeLz4Block(
  src: Uint8Array,
  from: number,
  to: number,
  dst: Uint8Array,
  at: number,
): number {
  const bytes = new DataView(src.buffer, src.byteOffset, src.byteLength);
  const small = to - from < 65_536;
  const bits = small ? HASH_BITS_SMALL : HASH_BITS;
  const shift = 32 - bits;
  // In a large block many places have the same four bytes: the fifth helps to find longer matches.
  const fifth = small ? 0 : 0x85ebca6b;
  seen.fill(0, 0, 1 << bits);
  const lastMatch = to - LAST_MATCH;
  const matchEnd = to - LAST_LITERALS;
  let anchor = from;
  let i = from;
  let o = at;
  // The longer nothing is found, the larger the steps: what cannot be compressed shall not cost much.
  let tries = 64;
  while (i <= lastMatch) {
    const word = bytes.getUint32(i, true);
    const hash = (Math.imul(word, 0x9e3779b1) ^ Math.imul(src[i + 4] as number, fifth)) >>> shift;
    let match = (seen[hash] as number) - 1 + from;
    seen[hash] = i - from + 1;
    if (match < from || i - match > MAX_OFFSET || bytes.getUint32(match, true) !== word) {
      i += tries++ >> 6;
      continue;
    }
    while (i > anchor && match > from && src[i - 1] === src[match - 1]) {
      i--;
      match--;
    }
    const offset = i - match;
    let e = i + MIN_MATCH;
    while (e + 4 <= matchEnd && bytes.getUint32(e, true) === bytes.getUint32(e - offset, true)) e += 4;
    while (e < matchEnd && src[e] === src[e - offset]) e++;
    o = writeSequence(src, anchor, i, dst, o, offset, e - i - MIN_MATCH);
    i = e;
    anchor = e;
    tries = 64;
    if (i > lastMatch) break;
    const before = Math.imul(bytes.getUint32(i - 2, true), 0x9e3779b1);
    seen[(before ^ Math.imul(src[i + 2] as number, fifth)) >>> shift] = i - 2 - from + 1;
  }
  return writeSequence(src, anchor, to, dst, o, 0, 0);
}

/** Literals `src[anchor, i)`, then a match; offset 0 is none. */
function writeSequence(
  src: Uint8Array,
  anchor: number,
  i: number,
  dst: Uint8Array,
  at: number,
  offset: number,
  length: number,
): number {
  const literals = i - anchor;
  let o = at + 1;
  dst[at] = (Math.min(literals, 15) << 4) | (offset === 0 ? 0 : Math.min(length, 15));
  if (literals >= 15) o = writeLength(dst, o, literals - 15);
  if (literals <= LOOP) for (let n = 0; n < literals; n++) dst[o + n] = src[anchor + n] as number;
  else dst.set(src.subarray(anchor, i), o);
  o += literals;
  if (offset === 0) return o;
  dst[o++] = offset & 255;
  dst[o++] = offset >>> 8;
  return length >= 15 ? writeLength(dst, o, length - 15) : o;
}

function writeLength(dst: Uint8Array, at: number, length: number): number {
  let o = at;
  let rest = length;
  while (rest >= 255) {
    dst[o++] = 255;
    rest -= 255;
  }
  dst[o++] = rest;
  return o;
}
