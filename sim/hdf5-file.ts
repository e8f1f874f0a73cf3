/**
 * A dataset of an HDF5 file as frames. h5wasm opens the file and reads what HDF5 itself can decompress; chunks of the
 * filters that detectors use (lz4, bslz4, blosc), which it cannot, are found by `hdf5-chunks.ts` and streamed as they are
 * stored, or, but for blosc, decompressed by the library's codecs. Only loaded for HDF5 files.
 */
import { type ImageCodec, loadCodec } from 'epics-pva-ts';
import type { Dataset, File as H5File, Metadata } from 'h5wasm/node';
import { DATA_TYPES, type DataType, type DataTypeName, LITTLE_ENDIAN, type TypedArray } from './data-type.ts';
import { type FrameFile, framesOfShape } from './frame-file.ts';
import { type FrameShape, frameBytes } from './frame-source.ts';
import { ChunkIndex } from './hdf5-chunks.ts';
import { bad, InputFile, swapBytes } from './input-file.ts';
import { SimError } from './sim-error.ts';

/** Filters whose chunks can be streamed, with areaDetector's names of the codecs (PvaPy, adSimServer.py). */
const STREAMED: Readonly<Record<number, string>> = { 32001: 'blosc', 32004: 'lz4', 32008: 'bslz4' };
/** Filters that are in h5wasm. */
const BUILT_IN = new Set([1, 2, 3, 4, 5, 6]);
/** What `cd_values[4]` of the bitshuffle filter says for LZ4. */
const BITSHUFFLE_LZ4 = 2;
/** No size: H5S_UNLIMITED, 2^64 - 1, as a double. */
const UNLIMITED = 2 ** 63;
/** Datasets that an error names. */
const MAX_NAMED = 5;

const { INTEGER, FLOAT } = { INTEGER: 0, FLOAT: 1 };

type H5Wasm = typeof import('h5wasm/node');

/** An open file and the dataset in it. */
interface Opened {
  readonly file: H5File;
  readonly dataset: Dataset;
}

/** (frames, ny, nx), (ny, nx) or, in RGB1, (frames, ny, nx, 3); integers and floats of either byte order. */
export class Hdf5File implements FrameFile {
  readonly path: string;
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  readonly codec: string | undefined;
  private readonly datasetPath: string;
  /** Chunks that are read without h5wasm, and how; no codec for those that can only be streamed as they are stored. */
  private readonly stored:
    | { readonly chunks: ChunkIndex; readonly codec: ImageCodec | undefined; readonly swapped: boolean }
    | undefined;
  private readonly h5wasm: H5Wasm;
  private opened: Opened | undefined;

  /**
   * @param datasetPath of the dataset, such as `/entry/data/data`
   * @param asStored stream compressed chunks as they are: `codec` is set then
   * @throws SimError BAD_INPUT: missing, not HDF5, damaged; no such dataset, or none of frames; with `asStored` a dataset
   *   that is not compressed by one of the filters, or not with one chunk per frame. BAD_OPTION without a path
   */
  static async open(path: string, datasetPath: string | undefined, asStored: boolean): Promise<Hdf5File> {
    if (!datasetPath)
      throw new SimError('BAD_OPTION', `${path}: name the dataset to stream with --hdf-dataset`);
    const h5wasm = await import('h5wasm/node');
    const module = await h5wasm.ready;
    // Without it a read that fails gives whatever was in memory.
    module.activate_throwing_error_handler();
    // For the plain reasons: missing, no permission, a directory.
    new InputFile(path).close();
    const opened = open(h5wasm, path, datasetPath);
    try {
      return new Hdf5File(h5wasm, path, datasetPath, opened, asStored, {
        lz4: await loadCodec('lz4'),
        bslz4: await loadCodec('bslz4'),
      });
    } finally {
      opened.file.close();
    }
  }

  private constructor(
    h5wasm: H5Wasm,
    path: string,
    datasetPath: string,
    { dataset }: Opened,
    asStored: boolean,
    codecs: Readonly<Record<string, ImageCodec>>,
  ) {
    const { metadata } = dataset;
    const where = `${path} ${datasetPath}`;
    this.h5wasm = h5wasm;
    this.path = path;
    this.datasetPath = datasetPath;
    this.dataType = dataTypeOf(where, metadata);
    const { nFrames, shape } = framesOfShape(where, metadata.shape ?? []);
    this.nFrames = nFrames;
    this.shape = shape;
    const filters = dataset.filters;
    const streamed = filters.map(({ id }) => STREAMED[id]).find((name) => name !== undefined);
    if (asStored && streamed === undefined)
      throw bad(
        where,
        `not compressed by blosc, lz4 or bslz4 (filters: ${namesOf(filters)}): leave out --hdf-compression-mode`,
      );
    const foreign = filters.filter(({ id }) => !BUILT_IN.has(id) && STREAMED[id] === undefined);
    if (foreign.length > 0)
      throw bad(where, `compressed by a filter that is not known here: ${namesOf(foreign)}`);
    if (streamed === undefined) return;
    if (filters.length > 1)
      throw bad(where, `several filters (${namesOf(filters)}): only one of blosc, lz4 and bslz4 can be read`);
    if (streamed === 'bslz4' && filters[0]!.cd_values[4] !== BITSHUFFLE_LZ4)
      throw bad(where, 'bitshuffle without LZ4: only LZ4 can be read');
    const chunks = metadata.chunks ?? [];
    const expected = metadata.shape!.length === 2 ? metadata.shape! : [1, ...metadata.shape!.slice(1)];
    if (chunks.join() !== expected.join())
      throw bad(
        where,
        `chunks of (${chunks.join(', ')}): only one chunk per frame, (${expected.join(', ')}), can be read`,
      );
    const codec = codecs[streamed];
    if (!asStored && !codec)
      throw bad(where, `compressed by ${streamed}: stream it as it is stored, with --hdf-compression-mode`);
    const swapped = metadata.littleEndian !== LITTLE_ENDIAN && metadata.size > 1;
    if (asStored && !metadata.littleEndian && metadata.size > 1)
      throw bad(where, 'big-endian: compressed frames are little-endian, leave out --hdf-compression-mode');
    this.stored = { codec, swapped, chunks: this.chunkIndex(dataset) };
    if (asStored) this.codec = streamed;
  }

  read(i: number): TypedArray {
    return this.stored ? this.readStored(i, this.stored) : this.readDataset(i);
  }

  close(): void {
    this.opened?.file.close();
    this.opened = undefined;
    this.stored?.chunks.close();
  }

  private chunkIndex(dataset: Dataset): ChunkIndex {
    try {
      // An object reference is the address of the object's header.
      const header = Buffer.from(dataset.create_reference().ref_data).readBigUInt64LE(0);
      const { chunks, maxshape } = dataset.metadata;
      return new ChunkIndex(this.path, header, chunksOfFrame(maxshape!, chunks!));
    } catch (error) {
      const reason = `its chunks cannot be found (${reasonOf(error)})`;
      throw bad(this.path, `${reason}: rewrite the file with h5repack, or leave its maximum size alone`);
    }
  }

  private readStored(i: number, { chunks, codec, swapped }: NonNullable<Hdf5File['stored']>): TypedArray {
    const where = `${this.path} ${this.datasetPath}`;
    try {
      const found = chunks.find(i);
      if (!found) throw new Error('it was never written');
      const bytes = chunks.read(found);
      const size = frameBytes(this);
      const isPixels = (found.filterMask & 1) !== 0;
      if (isPixels && bytes.length !== size) throw new Error(`${bytes.length} bytes instead of ${size}`);
      const { arrayConstructor, bytesPerElement } = this.dataType;
      if (this.codec !== undefined) {
        if (!isPixels) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
        if (!codec?.encode) throw new Error(`it is stored without ${this.codec}`);
        return codec.encode(bytes, bytesPerElement);
      }
      const image = { bytes, size, elementSize: bytesPerElement, dimensions: [], colorMode: undefined };
      const pixels = isPixels
        ? bytes
        : (codec!.decode({ ...image, kind: 'ubyte' }) as Uint8Array<ArrayBuffer>);
      if (swapped) swapBytes(Buffer.from(pixels.buffer, pixels.byteOffset, pixels.length), bytesPerElement);
      return new arrayConstructor(pixels.buffer, pixels.byteOffset, this.shape.nElements);
    } catch (error) {
      if (error instanceof SimError) throw error;
      throw bad(where, `frame ${i} cannot be read: ${reasonOf(error)}`);
    }
  }

  private readDataset(i: number): TypedArray {
    this.opened ??= open(this.h5wasm, this.path, this.datasetPath);
    const { dataset } = this.opened;
    try {
      const ranges = dataset.shape!.length === 2 ? [] : [[i, i + 1]];
      const data = dataset.slice(ranges as [number, number][]) as TypedArray;
      if (data.length !== this.shape.nElements) throw new Error(`${data.length} elements`);
      return data;
    } catch (error) {
      throw bad(`${this.path} ${this.datasetPath}`, `frame ${i} cannot be read: ${reasonOf(error)}`);
    }
  }
}

/**
 * Chunks that HDF5 has numbers for in a frame, if there is one chunk a frame now: by the sizes it may grow to, but for
 * the dimension without a limit. That one HDF5 moves to the front, before the frames (H5Dearray.c of HDF5,
 * H5D__earray_idx_get_addr), so that it counts for none; with two of them the index is a tree, which has no numbers.
 */
function chunksOfFrame(maxshape: readonly number[], chunks: readonly number[]): number {
  const first = maxshape.length === 2 ? 0 : 1;
  return maxshape.reduce(
    (n, size, d) => (d < first || size >= UNLIMITED ? n : n * Math.ceil(size / chunks[d]!)),
    1,
  );
}

function open({ File, Dataset }: H5Wasm, path: string, datasetPath: string): Opened {
  let file: H5File;
  try {
    file = new File(path, 'r');
  } catch (error) {
    throw bad(path, `not an HDF5 file that can be read: ${reasonOf(error)}`);
  }
  try {
    const dataset = file.get(datasetPath);
    if (dataset instanceof Dataset) return { file, dataset };
    throw bad(path, `${whatItIs(dataset, datasetPath)}${datasetsOf(file, Dataset)}`);
  } catch (error) {
    file.close();
    throw error instanceof SimError ? error : bad(path, `${datasetPath}: ${reasonOf(error)}`);
  }
}

function whatItIs(entity: ReturnType<H5File['get']>, datasetPath: string): string {
  const kind = (entity as { type?: string } | null)?.type;
  if (kind === undefined) return `it has no dataset ${datasetPath}`;
  const filename = (entity as { filename?: string }).filename;
  if (kind === 'ExternalLink') return `${datasetPath} is a link into ${filename}: stream that file`;
  if (kind === 'BrokenSoftLink') return `${datasetPath} is a link to nothing`;
  return `${datasetPath} is a ${kind.toLowerCase()}, not a dataset`;
}

/** The datasets that may hold frames. */
function datasetsOf(file: H5File, Dataset: H5Wasm['Dataset']): string {
  const names = file.paths().flatMap((path) => {
    const entity = file.get(path);
    return entity instanceof Dataset && (entity.shape?.length ?? 0) >= 2 ? [`/${path}`] : [];
  });
  if (names.length === 0) return '';
  const more = names.length > MAX_NAMED ? ', ...' : '';
  return `; there are: ${names.slice(0, MAX_NAMED).join(', ')}${more}`;
}

function dataTypeOf(where: string, { type, signed, size }: Metadata): DataType {
  const name = type === FLOAT ? `float${8 * size}` : `${signed ? '' : 'u'}int${8 * size}`;
  if ((type === INTEGER || type === FLOAT) && Object.hasOwn(DATA_TYPES, name))
    return DATA_TYPES[name as DataTypeName];
  const what = type === INTEGER || type === FLOAT ? `'${name}'` : 'no numbers';
  throw bad(where, `its elements are ${what}: frames are of ${Object.keys(DATA_TYPES).join(', ')}`);
}

function namesOf(filters: readonly { id: number; name: string }[]): string {
  return filters.map(({ id, name }) => `${id} ${name.split(/[;\n]/)[0]}`.trim()).join(', ') || 'none';
}

/** The innermost line of an error stack of HDF5, `#007: file line 1 in function(): reason`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const innermost = [...message.matchAll(/^ *#\d+: .* in \w+\(\): (.*)$/gm)].at(-1)?.[1];
  return innermost ?? message.split('\n')[0] ?? '';
}
