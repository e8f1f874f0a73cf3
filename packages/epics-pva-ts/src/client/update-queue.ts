/**
 * UpdateQueue: monitor updates that wait for `for await`, in order, bounded.
 *
 * When it is full a new update is merged into the newest one, as in PVXS: the latest value is never lost, only what
 * lay between, and the overrun mask says which fields it was (pva-protocol.md 7.5). Or the new one is refused, as by PvaPy's
 * PvObjectQueue: for who rather has some updates unchanged than the latest value.
 */
import { emptyList } from '../kept-kinds.ts';
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import { timerMs } from './timer.ts';

/** One update of a subscription. */
export interface MonitorUpdate {
  /** A complete structure whose marks say what changed. */
  readonly value: Value;
  /** Fields that changed more than once since the update before, on the way or in this queue. */
  readonly overrun: BitSet;
}

/** What a full queue does with a new update: merge it into the newest one, or refuse it. */
export type WhenFull = 'merge' | 'reject';

export class UpdateQueue {
  readonly limit: number;
  private readonly whenFull: WhenFull;
  private readonly items = emptyList<{ readonly value: Value; overrun: BitSet }>();
  private waiting: (() => void)[] = [];
  private squashedCount = 0;
  private rejectedCount = 0;
  private deliveredCount = 0;
  /** Fields of the updates refused since the last one was taken in. */
  private missed: BitSet | null = null;

  constructor(limit: number, whenFull: WhenFull = 'merge') {
    this.limit = limit;
    this.whenFull = whenFull;
  }

  get length(): number {
    return this.items.length;
  }

  /** Updates merged into another because the queue was full. */
  get squashed(): number {
    return this.squashedCount;
  }

  /** Updates refused because the queue was full. */
  get rejected(): number {
    return this.rejectedCount;
  }

  /** Updates taken out. */
  get delivered(): number {
    return this.deliveredCount;
  }

  resetCount(): void {
    this.squashedCount = 0;
    this.rejectedCount = 0;
    this.deliveredCount = 0;
  }

  /** Takes the update over; a full queue merges it into the newest, or refuses it. */
  push(value: Value, overrun: BitSet): void {
    const newest = this.items[this.items.length - 1];
    if (newest && this.items.length >= this.limit) {
      if (this.whenFull === 'reject') {
        this.reject(value, overrun);
        return;
      }
      this.squashedCount++;
      const twice = newest.value.markedFields().and(value.markedFields());
      newest.overrun = twice.or(newest.overrun).or(overrun);
      newest.value.merge(value);
      value.release();
    } else {
      this.items.push({ value, overrun: this.missed ? this.missed.or(overrun) : overrun });
      this.missed = null;
    }
    this.wake();
  }

  /** The next update that is taken in says which fields were missed. */
  private reject(value: Value, overrun: BitSet): void {
    this.rejectedCount++;
    this.missed = value
      .markedFields()
      .or(overrun)
      .or(this.missed ?? overrun);
    value.release();
  }

  shift(): MonitorUpdate | undefined {
    const update = this.items.shift();
    if (update) this.deliveredCount++;
    return update;
  }

  /** Whoever waits looks again. */
  wake(): void {
    if (this.waiting.length === 0) return;
    for (const go of this.waiting.splice(0)) go();
  }

  /** Resolves with the next `push` or `wake`; with `seconds` also when they are over, with false. */
  arrival(seconds = Number.POSITIVE_INFINITY): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const go = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.waiting.push(go);
      if (seconds === Number.POSITIVE_INFINITY) return;
      timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== go);
        resolve(false);
      }, timerMs(seconds));
    });
  }
}
