/**
 * ObjectQueue: the receiver queue between reception and processing, PvaPy's PvObjectQueue.
 *
 * Bounded in objects, in bytes received and in V8's heap; when it is full one object is refused and counted: the new one,
 * or the oldest. Four counters, always: received = delivered + queued, and rejected beside them.
 */
import { getHeapStatistics } from 'node:v8';
import type { Value } from 'epics-pva-ts';
import { Counts } from '../counts.ts';

export interface QueueStats {
  /** Objects accepted, and not refused afterwards for a newer one. */
  readonly nReceived: number;
  /** Objects refused because the queue was full, the new one or the oldest. */
  readonly nRejected: number;
  /** Objects taken out. */
  readonly nDelivered: number;
  readonly nQueued: number;
}

export interface ObjectQueueOptions {
  /** Most objects held; 0 is limited by memory only. */
  readonly maxLength: number;
  /** Most bytes of received messages that the objects keep in memory. */
  readonly maxBytes: number;
  /** Most bytes of V8's heap that the objects may take, as estimated. Default: a quarter of what V8 may use. */
  readonly maxHeapBytes?: number;
  /** Which object is refused when the queue is full; an `oldest` one is released here. Default `newest`. */
  readonly refuse?: 'newest' | 'oldest';
}

/**
 * What an object takes of V8's heap, about, besides the message that it keeps: measured were 0.4 KiB for an NTScalar, and
 * 1.6 KiB for an NTNDArray. Small messages are decoded when they come (`Value.receivedBytes` is 0 then), and become so
 * many times larger.
 */
const LEAST_HEAP_BYTES = 1024;
const DECODED_FACTOR = 4;

function heapBytes(object: Value): number {
  return object.receivedBytes > 0
    ? LEAST_HEAP_BYTES
    : Math.max(LEAST_HEAP_BYTES, DECODED_FACTOR * object.messageBytes);
}

export class ObjectQueue {
  /** Most objects held. May be changed; what is queued beyond it stays. */
  maxLength: number;
  private readonly maxBytes: number;
  private readonly maxHeapBytes: number;
  private readonly refuse: 'newest' | 'oldest';
  private items: (Value | undefined)[] = [];
  private head = 0;
  private bytes = 0;
  private heapBytes = 0;
  private readonly counts = new Counts('nRejected', 'nDelivered');

  constructor({ maxLength, maxBytes, maxHeapBytes, refuse = 'newest' }: ObjectQueueOptions) {
    this.maxLength = maxLength;
    this.maxBytes = maxBytes;
    this.maxHeapBytes = maxHeapBytes ?? getHeapStatistics().heap_size_limit / 4;
    this.refuse = refuse;
  }

  get length(): number {
    return this.items.length - this.head;
  }

  /** False when the queue is full and refuses the newest: the object is counted as rejected, and stays the caller's. */
  put(object: Value): boolean {
    const size = object.receivedBytes;
    const heap = heapBytes(object);
    while (this.isFullFor(size, heap)) {
      this.counts.count('nRejected');
      if (this.refuse === 'newest') return false;
      this.shift()?.release();
    }
    this.bytes += size;
    this.heapBytes += heap;
    this.items.push(object);
    return true;
  }

  /** One object finds room in any case. */
  private isFullFor(size: number, heap: number): boolean {
    const { length } = this;
    return (
      (this.maxLength > 0 && length >= this.maxLength) ||
      (length > 0 && (this.bytes + size > this.maxBytes || this.heapBytes + heap > this.maxHeapBytes))
    );
  }

  get(): Value | undefined {
    const object = this.shift();
    if (object) this.counts.count('nDelivered');
    return object;
  }

  private shift(): Value | undefined {
    const object = this.items[this.head];
    if (object === undefined) return undefined;
    this.items[this.head++] = undefined;
    this.bytes -= object.receivedBytes;
    this.heapBytes -= heapBytes(object);
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
