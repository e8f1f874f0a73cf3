/**
 * The files of one Hdf5WriterProcessor, one after the other: when one ends and the next begins, and what becomes of
 * the images when one cannot be written.
 *
 * Ledger: images = nFramesSaved (in finished files, or flushed into one that could not be finished) + nFramesOpen
 * (in the open file) + nFramesLost (were in a file that then could not be written) + nErrors (refused at once).
 */
import { join } from 'node:path';
import type { NTNDArray, TimeStamp } from 'epics-pva-ts';
import type { UserDataProcessor } from '../src/processor/user-data-processor.ts';
import type { FileFigures } from './file-figures.ts';
import { MAX_TAKEN } from './file-name-format.ts';
import { bytesOf, type FrameImage } from './frame-image.ts';
import { AttributeColumns, type ColumnValue, MAX_ATTRIBUTES } from './hdf5-columns.ts';
import { Hdf5ImageFile, type Hdf5Row, NameTaken } from './hdf5-image-file.ts';
import type { Hdf5Library } from './hdf5-library.ts';
import type { Hdf5Settings } from './hdf5-settings.ts';

/** h5wasm's letters for element types, by the name of the typed array. */
const DTYPES: Readonly<Record<string, string>> = {
  Int8Array: '<b',
  Uint8Array: '<B',
  Int16Array: '<h',
  Uint16Array: '<H',
  Int32Array: '<i',
  Uint32Array: '<I',
  BigInt64Array: '<q',
  BigUint64Array: '<Q',
  Float32Array: '<f',
  Float64Array: '<d',
};

/**
 * Files that could not be finished; with each the HDF5 library keeps some 0.2 MB that it cannot write. After so many
 * nothing is written until the consumer is started anew.
 */
const MAX_BROKEN = 100;
/** After a failure nothing is tried for so long, in ms; twice as long after each one that follows. */
const RETRY_MS = { first: 1000, most: 30_000 };
/** Timers know no longer time, some 25 days, and go off at once instead. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Hdf5SeriesOptions {
  readonly library: Hdf5Library;
  readonly settings: Hdf5Settings;
  /** Number of the consumer, for file names. */
  readonly processorId: number;
  /** `nFilesSaved` and `nBytesSaved` are counted here. */
  readonly figures: FileFigures;
  readonly logger: UserDataProcessor['logger'];
  /** Images that `add` had taken are in no file. */
  readonly onLoss: (count: number) => void;
}

export class Hdf5Series {
  private readonly options: Hdf5SeriesOptions;
  private settings: Hdf5Settings;
  private file: Hdf5ImageFile | undefined;
  private outputFileId = 0;
  private readonly attributes = new AttributeColumns();
  private flushTimer: NodeJS.Timeout | undefined;
  private retry = { at: 0, delay: RETRY_MS.first, reason: '' };
  private nBroken = 0;
  private nFramesSaved = 0;
  private nFramesLost = 0;
  private lastFileProcessedTime = 0;

  constructor(options: Hdf5SeriesOptions) {
    this.options = options;
    this.settings = options.settings;
  }

  /** New settings; the open file ends unless only the number of images or the times of flushing change. */
  configure(settings: Hdf5Settings): void {
    const { folder, format, datasetName, gzip } = this.settings;
    this.settings = settings;
    this.retry.at = 0;
    const same =
      folder === settings.folder &&
      format === settings.format &&
      datasetName === settings.datasetName &&
      gzip === settings.gzip;
    if (!same) this.end();
  }

  /** Adds an image to the open file, or to a new one. @throws Error in one line when it is not in a file afterwards */
  add(frame: NTNDArray, image: FrameImage): void {
    const waits = this.retry.at - performance.now();
    if (waits > 0)
      throw new Error(`not written; next attempt in ${Math.ceil(waits / 1000)} s: ${this.retry.reason}`);
    if (this.nBroken >= MAX_BROKEN)
      throw new Error(
        `${MAX_BROKEN} files could not be finished: start the consumer anew when the disk is well`,
      );
    const row = this.rowOf(frame);
    if (this.file && !this.fits(this.file, image)) this.end();
    try {
      this.file ??= this.open(image, row.uniqueId);
      this.file.append(bytesOf(image), row);
    } catch (error) {
      this.failed(error as Error);
      this.end();
      throw error;
    }
    const { file, settings } = this;
    let problem: Error | undefined;
    if (file.nFrames >= settings.nImagesPerFile) problem = this.endWith(file, 1);
    else if (file.nFrames - file.nFlushed >= settings.flushImages) problem = this.flush(file, 1);
    else this.flushTimer ??= this.startTimer(settings.flushSeconds * 1000);
    if (problem) throw problem;
  }

  private rowOf(frame: NTNDArray): Hdf5Row & { attributes: ReadonlyMap<string, ColumnValue> } {
    const { nDropped } = this.attributes;
    const attributes = this.attributes.admit(frame.attributes);
    if (nDropped === 0 && this.attributes.nDropped > 0)
      this.options.logger.warning(
        `more than ${MAX_ATTRIBUTES} attributes: those that came last are not stored`,
      );
    return {
      uniqueId: frame.uniqueId,
      timeStamp: nanoseconds(frame.timeStamp),
      dataTimeStamp: nanoseconds(frame.dataTimeStamp),
      attributes,
    };
  }

  private layoutOf(image: FrameImage) {
    const { datasetName, gzip } = this.settings;
    const { width, height, channels, pixels } = image;
    return {
      datasetName,
      gzip,
      dtype: DTYPES[pixels[Symbol.toStringTag]] ?? '',
      shape: channels === 3 ? [height, width, 3] : [height, width],
      attributes: this.attributes.all,
    };
  }

  /** Is the image like those in the file, and is there a place for each of its attributes? */
  private fits({ layout }: Hdf5ImageFile, image: FrameImage): boolean {
    const { dtype, shape, attributes } = this.layoutOf(image);
    return dtype === layout.dtype && shape.join() === layout.shape.join() && attributes === layout.attributes;
  }

  /** A file of the next name that is free, also when others take names at the same time. @throws Error in one line */
  private open(image: FrameImage, uniqueId: number): Hdf5ImageFile {
    const { folder, format } = this.settings;
    const { library, processorId } = this.options;
    const layout = this.layoutOf(image);
    for (let n = 0; n < MAX_TAKEN; n++) {
      const outputFileId = ++this.outputFileId;
      const ids = { frameId: uniqueId, uniqueId, objectId: uniqueId, processorId, outputFileId };
      const path = join(folder, format.name(ids));
      try {
        return new Hdf5ImageFile(library, path, layout);
      } catch (error) {
        if (!(error instanceof NameTaken)) throw error;
        if (!format.uses('outputFileId')) throw isTaken(error, path);
      }
    }
    throw new Error(`${MAX_TAKEN} file names in ${folder} are taken: set outputDirectory to another folder`);
  }

  /** What went wrong, if images were lost by it; `thrown`: so many of them are the caller's to throw. */
  private flush(file: Hdf5ImageFile, thrown = 0): Error | undefined {
    this.clearTimer();
    try {
      file.flush();
      this.retry.delay = RETRY_MS.first;
      return undefined;
    } catch (error) {
      this.failed(error as Error);
      return this.endWith(file, thrown);
    }
  }

  private startTimer(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.flushLater(), Math.min(ms, LONGEST_TIMER_MS)).unref();
  }

  private flushLater(): void {
    this.flushTimer = undefined;
    if (this.file) this.flush(this.file);
  }

  /** Ends the open file, if there is one. Never throws: what is lost is counted and logged. */
  end(): void {
    if (this.file) this.endWith(this.file);
  }

  /** As `flush`. */
  private endWith(file: Hdf5ImageFile, thrown = 0): Error | undefined {
    const { figures } = this.options;
    this.clearTimer();
    this.file = undefined;
    if (file.nFrames === 0) {
      file.discard();
      return undefined;
    }
    try {
      const size = file.finish();
      this.nFramesSaved += file.nFrames;
      figures.nFilesSaved++;
      figures.nBytesSaved += size;
      this.lastFileProcessedTime = Date.now() / 1000;
      if (performance.now() >= this.retry.at) this.retry.delay = RETRY_MS.first;
    } catch (error) {
      this.broken(file, error as Error, thrown);
      return file.nFrames > file.nFlushed ? (error as Error) : undefined;
    }
    return undefined;
  }

  /** What was flushed stays on the disk. */
  private broken(file: Hdf5ImageFile, error: Error, thrown: number): void {
    const lost = file.nFrames - file.nFlushed;
    this.nBroken++;
    this.nFramesSaved += file.nFlushed;
    const lostBefore = Math.max(0, lost - thrown);
    this.nFramesLost += lostBefore;
    this.options.onLoss(lostBefore);
    this.failed(error);
    this.options.logger.error(
      `${lost} image(s) lost; ${file.partial} keeps the ${file.nFlushed} before them: ${error.message}`,
    );
  }

  private failed(error: Error): void {
    const now = performance.now();
    // One failure often shows twice: in the write, and again when the file is ended.
    if (now < this.retry.at) return;
    const { delay } = this.retry;
    this.retry = { at: now + delay, delay: Math.min(2 * delay, RETRY_MS.most), reason: error.message };
  }

  private clearTimer(): void {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
  }

  resetStats(): void {
    this.nFramesSaved = 0;
    this.nFramesLost = 0;
    this.lastFileProcessedTime = 0;
  }

  get stats(): Record<string, number | bigint> {
    return {
      lastFileProcessedTime: this.lastFileProcessedTime,
      nFramesSaved: BigInt(this.nFramesSaved),
      nFramesOpen: this.file?.nFrames ?? 0,
      nFramesLost: BigInt(this.nFramesLost),
    };
  }
}

/** What to do about a name without a number that is taken. */
function isTaken(taken: NameTaken, path: string): Error {
  // Only a crash leaves it, or it is being written; who it is nobody can tell.
  const what =
    taken.path === path
      ? 'move it'
      : 'if no other consumer is writing it, a crash left it: keep its images under another name (h5clear -s), or remove it';
  return new Error(
    `${taken.message} and is not overwritten: ${what}, or add {outputFileId} to outputFileNameFormat`,
  );
}

/** Since 1970. */
function nanoseconds({ secondsPastEpoch, nanoseconds }: TimeStamp): bigint {
  return secondsPastEpoch * 1_000_000_000n + BigInt(nanoseconds);
}
