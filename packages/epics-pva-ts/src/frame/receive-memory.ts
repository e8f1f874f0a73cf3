/**
 * ReceiveMemory: where the bytes of one connection are received, so that messages are assembled in place.
 *
 * Small messages share a block. A stream of large messages gets blocks of their size, and each read is limited to the
 * message expected next: nothing is copied, and when its holders release a message before the next one arrives, the
 * same block, still in the processor's cache, serves again. Measured: reading into a few hundred KiB that stay cached
 * is up to twice as fast as reading into megabytes.
 *
 * A header is only a claim. What it claims is reserved up to {@link RECEIVE_RESERVE_BYTES}, or up to the size of the
 * last large message, which did arrive; beyond that the block grows to twice of what has arrived.
 */
import { PvaError } from '../errors.ts';
import { RECEIVE_RESERVE_BYTES } from '../limits.ts';
import { type MemoryBlock, MemoryPool } from '../wire/memory-block.ts';
import { HEADER_SIZE } from './header.ts';

/** Block that messages share. */
const SHARED_BLOCK = 64 * 1024;
/** Messages of this size on (header included) get blocks of their own. */
const LARGE = 48 * 1024;
/** A read into less than this is not worth the call. */
const LEAST_READ = 4096;
/**
 * Large messages of a faster stream, in bytes a ms, are read in pieces. While the kernel copies into one read it holds
 * the socket, and what arrives meanwhile is acknowledged afterwards: the sender's congestion window runs full, and both
 * ends take turns. Slower streams are read as a whole: fewer calls. Measured: docs/explanation/performance.md.
 */
const PIECES_ABOVE = 2.5e6;
/**
 * One segment of TCP on Linux's loopback: 65,535 bytes less the headers and the time stamps. A read that takes whole
 * segments frees them, and one that is filled lets libuv read on at once.
 */
const PIECE = 65_483;
/** A stream is one of large messages until so many small ones have come in a row. */
const SMALL_RUN = 64;

/** Blocks of all connections of this process. */
const sharedPool = new MemoryPool();

export class ReceiveMemory {
  private readonly pool: MemoryPool;
  private block: MemoryBlock;
  /** Bytes of the block that hold received data end here ... */
  private filled = 0;
  /** ... and those already decoded end here. */
  private parsed = 0;
  /** The last `lend()`, until it comes back, and its memory. */
  private lent: Buffer | null = null;
  private lentBlock: MemoryBlock | null = null;
  /** Size of the next message if it is like the last large one; 0 in a stream of small ones. */
  private expected = 0;
  private smallOnes = 0;
  /** The last large message came so soon after the one before, at `lastLarge`. */
  private isFast = false;
  private lastLarge = Number.NEGATIVE_INFINITY;
  private readonly now: () => number;

  /** @param now a clock, in ms */
  constructor(pool: MemoryPool = sharedPool, now = () => performance.now()) {
    this.pool = pool;
    this.now = now;
    this.block = pool.take(SHARED_BLOCK);
  }

  /** The memory that holds the bytes not decoded yet, from `offset` on. */
  get current(): MemoryBlock {
    return this.block;
  }

  get offset(): number {
    return this.parsed;
  }

  /** Bytes received and not decoded yet. */
  get available(): number {
    return this.filled - this.parsed;
  }

  /** The message of `size` bytes at `offset` is being decoded. */
  consume(size: number): void {
    this.parsed += size;
    if (size >= LARGE) {
      const now = this.now();
      this.isFast = size > PIECES_ABOVE * (now - this.lastLarge);
      this.lastLarge = now;
      this.expected = size;
      this.smallOnes = 0;
    } else if (++this.smallOnes > SMALL_RUN) {
      this.expected = 0;
      this.isFast = false;
    }
  }

  /**
   * Where the next bytes belong; never empty. The memory is lent: whoever reads into it hands the same Buffer to
   * `take`. It stays out of the pool meanwhile, even if decoding has moved on to another block. Without memory a few
   * bytes are lent that belong nowhere: they will have to be copied in, and that will say so.
   */
  lend(needed: number): Buffer {
    if (this.filled === this.block.bytes.length && !this.growsForMore()) return Buffer.alloc(HEADER_SIZE);
    const message = Math.max(needed, this.expected);
    const end = this.expected > 0 ? this.parsed + message : this.block.bytes.length;
    const last = this.isFast ? Math.min(end, this.filled + PIECE) : end;
    this.lent = this.block.bytes.subarray(this.filled, Math.max(last, this.filled + 1));
    if (this.lentBlock !== this.block) {
      this.block.retain();
      this.lentBlock?.release();
      this.lentBlock = this.block;
    }
    return this.lent;
  }

  /** A full block is exchanged before more is read; false when there is no memory: nobody catches where this is asked. */
  private growsForMore(): boolean {
    try {
      this.grow(this.available + SHARED_BLOCK);
      return true;
    } catch (error) {
      if (!PvaError.isPvaError(error)) throw error;
      return false;
    }
  }

  /** `n` bytes were read into `target`. False if they are not where they belong and have to be copied in. */
  take(target: Uint8Array, n: number): boolean {
    const returned = target === this.lent;
    if (returned) this.lent = null;
    const inPlace =
      returned &&
      this.lentBlock === this.block &&
      target.byteOffset === this.block.bytes.byteOffset + this.filled;
    if (inPlace) this.filled += n;
    return inPlace;
  }

  /** Copies as much of `chunk` (from `at` on) as fits and returns how much that was; at least one byte. */
  copyIn(chunk: Uint8Array, at: number): number {
    const rest = chunk.length - at;
    if (this.filled === this.block.bytes.length) this.grow(this.available + rest);
    const n = Math.min(this.block.bytes.length - this.filled, rest);
    this.block.bytes.set(chunk.subarray(at, at + n), this.filled);
    this.filled += n;
    return n;
  }

  /** Makes sure that the message at `offset`, which takes `needed` bytes as far as is known, fits. */
  makeRoom(needed: number): void {
    const capacity = this.block.bytes.length;
    const left = this.available;
    const size = Math.max(needed, this.expected);
    if (left === 0 && this.mayMove() && size <= capacity && suits(capacity, size)) {
      this.parsed = 0;
      this.filled = 0;
      return;
    }
    // A message whose header is there is completed where it is, if it fits. Before that, a block which the message
    // expected next does not fit into is changed at once, while there is next to nothing to move.
    const wanted = left < HEADER_SIZE ? Math.max(size, left === 0 ? LEAST_READ : 0) : needed;
    if (this.parsed + wanted <= capacity) return;
    if (wanted <= RECEIVE_RESERVE_BYTES || wanted <= this.expected) this.grow(wanted);
    else if (capacity - this.filled < LEAST_READ)
      this.grow(Math.min(wanted, Math.max(RECEIVE_RESERVE_BYTES, this.expected, 2 * left)));
  }

  /** Nobody else looks at this block, and no read into it is under way. */
  private mayMove(): boolean {
    return (
      this.lent === null &&
      this.block.holders === (this.lentBlock === this.block ? 2 : 1) &&
      !this.block.isPinned
    );
  }

  /** Moves what is not decoded yet to the start of a block that takes `size` bytes. */
  private grow(size: number): void {
    const left = this.available;
    const capacity = this.block.bytes.length;
    if (this.mayMove() && size <= capacity && suits(capacity, size)) {
      this.block.bytes.copyWithin(0, this.parsed, this.filled);
    } else {
      const next = this.pool.take(Math.max(SHARED_BLOCK, size));
      this.block.bytes.copy(next.bytes, 0, this.parsed, this.filled);
      // Nothing is as large as what a message has outgrown: in the pool it would only lie there.
      if (left > 0 && capacity > SHARED_BLOCK && next.bytes.length > capacity) this.block.pin();
      this.block.release();
      this.block = next;
    }
    this.parsed = 0;
    this.filled = left;
  }

  /** Gives the memory up. */
  close(): void {
    // The socket may still write into what it was lent, so this memory is not used again.
    this.block.pin();
    this.lentBlock?.pin();
    this.block.release();
    this.lentBlock?.release();
  }
}

/** A connection must not sit on the block of one huge message for ever. */
function suits(capacity: number, size: number): boolean {
  return capacity <= Math.max(SHARED_BLOCK, 4 * size);
}
