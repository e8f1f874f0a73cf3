/**
 * ObjectQueue: the receiver queue between reception and processing, PvaPy's PvObjectQueue.
 *
 * Bounded in objects and in bytes; when it is full the new object is refused and counted. Four counters, always:
 * received = delivered + queued, and rejected beside them.
 */
import type { Value } from 'epics-pva-ts';
import { Counts } from '../counts.ts';

export interface QueueStats {
  /** Objects accepted. */
  readonly nReceived: number;
  /** Objects refused because the queue was full. */
  readonly nRejected: number;
  /** Objects taken out. */
  readonly nDelivered: number;
  readonly nQueued: number;
}

export class ObjectQueue {
  /** Most objects held. May be changed; what is queued beyond it stays. */
  maxLength: number;
  private readonly maxBytes: number;
  private items: (Value | undefined)[] = [];
  private head = 0;
  private bytes = 0;
  private readonly counts = new Counts('nRejected', 'nDelivered');

  /** `maxLength` 0 is limited by `maxBytes` only. */
  constructor(maxLength: number, maxBytes: number) {
    this.maxLength = maxLength;
    this.maxBytes = maxBytes;
  }

  get length(): number {
    return this.items.length - this.head;
  }

  /** False when the queue is full: the object is counted as rejected. */
  put(object: Value): boolean {
    const size = object.receivedBytes;
    const full =
      (this.maxLength > 0 && this.length >= this.maxLength) ||
      (this.length > 0 && this.bytes + size > this.maxBytes);
    if (full) {
      this.counts.count('nRejected');
      return false;
    }
    this.bytes += size;
    this.items.push(object);
    return true;
  }

  get(): Value | undefined {
    const object = this.items[this.head];
    if (object === undefined) return undefined;
    this.items[this.head++] = undefined;
    this.bytes -= object.receivedBytes;
    this.counts.count('nDelivered');
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return object;
  }

  get stats(): QueueStats {
    return this.with(this.counts.current);
  }

  /** Since the start, whatever was reset. */
  get totals(): QueueStats {
    return this.with(this.counts.totals);
  }

  /** What is queued counts as received, after a reset too. */
  private with({ nRejected, nDelivered }: Counts<'nRejected' | 'nDelivered'>['current']): QueueStats {
    return { nReceived: nDelivered + this.length, nRejected, nDelivered, nQueued: this.length };
  }

  resetStats(): void {
    this.counts.reset();
  }
}
