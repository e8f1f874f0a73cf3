/**
 * OutputFileProcessor: saves every image in a file of its own, and passes it on.
 *
 * Arguments (also by `configure`): `outputDirectory`, default `.`, made if it is not there; `outputFileNameFormat`,
 * default `{uniqueId:06}.{processorId}.tiff`, whose ending says the format: .tiff, .tif, .npy or .png; and
 * `maxWritesInFlight`, default 1: files that may be written at the same time. Files appear complete or not at all; one
 * of the same name is replaced, but with `{outputFileId}` in the name the next free number is taken.
 *
 *   hpc-consumer -ic pvapy:image -pc OutputFileProcessor -pa '{"outputDirectory": "/data"}'
 *
 * As PvaPy's AdOutputFileProcessor (pvapy-behaviour.md 7.2). With one write at a time a file that cannot be written is
 * an error of the processor (`processorStats.nErrors`), with more it is a loss reported later (`processorStats.nLost`).
 */
import { join } from 'node:path';
import type { NTNDArray } from 'epics-pva-ts';
import type { ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { type Arguments, numberArgument, objectOf } from './arguments.ts';
import { FileFigures } from './file-figures.ts';
import { type FileNameFormat, fileNameFormat } from './file-name-format.ts';
import { imageOf } from './frame-image.ts';
import { type ImageEncoder, imageFormat } from './image-formats.ts';
import { AdImageProcessor } from './image-processor.ts';
import { checkWritable, outputFolder, sweep, writeWhole } from './whole-file.ts';

/** Failures of writes in the background are logged this often at most, in ms. */
const LOG_INTERVAL = 1000;

export class OutputFileProcessor extends AdImageProcessor {
  private folder: string;
  private format: FileNameFormat;
  private maxWritesInFlight: number;
  private encode: ImageEncoder | undefined;
  private outputFileId = 0;
  /** Never more than `maxWritesInFlight`. */
  private readonly inFlight = new Set<Promise<void>>();
  private readonly figures = new FileFigures();
  private lastLog = Number.NEGATIVE_INFINITY;

  /** @throws Error for arguments that make no sense, or a folder that cannot be made */
  constructor(config: ProcessorConfig) {
    super(config);
    this.maxWritesInFlight = writesArgument(config, 1);
    this.format = formatArgument(config) ?? fileNameFormat('{uniqueId:06}.{processorId}.tiff');
    this.folder = outputFolder(config['outputDirectory'] ?? '.');
  }

  /** @throws Error when no file can be made in the folder: better now than with the first image */
  override async start(): Promise<void> {
    this.encode = await imageFormat(this.format.extension)();
    await checkWritable(this.folder);
    const removed = await sweep(this.folder);
    if (removed > 0)
      this.logger.info(`${removed} unfinished file(s) of an earlier run removed from ${this.folder}`);
  }

  /** Nothing changes when one of the arguments makes no sense. */
  override async configure(given: unknown): Promise<void> {
    const args = objectOf(given);
    const maxWritesInFlight = writesArgument(args, this.maxWritesInFlight);
    const format = formatArgument(args) ?? this.format;
    const encode = await imageFormat(format.extension)();
    if (args['outputDirectory'] !== undefined) {
      const folder = outputFolder(args['outputDirectory']);
      await checkWritable(folder);
      this.folder = folder;
    }
    Object.assign(this, { maxWritesInFlight, format, encode });
  }

  /**
   * Passes the image on, then saves it. Resolves when the file is there, or with several writes in flight when there is
   * room for the next one.
   * @throws Error when this image cannot be saved
   */
  override process(frame: NTNDArray): Promise<undefined> {
    this.updateOutputChannel(frame);
    const started = performance.now();
    const written = this.save(frame, started);
    if (this.maxWritesInFlight === 1 && this.inFlight.size === 0) return written;
    const inFlight = written
      .catch((error: Error) => this.failedLater(error))
      .then(() => void this.inFlight.delete(inFlight));
    this.inFlight.add(inFlight);
    return this.room();
  }

  private async room(): Promise<undefined> {
    while (this.inFlight.size >= this.maxWritesInFlight) await Promise.race(this.inFlight);
  }

  private async save(frame: NTNDArray, started: number): Promise<undefined> {
    const { figures } = this;
    try {
      // What is read of the frame is read before the first await, unless it is compressed: then it is copied.
      const { uniqueId } = frame;
      const decompressed = frame.codec.name === '' ? frame : await frame.decompress();
      const image = imageOf(decompressed);
      if (!image) {
        figures.nEmpty++;
        return;
      }
      // As configured now: it may be configured anew while this is written.
      const { encode, folder, format } = this;
      const parts = encode?.(image) ?? [];
      const nextPath = (): string => this.nextPath(uniqueId, folder, format);
      // Other processes may count, too: another consumer with such names, an earlier run, workers of this consumer.
      const counted = format.uses('outputFileId');
      const size = await writeWhole(nextPath(), parts, counted ? nextPath : undefined);
      figures.nFilesSaved++;
      figures.nBytesSaved += size;
    } catch (error) {
      figures.nErrors++;
      throw error;
    } finally {
      figures.addTime(started);
    }
  }

  private nextPath(uniqueId: number, folder: string, format: FileNameFormat): string {
    const { processorId } = this;
    const outputFileId = ++this.outputFileId;
    const ids = { frameId: uniqueId, uniqueId, objectId: uniqueId };
    return join(folder, format.name({ ...ids, processorId, outputFileId }));
  }

  private failedLater(error: Error): void {
    this.reportLoss();
    const now = performance.now();
    if (now - this.lastLog < LOG_INTERVAL) return;
    this.lastLog = now;
    this.logger.error(`image not saved (${this.figures.nErrors} so far): ${error.message}`);
  }

  /** Waits for the files that are being written. */
  override async stop(): Promise<void> {
    await Promise.all(this.inFlight);
  }

  override resetStats(): void {
    this.figures.reset();
  }

  override getStats(): Record<string, number | bigint> {
    return { ...this.figures.stats, nInFlight: this.inFlight.size };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return { ...FileFigures.types, nInFlight: 'uint' };
  }
}

/** The same by PvaPy's name, so that its command lines work. */
export class AdOutputFileProcessor extends OutputFileProcessor {}

function writesArgument(args: Arguments, present: number): number {
  return numberArgument(args, 'maxWritesInFlight', { default: present, least: 1, whole: true });
}

function formatArgument(args: Arguments): FileNameFormat | undefined {
  if (args['outputFileNameFormat'] === undefined) return undefined;
  const format = fileNameFormat(args['outputFileNameFormat']);
  imageFormat(format.extension);
  return format;
}
