/**
 * The lossless compressions of TIFF that scientific writers use: LZW, Deflate, PackBits, and the predictors before them.
 * Pure functions from bytes to bytes. Source: TIFF 6.0 sections 9, 13, 14; Adobe's TIFF technical notes.
 */
import { inflateSync } from 'node:zlib';

/** Compressions by their numbers in TIFF. */
const NONE = 1;
const LZW = 5;
const DEFLATE = 8;
const OLD_DEFLATE = 32946;
const PACKBITS = 32773;

/**
 * Undoes compression `compression` of one strip or tile of `size` bytes. @throws Error with the reason
 * @param limit what there may be in all: some writers fill up the last strip
 */
export function decompressPart(
  bytes: Buffer,
  compression: number,
  size: number,
  limit: number = size,
): Uint8Array {
  switch (compression) {
    case NONE:
      return bytes;
    case LZW:
      return decodeLzw(bytes, size);
    case DEFLATE:
    case OLD_DEFLATE:
      return inflateSync(bytes, { maxOutputLength: Math.max(limit, size, 1) });
    case PACKBITS:
      return decodePackBits(bytes, size);
    default:
      throw new Error(
        `compression ${compression} is not supported: save it without, or with LZW, Deflate or PackBits`,
      );
  }
}

const CLEAR = 256;
const END = 257;
const FIRST = 258;
const MAX_CODES = 4096;

/** LZW with the high bit first and codes of 9 to 12 bits, which grow one code early. */
export function decodeLzw(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  // A code stands for a run of the output: that of the code before, and one byte more.
  const start = new Int32Array(MAX_CODES);
  const length = new Int32Array(MAX_CODES);
  let next = FIRST;
  let bits = 9;
  let before = -1;
  let [beforeAt, beforeLength] = [0, 0];
  let [held, nHeld, i, o] = [0, 0, 0, 0];
  while (o < size) {
    while (nHeld < bits) {
      if (i >= bytes.length) throw new Error(`LZW data end after ${o} of ${size} bytes`);
      held = ((held << 8) | bytes[i++]!) & 0xffffff;
      nHeld += 8;
    }
    nHeld -= bits;
    const code = (held >>> nHeld) & ((1 << bits) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      next = FIRST;
      bits = 9;
      before = -1;
      continue;
    }
    if (code > next || (code === next && before < 0) || (code >= FIRST && before < 0))
      throw new Error('not LZW: a code that was not made');
    const at = o;
    if (code < 256) out[o++] = code;
    else {
      // The code in the making is the run before and its own first byte: an overlapping copy makes it.
      const from = code === next ? beforeAt : start[code]!;
      const n = Math.min(code === next ? beforeLength + 1 : length[code]!, size - o);
      for (let k = 0; k < n; k++) out[o + k] = out[from + k]!;
      o += n;
    }
    if (before >= 0 && next < MAX_CODES) {
      start[next] = beforeAt;
      length[next] = beforeLength + 1;
      next++;
      if (next + 1 >= 1 << bits && bits < 12) bits++;
    }
    [before, beforeAt, beforeLength] = [code, at, o - at];
  }
  if (o < size) throw new Error(`LZW data end after ${o} of ${size} bytes`);
  return out;
}

/** Runs of bytes: n from 0 to 127 copies n + 1, from 129 to 255 repeats one 257 - n times. */
export function decodePackBits(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let [i, o] = [0, 0];
  while (o < size && i + 1 < bytes.length) {
    const n = bytes[i++]!;
    if (n < 128) {
      const count = Math.min(n + 1, size - o, bytes.length - i);
      out.set(bytes.subarray(i, i + count), o);
      i += n + 1;
      o += count;
    } else if (n > 128) {
      const count = Math.min(257 - n, size - o);
      out.fill(bytes[i++]!, o, o + count);
      o += count;
    }
  }
  if (o < size) throw new Error(`PackBits data end after ${o} of ${size} bytes`);
  return out;
}

/** The elements of a row as unsigned integers of their width, for sums that wrap. */
function elements(bytes: Uint8Array, width: number): Uint8Array | Uint16Array | Uint32Array | BigUint64Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (width === 1) return bytes;
  if (width === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (width === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new BigUint64Array(buffer, byteOffset, byteLength / 8);
}

/**
 * Undoes predictor 2 in place: every sample is the difference from that of the pixel to its left. `rows` are of this
 * machine's byte order and aligned.
 */
export function undoDifferences(rows: Uint8Array, rowBytes: number, samples: number, width: number): void {
  const perRow = rowBytes / width;
  const all = elements(rows, width) as BigUint64Array;
  for (let row = 0; row + perRow <= all.length; row += perRow)
    for (let i = row + samples; i < row + perRow; i++) all[i]! += all[i - samples]!;
}

/**
 * Undoes predictor 3: the bytes of a row's floats, highest bytes first, side by side and as differences. The result is
 * of the byte order asked for.
 */
export function undoFloatDifferences(
  rows: Uint8Array,
  rowBytes: number,
  samples: number,
  width: number,
  littleEndian: boolean,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(rows.length);
  const perRow = rowBytes / width;
  for (let row = 0; row + rowBytes <= rows.length; row += rowBytes) {
    for (let i = row + samples; i < row + rowBytes; i++) rows[i] = (rows[i]! + rows[i - samples]!) & 255;
    for (let i = 0; i < perRow; i++)
      for (let b = 0; b < width; b++)
        out[row + i * width + (littleEndian ? width - 1 - b : b)] = rows[row + b * perRow + i]!;
  }
  return out;
}
