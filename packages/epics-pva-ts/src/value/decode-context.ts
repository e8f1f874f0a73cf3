/** DecodeContext: what decoding needs beside the bytes; one per connection and direction. */
import { DecodeError } from '../errors.ts';
import { MAX_FIELDS_BEYOND_BYTES, MAX_MESSAGE_HEAP_BYTES, MAX_VALUE_DEPTH } from '../limits.ts';
import type { MemoryBlock } from '../wire/memory-block.ts';
import { TypeCache } from './type-codec.ts';

/** What decoding needs beside the bytes. One per connection and direction. */
export class DecodeContext {
  readonly types: TypeCache;
  /** Number arrays of at least this many bytes are views on the receive memory, smaller ones copies. */
  viewFrom: number;
  /** The receive memory being read, to be pinned when a view of it is handed out. */
  block: MemoryBlock | null = null;
  depth = 0;
  /** Fields that may still be made of the present message. */
  private budget = Number.POSITIVE_INFINITY;
  /** Heap that may still be taken for it. */
  private heap: number;
  private readonly maxHeap: number;

  constructor(
    types: TypeCache = new TypeCache(),
    viewFrom: number = Number.POSITIVE_INFINITY,
    maxHeap: number = MAX_MESSAGE_HEAP_BYTES,
  ) {
    this.types = types;
    this.viewFrom = viewFrom;
    this.heap = maxHeap;
    this.maxHeap = maxHeap;
  }

  /** A message, or a field of one, begins that has `bytes`. */
  begin(bytes: number): void {
    this.depth = 0;
    this.allow(bytes);
  }

  /**
   * Fields take at least a byte each, but for empty structures and fixed arrays of length 0: a peer must not have
   * millions of those made for a few bytes.
   */
  allow(bytes: number): void {
    if (this.depth > 0) return;
    this.budget = MAX_FIELDS_BEYOND_BYTES + 4 * bytes;
    this.heap = this.maxHeap;
  }

  spend(fields: number): void {
    this.budget -= fields;
    if (this.budget < 0) throw new DecodeError('message with far more fields than bytes');
  }

  /** Objects of about so many bytes are going to be made. An engine out of heap ends the process, not a connection. */
  take(bytes: number): void {
    this.heap -= bytes;
    if (this.heap < 0)
      throw new DecodeError('message of too many booleans, strings, structures, unions or any');
  }

  /** Reads again what has been skipped: that is paid for. */
  paid(read: () => void): void {
    const { budget, heap } = this;
    this.budget = Number.POSITIVE_INFINITY;
    this.heap = Number.POSITIVE_INFINITY;
    read();
    this.budget = budget;
    this.heap = heap;
  }

  enter(): void {
    if (++this.depth > MAX_VALUE_DEPTH)
      throw new DecodeError(`value nested deeper than ${MAX_VALUE_DEPTH} levels`);
  }
  leave(): void {
    this.depth--;
  }
}
