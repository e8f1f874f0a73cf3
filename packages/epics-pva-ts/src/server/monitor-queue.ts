/**
 * MonitorQueue: the updates one subscriber has still to be sent, in order, bounded.
 *
 * When it is full a new update is merged into the newest queued one, as in PVXS: the latest value is never lost,
 * only what lay between. It is full at its length, or when what waits behind the first few updates has too many bytes,
 * here or in all queues of the connection.
 * Fields that were overwritten so are reported in the overrun mask, as in pvAccessCPP.
 */
import { emptyList } from '../kept-kinds.ts';
import { DEFAULT_QUEUE_SIZE, MAX_QUEUE_BYTES, MAX_QUEUE_SIZE, MIN_QUEUE_SIZE } from '../limits.ts';
import type { BitSet } from '../wire/bit-set.ts';
import { PostedUpdate } from './posted-update.ts';
import { QueueBudget } from './queue-budget.ts';

export { DEFAULT_QUEUE_SIZE, MAX_QUEUE_SIZE, MIN_QUEUE_SIZE };

export interface QueuedUpdate {
  readonly update: PostedUpdate;
  readonly overrun: BitSet | null;
  /** As counted when it was queued: 0 for the first few. */
  readonly bytes: number;
}

export class MonitorQueue {
  readonly limit: number;
  private items = emptyList<QueuedUpdate | undefined>();
  private head = 0;
  private squashedCount = 0;
  private bytes = 0;
  private readonly maxBytes: number;
  private readonly budget: QueueBudget;
  private droppedCount = 0;
  private longest = 0;

  /** @param budget of all queues of the connection; default one of its own */
  constructor(
    limit: number = DEFAULT_QUEUE_SIZE,
    maxBytes: number = MAX_QUEUE_BYTES,
    budget: QueueBudget = new QueueBudget(),
  ) {
    this.maxBytes = maxBytes;
    this.budget = budget;
    this.limit = Math.min(MAX_QUEUE_SIZE, Math.max(MIN_QUEUE_SIZE, Math.trunc(limit)));
  }

  get length(): number {
    return this.items.length - this.head;
  }

  /** Updates merged into another because the queue was full. */
  get squashed(): number {
    return this.squashedCount;
  }

  /** Updates that were in it when it was cleared. */
  get dropped(): number {
    return this.droppedCount;
  }

  /** The most updates there were in it. */
  get maxLength(): number {
    return this.longest;
  }

  /** Counts from here on. */
  resetCounters(): void {
    this.longest = this.length;
    this.squashedCount = 0;
    this.droppedCount = 0;
  }

  /** Adds an update, which the queue retains. */
  push(update: PostedUpdate): void {
    const { length } = this;
    const { budget } = this;
    const isFew = length < DEFAULT_QUEUE_SIZE;
    const bytes = isFew || length >= this.limit ? 0 : update.bytes;
    if (length < this.limit && (isFew || (this.bytes + bytes <= this.maxBytes && budget.fits(bytes)))) {
      budget.add(bytes);
      this.items.push({ update: update.retain(), overrun: null, bytes });
      this.bytes += bytes;
      if (length >= this.longest) this.longest = length + 1;
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
    const bytes = item?.bytes ?? 0;
    this.bytes -= bytes;
    this.budget.remove(bytes);
    if (this.head === this.items.length) {
      this.items = emptyList();
      this.head = 0;
    } else if (this.head > 64 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  clear(): void {
    this.droppedCount += this.length;
    for (let item = this.shift(); item; item = this.shift()) item.update.release();
  }
}

function squash(older: QueuedUpdate, newer: PostedUpdate): QueuedUpdate {
  const { bytes } = older;
  const { marks } = older.update.value;
  // Streams repeat the same fields: then the newer one simply takes the older one's place. This must be cheap, for it
  // happens when there is no time.
  if (marks.equals(newer.value.marks) && (!older.overrun || older.overrun.equals(marks)))
    return { update: newer.retain(), overrun: marks, bytes };
  const before = older.update.value.markedFields();
  const overrun = newer.value.markedFields().and(before);
  const covered = overrun.equals(before);
  if (older.overrun) overrun.or(older.overrun);
  if (covered) return { update: newer.retain(), overrun, bytes };
  return {
    update: new PostedUpdate(older.update.value.snapshot().merge(newer.value), false),
    overrun,
    bytes,
  };
}
