/**
 * One HDF5 file of images, in NeXus layout, while it is written:
 *
 *   /entry                            NXentry
 *   /entry/data                       NXdata: signal = the images, first axis = uniqueId
 *   /entry/data/<dataset>             (n, ny, nx) or (n, ny, nx, 3), a chunk an image; also linked as /<dataset>
 *   /entry/data/uniqueId              of each image
 *   /entry/data/timeStamp, dataTimeStamp   ns since 1970
 *   /entry/instrument/NDAttributes/*  attributes of each image (the group's name is areaDetector's, and the attribute
 *                                     NDAttrName of each, the NDArray attribute's own name)
 *
 * The file is called NAME.partial until it is complete. It is written in HDF5's single-writer-multiple-reader mode
 * (SWMR), in which the library orders its writes so that the file on disk is whole at any moment: others can read it
 * meanwhile, and after a crash. `uniqueId` grows last: as many images as it has entries are there with all that
 * belongs to them.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { fileProblem } from './file-problem.ts';
import {
  type AttributeColumn,
  COLUMN_TYPES,
  type ColumnKind,
  type ColumnValue,
  columnBytes,
} from './hdf5-columns.ts';
import type { H5File, Hdf5Library } from './hdf5-library.ts';

/** What is fixed for a file. */
export interface Hdf5Layout {
  /** Name of the images' dataset. */
  readonly datasetName: string;
  /** Element type of the images in h5wasm's words: `<H` for uint16. */
  readonly dtype: string;
  /** Of one image: `[ny, nx]` or `[ny, nx, 3]`. */
  readonly shape: readonly number[];
  /** 0: not compressed; 1 to 9: gzip. */
  readonly gzip: number;
  readonly attributes: ReadonlyMap<string, AttributeColumn>;
}

/** What belongs to an image. Times in ns since 1970. */
export interface Hdf5Row {
  readonly uniqueId: number;
  readonly timeStamp: bigint;
  readonly dataTimeStamp: bigint;
  readonly attributes: ReadonlyMap<string, ColumnValue>;
}

interface Column {
  readonly path: string;
  readonly kind: ColumnKind;
  /** Attributes of its dataset. */
  readonly about?: Readonly<Record<string, string>>;
  read(row: Hdf5Row): ColumnValue;
}

const DATA = '/entry/data';
const ATTRIBUTES = '/entry/instrument/NDAttributes';
const TIME = { units: 'ns', start: '1970-01-01T00:00:00Z' };

/** There is a file of the name, or one is being written, perhaps since a moment ago and by another process. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
  /** The file that is there: NAME or NAME.partial. */
  readonly path: string;

  constructor(path: string) {
    super(`${path} is there already`);
    this.path = path;
  }
}

export class Hdf5ImageFile {
  /** The name the file will have. */
  readonly path: string;
  readonly layout: Hdf5Layout;
  private readonly library: Hdf5Library;
  private readonly file: H5File;
  /** `uniqueId` is the last one. */
  private readonly columns: readonly Column[];
  /** Rows that are not in the file yet: as many as there are images since the last flush. */
  private rows: Hdf5Row[] = [];
  private flushed = 0;

  /** @throws NameTaken, or Error in one line; nothing is left of the file then */
  constructor(library: Hdf5Library, path: string, layout: Hdf5Layout) {
    this.library = library;
    this.path = path;
    this.layout = layout;
    this.takeName();
    this.columns = [
      ...Array.from(layout.attributes, ([name, { attribute, kind }]) => ({
        path: `${ATTRIBUTES}/${name}`,
        kind,
        // As areaDetector's NDFileHDF5 names it.
        about: { NDAttrName: attribute },
        read: (row: Hdf5Row) => row.attributes.get(name),
      })),
      { path: `${DATA}/timeStamp`, kind: 'int64', about: TIME, read: (row) => row.timeStamp },
      { path: `${DATA}/dataTimeStamp`, kind: 'int64', about: TIME, read: (row) => row.dataTimeStamp },
      { path: `${DATA}/uniqueId`, kind: 'int64', read: (row) => BigInt(row.uniqueId) },
    ];
    let file: H5File | undefined;
    try {
      file = library.create(this.partial);
      this.file = file;
      library.do(`cannot write ${this.partial}`, () => this.build());
      library.do(`cannot write ${this.partial}`, () => this.file.start_swmr_write());
    } catch (error) {
      file?.close();
      rmSync(this.partial, { force: true });
      throw error;
    }
  }

  /** Of all who write such files one at a time has NAME.partial, and only that one may make NAME. */
  private takeName(): void {
    const { partial, path } = this;
    if (existsSync(path)) throw new NameTaken(path);
    // Made by Node, which says clearly why it cannot be made.
    try {
      closeSync(openSync(partial, 'wx'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new NameTaken(partial);
      throw fileProblem(`cannot write ${partial}`, error);
    }
    // Somebody may have finished NAME since the first look.
    if (!existsSync(path)) return;
    rmSync(partial, { force: true });
    throw new NameTaken(path);
  }

  /** The name the file has until it is complete. */
  get partial(): string {
    return `${this.path}.partial`;
  }

  /** Images in the file. */
  get nFrames(): number {
    return this.flushed + this.rows.length;
  }

  /** Images that are in the file whatever happens to this process. */
  get nFlushed(): number {
    return this.flushed;
  }

  private build(): void {
    const { datasetName, dtype, shape, gzip } = this.layout;
    const { file } = this;
    setText(file, { NX_class: 'NXroot', default: 'entry', creator: 'epics-hpc' });
    const entry = file.create_group('entry');
    setText(entry, { NX_class: 'NXentry', default: 'data' });
    const data = entry.create_group('data');
    setText(data, { NX_class: 'NXdata', signal: datasetName });
    const axes = ['uniqueId', ...shape.map(() => '.')];
    data.create_attribute('axes', axes, [axes.length], 'A9');
    data.create_attribute('uniqueId_indices', 0, [], '<i');
    const images = data.create_dataset({
      name: datasetName,
      data: [],
      shape: [0, ...shape],
      maxshape: [null, ...shape],
      chunks: [1, ...shape],
      dtype,
      ...(gzip > 0 && { compression: 'gzip' as const, compression_opts: gzip }),
    });
    setText(images, { interpretation: shape.length === 3 ? 'rgba-image' : 'image' });
    file.create_soft_link(`${DATA}/${datasetName}`, datasetName);
    const instrument = entry.create_group('instrument');
    setText(instrument, { NX_class: 'NXinstrument' });
    setText(instrument.create_group('NDAttributes'), { NX_class: 'NXcollection' });
    for (const { path, kind, about = {} } of this.columns) {
      const { dtype: type, rows } = COLUMN_TYPES[kind];
      const spec = {
        name: path.slice(1),
        data: [],
        dtype: type,
        shape: [0],
        maxshape: [null],
        chunks: [rows],
      };
      setText(file.create_dataset(spec), about);
    }
  }

  /** Writes an image. @throws Error in one line; the image does not count then, and `finish` should be tried */
  append(pixels: Uint8Array, row: Hdf5Row): void {
    const { datasetName, shape } = this.layout;
    this.write(`${DATA}/${datasetName}`, this.nFrames, 1, shape, pixels);
    this.rows.push(row);
  }

  /** Writes all that belongs to the images so far. @throws Error in one line */
  flush(): void {
    const { rows } = this;
    if (rows.length === 0) return;
    // The library orders what it writes of one dataset, not of several: of a process that is killed in a flush the ids
    // could be on the disk before their images.
    for (const columns of [this.columns.slice(0, -1), this.columns.slice(-1)]) {
      for (const { path, kind, read } of columns)
        this.write(path, this.flushed, rows.length, [], columnBytes(kind, rows.map(read)));
      this.library.do(`cannot write ${this.partial}`, () => this.library.module.flush(this.file.file_id));
    }
    this.flushed += rows.length;
    this.rows = [];
  }

  /**
   * Ends the file and gives it its name; its size in bytes. An image that failed to be written is cut off.
   * @throws Error in one line: the file keeps its name with .partial, and what was flushed
   */
  finish(): number {
    const { datasetName, shape } = this.layout;
    const { module } = this.library;
    const doing = `cannot finish ${this.partial}`;
    try {
      const size = [this.nFrames, ...shape].map(BigInt);
      this.library.do(doing, () => module.resize_dataset(this.file.file_id, `${DATA}/${datasetName}`, size));
      this.flush();
    } catch (error) {
      // The library must not keep the file.
      this.file.close();
      throw error;
    }
    this.library.do(doing, () => this.file.close());
    try {
      // Put there by hand meanwhile: no file is overwritten.
      if (existsSync(this.path)) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
      renameSync(this.partial, this.path);
      return statSync(this.path).size;
    } catch (error) {
      throw fileProblem(`cannot rename ${this.partial} to ${this.path}`, error);
    }
  }

  /** Ends the file and removes it, for one without images. */
  discard(): void {
    this.file.close();
    rmSync(this.partial, { force: true });
  }

  /** Writes rows behind those that a dataset has. */
  private write(path: string, at: number, count: number, shape: readonly number[], bytes: Uint8Array): void {
    const { library, file } = this;
    const { module } = library;
    const rest = shape.map(BigInt);
    const doing = `cannot write ${this.partial}`;
    library.do(doing, () => module.resize_dataset(file.file_id, path, [BigInt(at + count), ...rest]));
    const offset = [BigInt(at), ...rest.map(() => 0n)];
    const strides = offset.map(() => 1n);
    library.do(doing, () =>
      library.withBytes(bytes, (pointer) =>
        module.set_dataset_data(file.file_id, path, [BigInt(count), ...rest], offset, strides, pointer),
      ),
    );
  }
}

interface HasAttributes {
  create_attribute(name: string, data: string, shape: number[], dtype: string): void;
}

/** Attributes that are text, of fixed length: those of variable length cannot be in a file that is read meanwhile. */
function setText(to: HasAttributes, attributes: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(attributes))
    to.create_attribute(name, text, [], `A${Buffer.byteLength(text) + 1}`);
}
