/** ProcessorCounts: what `processorStats` says of the objects that a processor was given. Rules of PvaPy. */
import { Counts } from '../counts.ts';
import { MissedCounter, type MissedCounterOptions } from './missed-counter.ts';

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

/** Since the start, whatever was reset. */
export interface ProcessorTotals
  extends Pick<ProcessorStats, 'nProcessed' | 'nErrors' | 'nMissed' | 'nLost'> {
  /** Updates that were no objects: what a channel held already when it was connected or resumed. */
  readonly nSkipped: number;
}

type Counted = 'nProcessed' | 'nErrors' | 'nLost' | 'nSkipped';

const seconds = (): number => Date.now() / 1000;

export class ProcessorCounts {
  private readonly counts = new Counts<Counted>('nProcessed', 'nErrors', 'nLost', 'nSkipped');
  private readonly missed: MissedCounter;
  /** Goes on over resets: what is missed across one is lost all the same. */
  private readonly missedEver: MissedCounter;
  private startTime = seconds();
  private endTime = 0;
  private firstTime = 0;
  private lastTime = 0;
  private first: number | undefined;
  private last = 0;
  /** Of all there were, whatever was reset. */
  private lastEver: number | undefined;

  constructor(options: MissedCounterOptions) {
    this.missed = new MissedCounter(options);
    this.missedEver = new MissedCounter(options);
  }

  /** An object with this id has come. */
  note(id: number): void {
    this.missed.update(id);
    this.missedEver.update(id);
    this.last = id;
    this.lastEver = id;
    this.first ??= id;
  }

  /** The one reading of the clock for an object, in ms since 1970. */
  seen(now: number): number {
    this.lastTime = now / 1000;
    if (this.firstTime === 0) this.firstTime = this.lastTime;
    return now;
  }

  /** The id of the last object, also if the counts have been reset since; undefined before the first one. */
  get lastKnownId(): number | undefined {
    return this.lastEver;
  }

  /** The id of the last object; 0 before the first one. */
  get lastId(): number {
    return this.last;
  }

  /** See MissedCounter. */
  get expectsEveryId(): boolean {
    return this.missed.expectsEveryId;
  }

  /** See Counts. */
  get epoch(): number {
    return this.counts.epoch;
  }

  /** See Counts. */
  count(name: Counted, by = 1, epoch: number = this.epoch): void {
    this.counts.count(name, by, epoch);
  }

  /** Changes what is expected of ids. */
  configure(changes: Partial<MissedCounterOptions>): void {
    this.missed.configure(changes);
    this.missedEver.configure(changes);
  }

  get stats(): ProcessorStats {
    const receivingTime = this.lastTime - this.firstTime;
    const rate = (n: number): number => (receivingTime > 0 ? n / receivingTime : 0);
    const { nMissed } = this.missed;
    const { nProcessed, nErrors, nLost } = this.counts.current;
    return {
      runtime: (this.endTime || seconds()) - this.startTime,
      startTime: this.startTime,
      endTime: this.endTime,
      receivingTime,
      firstObjectTime: this.firstTime,
      lastObjectTime: this.lastTime,
      firstObjectId: this.first ?? 0,
      lastObjectId: this.last,
      nProcessed,
      processedRate: rate(nProcessed),
      nErrors,
      errorRate: rate(nErrors),
      nMissed,
      missedRate: rate(nMissed),
      nLost,
    };
  }

  get totals(): ProcessorTotals {
    return { ...this.counts.totals, nMissed: this.missedEver.nMissed };
  }

  reset(): void {
    this.counts.reset();
    this.startTime = seconds();
    this.endTime = 0;
    this.firstTime = 0;
    this.lastTime = 0;
    this.first = undefined;
    this.last = 0;
    this.missed.reset();
  }

  /** Processing is over. */
  stop(): void {
    this.endTime = seconds();
  }
}
