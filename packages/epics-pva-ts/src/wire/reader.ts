/**
 * Bytes to primitives: a cursor over one message's bytes, in either byte order.
 *
 * Nothing here knows about messages or types. Every read is checked against `end`; a read past it throws
 * `DecodeError`, never returns garbage, so a decoder needs no checks of its own except for counts.
 * Rules: pvAccess specification, "Sizes", "Strings"; quirks of peers in docs/explanation/pva-protocol.md.
 */
import { Buffer } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import { MAX_ARRAY_BYTES } from '../limits.ts';

/** Returned by {@link WireReader.size} for the null size (`0xFF`). */
export const NULL_SIZE = -1;

export class WireReader {
  /** The bytes read from; positions below are offsets in this array. */
  bytes: Buffer;
  /** Offset of the next byte to read. */
  offset: number;
  /** Offset behind the last readable byte. */
  end: number;
  /** Byte order of the message being read. */
  littleEndian: boolean;
  private view: DataView;

  constructor(bytes: Uint8Array = new Uint8Array(0), littleEndian = true, offset = 0, end = bytes.length) {
    this.bytes = asBuffer(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.end = end;
    this.littleEndian = littleEndian;
  }

  /** Points this reader at other bytes: one reader serves a whole connection without allocations. */
  reset(bytes: Buffer, littleEndian: boolean, offset: number, end: number): this {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.offset = offset;
    this.end = end;
    this.littleEndian = littleEndian;
    return this;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves on by `n` bytes and returns the offset before. */
  skip(n: number): number {
    const at = this.offset;
    const next = at + n;
    if (!(next <= this.end)) this.short(n);
    this.offset = next;
    return at;
  }

  private short(n: number): never {
    throw new DecodeError(
      `message ends too early: ${n} byte(s) needed at offset ${this.offset}, ${this.end - this.offset} left`,
    );
  }

  u8(): number {
    if (this.offset >= this.end) this.short(1);
    return this.bytes[this.offset++] as number;
  }
  i8(): number {
    return (this.u8() << 24) >> 24;
  }
  bool(): boolean {
    return this.u8() !== 0;
  }
  u16(): number {
    return this.view.getUint16(this.skip(2), this.littleEndian);
  }
  i16(): number {
    return this.view.getInt16(this.skip(2), this.littleEndian);
  }
  u32(): number {
    return this.view.getUint32(this.skip(4), this.littleEndian);
  }
  i32(): number {
    return this.view.getInt32(this.skip(4), this.littleEndian);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), this.littleEndian);
  }
  i64(): bigint {
    return this.view.getBigInt64(this.skip(8), this.littleEndian);
  }
  f32(): number {
    return this.view.getFloat32(this.skip(4), this.littleEndian);
  }
  f64(): number {
    return this.view.getFloat64(this.skip(8), this.littleEndian);
  }

  /**
   * A size: one byte up to 253, `FE` + 32-bit otherwise; `FF` is null and returned as {@link NULL_SIZE}.
   * The specification's 64-bit form is implemented by no peer and refused, as is a negative 32-bit size.
   */
  size(): number {
    const first = this.u8();
    if (first < 0xfe) return first;
    if (first === 0xff) return NULL_SIZE;
    const at = this.offset;
    const long = this.i32();
    if (long < 0 || long === 0x7fffffff) throw new DecodeError(`size out of range at offset ${at}`);
    return long;
  }

  /**
   * The number of elements that follow, each at least `minBytes` long: checked against the bytes that are
   * there before anybody allocates for it. Null is not a count.
   */
  count(minBytes: number): number {
    const at = this.offset;
    const n = this.size();
    if (n === NULL_SIZE) throw new DecodeError(`null size where a count is needed, at offset ${at}`);
    if (n * minBytes > MAX_ARRAY_BYTES)
      throw new DecodeError(
        `array of ${n * minBytes} bytes at offset ${at}, at most ${MAX_ARRAY_BYTES} are taken`,
      );
    if (n * minBytes > this.remaining)
      throw new DecodeError(`count ${n} at offset ${at} needs more than the ${this.remaining} byte(s) left`);
    return n;
  }

  /** A string; null decodes as "". UTF-8 is not validated: records do hold Latin-1 (bytes become U+FFFD). */
  string(): string {
    const n = this.size();
    if (n <= 0) return '';
    const at = this.skip(n);
    const bytes = this.bytes;
    if (n < 24) {
      // Short ASCII names are the common case; the call into the runtime costs more than the loop.
      let s = '';
      for (let i = at; i < at + n; i++) {
        const c = bytes[i] as number;
        if (c >= 0x80) return bytes.toString('utf8', at, at + n);
        s += String.fromCharCode(c);
      }
      return s;
    }
    return bytes.toString('utf8', at, at + n);
  }

  /** Moves over a string without making one. */
  skipString(): void {
    const n = this.size();
    if (n > 0) this.skip(n);
  }
}

/** The same bytes as a Buffer, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
