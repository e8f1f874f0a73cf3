/**
 * Primitives to bytes: a growing buffer and, beside it, a list of large arrays taken by reference.
 *
 * A detector frame is a few hundred bytes of head and tail around megabytes of pixels. `bytesOrReference`
 * therefore does not copy arrays of {@link WireWriter.referenceFrom} bytes or more: `finish()` returns the
 * message as chunks in order, and the socket writes them with one writev.
 */
import { Buffer } from 'node:buffer';
import { LocalProtocolError } from '../errors.ts';
import { emptyList } from '../kept-kinds.ts';
import { MAX_ARRAY_BYTES } from '../limits.ts';
import type { MemoryBlock } from './memory-block.ts';
import { asBuffer } from './reader.ts';

export class WireWriter {
  littleEndian: boolean;
  /** Arrays of at least this many bytes are taken by reference instead of copied; `Infinity` copies all. */
  referenceFrom: number;
  /** While a message is written: memory it refers to, which its sender releases when it was sent. */
  lent: MemoryBlock[] | null = null;
  private readonly capacity: number;
  private buffer: Buffer;
  private view: DataView;
  /** Bytes used in `buffer`. */
  private used = 0;
  /** Offset in `buffer` where the current chunk begins. */
  private chunkStart = 0;
  private chunks = emptyList<Uint8Array>();
  /** Bytes in `chunks`. */
  private chunkBytes = 0;
  /** Where the message being written begins: behind so many chunks and so many bytes of the open one. */
  private messageChunks = 0;
  private messageOpen = 0;

  constructor(littleEndian = true, capacity = 512, referenceFrom = Number.POSITIVE_INFINITY) {
    this.littleEndian = littleEndian;
    this.referenceFrom = referenceFrom;
    this.capacity = capacity;
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, capacity);
  }

  /** Bytes written so far, arrays taken by reference included. */
  get length(): number {
    return this.chunkBytes + (this.used - this.chunkStart);
  }

  /** Makes room for `n` bytes and returns the offset at which they begin. */
  private room(n: number): number {
    if (this.used + n > this.buffer.length) this.renew(n);
    const at = this.used;
    this.used = at + n;
    return at;
  }

  /** A new buffer that begins with the unfinished chunk; what was handed out stays in the old one. */
  private renew(n: number): void {
    // Messages before the one being written are complete: they stay where they are.
    if (this.messageOpen > 0 && this.chunks.length === this.messageChunks) {
      const complete = this.chunkStart + this.messageOpen;
      this.chunks.push(this.buffer.subarray(this.chunkStart, complete));
      this.chunkBytes += this.messageOpen;
      this.chunkStart = complete;
      this.messageChunks++;
      this.messageOpen = 0;
    }
    const open = this.used - this.chunkStart;
    const size = open + n <= this.capacity ? this.capacity : Math.max(open * 2, open + n);
    const buffer = Buffer.allocUnsafeSlow(size);
    this.buffer.copy(buffer, 0, this.chunkStart, this.used);
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, size);
    this.chunkStart = 0;
    this.used = open;
  }

  u8(v: number): void {
    const at = this.room(1);
    this.buffer[at] = v;
  }
  i8(v: number): void {
    this.u8(v & 0xff);
  }
  bool(v: boolean): void {
    this.u8(v ? 1 : 0);
  }
  u16(v: number): void {
    const at = this.room(2);
    this.view.setUint16(at, v, this.littleEndian);
  }
  i16(v: number): void {
    const at = this.room(2);
    this.view.setInt16(at, v, this.littleEndian);
  }
  u32(v: number): void {
    const at = this.room(4);
    this.view.setUint32(at, v, this.littleEndian);
  }
  i32(v: number): void {
    const at = this.room(4);
    this.view.setInt32(at, v, this.littleEndian);
  }
  u64(v: bigint): void {
    const at = this.room(8);
    this.view.setBigUint64(at, v, this.littleEndian);
  }
  i64(v: bigint): void {
    const at = this.room(8);
    this.view.setBigInt64(at, v, this.littleEndian);
  }
  f32(v: number): void {
    const at = this.room(4);
    this.view.setFloat32(at, v, this.littleEndian);
  }
  f64(v: number): void {
    const at = this.room(8);
    this.view.setFloat64(at, v, this.littleEndian);
  }

  /**
   * A size in its canonical form: one byte up to 253, `FE` + 32-bit above.
   * @throws LocalProtocolError beyond 2^31-2, which no peer reads
   */
  size(n: number): void {
    if (n < 0xfe) this.u8(n);
    else {
      if (n >= 0x7fffffff)
        throw new LocalProtocolError(
          `pvAccess cannot carry ${n} elements or bytes in one field (limit 2^31-2)`,
        );
      this.u8(0xfe);
      this.i32(n);
    }
  }
  nullSize(): void {
    this.u8(0xff);
  }

  string(s: string): void {
    const n = s.length;
    if (n < 24) {
      const at = this.room(n + 1);
      const buffer = this.buffer;
      buffer[at] = n;
      let i = 0;
      for (; i < n; i++) {
        const c = s.charCodeAt(i);
        if (c >= 0x80) break;
        buffer[at + 1 + i] = c;
      }
      if (i === n) return;
      this.used = at;
    }
    const bytes = Buffer.byteLength(s, 'utf8');
    this.size(bytes);
    const at = this.room(bytes);
    this.buffer.write(s, at, bytes, 'utf8');
  }

  /** Copies raw bytes. */
  bytes(b: Uint8Array): void {
    const at = this.room(b.length);
    this.buffer.set(b, at);
  }

  /**
   * Memory that is referred to stays as it is for good, unless the message is written for somebody who lends it until
   * it was sent.
   */
  refersTo(block: MemoryBlock): void {
    if (!this.lent) {
      block.pin();
      return;
    }
    block.retain();
    this.lent.push(block);
  }

  /** Raw bytes, by reference when large: they must not change until the message has been sent. */
  bytesOrReference(b: Uint8Array): void {
    if (b.length < this.referenceFrom) {
      this.bytes(b);
      return;
    }
    this.cut();
    this.chunks.push(b);
    this.chunkBytes += b.length;
  }

  /**
   * Begins a message right behind what has been written, so that small messages lie in one piece and leave in one chunk.
   * What is written from here on can be taken back (`dropMessage`), and its beginning changed (`setMessageU32`).
   */
  beginMessage(): void {
    this.messageChunks = this.chunks.length;
    this.messageOpen = this.used - this.chunkStart;
  }

  /** Bytes of the message begun last. */
  get messageLength(): number {
    let n = this.used - this.chunkStart - this.messageOpen;
    for (let i = this.messageChunks; i < this.chunks.length; i++) n += (this.chunks[i] as Uint8Array).length;
    return n;
  }

  /** Overwrites four bytes of the message begun last, counted from its beginning; they must not be a large array's. */
  setMessageU32(offset: number, v: number): void {
    const at = this.messageOpen + offset;
    const first = this.chunks[this.messageChunks];
    if (first === undefined) {
      this.view.setUint32(this.chunkStart + at, v, this.littleEndian);
      return;
    }
    for (let i = 0; i < 4; i++) first[at + i] = (v >>> ((this.littleEndian ? i : 3 - i) * 8)) & 0xff;
  }

  /** Puts the chunks that `change` makes of the message begun last in its place. */
  replaceMessage(change: (chunks: readonly Uint8Array[]) => readonly Uint8Array[]): void {
    this.cut();
    const [first, ...others] = this.chunks.splice(this.messageChunks);
    if (first === undefined) return;
    if (this.messageOpen > 0) this.chunks.push(first.subarray(0, this.messageOpen));
    this.chunks.push(...change([first.subarray(this.messageOpen), ...others]));
    this.chunkBytes = this.chunks.reduce((n, chunk) => n + chunk.length, 0);
    this.messageChunks = this.chunks.length;
    this.messageOpen = 0;
  }

  /** Takes back all of the message begun last: half a message must not become the beginning of the next one. */
  dropMessage(): void {
    const first = this.chunks[this.messageChunks];
    if (first === undefined) {
      this.used = this.chunkStart + this.messageOpen;
      return;
    }
    for (let i = this.messageChunks; i < this.chunks.length; i++)
      this.chunkBytes -= (this.chunks[i] as Uint8Array).length;
    this.chunks.length = this.messageChunks;
    this.chunkStart = this.used;
    if (this.messageOpen === 0) return;
    this.chunks.push(first.subarray(0, this.messageOpen));
    this.chunkBytes += this.messageOpen;
  }

  private cut(): void {
    if (this.used > this.chunkStart) {
      this.chunks.push(this.buffer.subarray(this.chunkStart, this.used));
      this.chunkBytes += this.used - this.chunkStart;
      this.chunkStart = this.used;
    }
  }

  /**
   * The message as chunks in order. The writer is empty afterwards and the chunks keep their memory; the next
   * message begins right behind, so that consecutive small messages lie in one piece.
   */
  finish(): Uint8Array[] {
    this.cut();
    const chunks = this.chunks;
    this.chunks = emptyList();
    this.chunkBytes = 0;
    this.messageChunks = 0;
    this.messageOpen = 0;
    return chunks;
  }

  /** The message as one array, copied if it had more than one chunk. */
  finishBytes(): Buffer {
    const chunks = this.finish();
    if (chunks.length === 1) return asBuffer(chunks[0] as Uint8Array);
    return Buffer.concat(chunks);
  }
}

/** @throws LocalProtocolError for an array larger than {@link MAX_ARRAY_BYTES} */
export function checkArrayBytes(bytes: number): void {
  if (bytes > MAX_ARRAY_BYTES)
    throw new LocalProtocolError(
      `an array of ${bytes} bytes cannot be sent: pvAccess peers take ${MAX_ARRAY_BYTES} bytes in one array; send it in parts`,
    );
}
