/**
 * ProcessorRunner: everything that surrounds one call of the user's `process`: which objects are skipped, which are
 * missing, what counts as processed or as an error, and that an error of the user's ends nothing.
 *
 * Rules of PvaPy's DataProcessingController, without its faults (publisher creation is retried and counted).
 */
import { NTNDArray, type TypeDef, type Value } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import { objectIdOf } from '../object-id.ts';
import { ProcessorCounts, type ProcessorStats, type ProcessorTotals } from './processor-counts.ts';
import type { PvObject, UserDataProcessor } from './user-data-processor.ts';

/** Told once what came of an object: the error with which its processing failed, if it did. */
type OutcomeHandler = (error: Error | undefined) => void;

/**
 * The processor in other processes: objects are taken over at once, and what came of each is said later, in their order.
 * A returned promise holds back the next object. Nothing here throws or rejects.
 */
export interface ObjectWorkers {
  process(object: Value, done: OutcomeHandler): void | Promise<void>;
  /** Prepares the output for objects like this one, and no more. */
  prepare(object: Value, done: OutcomeHandler): void | Promise<void>;
}

export interface ProcessorRunnerOptions {
  /** Undefined: objects are only counted. */
  readonly processor: UserDataProcessor | undefined;
  /** Objects go there instead, the first one as all others. */
  readonly workers?: ObjectWorkers | undefined;
  readonly objectIdField: string;
  readonly skipInitialUpdates: number;
  readonly objectIdOffset: number;
  readonly nSequentialUpdates: number;
  /** Called with the first object, before it is processed or skipped, until it succeeds. */
  readonly firstObject: (object: PvObject) => void;
  /** Looks at the age of objects; its clock is the one that counts. Default: none, and the clock of the computer. */
  readonly latency?: RunnerLatency | undefined;
  readonly logger: Logger;
}

/** What can be changed while objects flow; what is left out stays. */
export interface RunnerSettings {
  readonly skipInitialUpdates?: number | undefined;
  readonly objectIdOffset?: number | undefined;
  readonly nSequentialUpdates?: number | undefined;
}

/** What is told about each object; see pipeline/figures/object-latency.ts. Times in ms since 1970. */
export interface RunnerLatency {
  /** Objects like this one will come. */
  expect(object: Value): void;
  /** It is about to be processed; its time stamp, NaN if it has none. */
  begin(object: Value): number;
  /** `process` has returned; the time now. */
  end(): number;
  /** It was processed, with this time stamp, at this time. */
  done(stamp: number, now: number): void;
}

const NO_LATENCY: RunnerLatency = {
  expect: () => {},
  begin: () => Number.NaN,
  end: Date.now,
  done: () => {},
};

/** The number of no present count. */
const NEVER = -1;
/** Errors of the same kind are logged this often at most, in ms: a broken processor must not fill a disk. */
const LOG_INTERVAL = 1000;

export class ProcessorRunner {
  private readonly options: ProcessorRunnerOptions;
  private readonly counts: ProcessorCounts;
  private readonly latency: RunnerLatency;
  /** As it was started or configured last. */
  private skipInitialUpdates: number;
  /** Of these so many are still to come. */
  private skip: number;
  private prepared = false;
  private inProcess = 0;
  private lastLog = Number.NEGATIVE_INFINITY;
  private knownType: TypeDef | undefined;
  private isImage = false;

  constructor(options: ProcessorRunnerOptions) {
    this.options = options;
    this.skipInitialUpdates = options.skipInitialUpdates;
    this.skip = options.skipInitialUpdates;
    this.latency = options.latency ?? NO_LATENCY;
    this.counts = new ProcessorCounts({
      oidOffset: options.objectIdOffset,
      nSequentialUpdates: options.nSequentialUpdates,
    });
  }

  /** Prepares the output for objects like this one, as `handle` does; it is not processed, and counts as skipped. */
  skipObject(value: Value): void | Promise<void> {
    const { workers } = this.options;
    this.counts.count('nSkipped');
    this.learn(value);
    if (workers) return workers.prepare(value, (error) => error && this.report(error));
    const obstacle = this.prepared ? undefined : this.prepare(this.isImage ? new NTNDArray(value) : value);
    if (obstacle) this.report(obstacle);
  }

  /** With the initial update already: so the first object has nothing to do that the one after it has not. */
  private learn(value: Value): void {
    this.knownType = value.type;
    this.isImage = NTNDArray.is(value);
    this.latency.expect(value);
  }

  /**
   * Is what the input channel held after a reconnect an object that this processor has not had, and should have? Not
   * if its id is that of the last object or one before it: then it was processed, or a restarted source holds what it
   * began with. Not if objects are shared with others, who may have had it.
   */
  isNews(value: Value): boolean {
    const { lastKnownId, expectsEveryId } = this.counts;
    if (!expectsEveryId) return false;
    if (lastKnownId === undefined) return this.skipInitialUpdates <= 0;
    const id = objectIdOf(value, this.options.objectIdField);
    // One without an id is an error, as any such object.
    return !(id <= lastKnownId);
  }

  /**
   * Processes one object. A promise is returned only if the user's `process` returns one; it never rejects. `outcome`
   * is told what came of it, without an error if it was skipped.
   */
  handle(value: Value, outcome?: OutcomeHandler): void | Promise<void> {
    const { workers } = this.options;
    if (workers) return this.handOver(value, workers, outcome);
    if (value.type !== this.knownType) this.learn(value);
    const object: PvObject = this.isImage ? new NTNDArray(value) : value;
    const obstacle = this.prepared ? undefined : this.prepare(object);
    const { latency, counts } = this;
    if (this.skip > 0) {
      this.skip--;
      counts.count('nSkipped');
      // No object is lost by it: preparing is tried again with the next one.
      if (obstacle) this.report(obstacle);
      outcome?.(undefined);
      return;
    }
    const stamp = latency.begin(value);
    try {
      this.note(value);
      if (obstacle) throw obstacle;
      const result = this.options.processor?.process(object);
      const now = counts.seen(latency.end());
      if (result instanceof Promise) return this.finish(result, stamp, outcome);
      counts.count('nProcessed');
      latency.done(stamp, now);
      outcome?.(undefined);
    } catch (error) {
      counts.seen(latency.end());
      this.failed(error);
      outcome?.(errorOf(error));
    }
  }

  private finish(result: Promise<unknown>, stamp: number, outcome?: OutcomeHandler): Promise<void> {
    const { latency, counts } = this;
    const { epoch, lastId } = counts;
    this.inProcess++;
    return result.then(
      () => {
        this.inProcess--;
        counts.count('nProcessed', 1, epoch);
        if (epoch === counts.epoch) latency.done(stamp, counts.seen(latency.end()));
        outcome?.(undefined);
      },
      (error: unknown) => {
        this.inProcess--;
        this.failed(error, lastId, epoch);
        outcome?.(errorOf(error));
      },
    );
  }

  private handOver(
    value: Value,
    workers: ObjectWorkers,
    outcome: OutcomeHandler | undefined,
  ): void | Promise<void> {
    if (this.skip > 0) {
      this.skip--;
      outcome?.(undefined);
      return this.skipObject(value);
    }
    const { latency, counts } = this;
    const stamp = latency.begin(value);
    counts.seen(latency.end());
    try {
      this.note(value);
    } catch (error) {
      this.failed(error);
      outcome?.(errorOf(error));
      return;
    }
    const { epoch, lastId } = counts;
    this.inProcess++;
    return workers.process(value, (error) => {
      this.inProcess--;
      outcome?.(error);
      const isCurrent = epoch === counts.epoch;
      const now = isCurrent ? counts.seen(latency.end()) : 0;
      if (error) {
        this.failed(error, lastId, epoch);
        return;
      }
      counts.count('nProcessed', 1, epoch);
      if (isCurrent) latency.done(stamp, now);
    });
  }

  /** What went wrong, if anything. */
  private prepare(object: PvObject): Error | undefined {
    try {
      this.options.firstObject(object);
      this.prepared = true;
      return undefined;
    } catch (cause) {
      const { name, message } = errorOf(cause);
      return new Error(`preparing the output channel failed: ${name}: ${message}`, { cause });
    }
  }

  /** The object counts as received from here on, whatever the processor does with it. */
  private note(value: Value): void {
    const { objectIdField } = this.options;
    const id = Number(value.get(objectIdField));
    if (!Number.isFinite(id))
      throw new TypeError(`the field '${objectIdField}' holds no number (--oid-field)`);
    this.counts.note(id);
  }

  private failed(error: unknown, id = this.counts.lastId, epoch = this.counts.epoch): void {
    this.counts.count('nErrors', 1, epoch);
    this.report(error, id);
  }

  private report(error: unknown, id = this.counts.lastId): void {
    const now = performance.now();
    if (now - this.lastLog < LOG_INTERVAL) return;
    this.lastLog = now;
    this.options.logger.error(
      errorOf(error),
      `processing failed (object id ${id}, ${this.counts.totals.nErrors} error(s) so far)`,
    );
  }

  /** So many objects that were processed are lost all the same; as it was said before the last reset, or since. */
  lost(count: number, beforeReset = false): void {
    this.counts.count('nLost', count, beforeReset ? NEVER : this.counts.epoch);
  }

  /** Changes what a `configure` command may change, which was checked before. */
  configure({ skipInitialUpdates, objectIdOffset, nSequentialUpdates }: RunnerSettings): void {
    if (skipInitialUpdates !== undefined) {
      this.skipInitialUpdates = skipInitialUpdates;
      this.skip = skipInitialUpdates;
    }
    if (objectIdOffset === undefined && nSequentialUpdates === undefined) return;
    this.counts.configure({
      ...(objectIdOffset !== undefined && { oidOffset: objectIdOffset }),
      ...(nSequentialUpdates !== undefined && { nSequentialUpdates }),
    });
  }

  /** Objects whose `process` has not ended yet. */
  get nInProcess(): number {
    return this.inProcess;
  }

  get stats(): ProcessorStats {
    return this.counts.stats;
  }

  /** Since the start, whatever was reset. */
  get totals(): ProcessorTotals {
    return this.counts.totals;
  }

  resetStats(): void {
    this.counts.reset();
    this.options.processor?.resetStats();
  }

  /** Processing is over. */
  stop(): void {
    this.counts.stop();
  }
}

/** Users may throw anything. */
function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
