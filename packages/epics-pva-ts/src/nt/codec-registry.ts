/**
 * The codecs of compressed images by areaDetector's names (ADCore NDCodec.cpp): those in plain TypeScript, those that
 * optional packages provide, and the user's own.
 */
import { inflateSync } from 'node:zlib';
import { CodecError } from '../errors.ts';
import type { NumericKind } from '../value/type-code.ts';
import {
  decodeBslz4,
  decodeLz4,
  decodeLz4Hdf5,
  encodeBslz4,
  encodeLz4,
  encodeLz4Hdf5,
} from './codec-blocks.ts';
import { loadBlosc, loadJpeg } from './codec-optional.ts';

/** A compressed image as a decoder gets it. */
export interface CompressedImage {
  /** The compressed bytes. */
  readonly bytes: Uint8Array;
  /** Bytes of the uncompressed pixels: what the decoder has to return. Already limited. */
  readonly size: number;
  /** Kind of the uncompressed pixels. */
  readonly kind: NumericKind;
  /** Bytes of a pixel of that kind. */
  readonly elementSize: number;
  /** Sizes, fastest first; empty if the frame does not say. */
  readonly dimensions: readonly number[];
  /** See ColorMode; undefined if the frame does not say. */
  readonly colorMode: number | undefined;
}

/** Decompresses images, and may compress them. */
export interface ImageCodec {
  /** The pixels' bytes, little endian, exactly `image.size` of them, in the frame's own layout. */
  decode(image: CompressedImage): Uint8Array | Promise<Uint8Array>;
  /** The compressed bytes of pixels that take `elementSize` bytes each. A codec without it only decompresses. */
  encode?(pixels: Uint8Array, elementSize: number): Uint8Array;
  /** How many times as long as its input the output can be; what claims more is refused before memory is taken. */
  readonly maxRatio?: number;
}

/** An LZ4 length byte stands for up to 255 bytes. */
const LZ4_RATIO = 256;
/** What deflate can do at most, as zlib documents it. */
const DEFLATE_RATIO = 1032;

function inflate({ bytes, size }: CompressedImage): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw new CodecError(`not zlib of ${size} bytes: ${(error as Error).message}`);
  }
}

const codecs = new Map<string, ImageCodec>([
  ['lz4', { decode: ({ bytes, size }) => decodeLz4(bytes, size), encode: encodeLz4, maxRatio: LZ4_RATIO }],
  [
    'bslz4',
    {
      decode: ({ bytes, size, elementSize }) => decodeBslz4(bytes, size, elementSize),
      encode: encodeBslz4,
      maxRatio: LZ4_RATIO,
    },
  ],
  [
    'lz4hdf5',
    { decode: ({ bytes, size }) => decodeLz4Hdf5(bytes, size), encode: encodeLz4Hdf5, maxRatio: LZ4_RATIO },
  ],
  ['zlib', { decode: inflate, maxRatio: DEFLATE_RATIO }],
]);

/** Loaded when they are first asked for. */
const optional = new Map<string, () => Promise<ImageCodec>>([
  ['blosc', loadBlosc],
  ['jpeg', loadJpeg],
]);

/**
 * Adds a codec, or replaces the one of that name, for the whole process.
 * @param name as in `codec.name` of an NTNDArray
 * @param codec a codec, or only its `decode`
 */
export function registerCodec(name: string, codec: ImageCodec | ImageCodec['decode']): void {
  if (name === '') throw new CodecError("a codec needs a name: '' stands for pixels that are not compressed");
  codecs.set(name, typeof codec === 'function' ? { decode: codec } : codec);
}

/** Names of all codecs, loaded or not. */
export function codecNames(): string[] {
  return [...new Set([...codecs.keys(), ...optional.keys()])];
}

/** The codec of that name if it is there already. */
export function loadedCodec(name: string): ImageCodec | undefined {
  return codecs.get(name);
}

/**
 * Loads a codec, so that `decompressSync` can use it; those that need no package always can.
 * @throws CodecError if there is no such codec or its package is not installed; the text names the package
 */
export async function loadCodec(name: string): Promise<ImageCodec> {
  const known = codecs.get(name);
  if (known) return known;
  const load = optional.get(name);
  if (!load) throw unknownCodec(name);
  const codec = await load();
  // One that was registered meanwhile counts.
  const present = codecs.get(name);
  if (!present) codecs.set(name, codec);
  return present ?? codec;
}

/** Why `decompressSync` has no codec of that name. */
export function notLoaded(name: string): CodecError {
  if (!optional.has(name)) return unknownCodec(name);
  return new CodecError(
    `codec '${name}' is not loaded: use decompress(), or await loadCodec('${name}') before`,
  );
}

function unknownCodec(name: string): CodecError {
  return new CodecError(
    `no codec '${name}'; there are: ${codecNames().join(', ')}. Add others with registerCodec()`,
  );
}
