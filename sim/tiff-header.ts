/**
 * The directories of a TIFF or BigTIFF file: which pages it has, their sizes, types and where their strips or tiles are.
 * No pixels are read here. Source: TIFF 6.0, BigTIFF's file format.
 */
import { DATA_TYPES, type DataType, type DataTypeName } from './data-type.ts';
import { type InputFile, plural } from './input-file.ts';

/** How the pixels of a part are stored. */
export interface TiffPage {
  readonly width: number;
  readonly height: number;
  readonly dataType: DataType;
  /** 1 grey, 3 red, green, blue. */
  readonly samples: 1 | 3;
  /** Each sample in parts of its own (PlanarConfiguration 2). */
  readonly planar: boolean;
  readonly compression: number;
  /** 1 none, 2 horizontal differences, 3 those of floats. */
  readonly predictor: number;
  /** Size of a strip or tile; a strip is as wide as the image, and the last one may be lower. */
  readonly partWidth: number;
  readonly partHeight: number;
  readonly tiled: boolean;
  /** Position and bytes of each part, in the file. */
  readonly offsets: readonly number[];
  readonly sizes: readonly number[];
}

export interface TiffHeader {
  readonly littleEndian: boolean;
  readonly pages: readonly TiffPage[];
}

/** Pages of a file, entries of a directory and values of an entry that are accepted. */
const MAX_PAGES = 1_000_000;
const MAX_ENTRIES = 4096;
const MAX_VALUES = 16_000_000;

/** Bytes of a value, by its type (1 BYTE, 3 SHORT, 4 LONG, 16 LONG8; 13 IFD, 18 IFD8); others are of no use here. */
const SIZES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8 };

const TAGS = {
  subfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  offsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  sizes: 279,
  planar: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileSizes: 325,
  format: 339,
} as const;
const WANTED: ReadonlySet<number> = new Set(Object.values(TAGS));

type Entries = ReadonlyMap<number, readonly number[]>;

/**
 * Reads all directories; reduced copies of images (thumbnails) are left out.
 *
 * @throws Error with the reason, without the name of the file
 */
export function readTiffHeader(file: InputFile): TiffHeader {
  const start = file.read(0, 16);
  const order = start.toString('latin1', 0, 2);
  if (start.length < 8 || (order !== 'II' && order !== 'MM')) throw new Error('not a TIFF file');
  const reader = new Reader(file, order === 'II');
  const version = reader.number(start, 2, 2);
  if (version !== 42 && version !== 43) throw new Error('not a TIFF file');
  const big = version === 43;
  let at = big ? reader.number(start, 8, 8) : reader.number(start, 4, 4);
  const pages: TiffPage[] = [];
  const seen = new Set<number>();
  while (at !== 0) {
    if (seen.has(at) || seen.size >= MAX_PAGES) throw new Error('its directories never end');
    seen.add(at);
    const { entries, next } = reader.directory(at, big);
    const reduced = ((entries.get(TAGS.subfileType)?.[0] ?? 0) & 1) !== 0;
    if (!reduced) pages.push(pageOf(entries));
    at = next;
  }
  if (pages.length === 0) throw new Error('it holds no image');
  return { littleEndian: reader.littleEndian, pages };
}

/** Numbers of the file's byte order, and its directories. */
class Reader {
  readonly littleEndian: boolean;
  private readonly file: InputFile;

  constructor(file: InputFile, littleEndian: boolean) {
    this.file = file;
    this.littleEndian = littleEndian;
  }

  number(bytes: Buffer, at: number, size: number): number {
    if (size === 8) return Number(this.littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    return this.littleEndian ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  }

  directory(at: number, big: boolean): { entries: Entries; next: number } {
    const [countSize, entrySize, offsetSize] = big ? [8, 20, 8] : [2, 12, 4];
    const count = this.number(this.bytes(at, countSize), 0, countSize);
    if (count > MAX_ENTRIES) throw new Error(`a directory of ${count} entries`);
    const table = this.bytes(at + countSize, count * entrySize + offsetSize);
    const entries = new Map<number, readonly number[]>();
    for (let e = 0; e < count * entrySize; e += entrySize) {
      const tag = this.number(table, e, 2);
      const size = SIZES[this.number(table, e + 2, 2)];
      if (size === undefined || !WANTED.has(tag)) continue;
      const n = this.number(table, e + 4, offsetSize);
      if (n > MAX_VALUES) throw new Error(`${n} values of tag ${tag}`);
      const inside = n * size <= offsetSize;
      const valueAt = e + 4 + offsetSize;
      const values = inside
        ? table.subarray(valueAt, valueAt + n * size)
        : this.bytes(this.number(table, valueAt, offsetSize), n * size);
      entries.set(
        tag,
        Array.from({ length: n }, (_, i) => this.number(values, i * size, size)),
      );
    }
    return { entries, next: this.number(table, count * entrySize, offsetSize) };
  }

  private bytes(at: number, length: number): Buffer {
    const bytes = this.file.read(at, length);
    if (bytes.length < length) throw new Error('truncated: a directory lies beyond its end');
    return bytes;
  }
}

function pageOf(entries: Entries): TiffPage {
  const one = (tag: number, otherwise: number): number => entries.get(tag)?.[0] ?? otherwise;
  const [width, height] = [one(TAGS.width, 0), one(TAGS.height, 0)];
  const samples = one(TAGS.samples, 1);
  if (samples !== 1 && samples !== 3)
    throw new Error(`pixels of ${samples} samples: only grey (1) and red, green, blue (3) are frames`);
  const tiled = entries.has(TAGS.tileOffsets);
  const planar = samples > 1 && one(TAGS.planar, 1) === 2;
  const partWidth = tiled ? one(TAGS.tileWidth, 0) : width;
  const partHeight = tiled ? one(TAGS.tileHeight, 0) : Math.min(height, one(TAGS.rowsPerStrip, height));
  const offsets = entries.get(tiled ? TAGS.tileOffsets : TAGS.offsets) ?? [];
  const sizes = entries.get(TAGS.tileSizes) ?? entries.get(TAGS.sizes) ?? [];
  const across = Math.ceil(width / partWidth);
  const parts = across * Math.ceil(height / partHeight) * (planar ? samples : 1);
  if (!(parts > 0 && parts <= MAX_VALUES)) throw new Error(`a page of ${width}x${height} pixels`);
  if (offsets.length < parts || sizes.length < parts)
    throw new Error(
      `${plural(parts, tiled ? 'tile' : 'strip')} expected, ${Math.min(offsets.length, sizes.length)} listed`,
    );
  return {
    width,
    height,
    dataType: dataTypeOf(entries),
    samples,
    planar,
    compression: one(TAGS.compression, 1),
    predictor: one(TAGS.predictor, 1),
    partWidth,
    partHeight,
    tiled,
    offsets,
    sizes,
  };
}

function dataTypeOf(entries: Entries): DataType {
  const bits = new Set(entries.get(TAGS.bits) ?? [1]);
  const formats = new Set(entries.get(TAGS.format) ?? [1]);
  const kind = ['', 'uint', 'int', 'float', 'uint'][[...formats][0] ?? 1];
  const name = `${kind}${[...bits][0]}`;
  if (bits.size === 1 && formats.size === 1 && Object.hasOwn(DATA_TYPES, name))
    return DATA_TYPES[name as DataTypeName];
  throw new Error(
    `samples of ${[...bits].join(', ')} bits, format ${[...formats].join(', ')}: frames are of ${Object.keys(DATA_TYPES).join(', ')}`,
  );
}
