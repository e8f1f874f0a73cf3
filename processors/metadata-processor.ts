/**
 * MetadataProcessor: adds to every image, as attributes, the values its metadata channels had when it was taken, and
 * publishes it.
 *
 * Arguments (also by `configure`): `interpolation`, how the value for an image is found, and `timestampTolerance`, in s,
 * default 0.001, how far from the image it may be:
 *
 * - `none` (default, PvaPy's way): a value at the time of the image. It is used for one image only; older ones are
 *   discarded, newer ones wait for later images.
 * - `nearest`: the value nearest to the image, before or after it.
 * - `previous`: the last value not after the image, for channels that are updated when they change.
 * - `linear`: on the line between the values before and after the image, each within the tolerance; numbers only.
 *
 * `metadataTimestampOffset`, in s, default 0, is added to the time of every value. An image that lacks a value waits
 * for `metadataWait`, in s, default 0.002, if the channel had one for the image before. Then it is published with what
 * there is, and counted. So metadata must be there before the image (for `nearest` and `linear` those after it, too), or
 * very soon: otherwise give the consumer a receiver queue and let it accumulate.
 *
 *   hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -mc pva://motor:x,pva://motor:y -rqs 100 -ao 10 \
 *     -pc MetadataProcessor -pa '{"timestampTolerance": 0.01}'
 *
 * The algorithm `none` is that of PvaPy's hpcAdMetadataProcessorExample.py (pvapy-behaviour.md 7.5), with time differences
 * taken in ns, and values kept as they are (PvaPy makes 32-bit floats of them). `nMissing_<n>` tells which of the
 * channels an image lacked, `nDiscarded_<n>` how many of its values no image had; with the log level debug every
 * missing value is told.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NTNDArray, Value } from 'epics-pva-ts';
import type { MetadataQueue, ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { type Arguments, numberArgument, objectOf } from './arguments.ts';
import { AdImageProcessor } from './image-processor.ts';
import { type AssociationRule, INTERPOLATIONS, MetadataSource, type Sample } from './metadata-source.ts';

const NS = 1e9;
/** A time that goes back is logged this often at most, in ms. */
const LOG_INTERVAL = 1000;

interface Source {
  readonly values: MetadataSource;
  nMissing: number;
  /** It had a value for the last image: one that is late is worth waiting for. */
  follows: boolean;
}

const NONE: readonly Source[] = [];
/** In s. */
const DEFAULT_WAIT = 0.002;
/**
 * Turns of the event loop for which a value is waited for in any case: the first one may be that in which the image was
 * read, and which connections have something to read was asked before it, maybe before the metadata arrived.
 */
const LEAST_TURNS = 2;

export class MetadataProcessor extends AdImageProcessor {
  /** Times in ns. */
  private rule: AssociationRule = { interpolation: 'none', tolerance: 0.001 * NS, offset: 0 };
  private waitMs = DEFAULT_WAIT * 1000;
  private sources: Source[] = [];
  private nFramesProcessed = 0;
  private nFrameErrors = 0;
  private nMetadataProcessed = 0;
  /** Updates without a time or a value. */
  private nUnusable = 0;
  private lastLog = Number.NEGATIVE_INFINITY;

  constructor(config: ProcessorConfig) {
    super(config);
    this.setRule(config);
  }

  override configure(args: unknown): void {
    this.setRule(objectOf(args));
  }

  private setRule(args: Arguments): void {
    const seconds = (name: string, present: number, least: number): number =>
      numberArgument(args, name, { default: present / NS, least }) * NS;
    this.rule = {
      interpolation: interpolationOf(args) ?? this.rule.interpolation,
      tolerance: seconds('timestampTolerance', this.rule.tolerance, 0),
      offset: seconds('metadataTimestampOffset', this.rule.offset, Number.NEGATIVE_INFINITY),
    };
    this.waitMs = numberArgument(args, 'metadataWait', { default: this.waitMs / 1000, least: 0 }) * 1000;
  }

  override start(): void {
    this.sources = [...this.metadataQueueMap].map(([name, queue]) => ({
      values: new MetadataSource(
        name,
        () => this.takeFrom(name, queue),
        (count) => this.noteSetBack(name, count),
      ),
      nMissing: 0,
      follows: true,
    }));
  }

  /** The oldest update in a queue that has a time and a value. */
  private takeFrom(name: string, queue: MetadataQueue): Sample | undefined {
    for (let update = queue.get(); update; update = queue.get()) {
      const value = update.tryGet('value');
      if (value !== undefined && update.has('timeStamp.nanoseconds'))
        return { time: nanoseconds(update), value };
      if (this.nUnusable++ === 0)
        this.logger?.warning(`metadata channel ${name}: an update without timeStamp or value is of no use`);
    }
    return undefined;
  }

  private noteSetBack(name: string, count: number): void {
    const now = performance.now();
    if (now - this.lastLog < LOG_INTERVAL) return;
    this.lastLog = now;
    this.logger?.warning(
      `metadata channel ${name}: its time went back; ${count} update(s) from the time ahead are dropped: check its clock`,
    );
  }

  /**
   * Metadata come over other connections than images, and a server may send an image before the metadata that were
   * posted before it (pvAccessCPP): what has arrived at this computer is waited for, and from a channel that had a
   * value for the image before also what has not. A promise is returned only then.
   */
  override process(frame: NTNDArray): NTNDArray | undefined | Promise<NTNDArray> {
    // A detector that has not started yet shows an image without pixels.
    if (frame.dimensions.length === 0) return undefined;
    const time = nanoseconds(frame.structure);
    const missing = this.add(this.sources, time, frame);
    if (missing === NONE || !missing.some(({ values }) => values.mayCome(time, this.rule)))
      return this.pass(missing, time, frame);
    return this.wait(missing, time, frame);
  }

  private async wait(sources: readonly Source[], time: bigint, frame: NTNDArray): Promise<NTNDArray> {
    const until = performance.now() + this.waitMs;
    const isLate = (source: Source): boolean => source.follows && source.values.mayCome(time, this.rule);
    let missing = sources;
    for (let turns = 0; missing !== NONE; turns++) {
      if (turns >= LEAST_TURNS && !(performance.now() < until && missing.some(isLate))) break;
      await nextTurn();
      missing = this.add(missing, time, frame);
    }
    return this.pass(missing, time, frame);
  }

  /** Adds what there is of these sources; the sources without a value. */
  private add(sources: readonly Source[], time: bigint, frame: NTNDArray): readonly Source[] {
    let missing: Source[] | undefined;
    for (const source of sources) {
      const value = source.values.at(time, this.rule);
      if (value === undefined) {
        missing ??= [];
        missing.push(source);
      } else {
        frame.setAttribute(source.values.name, value);
        source.follows = true;
        this.nMetadataProcessed++;
      }
    }
    return missing ?? NONE;
  }

  private pass(missing: readonly Source[], time: bigint, frame: NTNDArray): NTNDArray {
    for (const source of missing) this.noteMissing(source, time, frame);
    if (missing.length === 0) this.nFramesProcessed++;
    else this.nFrameErrors++;
    this.updateOutputChannel(frame);
    return frame;
  }

  private noteMissing(source: Source, time: bigint, frame: NTNDArray): void {
    source.nMissing++;
    source.follows = false;
    if (!this.logger?.isLevelEnabled('debug')) return;
    const { values } = source;
    this.logger.debug(
      `image ${frame.uniqueId}: no value of ${values.name}: ${values.explain(time, this.rule)}`,
    );
  }

  override resetStats(): void {
    this.nFramesProcessed = 0;
    this.nFrameErrors = 0;
    this.nMetadataProcessed = 0;
    this.nUnusable = 0;
    for (const source of this.sources) {
      source.nMissing = 0;
      source.values.resetStats();
    }
  }

  override getStats(): Record<string, number> {
    const { nFramesProcessed, nFrameErrors, nMetadataProcessed, sources } = this;
    const nMetadataDiscarded = sources.reduce((n, { values }) => n + values.discarded, this.nUnusable);
    const bySource = sources.flatMap(({ nMissing, values }, i) => [
      [`nMissing_${i + 1}`, nMissing],
      [`nDiscarded_${i + 1}`, values.discarded],
    ]);
    return {
      nFramesProcessed,
      nFrameErrors,
      nMetadataProcessed,
      nMetadataDiscarded,
      ...Object.fromEntries(bySource),
    };
  }

  override getStatsPvaTypes(): Record<string, string> {
    const bySource = [...this.metadataQueueMap].flatMap((_, i) => [
      [`nMissing_${i + 1}`, 'uint'],
      [`nDiscarded_${i + 1}`, 'uint'],
    ]);
    return {
      nFramesProcessed: 'uint',
      nFrameErrors: 'uint',
      nMetadataProcessed: 'uint',
      nMetadataDiscarded: 'uint',
      ...Object.fromEntries(bySource),
    };
  }
}

function interpolationOf(args: Arguments): AssociationRule['interpolation'] | undefined {
  const value = args['interpolation'];
  if (value === undefined) return undefined;
  const known = INTERPOLATIONS.find((name) => name === value);
  if (known) return known;
  throw new Error(
    `argument interpolation: ${JSON.stringify(value)} is not one of ${INTERPOLATIONS.join(', ')}`,
  );
}

/** Since 1970. */
function nanoseconds(structure: Value): bigint {
  return (
    BigInt(structure.get('timeStamp.secondsPastEpoch') as bigint) * BigInt(NS) +
    BigInt(structure.get('timeStamp.nanoseconds') as number)
  );
}
