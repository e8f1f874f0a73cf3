/**
 * QueueBudget: what all monitor queues of one connection may hold together.
 *
 * Each queue has its own limits, and a client may have a hundred thousand of them. Above these all of them are full: what
 * comes is merged into the newest queued update, as when one of them is. The first few updates of each fit always.
 */
import { MAX_QUEUED_BYTES, MAX_QUEUED_UPDATES } from '../limits.ts';

export class QueueBudget {
  private readonly maxUpdates: number;
  private readonly maxBytes: number;
  private updateCount = 0;
  private byteCount = 0;

  constructor(maxUpdates: number = MAX_QUEUED_UPDATES, maxBytes: number = MAX_QUEUED_BYTES) {
    this.maxUpdates = maxUpdates;
    this.maxBytes = maxBytes;
  }

  /** Updates that wait. */
  get updates(): number {
    return this.updateCount;
  }

  /** Bytes of their arrays, but for the first few updates of each queue. */
  get bytes(): number {
    return this.byteCount;
  }

  /** Is there room for one more update of so many bytes? */
  fits(bytes: number): boolean {
    return this.updateCount < this.maxUpdates && this.byteCount + bytes <= this.maxBytes;
  }

  /** An update is queued. */
  add(bytes: number): void {
    this.updateCount++;
    this.byteCount += bytes;
  }

  /** A queued one has left. */
  remove(bytes: number): void {
    this.updateCount--;
    this.byteCount -= bytes;
  }
}
