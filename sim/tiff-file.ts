/**
 * A TIFF or BigTIFF file as frames, one for each page. The reader is our own: pages are read one at a time by position,
 * whole files never; the packages there are want the whole file in memory, leave out tiles or types of pixels, or read
 * asynchronously. `tiff-header.ts` knows the directories, `tiff-codec.ts` the compressions.
 */
import { type DataType, LITTLE_ENDIAN, type TypedArray } from './data-type.ts';
import { type FrameFile, shapeIn } from './frame-file.ts';
import { type FrameShape, frameBytes } from './frame-source.ts';
import { bad, InputFile, swapBytes } from './input-file.ts';
import { SimError } from './sim-error.ts';
import { decompressPart, undoDifferences, undoFloatDifferences } from './tiff-codec.ts';
import { readTiffHeader, type TiffPage } from './tiff-header.ts';

/** A tile may reach beyond the image, but one that is many times larger is a damaged file (bytes). */
const MAX_PART_BYTES = 2 ** 31;

/**
 * Grey or red, green, blue (published as RGB1); integers and floats of 8 to 64 bits; strips and tiles; not compressed,
 * LZW, Deflate or PackBits.
 */
export class TiffFile implements FrameFile {
  readonly path: string;
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  private readonly file: InputFile;
  private readonly pages: readonly TiffPage[];
  private readonly swapped: boolean;

  /**
   * Reads the directories and checks that all pages are alike and there.
   *
   * @throws SimError BAD_INPUT: missing, not a TIFF file, damaged, truncated, or with pages that make no frames
   */
  constructor(path: string) {
    this.path = path;
    this.file = new InputFile(path);
    try {
      const { pages, littleEndian } = readTiffHeader(this.file);
      this.pages = pages;
      this.swapped = littleEndian !== LITTLE_ENDIAN;
    } catch (error) {
      throw error instanceof SimError ? error : bad(path, (error as Error).message);
    } finally {
      this.file.close();
    }
    const first = this.pages[0]!;
    this.dataType = first.dataType;
    this.shape = shapeIn(path, first.width, first.height, first.samples === 3);
    this.nFrames = this.pages.length;
    this.pages.forEach((page, i) => {
      this.check(page, first, i);
    });
  }

  read(i: number): TypedArray {
    const page = this.pages[i]!;
    const { partWidth, partHeight, width, height, samples, planar } = page;
    const bytesPerElement = this.dataType.bytesPerElement;
    const out = new Uint8Array(frameBytes(this));
    const across = Math.ceil(width / partWidth);
    const planes = planar ? samples : 1;
    const perPart = planar ? 1 : samples;
    const rowBytes = partWidth * perPart * bytesPerElement;
    let n = 0;
    for (let plane = 0; plane < planes; plane++)
      for (let y = 0; y < height; y += partHeight)
        for (let a = 0; a < across; a++, n++) {
          const rows = page.tiled ? partHeight : Math.min(partHeight, height - y);
          const part = this.part(i, page, n, rows * rowBytes, rowBytes, perPart);
          const used = Math.min(partWidth, width - a * partWidth);
          for (let row = 0; row < Math.min(rows, height - y); row++) {
            const pixel = (y + row) * width + a * partWidth;
            const from = part.subarray(row * rowBytes, row * rowBytes + used * perPart * bytesPerElement);
            if (planar)
              scatter(from, out, (pixel * samples + plane) * bytesPerElement, samples, bytesPerElement);
            else out.set(from, pixel * samples * bytesPerElement);
          }
        }
    return new this.dataType.arrayConstructor(out.buffer, 0, this.shape.nElements);
  }

  close(): void {
    this.file.close();
  }

  private check(page: TiffPage, first: TiffPage, i: number): void {
    const [mine, others] = [page, first].map(
      ({ width, height, samples, dataType }) =>
        `${width}x${height} ${dataType.name}${samples === 3 ? ' RGB' : ''}`,
    );
    if (mine !== others)
      throw bad(this.path, `page ${i} is ${mine}, but page 0 is ${others}: a stream has one kind of frame`);
    if (page.partWidth * page.partHeight * page.samples * page.dataType.bytesPerElement > MAX_PART_BYTES)
      throw bad(this.path, `page ${i}: tiles of ${page.partWidth}x${page.partHeight} pixels`);
    for (let n = 0; n < page.offsets.length; n++)
      if (page.offsets[n]! + (page.sizes[n] ?? 0) > this.file.size)
        throw bad(this.path, `truncated: it has ${this.file.size} bytes, page ${i} lies beyond`);
  }

  /** One strip or tile of `size` bytes, in this machine's byte order. */
  private part(
    i: number,
    page: TiffPage,
    n: number,
    size: number,
    rowBytes: number,
    samples: number,
  ): Uint8Array {
    const stored = this.file.readPixels(page.offsets[n]!, page.sizes[n]!);
    const width = this.dataType.bytesPerElement;
    try {
      const decoded = decompressPart(stored, page.compression, size, page.partHeight * rowBytes);
      if (decoded.length < size)
        throw new Error(`${decoded.length} bytes of pixels where ${size} are needed`);
      // Aligned, for whoever looks at elements.
      const bytes = decoded.byteOffset % 8 === 0 ? decoded.subarray(0, size) : decoded.slice(0, size);
      if (page.predictor === 3) return undoFloatDifferences(bytes, rowBytes, samples, width, LITTLE_ENDIAN);
      if (this.swapped) swapBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), width);
      if (page.predictor === 2) undoDifferences(bytes, rowBytes, samples, width);
      else if (page.predictor !== 1) throw new Error(`predictor ${page.predictor} is not supported`);
      return bytes;
    } catch (error) {
      throw bad(this.path, `page ${i} cannot be read: ${(error as Error).message}`);
    }
  }
}

/** The samples of one colour to their places between the others. */
function scatter(from: Uint8Array, to: Uint8Array, at: number, samples: number, width: number): void {
  for (let i = 0, o = at; i < from.length; i += width, o += samples * width)
    for (let b = 0; b < width; b++) to[o + b] = from[i + b]!;
}
