/**
 * FrameDecoder: the byte stream of a TCP connection -> whole messages.
 *
 * The socket reads straight into the memory this decoder lends (`writeTarget`/`commit`), so a message is assembled
 * in place: only the incomplete tail at the end of a block is ever copied. Segments (pvAccessCPP sends them for
 * large arrays) are joined here; control messages may stand between them. Nobody pads messages, so nothing is skipped.
 */
import { DecodeError } from '../errors.ts';
import { type MemoryBlock, MemoryPool } from '../wire/memory-block.ts';
import { decodeHeader, HEADER_SIZE, newHeader, Segment } from './header.ts';

/** One complete message. The object is reused: valid only during the callback. */
export interface Frame {
  /** Command code, application or control. */
  command: number;
  control: boolean;
  /** The 32 bits of a control message. */
  datum: number;
  littleEndian: boolean;
  fromServer: boolean;
  /** Payload: `bytes` from `offset` to `end`. For control messages empty. */
  bytes: Buffer;
  offset: number;
  end: number;
  /** The memory `bytes` is in; retained by whoever keeps undecoded views. */
  block: MemoryBlock;
}

export interface FrameDecoderOptions {
  /** Called for every complete message, in order. An exception stops decoding for good (the caller closes). */
  onFrame(frame: Frame): void;
  /** Largest payload accepted, in bytes, segments together; default 256 MiB. */
  maxMessage?: number;
  /** Which side sent what is decoded here: messages of the wrong direction are errors; undefined accepts both. */
  expectServer?: boolean;
  pool?: MemoryPool;
}

export const DEFAULT_MAX_MESSAGE: number = 256 * 1024 * 1024;

const SMALLEST_BLOCK = 64 * 1024;
/** Reads of messages up to this size share a block of several; larger ones get a block each. */
const LARGEST_SHARED_BLOCK = 2 * 1024 * 1024;

/** Blocks of all connections of this process. */
const sharedPool = new MemoryPool();

export class FrameDecoder {
  maxMessage: number;
  private readonly onFrame: (frame: Frame) => void;
  private readonly expectServer: boolean | undefined;
  private readonly pool: MemoryPool;
  private block: MemoryBlock;
  /** The last `writeTarget()`, until it comes back, and its memory. */
  private lent: Buffer | null = null;
  private lentBlock: MemoryBlock | null = null;
  /** Bytes of `block` that hold received data end here ... */
  private filled = 0;
  /** ... and those already decoded end here. */
  private parsed = 0;
  /** Bytes the message at `parsed` needs in all, header included. */
  private needed = HEADER_SIZE;
  private suspended = false;
  private running = false;
  private closed = false;
  /** Segments joined so far. */
  private joined: { command: number; block: MemoryBlock; length: number } | null = null;
  private readonly frame: Frame;
  private readonly header = newHeader();

  constructor(options: FrameDecoderOptions) {
    this.onFrame = options.onFrame;
    this.expectServer = options.expectServer;
    this.maxMessage = options.maxMessage ?? DEFAULT_MAX_MESSAGE;
    this.pool = options.pool ?? sharedPool;
    this.block = this.pool.take(SMALLEST_BLOCK);
    this.frame = {
      command: 0,
      control: false,
      datum: 0,
      littleEndian: true,
      fromServer: false,
      bytes: this.block.bytes,
      offset: 0,
      end: 0,
      block: this.block,
    };
  }

  /**
   * Where the next received bytes belong; never empty. The memory is lent: whoever reads into it hands the same
   * Buffer back to `commit`. It stays out of the pool meanwhile, even if decoding has moved on to another block.
   */
  writeTarget(): Buffer {
    if (this.filled === this.block.bytes.length) this.grow(this.filled - this.parsed + SMALLEST_BLOCK);
    this.lent = this.block.bytes.subarray(this.filled);
    if (this.lentBlock !== this.block) {
      this.block.retain();
      this.lentBlock?.release();
      this.lentBlock = this.block;
    }
    return this.lent;
  }

  /** `n` bytes have been read into `target`. @throws DecodeError, and what `onFrame` throws */
  commit(target: Uint8Array, n: number): void {
    const returned = target === this.lent;
    if (returned) this.lent = null;
    const inPlace =
      returned &&
      this.lentBlock === this.block &&
      target.byteOffset === this.block.bytes.byteOffset + this.filled;
    if (inPlace) {
      this.filled += n;
      this.run();
    } else this.push(target.subarray(0, n));
  }

  /** Takes bytes by copying them: for sources that cannot read in place. @throws as `commit` */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.filled === this.block.bytes.length) this.grow(this.filled - this.parsed + (chunk.length - at));
      const target = this.block.bytes.subarray(this.filled);
      const n = Math.min(target.length, chunk.length - at);
      target.set(chunk.subarray(at, at + n));
      at += n;
      this.filled += n;
      this.run();
    }
  }

  /** Decodes no further until `resume()`; bytes already received stay here. May be called from `onFrame`. */
  suspend(): void {
    this.suspended = true;
  }

  /** Decodes on. Called from `onFrame` it does so after that has returned. @throws as `commit` */
  resume(): void {
    if (!this.suspended) return;
    this.suspended = false;
    this.run();
  }

  /** Gives the memory back. Nothing may be decoded afterwards. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.joined?.block.release();
    this.joined = null;
    // The socket may still write into what it was lent, so this memory is not used again.
    this.block.pin();
    this.lentBlock?.pin();
    this.block.release();
    this.lentBlock?.release();
  }

  private run(): void {
    // Frames are handed out one after the other, never one inside the handler of another.
    if (this.running) return;
    this.running = true;
    try {
      while (!this.suspended && !this.closed) {
        const available = this.filled - this.parsed;
        if (available < this.needed) break;
        this.step(available);
      }
      if (!this.suspended && !this.closed) this.makeRoom();
    } finally {
      this.running = false;
    }
  }

  /** Takes one message if it is complete, else notes how many bytes it needs. */
  private step(available: number): void {
    const bytes = this.block.bytes;
    const at = this.parsed;
    const header = decodeHeader(bytes, at, this.header);
    if (this.expectServer !== undefined && header.fromServer !== this.expectServer)
      throw new DecodeError(`message in the wrong direction (command ${header.command})`);
    const length = header.control ? 0 : header.length;
    if (length > this.maxMessage)
      throw new DecodeError(`message of ${length} bytes is larger than the limit of ${this.maxMessage}`);
    const total = HEADER_SIZE + length;
    if (available < total) {
      this.needed = total;
      return;
    }
    this.needed = HEADER_SIZE;
    this.parsed = at + total;
    const frame = this.frame;
    frame.command = header.command;
    frame.control = header.control;
    frame.datum = header.control ? header.length : 0;
    frame.littleEndian = header.littleEndian;
    frame.fromServer = header.fromServer;
    if (header.control || (header.segment === Segment.WHOLE && !this.joined)) {
      frame.bytes = bytes;
      frame.offset = at + HEADER_SIZE;
      frame.end = at + total;
      frame.block = this.block;
      this.onFrame(frame);
    } else this.join(header.segment, frame, at + HEADER_SIZE, at + total);
  }

  private join(segment: Segment, frame: Frame, from: number, to: number): void {
    const joined = this.joined;
    if (segment === Segment.WHOLE || segment === Segment.FIRST) {
      // A whole message only gets here while segments are open.
      if (joined) throw new DecodeError('a new message begins before the last segment of the one before');
      const block = this.pool.take(Math.max(SMALLEST_BLOCK, to - from));
      this.block.bytes.copy(block.bytes, 0, from, to);
      this.joined = { command: frame.command, block, length: to - from };
      return;
    }
    if (!joined) throw new DecodeError('segment without a first segment');
    if (joined.command !== frame.command) throw new DecodeError('segments of different commands');
    const length = joined.length + (to - from);
    if (length > this.maxMessage)
      throw new DecodeError(`segmented message is larger than the limit of ${this.maxMessage} bytes`);
    if (length > joined.block.bytes.length) {
      const larger = this.pool.take(Math.max(length, joined.block.bytes.length * 2));
      joined.block.bytes.copy(larger.bytes, 0, 0, joined.length);
      joined.block.release();
      joined.block = larger;
    }
    this.block.bytes.copy(joined.block.bytes, joined.length, from, to);
    joined.length = length;
    if (segment === Segment.MIDDLE) return;
    this.joined = null;
    frame.bytes = joined.block.bytes;
    frame.offset = 0;
    frame.end = length;
    frame.block = joined.block;
    try {
      this.onFrame(frame);
    } finally {
      joined.block.release();
    }
  }

  /** Makes sure the rest of the message at `parsed` fits behind `filled`. */
  private makeRoom(): void {
    const left = this.filled - this.parsed;
    const capacity = this.block.bytes.length;
    if (left === 0 && this.mayMove() && capacity <= LARGEST_SHARED_BLOCK) {
      this.parsed = 0;
      this.filled = 0;
      return;
    }
    // A message that fits is completed where it is, for it may be large and nearly there. Only where the next one
    // begins, a block with hardly any room left is changed for another.
    const fits =
      left >= HEADER_SIZE
        ? this.parsed + this.needed <= capacity
        : capacity - this.filled >= Math.min(capacity >> 3, 4096);
    if (!fits) this.grow(this.needed);
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
    const left = this.filled - this.parsed;
    if (
      this.mayMove() &&
      size <= this.block.bytes.length &&
      this.block.bytes.length <= LARGEST_SHARED_BLOCK
    ) {
      this.block.bytes.copyWithin(0, this.parsed, this.filled);
    } else {
      const next = this.pool.take(blockSizeFor(size));
      this.block.bytes.copy(next.bytes, 0, this.parsed, this.filled);
      this.block.release();
      this.block = next;
    }
    this.parsed = 0;
    this.filled = left;
  }
}

/** Small messages share a block, about eight to one; a large one gets a block of its own size. */
function blockSizeFor(message: number): number {
  if (message * 2 > LARGEST_SHARED_BLOCK) return message;
  return Math.max(SMALLEST_BLOCK, Math.min(LARGEST_SHARED_BLOCK, 2 ** Math.ceil(Math.log2(message * 8))));
}
