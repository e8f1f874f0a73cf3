/**
 * Compressed NTNDArrays, as areaDetector's NDPluginCodec and PvaPy make them: `codec.name` says how, `codec.parameters`
 * is the number of the pixels' own type as pvData's ScalarType (ADCore ntndArrayConverter.cpp), `value` holds bytes.
 */
import { CodecError } from '../errors.ts';
import { MAX_IMAGE_BYTES } from '../limits.ts';
import {
  ARRAY_TYPE,
  KIND_WIDTH,
  kindOfArray,
  type NumericArray,
  type NumericKind,
  SCALAR_KINDS,
} from '../value/type-code.ts';
import {
  type CompressedImage,
  codecNames,
  type ImageCodec,
  loadCodec,
  loadedCodec,
  notLoaded,
} from './codec-registry.ts';
import type { Dimension } from './nt-nd-array-image.ts';
import type { Codec } from './nt-nd-array-options.ts';
import type { PixelArray } from './nt-nd-array-pixels.ts';

/** What decompressing is allowed. */
export interface DecompressOptions {
  /** Largest size of the pixels that is accepted, in bytes; a peer may announce anything. Default 1 GiB. */
  readonly maxSize?: number;
  /** Bytes before the compressed data that do not belong to them, as PvaPy's PVAPY_COMPRESSED_PAYLOAD_START. Default 0. */
  readonly payloadStart?: number;
}

/** What of an NTNDArray decompressing needs. */
interface Frame {
  readonly codec: Codec;
  readonly pixels: PixelArray | undefined;
  readonly dimensions: readonly Dimension[];
  readonly colorMode: number | undefined;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
}

/** pvData's ScalarType of a kind: their order is that of SCALAR_KINDS. */
export function scalarTypeOf(kind: NumericKind): number {
  return SCALAR_KINDS.indexOf(kind);
}

function kindOf({ codec: { name, parameters } }: Frame): NumericKind {
  const number = typeof parameters === 'number' || typeof parameters === 'bigint' ? Number(parameters) : -1;
  const kind = SCALAR_KINDS[number];
  if (kind !== undefined && kind in ARRAY_TYPE) return kind as NumericKind;
  const what =
    number < 0 ? 'does not say the type of the pixels' : `says type ${number}, which no pixels have`;
  throw new CodecError(`codec '${name}': codec.parameters ${what}`);
}

/**
 * Bytes of the uncompressed pixels. The dimensions count where they make fewer than `uncompressedSize`: PvaPy announces
 * three times the size of a mono image.
 */
function sizeOf(frame: Frame, elementSize: number): number {
  const { uncompressedSize, dimensions } = frame;
  const described = dimensions.reduce((n, d) => n * d.size, elementSize);
  const size = dimensions.length > 0 && described > 0 ? described : uncompressedSize;
  if (size > uncompressedSize)
    throw new CodecError(`uncompressedSize is ${uncompressedSize}, the dimensions make ${size} bytes`);
  if (size < 0 || size % elementSize !== 0)
    throw new CodecError(`uncompressedSize ${size} is no multiple of ${elementSize}, the size of a pixel`);
  return size;
}

function compressedImage(frame: Frame, options: DecompressOptions): CompressedImage {
  const { pixels, compressedSize } = frame;
  if (!ArrayBuffer.isView(pixels))
    throw new CodecError(`codec '${frame.codec.name}': the frame holds no bytes`);
  const all = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const used = compressedSize > 0 && compressedSize < all.length ? all.subarray(0, compressedSize) : all;
  const kind = kindOf(frame);
  const elementSize = KIND_WIDTH[kind];
  const size = sizeOf(frame, elementSize);
  const { maxSize = MAX_IMAGE_BYTES, payloadStart = 0 } = options;
  if (size > maxSize)
    throw new CodecError(`pixels of ${size} bytes are more than the ${maxSize} allowed (maxSize)`);
  return {
    bytes: used.subarray(payloadStart),
    size,
    kind,
    elementSize,
    dimensions: frame.dimensions.map((d) => d.size),
    colorMode: frame.colorMode,
  };
}

function checkRatio(name: string, { maxRatio }: ImageCodec, { bytes, size }: CompressedImage): void {
  if (maxRatio !== undefined && size > (bytes.length + 1) * maxRatio)
    throw new CodecError(`${bytes.length} bytes of ${name} cannot hold the ${size} bytes announced`);
}

function toPixels(
  name: string,
  decoded: Uint8Array,
  { kind, size, elementSize }: CompressedImage,
): NumericArray {
  if (decoded.length !== size)
    throw new CodecError(`${name} holds ${decoded.length} bytes, not the ${size} announced`);
  const aligned = decoded.byteOffset % elementSize === 0 ? decoded : new Uint8Array(decoded);
  return new ARRAY_TYPE[kind](aligned.buffer, aligned.byteOffset, size / elementSize);
}

/** The pixels of a compressed frame. @throws CodecError */
export function decompressPixelsSync(frame: Frame, options: DecompressOptions): NumericArray {
  const { name } = frame.codec;
  const codec = loadedCodec(name);
  if (!codec) throw notLoaded(name);
  const image = compressedImage(frame, options);
  checkRatio(name, codec, image);
  const decoded = codec.decode(image);
  if (decoded instanceof Promise) {
    decoded.catch(() => undefined);
    throw new CodecError(`codec '${name}' needs time to decode: use decompress()`);
  }
  return toPixels(name, decoded, image);
}

/** The pixels of a compressed frame, loading the codec if needed. @throws CodecError */
export async function decompressPixels(frame: Frame, options: DecompressOptions): Promise<NumericArray> {
  const { name } = frame.codec;
  const codec = await loadCodec(name);
  const image = compressedImage(frame, options);
  checkRatio(name, codec, image);
  return toPixels(name, await codec.decode(image), image);
}

/** Compressed bytes of pixels and their type's number. @throws CodecError for a codec that cannot compress */
export function compressPixels(
  name: string,
  pixels: PixelArray | undefined,
): { bytes: Uint8Array; parameters: number; size: number } {
  const kind = kindOfArray(pixels);
  if (kind === undefined) throw new CodecError('only pixels that are numbers can be compressed');
  const encode = loadedCodec(name)?.encode;
  if (!encode) {
    const able = codecNames().filter((n) => loadedCodec(n)?.encode);
    throw new CodecError(`codec '${name}' cannot compress; these can: ${able.join(', ')}`);
  }
  const array = pixels as NumericArray;
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return { bytes: encode(bytes, KIND_WIDTH[kind]), parameters: scalarTypeOf(kind), size: bytes.length };
}
