/**
 * BitSet: which fields of a structure are present, in 32-bit words.
 *
 * Wire form (pvAccess specification "BitSet", confirmed against PVXS and pvDataCPP): the number of bytes as a
 * size, then the bytes; every complete group of eight bytes is one 64-bit integer in the message's byte order,
 * the remaining ones are in ascending order. Trailing zero bytes are not sent.
 */
import { DecodeError } from '../errors.ts';
import { MAX_BIT_SET_BYTES } from '../limits.ts';
import { NULL_SIZE, type WireReader } from './reader.ts';
import type { WireWriter } from './writer.ts';

/** Which fields of a structure are meant, by their numbers: the marks of a {@link Value}, the overrun mask of a monitor. */
export class BitSet {
  /** 32 bits each, lowest field first. Missing words are zero. */
  readonly words: number[];

  constructor(words: number[] = [0]) {
    this.words = words;
  }

  /** The set of these bits. */
  static of(...bits: number[]): BitSet {
    const set = new BitSet();
    for (const b of bits) set.set(b);
    return set;
  }

  /** Is the bit set? */
  get(bit: number): boolean {
    return (((this.words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  /** Sets a bit. */
  set(bit: number): this {
    const word = bit >>> 5;
    const words = this.words;
    while (words.length <= word) words.push(0);
    (words[word] as number) |= 1 << (bit & 31);
    return this;
  }

  /** Takes a bit away. */
  clear(bit: number): this {
    const word = bit >>> 5;
    if (word < this.words.length) (this.words[word] as number) &= ~(1 << (bit & 31));
    return this;
  }

  /** Sets bits `from` (inclusive) to `to` (exclusive). */
  setRange(from: number, to: number): this {
    for (let b = from; b < to; b++) this.set(b);
    return this;
  }

  /** Is no bit set? */
  isEmpty(): boolean {
    const { words } = this;
    for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
    return true;
  }

  /** Lowest set bit at or above `from`, or -1. */
  next(from: number): number {
    let i = from >>> 5;
    const words = this.words;
    if (i >= words.length) return -1;
    let w = (words[i] as number) & (-1 << (from & 31));
    for (;;) {
      if (w !== 0) return (i << 5) + (31 - Math.clz32(w & -w));
      if (++i >= words.length) return -1;
      w = words[i] as number;
    }
  }

  /** Is any bit of `from` (inclusive) to `to` (exclusive) set? */
  anyInRange(from: number, to: number): boolean {
    const n = this.next(from);
    return n >= 0 && n < to;
  }

  /** Adds the bits of another set. */
  or(other: BitSet): this {
    const words = this.words;
    other.words.forEach((w, i) => {
      words[i] = (words[i] ?? 0) | w;
    });
    return this;
  }

  /** Keeps the bits that another set has too. */
  and(other: BitSet): this {
    const words = this.words;
    for (let i = 0; i < words.length; i++) (words[i] as number) &= other.words[i] ?? 0;
    return this;
  }

  /** Have both sets a bit in common? */
  intersects(other: BitSet): boolean {
    const n = Math.min(this.words.length, other.words.length);
    for (let i = 0; i < n; i++)
      if (((this.words[i] as number) & (other.words[i] as number)) !== 0) return true;
    return false;
  }

  /** Have both sets the same bits? */
  equals(other: BitSet): boolean {
    const n = Math.max(this.words.length, other.words.length);
    for (let i = 0; i < n; i++) if ((this.words[i] ?? 0) !== (other.words[i] ?? 0)) return false;
    return true;
  }

  /** A set of its own with the same bits. */
  clone(): BitSet {
    return new BitSet(this.words.slice());
  }

  /** Takes all bits away. */
  reset(): this {
    this.words.fill(0);
    return this;
  }

  /** The set bits in ascending order. */
  toArray(): number[] {
    const bits: number[] = [];
    for (let b = this.next(0); b >= 0; b = this.next(b + 1)) bits.push(b);
    return bits;
  }

  /** Number of bytes without trailing zeros. */
  private byteLength(): number {
    const words = this.words;
    let i = words.length - 1;
    while (i >= 0 && words[i] === 0) i--;
    if (i < 0) return 0;
    return i * 4 + ((31 - Math.clz32(words[i] as number)) >> 3) + 1;
  }

  /** @internal Writes the wire form. */
  encode(w: WireWriter): void {
    const n = this.byteLength();
    w.size(n);
    const words = this.words;
    const byteAt = (i: number): number => ((words[i >> 2] as number) >>> ((i & 3) << 3)) & 0xff;
    const grouped = w.littleEndian ? 0 : n & ~7;
    for (let i = 0; i < grouped; i += 8) for (let k = 7; k >= 0; k--) w.u8(byteAt(i + k));
    for (let i = grouped; i < n; i++) w.u8(byteAt(i));
  }

  /** @internal Reads the wire form. @throws DecodeError */
  static decode(r: WireReader): BitSet {
    const n = r.size();
    if (n === NULL_SIZE) throw new DecodeError(`null size for a BitSet at offset ${r.offset - 1}`);
    if (n > MAX_BIT_SET_BYTES) throw new DecodeError(`BitSet of ${n} bytes at offset ${r.offset}`);
    const start = r.skip(n);
    const bytes = r.bytes;
    const words: number[] = [];
    for (let i = 0; i < n; i += 4) {
      let word = 0;
      const top = Math.min(4, n - i);
      for (let k = 0; k < top; k++) {
        const at = i + k;
        const grouped = !r.littleEndian && at < (n & ~7);
        word |= (bytes[start + (grouped ? (at | 7) - (at & 7) : at)] as number) << (k << 3);
      }
      words.push(word);
    }
    return new BitSet(words.length > 0 ? words : [0]);
  }
}
