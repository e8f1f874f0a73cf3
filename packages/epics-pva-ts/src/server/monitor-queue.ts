/**
 * MonitorQueue: the updates one subscriber has still to be sent, in order, bounded.
 *
 * When it is full a new update is merged into the newest queued one, as in PVXS: the latest value is never lost,
 * only what lay between. Fields that were overwritten so are reported in the overrun mask, as in pvAccessCPP.
 */
import type { BitSet } from '../wire/bit-set.ts';
import { PostedUpdate } from './posted-update.ts';

/** Length when the client asks for none (PVXS). */
export const DEFAULT_QUEUE_SIZE = 4;
export const MIN_QUEUE_SIZE = 2;
/** Most a client may ask for. */
export const MAX_QUEUE_SIZE = 100_000;

export interface QueuedUpdate {
  readonly update: PostedUpdate;
  readonly overrun: BitSet | null;
}

export class MonitorQueue {
  readonly limit: number;
  private items: (QueuedUpdate | undefined)[] = [];
  private head = 0;
  private squashedCount = 0;

  constructor(limit: number = DEFAULT_QUEUE_SIZE) {
    this.limit = Math.min(MAX_QUEUE_SIZE, Math.max(MIN_QUEUE_SIZE, Math.trunc(limit)));
  }

  get length(): number {
    return this.items.length - this.head;
  }

  /** Updates merged into another because the queue was full. */
  get squashed(): number {
    return this.squashedCount;
  }

  /** Adds an update, which the queue retains. */
  push(update: PostedUpdate): void {
    if (this.length < this.limit) {
      this.items.push({ update: update.retain(), overrun: null });
      return;
    }
    this.squashedCount++;
    const at = this.items.length - 1;
    const newest = this.items[at] as QueuedUpdate;
    this.items[at] = squash(newest, update);
    newest.update.release();
  }

  /** The oldest update; the caller releases it. */
  shift(): QueuedUpdate | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head++] = undefined;
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  clear(): void {
    for (let item = this.shift(); item; item = this.shift()) item.update.release();
  }
}

function squash(older: QueuedUpdate, newer: PostedUpdate): QueuedUpdate {
  const { marks } = older.update.value;
  // Streams repeat the same fields: then the newer one simply takes the older one's place. This must be cheap, for it
  // happens when there is no time.
  if (marks.equals(newer.value.marks) && (!older.overrun || older.overrun.equals(marks)))
    return { update: newer.retain(), overrun: marks };
  const before = older.update.value.markedFields();
  const overrun = newer.value.markedFields().and(before);
  // Streams repeat the same fields: then the newer one simply takes the older one's place.
  const covered = overrun.equals(before);
  if (older.overrun) overrun.or(older.overrun);
  if (covered) return { update: newer.retain(), overrun };
  return { update: new PostedUpdate(older.update.value.snapshot().merge(newer.value), false), overrun };
}
