/**
 * UpdateQueue: monitor updates that wait for `for await`, in order, bounded.
 *
 * When it is full a new update is merged into the newest one, as in PVXS: the latest value is never lost, only what
 * lay between, and the overrun mask says which fields it was (pva-protocol.md 7.5).
 */
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';

/** One update of a subscription. */
export interface MonitorUpdate {
  /** A complete structure whose marks say what changed. */
  readonly value: Value;
  /** Fields that changed more than once since the update before, on the way or in this queue. */
  readonly overrun: BitSet;
}

export class UpdateQueue {
  readonly limit: number;
  private readonly items: { readonly value: Value; overrun: BitSet }[] = [];
  private waiting: (() => void)[] = [];
  private squashedCount = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.items.length;
  }

  /** Updates merged into another because the queue was full. */
  get squashed(): number {
    return this.squashedCount;
  }

  resetCount(): void {
    this.squashedCount = 0;
  }

  /** Takes the update over; a full queue merges it into the newest. */
  push(value: Value, overrun: BitSet): void {
    const newest = this.items[this.items.length - 1];
    if (newest && this.items.length >= this.limit) {
      this.squashedCount++;
      const twice = newest.value.markedFields().and(value.markedFields());
      newest.overrun = twice.or(newest.overrun).or(overrun);
      newest.value.merge(value);
      value.release();
    } else this.items.push({ value, overrun });
    this.wake();
  }

  shift(): MonitorUpdate | undefined {
    return this.items.shift();
  }

  /** Whoever waits looks again. */
  wake(): void {
    if (this.waiting.length === 0) return;
    for (const go of this.waiting.splice(0)) go();
  }

  /** Resolves with the next `push` or `wake`. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
