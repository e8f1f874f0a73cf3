/**
 * Hdf5WriterProcessor: saves images in HDF5 files, many in each, and passes them on.
 *
 * Arguments (also by `configure`): `outputDirectory`, default `.`, made if it is not there; `outputFileNameFormat`,
 * default `{outputFileId:06}.{processorId}.hdf`; `nImagesPerFile`, default 1000; `datasetName`, default `images`;
 * `compression`, `none` (default) or `gzip`; `compressionLevel`, 1 to 9, default 1; `flushImages`, default 100, and
 * `flushSeconds`, default 1: a crash costs the images of that many, or of that long, at most.
 *
 *   hpc-consumer -ic pvapy:image -pc Hdf5WriterProcessor -pa '{"outputDirectory": "/data", "nImagesPerFile": 500}'
 *
 * As PvaPy's Hdf5AdImageWriter (pvapy-behaviour.md 7.3), without its faults: files are as long as they have images,
 * also the one that is open at the end; an image of another size or type begins a new file; time stamps and attributes
 * are kept; and no file is overwritten. Layout: hdf5-image-file.ts. Files are written by this process while it does
 * nothing else: HDF5 has one thread.
 */
import type { NTNDArray } from 'epics-pva-ts';
import type { ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { objectOf } from './arguments.ts';
import { FileFigures } from './file-figures.ts';
import { imageOf } from './frame-image.ts';
import { Hdf5Library } from './hdf5-library.ts';
import { Hdf5Series } from './hdf5-series.ts';
import { type Hdf5Settings, hdf5Settings } from './hdf5-settings.ts';
import { AdImageProcessor } from './image-processor.ts';
import { checkWritable } from './whole-file.ts';

export class Hdf5WriterProcessor extends AdImageProcessor {
  private settings: Hdf5Settings;
  private series: Hdf5Series | undefined;
  private readonly figures = new FileFigures();
  /** In s since 1970. */
  private lastFrameProcessedTime = 0;

  /** @throws Error for arguments that make no sense, or a folder that cannot be made */
  constructor(config: ProcessorConfig) {
    super(config);
    this.settings = hdf5Settings(config);
  }

  /** @throws Error when no file can be made in the folder: better now than with the first image */
  override async start(): Promise<void> {
    await checkWritable(this.settings.folder);
    const { figures, processorId, settings, logger } = this;
    const library = await Hdf5Library.load();
    const onLoss = (count: number): void => this.reportLoss(count);
    this.series = new Hdf5Series({ library, figures, processorId, settings, logger, onLoss });
  }

  /** Ends the open file if the next images are to go elsewhere. Nothing changes when an argument makes no sense. */
  override async configure(given: unknown): Promise<void> {
    const settings = hdf5Settings(objectOf(given), this.settings);
    await checkWritable(settings.folder);
    this.settings = settings;
    this.series?.configure(settings);
  }

  /** Passes the image on, then writes it. @throws Error when it cannot be written */
  override process(frame: NTNDArray): undefined | Promise<undefined> {
    this.updateOutputChannel(frame);
    if (frame.codec.name === '') return this.save(frame, performance.now());
    return this.saveCompressed(frame, performance.now());
  }

  private async saveCompressed(frame: NTNDArray, started: number): Promise<undefined> {
    let plain: NTNDArray;
    try {
      plain = await frame.decompress();
    } catch (error) {
      this.figures.nErrors++;
      throw error;
    }
    this.save(plain, started);
  }

  private save(frame: NTNDArray, started: number): undefined {
    const { figures } = this;
    try {
      const image = imageOf(frame);
      if (image) this.series?.add(frame, image);
      else figures.nEmpty++;
    } catch (error) {
      figures.nErrors++;
      throw error;
    } finally {
      figures.addTime(started);
      this.lastFrameProcessedTime = Date.now() / 1000;
    }
  }

  /** Ends the open file. */
  override stop(): void {
    this.series?.end();
  }

  override resetStats(): void {
    this.figures.reset();
    this.series?.resetStats();
    this.lastFrameProcessedTime = 0;
  }

  override getStats(): Record<string, number | bigint> {
    const { lastFrameProcessedTime } = this;
    const none = { lastFileProcessedTime: 0, nFramesSaved: 0, nFramesOpen: 0, nFramesLost: 0 };
    return { ...this.figures.stats, lastFrameProcessedTime, ...(this.series?.stats ?? none) };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return {
      ...FileFigures.types,
      lastFileProcessedTime: 'double',
      lastFrameProcessedTime: 'double',
      nFramesSaved: 'ulong',
      nFramesOpen: 'uint',
      nFramesLost: 'ulong',
    };
  }
}

/** The same by PvaPy's name, so that its command lines work. */
export class Hdf5AdImageWriter extends Hdf5WriterProcessor {}
