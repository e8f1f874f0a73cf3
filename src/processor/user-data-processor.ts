/**
 * UserDataProcessor: the interface between the framework and the user's code, as PvaPy's class of that name.
 *
 * A processor derives from it and overrides what it needs. Everything here has a default; the class itself is the
 * pass-through processor.
 */
import type { NTNDArray, Server, TypeDef, Value } from 'epics-pva-ts';
import type { Logger } from '../log.ts';

/** What a processor is given and may publish: an image as NTNDArray, any other structure as Value. */
export type PvObject = NTNDArray | Value;

/** The configuration a processor is constructed with: its `--processor-args`, then the framework's own keys. */
export interface ProcessorConfig {
  /** Number of the consumer, from 1. */
  readonly processorId: number;
  /** Name of the input channel. */
  readonly inputChannel: string;
  /** How objects come (`--input-mode`); of a collector `pva`. */
  readonly inputMode: 'pva' | 'pvas' | 'rpc';
  /** Name of the output channel; undefined when there is none. */
  readonly outputChannel: string | undefined;
  /** How output is published (`--output-mode`); of a collector `pvas`. */
  readonly outputMode: 'pvas' | 'pva' | 'rpc';
  /** Field that numbers the objects: `uniqueId` unless `--oid-field` says otherwise. */
  readonly objectIdField: string;
  /** First updates that are not processed (`--skip-initial-updates`). */
  readonly skipInitialUpdates: number;
  /** Difference expected between the ids of one object and the next (`--oid-offset`). */
  readonly objectIdOffset: number;
  /** Updates in a row that this consumer gets from the distributor. */
  readonly nSequentialUpdates: number;
  /** The fields that are requested from the input channel. */
  readonly fieldRequest: string;
  /** Number of the worker, from 1, with `--processor-workers`. */
  readonly workerId?: number;
  /** Workers of this consumer, with `--processor-workers`. */
  readonly nWorkers?: number;
  readonly [arg: string]: unknown;
}

/** Where a processor's output goes. */
export interface ProcessorOutput {
  /** Publishes an object; nothing happens when there is no output channel. */
  publish(object: PvObject): void;
}

/** A metadata channel, as a processor sees it. */
export interface MetadataQueue {
  /** The oldest update, which leaves the queue; undefined when there is none. */
  get(): Value | undefined;
  /** Updates waiting. */
  readonly length: number;
}

/** What the user's code derives from, overriding what it needs; the class itself passes objects through (PvaPy). */
export class UserDataProcessor {
  /**
   * May objects be shared out among several instances, as `--processor-workers` does from 2 on? A class that needs every
   * object itself, because it makes one of several, says `static override readonly workers = false`, and is refused
   * there with one line. Default: true. Beside `--processor-workers` nothing asks it.
   */
  static readonly workers: boolean = true;

  /** Named after the class; follows `--log-level`. This and what follows is set after the constructor, before any other call. */
  logger!: Logger;
  /** The consumer's id. */
  processorId = 0;
  /** Name of the input channel. */
  inputChannel = '';
  /** Undefined when there is no output channel. */
  outputChannel: string | undefined;
  /** Field that numbers the objects. */
  objectIdField = 'uniqueId';
  /** The consumer's pvAccess server: a processor may add PVs of its own. */
  pvaServer!: Server;
  /** Updates of the metadata channels, by name without `pva://`. Whoever does not take them lets the queues fill. */
  metadataQueueMap: ReadonlyMap<string, MetadataQueue> = new Map();
  /** Set by the framework; `updateOutputChannel` uses it. */
  dataPublisher: ProcessorOutput | undefined;
  /** Set by the framework; `reportLoss` uses it. `beforeReset`: it was said before the last `resetStats`. */
  onLoss: ((count: number, beforeReset?: boolean) => void) | undefined;

  /** `config`: see {@link ProcessorConfig}. */
  // biome-ignore lint/complexity/noUselessConstructor: it tells what a derived constructor receives
  // biome-ignore lint/suspicious/noExplicitAny: users declare what their arguments are
  constructor(_config?: any) {}

  /** Called once, before the first object. */
  start(): void | Promise<void> {}

  /** Called on each `configure` command with its arguments: parsed JSON, or the text if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: users declare what their arguments are
  configure(_args: any): void | Promise<void> {}

  /**
   * Called for every object. An error thrown (or rejected) counts in `processorStats.nErrors` and ends nothing. The
   * object may be kept: what was read from it never changes. Without an override objects are passed through.
   */
  // biome-ignore lint/suspicious/noExplicitAny: users declare which kind of object they process
  // biome-ignore lint/suspicious/noConfusingVoidType: a processor that returns nothing is a good processor
  process(object: any): PvObject | null | undefined | void | Promise<PvObject | null | undefined | void> {
    this.updateOutputChannel(object as PvObject);
    return object as PvObject;
  }

  /** Called once at shutdown, after the last object. */
  stop(): void | Promise<void> {}

  /** Called once after the constructor, and on each `reset_stats` command. */
  resetStats(): void {}

  /** Figures for reports and the status channel's `userStats`. */
  getStats(): Record<string, unknown> {
    return {};
  }

  /** pvData types of the figures that `getStats` returns, such as `{ nFound: 'uint' }`; others are only printed. */
  getStatsPvaTypes(): Record<string, string | TypeDef> {
    return {};
  }

  /** The type remote clients put into when the consumer itself hosts its input. */
  getInputPvObjectType(): PvObject | TypeDef | null {
    return null;
  }

  /**
   * The type of the output channel, and its first value if it is not a TypeDef; null for no output channel. Called with
   * the first object, and again with the next one after an error. Default: as the input.
   */
  getOutputPvObjectType(object: PvObject): PvObject | TypeDef | null {
    return object;
  }

  /** Publishes an object on the output channel, if there is one. Large arrays must not be changed afterwards. */
  updateOutputChannel(object: PvObject): void {
    this.dataPublisher?.publish(object);
  }

  /**
   * Says that objects for which `process` has returned were lost all the same: images that were to be written later,
   * say, and could not be. They count in `processorStats.nLost`, and `--fail-on-loss` sees them. Why it happened is the
   * processor's to log. An object whose `process` throws is an error and must not be reported here, too.
   *
   * @throws RangeError if `count` is not a whole number of at least 0
   */
  reportLoss(count = 1): void {
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`reportLoss: ${count} is not a count`);
    this.onLoss?.(count);
  }
}
