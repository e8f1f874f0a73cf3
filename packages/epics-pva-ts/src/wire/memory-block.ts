/**
 * A block of receive memory, counted.
 *
 * Frames are read from the socket into blocks and handed out as views on them. A block returns to its pool only
 * when every holder has released it AND nothing was handed out that its owner may keep (`pin`). Whoever forgets
 * to release costs speed, never correctness: an unreleased or pinned block is left to the garbage collector and
 * its bytes never change again.
 */
import { Buffer } from 'node:buffer';
import { PvaError } from '../errors.ts';
import { POOL_IDLE_BYTES } from '../limits.ts';

export class MemoryBlock {
  readonly bytes: Buffer;
  private refs = 1;
  private pinned = false;
  private readonly pool: MemoryPool | null;

  constructor(bytes: Buffer, pool: MemoryPool | null) {
    this.bytes = bytes;
    this.pool = pool;
  }

  retain(): void {
    this.refs++;
  }

  release(): void {
    if (--this.refs === 0 && !this.pinned) this.pool?.put(this.bytes);
  }

  /** How many hold this memory. */
  get holders(): number {
    return this.refs;
  }

  get isPinned(): boolean {
    return this.pinned;
  }

  /** A view was given to somebody who may keep it: this memory is never used again. */
  pin(): void {
    this.pinned = true;
  }
}

/** What {@link MemoryPool.stats} reports. Sizes in bytes. */
export interface MemoryPoolStats {
  readonly idleBlocks: number;
  readonly idleBytes: number;
  readonly allocated: number;
  readonly reused: number;
}

/** Keeps released memory for reuse, up to `maxIdleBytes`; the rest is left to the garbage collector. */
export class MemoryPool {
  private readonly idle = new Map<number, Buffer[]>();
  private idleBytes = 0;
  private allocated = 0;
  private reused = 0;
  private readonly maxIdleBytes: number;

  constructor(maxIdleBytes: number = POOL_IDLE_BYTES) {
    this.maxIdleBytes = maxIdleBytes;
  }

  /**
   * A block of at least `size` bytes (rounded up so that like sizes share memory).
   * @throws PvaError `PVA_NO_MEMORY` when the process cannot have that much
   */
  take(size: number): MemoryBlock {
    const rounded = roundUp(size);
    const bytes = this.idle.get(rounded)?.pop();
    if (bytes) {
      this.idleBytes -= rounded;
      this.reused++;
      return new MemoryBlock(bytes, this);
    }
    this.allocated++;
    return new MemoryBlock(this.allocate(rounded), this);
  }

  private allocate(size: number): Buffer {
    try {
      return Buffer.allocUnsafeSlow(size);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // The caller gives up; the others need what lies idle here.
      this.idle.clear();
      this.idleBytes = 0;
      throw new PvaError('PVA_NO_MEMORY', `no memory for ${size} bytes to receive into`, { cause: error });
    }
  }

  put(bytes: Buffer): void {
    if (bytes.length > this.maxIdleBytes) return;
    if (this.idleBytes + bytes.length > this.maxIdleBytes) this.dropOthers(bytes.length);
    if (this.idleBytes + bytes.length > this.maxIdleBytes) return;
    const list = this.idle.get(bytes.length);
    if (list) list.push(bytes);
    else this.idle.set(bytes.length, [bytes]);
    this.idleBytes += bytes.length;
  }

  /** Makes room for a block of this size: those of other sizes may be of streams that have ended. */
  private dropOthers(size: number): void {
    for (const [other, list] of this.idle) {
      if (other === size) continue;
      while (list.length > 0 && this.idleBytes + size > this.maxIdleBytes) {
        list.pop();
        this.idleBytes -= other;
      }
      if (list.length === 0) this.idle.delete(other);
    }
  }

  stats(): MemoryPoolStats {
    let idleBlocks = 0;
    for (const list of this.idle.values()) idleBlocks += list.length;
    return { idleBlocks, idleBytes: this.idleBytes, allocated: this.allocated, reused: this.reused };
  }
}

/** Powers of two up to 64 KiB, then multiples of 64 KiB. */
function roundUp(size: number): number {
  if (size <= 4096) return 4096;
  if (size <= 65536) return 2 ** Math.ceil(Math.log2(size));
  return Math.ceil(size / 65536) * 65536;
}
