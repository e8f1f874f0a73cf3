/**
 * FrameDecoder: the byte stream of a TCP connection -> whole messages.
 *
 * The socket reads straight into the memory this decoder lends (`writeTarget`/`commit`, receive-memory.ts), so that
 * messages are assembled in place. Segments (pvAccessCPP sends them for
 * large arrays) are joined here; control messages may stand between them. Nobody pads messages, so nothing is skipped.
 */
import { DecodeError } from '../errors.ts';
import { MAX_MESSAGE_BYTES } from '../limits.ts';
import { type MemoryBlock, MemoryPool } from '../wire/memory-block.ts';
import { decodeHeader, HEADER_SIZE, newHeader, Segment } from './header.ts';
import { ReceiveMemory } from './receive-memory.ts';

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
  /** A clock, in ms; default `performance.now`. */
  now?: () => number;
}

/** Segments are joined in a block that begins with this size. */
const FIRST_JOIN = 64 * 1024;

/** Blocks that segments are joined in. */
const sharedPool = new MemoryPool();

export class FrameDecoder {
  maxMessage: number;
  private readonly onFrame: (frame: Frame) => void;
  private readonly expectServer: boolean | undefined;
  private readonly pool: MemoryPool;
  private readonly memory: ReceiveMemory;
  /** Bytes the message being received needs in all, header included. */
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
    this.maxMessage = options.maxMessage ?? MAX_MESSAGE_BYTES;
    this.pool = options.pool ?? sharedPool;
    this.memory = new ReceiveMemory(options.pool, options.now);
    this.frame = {
      command: 0,
      control: false,
      datum: 0,
      littleEndian: true,
      fromServer: false,
      bytes: this.memory.current.bytes,
      offset: 0,
      end: 0,
      block: this.memory.current,
    };
  }

  /**
   * Where the next received bytes belong; never empty. The same Buffer is to be handed back to `commit`. Sockets ask
   * for it where nobody catches: if there is no memory, `commit` will throw that.
   */
  writeTarget(): Buffer {
    return this.memory.lend(this.needed);
  }

  /** `n` bytes have been read into `target`. @throws DecodeError, PVA_NO_MEMORY, and what `onFrame` throws */
  commit(target: Uint8Array, n: number): void {
    if (this.memory.take(target, n)) this.run();
    else this.push(target.subarray(0, n));
  }

  /** Takes bytes by copying them: for sources that cannot read in place. @throws as `commit` */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      at += this.memory.copyIn(chunk, at);
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
    this.memory.close();
  }

  private run(): void {
    // Frames are handed out one after the other, never one inside the handler of another.
    if (this.running) return;
    this.running = true;
    try {
      while (!this.suspended && !this.closed) {
        const { available } = this.memory;
        if (available < this.needed) break;
        this.step(available);
      }
      if (!this.suspended && !this.closed) this.memory.makeRoom(this.needed);
    } finally {
      this.running = false;
    }
  }

  /** Takes one message if it is complete, else notes how many bytes it needs. */
  private step(available: number): void {
    const { memory } = this;
    const { bytes } = memory.current;
    const at = memory.offset;
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
    memory.consume(total);
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
      frame.block = memory.current;
      this.onFrame(frame);
    } else this.join(header.segment, frame, at + HEADER_SIZE, at + total);
  }

  private join(segment: Segment, frame: Frame, from: number, to: number): void {
    const joined = this.joined;
    if (segment === Segment.WHOLE || segment === Segment.FIRST) {
      // A whole message only gets here while segments are open.
      if (joined) throw new DecodeError('a new message begins before the last segment of the one before');
      const block = this.pool.take(Math.max(FIRST_JOIN, to - from));
      this.memory.current.bytes.copy(block.bytes, 0, from, to);
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
    this.memory.current.bytes.copy(joined.block.bytes, joined.length, from, to);
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
}
