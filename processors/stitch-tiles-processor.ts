/**
 * StitchTilesProcessor: makes the images again that SplitTilesProcessor, or PvaPy's splitAdImageProcessorExample.py, cut
 * into tiles, and publishes them. It runs in a collector, behind the consumers that worked on the tiles, or in a consumer.
 *
 * Arguments (also by `configure`): `nx`, `ny`, width and height of the whole image, required; `maxFrames`, images that
 * may be incomplete at the same time, default 10. An image is given up when a later one is complete, as in PvaPy, or when
 * `maxFrames` is exceeded, and all that are incomplete when the command ends; tiles that come later are discarded.
 *
 *   hpc-collector -ic 'consumer:*:output' -pid 1,2 -opi 4 -ccs 100 -oc collector:output -sqs 400 \
 *     -pc StitchTilesProcessor -pa '{"nx": 3840, "ny": 2160}'
 *
 * Figures: `nFramesStitched`; `nFramesMissed`, by the step of ids, as PvaPy; `nFramesDiscarded`, given up;
 * `nTilesReceived` = `nTilesProcessed` (of stitched images) + `nTilesDiscarded` + `nTilesHeld`; means per tile and per
 * image in s and their inverse, `tileProcessingTime`, `tileProcessingRate`, `frameStitchingTime`, `frameStitchingRate`.
 * Tiles of images that are given up, then or later, are losses of the collector (`processorStats.nLost`).
 *
 * PvaPy's stitchAdImageProcessorExample.py (pvapy-behaviour.md 7.5) works for 2 x 2 tiles of grey images.
 */
import { NTNDArray, type TypeDef } from 'epics-pva-ts';
import { MissedCounter } from '../src/processor/missed-counter.ts';
import type { ProcessorConfig, PvObject } from '../src/processor/user-data-processor.ts';
import { type Arguments, numberArgument, objectOf } from './arguments.ts';
import { AdImageProcessor } from './image-processor.ts';
import { readTile, StitchingFrame, type Tile } from './stitching-frame.ts';
import { imageTypeOf, tileTypeOf } from './tile-type.ts';

/** Images that are done with, by whose number tiles that come late are known. */
const REMEMBERED = 64;

const COUNTERS = [
  'nFramesStitched',
  'nFramesMissed',
  'nFramesDiscarded',
  'nTilesReceived',
  'nTilesProcessed',
  'nTilesDiscarded',
  'nTilesHeld',
] as const;
const TIMES = [
  'tileProcessingTime',
  'tileProcessingRate',
  'frameStitchingTime',
  'frameStitchingRate',
] as const;

export class StitchTilesProcessor extends AdImageProcessor {
  /** Each worker would have some tiles of an image, and none all of them. */
  static override readonly workers = false;

  private nx = 0;
  private ny = 0;
  private maxFrames = 10;
  /** Incomplete images, in the order in which they began. */
  private readonly frames = new Map<number, StitchingFrame>();
  /** Images stitched or given up lately. */
  private readonly done = new Map<number, StitchingFrame>();
  private readonly missed: MissedCounter;
  private nTilesHeld = 0;
  private nFramesStitched = 0;
  private nFramesDiscarded = 0;
  private nTilesReceived = 0;
  private nTilesProcessed = 0;
  private nTilesDiscarded = 0;
  /** In s. */
  private tileTime = 0;
  private stitchTime = 0;

  constructor(config: ProcessorConfig) {
    super(config);
    this.missed = new MissedCounter({ oidOffset: config.objectIdOffset ?? 1, nSequentialUpdates: 1 });
    this.setArguments(config);
  }

  override configure(args: unknown): void {
    this.setArguments(objectOf(args));
    this.giveUpBeyond(this.maxFrames);
  }

  private setArguments(args: Arguments): void {
    const read = (name: 'nx' | 'ny' | 'maxFrames'): number =>
      numberArgument(args, name, { default: this[name], least: 1, whole: true });
    const [nx, ny, maxFrames] = [read('nx'), read('ny'), read('maxFrames')];
    this.nx = nx;
    this.ny = ny;
    this.maxFrames = maxFrames;
  }

  /** A tile: an NTNDArray with the fields that say where it belongs. */
  override getInputPvObjectType(): TypeDef {
    return tileTypeOf(NTNDArray.create({ uniqueId: 0 }).value.type);
  }

  override getOutputPvObjectType(frame: PvObject): TypeDef {
    if (!(frame instanceof NTNDArray))
      throw new Error(`StitchTilesProcessor takes NTNDArrays, not ${frame.id}`);
    return imageTypeOf(frame.value.type);
  }

  /** @throws Error when the image is no tile, or the tiles do not make an image; CodecError */
  override process(frame: NTNDArray): NTNDArray | undefined | Promise<NTNDArray | undefined> {
    // A splitter that has not cut anything yet shows a tile without pixels.
    if (frame.dimensions.length === 0) return undefined;
    if (frame.codec.name === '') return this.take(frame);
    return frame.decompress().then((tile) => this.take(tile));
  }

  private take(frame: NTNDArray): NTNDArray | undefined {
    const begin = performance.now();
    this.nTilesReceived++;
    let complete: StitchingFrame | undefined;
    try {
      complete = this.keep(frame);
    } catch (error) {
      this.nTilesDiscarded++;
      throw error;
    } finally {
      this.tileTime += (performance.now() - begin) / 1000;
    }
    return complete && this.stitch(complete);
  }

  /** The image that is complete by this tile. @throws Error when it is no tile */
  private keep(frame: NTNDArray): StitchingFrame | undefined {
    const tile = readTile(frame, this.nx, this.ny);
    const image = this.imageFor(frame.uniqueId, tile);
    if (!image || image.has(tile)) {
      this.nTilesDiscarded++;
      return undefined;
    }
    image.add(tile, frame);
    this.nTilesHeld++;
    return image.isComplete(this.nx, this.ny) ? image : undefined;
  }

  /** The image this tile is for; undefined when it comes too late for it. */
  private imageFor(id: number, tile: Tile): StitchingFrame | undefined {
    const present = this.frames.get(id);
    // A source that was restarted uses its numbers again.
    if (present?.isSucceededBy(tile)) this.giveUp(present);
    else if (present) return present;
    const former = this.done.get(id);
    if (former && !former.isSucceededBy(tile)) {
      if (!former.has(tile)) this.reportLoss();
      return undefined;
    }
    this.done.delete(id);
    this.giveUpBeyond(this.maxFrames - 1);
    const image = new StitchingFrame(id);
    this.frames.set(id, image);
    return image;
  }

  private stitch(image: StitchingFrame): NTNDArray {
    const begin = performance.now();
    let whole: NTNDArray;
    try {
      whole = image.stitch(this.nx, this.ny);
    } catch (error) {
      // Its last tile is an error.
      this.giveUp(image, image.size - 1);
      throw error;
    }
    this.missed.update(image.id);
    this.nFramesStitched++;
    this.nTilesProcessed += image.size;
    for (const earlier of this.frames.values()) {
      if (earlier === image) break;
      this.giveUp(earlier);
    }
    this.finish(image);
    this.stitchTime += (performance.now() - begin) / 1000;
    this.updateOutputChannel(whole);
    return whole;
  }

  private giveUpBeyond(count: number): void {
    for (const earliest of this.frames.values()) {
      if (this.frames.size <= count) return;
      this.giveUp(earliest);
    }
  }

  /** @param lost tiles that came to nothing although `process` has returned for them */
  private giveUp(image: StitchingFrame, lost = image.size): void {
    this.nFramesDiscarded++;
    this.nTilesDiscarded += image.size;
    this.reportLoss(lost);
    this.logger?.debug(`image ${image.id} is given up: it has ${image.size} tile(s) only`);
    this.finish(image);
  }

  private finish(image: StitchingFrame): void {
    this.nTilesHeld -= image.size;
    this.frames.delete(image.id);
    image.forget();
    this.done.set(image.id, image);
    if (this.done.size > REMEMBERED) this.done.delete(this.done.keys().next().value as number);
  }

  override stop(): void {
    this.giveUpBeyond(0);
  }

  /** What is held stays, and counts as received. */
  override resetStats(): void {
    this.missed.reset();
    this.nFramesStitched = 0;
    this.nFramesDiscarded = 0;
    this.nTilesReceived = this.nTilesHeld;
    this.nTilesProcessed = 0;
    this.nTilesDiscarded = 0;
    this.tileTime = 0;
    this.stitchTime = 0;
  }

  override getStats(): Record<string, number> {
    const { nFramesStitched, nFramesDiscarded, nTilesReceived, nTilesProcessed, nTilesDiscarded } = this;
    const ratio = (a: number, b: number): number => (b > 0 ? a / b : 0);
    return {
      nFramesStitched,
      nFramesMissed: this.missed.nMissed,
      nFramesDiscarded,
      nTilesReceived,
      nTilesProcessed,
      nTilesDiscarded,
      nTilesHeld: this.nTilesHeld,
      tileProcessingTime: ratio(this.tileTime, nTilesReceived),
      tileProcessingRate: ratio(nTilesReceived, this.tileTime),
      frameStitchingTime: ratio(this.stitchTime, nFramesStitched),
      frameStitchingRate: ratio(nFramesStitched, this.stitchTime),
    };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return Object.fromEntries([
      ...COUNTERS.map((name) => [name, 'uint']),
      ...TIMES.map((name) => [name, 'double']),
    ]);
  }
}
