/**
 * LZ4 in several blocks: areaDetector's codecs `bslz4` (bitshuffled, no header) and `lz4hdf5`, and the forms of both
 * that the HDF5 filters write, which some detectors and files bring with them.
 *
 * - `bslz4`: blocks of 8 KiB of elements, each [uint32 BE compressed size][LZ4 block]; then up to 7 elements as they are
 *   (ADSupport bitshuffle.c). HDF5's filter puts 12 bytes before it: [uint64 BE size][uint32 BE bytes of a block].
 * - `lz4hdf5`: the same 12 bytes, then [uint32 BE compressed size][LZ4 block] for each block; a block whose compressed
 *   size is its own is not compressed (ADSupport lz4hdf5.c).
 *
 * A header is recognised by the size it repeats: neither an LZ4 block nor bslz4 can begin with that many zeros.
 */
import { CodecError } from '../errors.ts';
import { BLOCK_MULTIPLE, bitshuffle, bitunshuffle, defaultBlockElements } from './codec-bitshuffle.ts';
import { decodeLz4Block, encodeLz4Block, lz4Bound } from './codec-lz4.ts';

const HEADER = 12;
/** areaDetector writes one block of at most this. */
const HDF5_BLOCK = 1 << 30;

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function writeUint32(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = n >>> 24;
  bytes[at + 1] = n >>> 16;
  bytes[at + 2] = n >>> 8;
  bytes[at + 3] = n;
}

/** The bytes of a block as an HDF5 header says, or undefined if there is no such header. */
function hdf5BlockBytes(bytes: Uint8Array, size: number): number | undefined {
  if (bytes.length < HEADER) return undefined;
  if (readUint32(bytes, 0) * 2 ** 32 + readUint32(bytes, 4) !== size) return undefined;
  return readUint32(bytes, 8);
}

/** Where a block's bytes lie. @throws CodecError if they are not all there */
function blockEnd(bytes: Uint8Array, at: number, codec: string): number {
  if (bytes.length - at < 4) throw new CodecError(`not ${codec}: it ends before its last block`);
  const end = at + 4 + readUint32(bytes, at);
  if (end > bytes.length) throw new CodecError(`not ${codec}: a block runs beyond its end`);
  return end;
}

function atEnd(bytes: Uint8Array, at: number, codec: string): void {
  if (at !== bytes.length) throw new CodecError(`not ${codec}: ${bytes.length - at} bytes behind its end`);
}

/** @throws CodecError if the bytes are not bslz4 of `size` bytes */
export function decodeBslz4(bytes: Uint8Array, size: number, elementSize: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  const elements = size / elementSize;
  // Without a whole block there is nothing but the elements: those are no header.
  const announced =
    bytes.length === size && elements < BLOCK_MULTIPLE ? undefined : hdf5BlockBytes(bytes, size);
  let i = announced === undefined ? 0 : HEADER;
  const block = announced ? announced / elementSize : defaultBlockElements(elementSize);
  if (block % BLOCK_MULTIPLE !== 0 || block === 0)
    throw new CodecError(`not bslz4: its header says blocks of ${announced} bytes`);
  const scratch = new Uint8Array(Math.min(block, elements) * elementSize);
  let done = 0;
  while (elements - done >= BLOCK_MULTIPLE) {
    const left = elements - done;
    const count = Math.min(block, left - (left % BLOCK_MULTIPLE));
    const end = blockEnd(bytes, i, 'bslz4');
    decodeLz4Block(bytes, i + 4, end, scratch, 0, count * elementSize);
    bitunshuffle(scratch, 0, out, done * elementSize, count, elementSize);
    done += count;
    i = end;
  }
  const rest = (elements - done) * elementSize;
  if (bytes.length - i < rest) throw new CodecError('not bslz4: it ends before its last elements');
  out.set(bytes.subarray(i, i + rest), done * elementSize);
  atEnd(bytes, i + rest, 'bslz4');
  return out;
}

/** As areaDetector sends it, without HDF5's header. */
export function encodeBslz4(pixels: Uint8Array, elementSize: number): Uint8Array<ArrayBuffer> {
  const elements = pixels.length / elementSize;
  const block = defaultBlockElements(elementSize);
  const blocks = Math.ceil(elements / block);
  const out = new Uint8Array(
    blocks * (4 + lz4Bound(block * elementSize)) + (pixels.length % (BLOCK_MULTIPLE * elementSize)),
  );
  const scratch = new Uint8Array(Math.min(block, elements) * elementSize);
  let done = 0;
  let o = 0;
  while (elements - done >= BLOCK_MULTIPLE) {
    const left = elements - done;
    const count = Math.min(block, left - (left % BLOCK_MULTIPLE));
    bitshuffle(pixels, done * elementSize, scratch, 0, count, elementSize);
    const end = encodeLz4Block(scratch, 0, count * elementSize, out, o + 4);
    writeUint32(out, o, end - o - 4);
    done += count;
    o = end;
  }
  out.set(pixels.subarray(done * elementSize), o);
  return out.slice(0, o + pixels.length - done * elementSize);
}

/** One LZ4 block, or the HDF5 form of it. @throws CodecError if the bytes are neither, or not of `size` bytes */
export function decodeLz4(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (hdf5BlockBytes(bytes, size) !== undefined) return decodeLz4Hdf5(bytes, size);
  const out = new Uint8Array(size);
  decodeLz4Block(bytes, 0, bytes.length, out, 0, size);
  return out;
}

export function encodeLz4(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(lz4Bound(pixels.length));
  return out.slice(0, encodeLz4Block(pixels, 0, pixels.length, out, 0));
}

/** @throws CodecError if the bytes are not lz4hdf5 of `size` bytes */
export function decodeLz4Hdf5(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const blockBytes = hdf5BlockBytes(bytes, size);
  if (blockBytes === undefined) throw new CodecError(`not lz4hdf5: its header does not say ${size} bytes`);
  if (blockBytes === 0 && size > 0) throw new CodecError('not lz4hdf5: its header says blocks of 0 bytes');
  const out = new Uint8Array(size);
  let i = HEADER;
  for (let o = 0; o < size; ) {
    const to = Math.min(size, o + blockBytes);
    const end = blockEnd(bytes, i, 'lz4hdf5');
    if (end - i - 4 === to - o) out.set(bytes.subarray(i + 4, end), o);
    else decodeLz4Block(bytes, i + 4, end, out, o, to);
    i = end;
    o = to;
  }
  atEnd(bytes, i, 'lz4hdf5');
  return out;
}

export function encodeLz4Hdf5(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const block = Math.max(1, Math.min(HDF5_BLOCK, pixels.length));
  const blocks = Math.ceil(pixels.length / block);
  const out = new Uint8Array(HEADER + blocks * (4 + lz4Bound(block)));
  writeUint32(out, 0, Math.floor(pixels.length / 2 ** 32));
  writeUint32(out, 4, pixels.length);
  writeUint32(out, 8, block);
  let o = HEADER;
  for (let i = 0; i < pixels.length; i += block) {
    const to = Math.min(pixels.length, i + block);
    let end = encodeLz4Block(pixels, i, to, out, o + 4);
    if (end - o - 4 >= to - i) {
      out.set(pixels.subarray(i, to), o + 4);
      end = o + 4 + to - i;
    }
    writeUint32(out, o, end - o - 4);
    o = end;
  }
  return out.slice(0, o);
}
