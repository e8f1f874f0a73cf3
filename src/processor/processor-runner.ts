/**
 * ProcessorRunner: everything that surrounds one call of the user's `process`: which objects are skipped, which are
 * missing, what counts as processed or as an error, and that an error of the user's ends nothing.
 *
 * Rules of PvaPy's DataProcessingController, without its faults (publisher creation is retried and counted).
 */
import { NTNDArray, type TypeDef, type Value } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import { MissedCounter } from './missed-counter.ts';
import type { PvObject, UserDataProcessor } from './user-data-processor.ts';

/**
 * The processor in other processes: objects are taken over at once, and what came of each is said later, in their order.
 * A returned promise holds back the next object. Nothing here throws or rejects.
 */
export interface ObjectWorkers {
  process(object: Value, done: (error: Error | undefined) => void): void | Promise<void>;
  /** Prepares the output for objects like this one, and no more. */
  prepare(object: Value, done: (error: Error | undefined) => void): void | Promise<void>;
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
  /** It is about to be processed; its time stamp, NaN if it has none. */
  begin(object: Value): number;
  /** `process` has returned; the time now. */
  end(): number;
  /** It was processed, with this time stamp, at this time. */
  done(stamp: number, now: number): void;
}

const NO_LATENCY: RunnerLatency = { begin: () => Number.NaN, end: Date.now, done: () => {} };

/** `processorStats` of the status channel. Times in seconds, `startTime` and such since 1970. */
export interface ProcessorStats {
  readonly runtime: number;
  readonly startTime: number;
  readonly endTime: number;
  /** From the first to the last object; the base of all rates. */
  readonly receivingTime: number;
  readonly firstObjectTime: number;
  readonly lastObjectTime: number;
  readonly firstObjectId: number;
  readonly lastObjectId: number;
  readonly nProcessed: number;
  readonly processedRate: number;
  readonly nErrors: number;
  readonly errorRate: number;
  readonly nMissed: number;
  readonly missedRate: number;
  /** Of those processed: lost afterwards, as the processor says (`reportLoss`). */
  readonly nLost: number;
}

/** Errors of the same kind are logged this often at most, in ms: a broken processor must not fill a disk. */
const LOG_INTERVAL = 1000;

const seconds = (): number => Date.now() / 1000;

export class ProcessorRunner {
  private readonly options: ProcessorRunnerOptions;
  private readonly missed: MissedCounter;
  private readonly latency: RunnerLatency;
  private skip: number;
  private prepared = false;
  private startTime = seconds();
  private endTime = 0;
  private firstTime = 0;
  private lastTime = 0;
  private firstId: number | undefined;
  private lastId = 0;
  private nProcessed = 0;
  private nErrors = 0;
  private nLost = 0;
  private inProcess = 0;
  private lastLog = Number.NEGATIVE_INFINITY;
  private knownType: TypeDef | undefined;
  private isImage = false;
  /** Statistics begin anew: results of objects from before do not count. */
  private resets = 0;

  constructor(options: ProcessorRunnerOptions) {
    this.options = options;
    this.skip = options.skipInitialUpdates;
    this.latency = options.latency ?? NO_LATENCY;
    this.missed = new MissedCounter({
      oidOffset: options.objectIdOffset,
      nSequentialUpdates: options.nSequentialUpdates,
    });
  }

  /** Prepares the output for objects like this one, as `handle` does; it is neither processed nor counted. */
  skipObject(value: Value): void | Promise<void> {
    const { workers } = this.options;
    if (workers) return workers.prepare(value, (error) => error && this.report(error));
    const obstacle = this.prepared
      ? undefined
      : this.prepare(NTNDArray.is(value) ? new NTNDArray(value) : value);
    if (obstacle) this.report(obstacle);
  }

  /**
   * Is what the input channel held after a reconnect an object that this processor has not had, and should have? Not
   * if its id is that of the last object or one before it: then it was processed, or a restarted source holds what it
   * began with. Not if objects are shared with others, who may have had it.
   */
  isNews(value: Value): boolean {
    const { objectIdField, objectIdOffset, nSequentialUpdates, skipInitialUpdates } = this.options;
    if (objectIdOffset > 1 || nSequentialUpdates > 1) return false;
    if (this.firstId === undefined) return skipInitialUpdates === 0;
    return Number(value.get(objectIdField)) > this.lastId;
  }

  /** Processes one object. A promise is returned only if the user's `process` returns one; it never rejects. */
  handle(value: Value): void | Promise<void> {
    const { workers } = this.options;
    if (workers) return this.handOver(value, workers);
    if (value.type !== this.knownType) {
      this.knownType = value.type;
      this.isImage = NTNDArray.is(value);
    }
    const object: PvObject = this.isImage ? new NTNDArray(value) : value;
    const obstacle = this.prepared ? undefined : this.prepare(object);
    if (this.skip > 0) {
      this.skip--;
      // No object is lost by it: preparing is tried again with the next one.
      if (obstacle) this.report(obstacle);
      return;
    }
    const { latency } = this;
    const stamp = latency.begin(value);
    try {
      this.note(value);
      if (obstacle) throw obstacle;
      const result = this.options.processor?.process(object);
      const now = this.seen(latency.end());
      if (result instanceof Promise) {
        this.inProcess++;
        return result.then(
          () => {
            this.inProcess--;
            this.nProcessed++;
            latency.done(stamp, this.seen(latency.end()));
          },
          (error: unknown) => {
            this.inProcess--;
            this.failed(error);
          },
        );
      }
      this.nProcessed++;
      latency.done(stamp, now);
    } catch (error) {
      this.seen(latency.end());
      this.failed(error);
    }
  }

  private handOver(value: Value, workers: ObjectWorkers): void | Promise<void> {
    if (this.skip > 0) {
      this.skip--;
      return this.skipObject(value);
    }
    const { resets, latency } = this;
    const stamp = latency.begin(value);
    this.seen(latency.end());
    try {
      this.note(value);
    } catch (error) {
      this.failed(error);
      return;
    }
    const { lastId } = this;
    this.inProcess++;
    return workers.process(value, (error) => {
      this.inProcess--;
      if (resets !== this.resets) return;
      const now = this.seen(latency.end());
      if (error) {
        this.failed(error, lastId);
        return;
      }
      this.nProcessed++;
      latency.done(stamp, now);
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
    this.missed.update(id);
    this.lastId = id;
    this.firstId ??= id;
  }

  /** The one reading of the clock for an object, in ms. */
  private seen(now: number): number {
    this.lastTime = now / 1000;
    if (this.firstTime === 0) this.firstTime = this.lastTime;
    return now;
  }

  private failed(error: unknown, id = this.lastId): void {
    this.nErrors++;
    this.report(error, id);
  }

  private report(error: unknown, id = this.lastId): void {
    const now = performance.now();
    if (now - this.lastLog < LOG_INTERVAL) return;
    this.lastLog = now;
    this.options.logger.error(
      errorOf(error),
      `processing failed (object id ${id}, ${this.nErrors} error(s) so far)`,
    );
  }

  /** So many objects that were processed are lost all the same. */
  lost(count: number): void {
    this.nLost += count;
  }

  /** Changes what a `configure` command may change, which was checked before. */
  configure({ skipInitialUpdates, objectIdOffset, nSequentialUpdates }: RunnerSettings): void {
    if (skipInitialUpdates !== undefined) this.skip = skipInitialUpdates;
    if (objectIdOffset === undefined && nSequentialUpdates === undefined) return;
    this.missed.configure({
      ...(objectIdOffset !== undefined && { oidOffset: objectIdOffset }),
      ...(nSequentialUpdates !== undefined && { nSequentialUpdates }),
    });
  }

  /** Objects whose `process` has not ended yet. */
  get nInProcess(): number {
    return this.inProcess;
  }

  get stats(): ProcessorStats {
    const receivingTime = this.lastTime - this.firstTime;
    const rate = (n: number): number => (receivingTime > 0 ? n / receivingTime : 0);
    const { nMissed } = this.missed;
    return {
      runtime: (this.endTime || seconds()) - this.startTime,
      startTime: this.startTime,
      endTime: this.endTime,
      receivingTime,
      firstObjectTime: this.firstTime,
      lastObjectTime: this.lastTime,
      firstObjectId: this.firstId ?? 0,
      lastObjectId: this.lastId,
      nProcessed: this.nProcessed,
      processedRate: rate(this.nProcessed),
      nErrors: this.nErrors,
      errorRate: rate(this.nErrors),
      nMissed,
      missedRate: rate(nMissed),
      nLost: this.nLost,
    };
  }

  resetStats(): void {
    this.resets++;
    this.startTime = seconds();
    this.endTime = 0;
    this.firstTime = 0;
    this.lastTime = 0;
    this.firstId = undefined;
    this.lastId = 0;
    this.nProcessed = 0;
    this.nErrors = 0;
    this.nLost = 0;
    this.missed.reset();
    this.options.processor?.resetStats();
  }

  /** Processing is over. */
  stop(): void {
    this.endTime = seconds();
  }
}

/** Users may throw anything. */
function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
