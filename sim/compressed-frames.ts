/**
 * A source whose frames are compressed: each once, when it is taken into the cache, with the codecs of the library. Any
 * source of pixels can be behind it.
 */
import { type ImageCodec, loadCodec } from 'epics-pva-ts';
import type { DataType } from './data-type.ts';
import { DEFAULT_MAX_BYTES, type FrameShape, type FrameSource } from './frame-source.ts';
import { SimError } from './sim-error.ts';

/** Codecs that frames can be compressed with, by areaDetector's names. */
export const CODECS = ['lz4', 'bslz4', 'lz4hdf5'] as const;

/** One of the names of CODECS. */
export type CodecName = (typeof CODECS)[number];

/**
 * `source` with its frames compressed by `codec`.
 *
 * @throws SimError BAD_OPTION if they are compressed already
 */
export async function compressFrames(source: FrameSource, codec: CodecName): Promise<CompressedFrames> {
  if (source.codec !== undefined)
    throw new SimError(
      'BAD_OPTION',
      `the frames are compressed already (${source.codec}): leave out --codec or --hdf-compression-mode`,
    );
  const { encode } = await loadCodec(codec);
  return new CompressedFrames(source, codec, encode!);
}

/** See {@link compressFrames}. Frames that repeat are kept, up to 512 MiB, so that none is compressed twice. */
export class CompressedFrames implements FrameSource {
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  readonly codec: string;
  private readonly source: FrameSource;
  private readonly encode: NonNullable<ImageCodec['encode']>;
  private readonly kept: (Uint8Array | undefined)[] = [];
  private keptBytes = 0;

  constructor(source: FrameSource, codec: string, encode: NonNullable<ImageCodec['encode']>) {
    this.source = source;
    this.codec = codec;
    this.encode = encode;
    this.dataType = source.dataType;
    this.shape = source.shape;
    this.nFrames = source.nFrames;
  }

  frame(i: number): Uint8Array {
    const { nDistinct } = this.source;
    const k = nDistinct === undefined ? i : i % nDistinct;
    const kept = this.kept[k];
    if (kept) return kept;
    const { buffer, byteOffset, byteLength } = this.source.frame(i);
    const frame = this.encode(new Uint8Array(buffer, byteOffset, byteLength), this.dataType.bytesPerElement);
    // The first frame is asked for twice: for the record, then for the cache.
    if (k === 0 || (nDistinct !== undefined && this.keptBytes + frame.length <= DEFAULT_MAX_BYTES)) {
      this.kept[k] = frame;
      this.keptBytes += frame.length;
    }
    return frame;
  }

  description(): string[] {
    return [...this.source.description(), `Compressing frames: ${this.codec}`];
  }

  close(): void {
    this.source.close?.();
  }
}
