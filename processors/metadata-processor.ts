/**
 * MetadataProcessor: adds to every image, as attributes, the values its metadata channels had when it was taken, and
 * publishes it.
 *
 * Arguments (also by `configure`): `timestampTolerance`, in s, default 0.001: a value belongs to an image when their
 * time stamps differ by no more; `metadataTimestampOffset`, in s, default 0, is added to the metadata's. Each value is
 * used for one image. Older ones are discarded, newer ones wait for later images. An image that lacks a value is
 * published with what there is, and counted; metadata must be there before the image, so give the consumer a receiver
 * queue and let it accumulate.
 *
 *   hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -mc pva://motor:x,pva://motor:y -rqs 100 -ao 10 \
 *     -pc MetadataProcessor -pa '{"timestampTolerance": 0.01}'
 *
 * The algorithm is that of PvaPy's hpcAdMetadataProcessorExample.py (pvapy-behaviour.md 7.5), with time differences
 * taken in ns, and values kept as they are (PvaPy makes 32-bit floats of them). `nMissing_<n>` tells which of the
 * channels it was.
 */
import type { NTNDArray, Value } from 'epics-pva-ts';
import {
  type MetadataQueue,
  type ProcessorConfig,
  UserDataProcessor,
} from '../src/processor/user-data-processor.ts';
import { type Arguments, numberArgument, objectOf } from './arguments.ts';

const NS = 1e9;

interface Source {
  readonly name: string;
  readonly queue: MetadataQueue;
  held: Value | undefined;
  nMissing: number;
}

export class MetadataProcessor extends UserDataProcessor {
  /** In ns. */
  private tolerance = 0.001 * NS;
  private offset = 0;
  private sources: Source[] = [];
  private nFramesProcessed = 0;
  private nFrameErrors = 0;
  private nMetadataProcessed = 0;
  private nMetadataDiscarded = 0;

  constructor(config: ProcessorConfig) {
    super(config);
    this.setTimes(config);
  }

  override configure(args: unknown): void {
    this.setTimes(objectOf(args));
  }

  private setTimes(args: Arguments): void {
    const seconds = (name: string, present: number, least: number): number =>
      numberArgument(args, name, { default: present / NS, least }) * NS;
    this.tolerance = seconds('timestampTolerance', this.tolerance, 0);
    this.offset = seconds('metadataTimestampOffset', this.offset, Number.NEGATIVE_INFINITY);
  }

  override start(): void {
    this.sources = [...this.metadataQueueMap].map(([name, queue]) => ({
      name,
      queue,
      held: undefined,
      nMissing: 0,
    }));
  }

  override process(frame: NTNDArray): NTNDArray | undefined {
    // A detector that has not started yet shows an image without pixels.
    if (frame.dimensions.length === 0) return undefined;
    const time = nanoseconds(frame.structure);
    let complete = true;
    for (const source of this.sources) {
      if (this.associate(source, time, frame)) continue;
      source.nMissing++;
      complete = false;
    }
    if (complete) this.nFramesProcessed++;
    else this.nFrameErrors++;
    this.updateOutputChannel(frame);
    return frame;
  }

  private associate(source: Source, time: bigint, frame: NTNDArray): boolean {
    for (;;) {
      source.held ??= source.queue.get();
      const { held } = source;
      if (!held) return false;
      const distance = Number(time - nanoseconds(held)) - this.offset;
      if (distance < -this.tolerance) return false;
      source.held = undefined;
      if (distance <= this.tolerance) {
        frame.setAttribute(source.name, held.get('value'));
        this.nMetadataProcessed++;
        return true;
      }
      this.nMetadataDiscarded++;
    }
  }

  override resetStats(): void {
    this.nFramesProcessed = 0;
    this.nFrameErrors = 0;
    this.nMetadataProcessed = 0;
    this.nMetadataDiscarded = 0;
    for (const source of this.sources) source.nMissing = 0;
  }

  override getStats(): Record<string, number> {
    const { nFramesProcessed, nFrameErrors, nMetadataProcessed, nMetadataDiscarded } = this;
    return {
      nFramesProcessed,
      nFrameErrors,
      nMetadataProcessed,
      nMetadataDiscarded,
      ...Object.fromEntries(this.sources.map(({ nMissing }, i) => [`nMissing_${i + 1}`, nMissing])),
    };
  }

  override getStatsPvaTypes(): Record<string, string> {
    const missing = [...this.metadataQueueMap].map((_, i) => [`nMissing_${i + 1}`, 'uint']);
    return {
      nFramesProcessed: 'uint',
      nFrameErrors: 'uint',
      nMetadataProcessed: 'uint',
      nMetadataDiscarded: 'uint',
      ...Object.fromEntries(missing),
    };
  }
}

/** Since 1970. */
function nanoseconds(structure: Value): bigint {
  return (
    BigInt(structure.get('timeStamp.secondsPastEpoch') as bigint) * BigInt(NS) +
    BigInt(structure.get('timeStamp.nanoseconds') as number)
  );
}
