/** A raw binary file as frames: `header_offset` bytes, then frame after frame as a RawConfig describes them. */
import { type DataType, LITTLE_ENDIAN, type TypedArray } from './data-type.ts';
import { type FrameFile, readStoredFrame, shapeIn } from './frame-file.ts';
import { type FrameShape, frameBytes } from './frame-source.ts';
import { bad, InputFile } from './input-file.ts';
import type { RawConfig } from './raw-config.ts';

/** Frames of one type and size, one after the other, with `between_frames` bytes from one to the next. */
export class RawFile implements FrameFile {
  readonly path: string;
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  readonly note: string | undefined;
  private readonly file: InputFile;
  private readonly offset: number;
  private readonly stride: number;
  private readonly swapped: boolean;

  /** @throws SimError BAD_INPUT: missing, or too short for the frames described */
  constructor(path: string, config: RawConfig) {
    this.path = path;
    this.dataType = config.dataType;
    this.shape = shapeIn(path, config.width, config.height, false);
    this.offset = config.headerOffset;
    this.stride = frameBytes(this) + config.betweenFrames;
    this.swapped = config.littleEndian !== LITTLE_ENDIAN;
    this.file = new InputFile(path);
    this.file.close();
    const { size } = this.file;
    // The last frame needs nothing behind it.
    const fitting = Math.max(0, Math.floor((size - this.offset + config.betweenFrames) / this.stride));
    this.nFrames = config.nImages ?? fitting;
    const needed = this.offset + Math.max(1, this.nFrames) * this.stride - config.betweenFrames;
    if (size < needed) {
      const what =
        config.nImages === undefined ? 'one frame as described' : `${config.nImages} frames (n_images)`;
      throw bad(path, `truncated: it has ${size} bytes, ${what} would need ${needed}`);
    }
    this.note = size > needed ? `${size - needed} bytes behind its last frame are ignored` : undefined;
  }

  read(i: number): TypedArray {
    return readStoredFrame(this, this.file, this.offset + i * this.stride, this.swapped);
  }

  close(): void {
    this.file.close();
  }
}
