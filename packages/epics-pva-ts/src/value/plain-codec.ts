/**
 * Codecs of fields that hold no structure: scalars, and arrays of numbers, booleans and strings.
 *
 * Arrays of numbers are the hot path: they become typed arrays that are views on the receive memory when they are
 * large, aligned and in the host's byte order, copies otherwise.
 */
import { Buffer } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import type { WireReader } from '../wire/reader.ts';
import { checkArrayBytes, type WireWriter } from '../wire/writer.ts';
import type { DecodeContext } from './decode-context.ts';
import { ARRAY_TYPE, KIND_WIDTH, type NumericArray, type NumericKind } from './type-code.ts';
import type { TypeDef } from './type-def.ts';
import type { PvData } from './value.ts';

/** True on every host Node runs on today but a few; typed arrays are in this order. */
const HOST_LITTLE_ENDIAN: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * How one field of a given type is read, skipped, written and given its initial value. Skipping costs the message what
 * reading would: what was skipped can be read later.
 */
export interface FieldCodec {
  /** There may be an any inside, and with it type ids of the connection. */
  readonly mayUseTypes: boolean;
  /** The value can not be changed by whoever holds it (numbers, strings). */
  readonly immutable: boolean;
  decode(r: WireReader, ctx: DecodeContext): PvData;
  skip(r: WireReader, ctx: DecodeContext): void;
  encode(w: WireWriter, v: PvData): void;
  initial(): PvData;
}

function scalar<T extends PvData>(
  width: number,
  zero: T,
  decode: (r: WireReader) => T,
  encode: (w: WireWriter, v: T) => void,
): FieldCodec {
  return {
    mayUseTypes: false,
    immutable: true,
    decode,
    encode: encode as FieldCodec['encode'],
    skip: (r) => {
      r.skip(width);
    },
    initial: () => zero,
  };
}

export const SCALARS = {
  boolean: scalar(
    1,
    false,
    (r) => r.bool(),
    (w, v: boolean) => w.bool(v),
  ),
  byte: scalar(
    1,
    0,
    (r) => r.i8(),
    (w, v: number) => w.i8(v),
  ),
  short: scalar(
    2,
    0,
    (r) => r.i16(),
    (w, v: number) => w.i16(v),
  ),
  int: scalar(
    4,
    0,
    (r) => r.i32(),
    (w, v: number) => w.i32(v),
  ),
  long: scalar(
    8,
    0n,
    (r) => r.i64(),
    (w, v: bigint) => w.i64(v),
  ),
  ubyte: scalar(
    1,
    0,
    (r) => r.u8(),
    (w, v: number) => w.u8(v),
  ),
  ushort: scalar(
    2,
    0,
    (r) => r.u16(),
    (w, v: number) => w.u16(v),
  ),
  uint: scalar(
    4,
    0,
    (r) => r.u32(),
    (w, v: number) => w.u32(v),
  ),
  ulong: scalar(
    8,
    0n,
    (r) => r.u64(),
    (w, v: bigint) => w.u64(v),
  ),
  float: scalar(
    4,
    0,
    (r) => r.f32(),
    (w, v: number) => w.f32(v),
  ),
  double: scalar(
    8,
    0,
    (r) => r.f64(),
    (w, v: number) => w.f64(v),
  ),
  string: {
    mayUseTypes: false,
    immutable: true,
    decode: (r: WireReader) => r.string(),
    skip: (r: WireReader) => r.skipString(),
    encode: (w: WireWriter, v: PvData) => w.string(v as string),
    initial: () => '',
  } satisfies FieldCodec,
};

/** Reads the element count of an array; a fixed array has none on the wire. */
function arrayCount(r: WireReader, type: TypeDef, width: number): number {
  if (type.array === 'fixed') {
    if (type.bound * width > r.remaining)
      throw new DecodeError(`fixed array of ${type.bound} does not fit at offset ${r.offset}`);
    return type.bound;
  }
  const n = r.count(width);
  if (type.array === 'bounded' && n > type.bound)
    throw new DecodeError(`${n} elements in an array bounded to ${type.bound}`);
  return n;
}

function writeCount(w: WireWriter, type: TypeDef, n: number): void {
  if (type.array === 'fixed') {
    if (n !== type.bound) throw new RangeError(`fixed array needs ${type.bound} elements, has ${n}`);
    return;
  }
  if (type.array === 'bounded' && n > type.bound)
    throw new RangeError(`array bounded to ${type.bound} elements has ${n}`);
  w.size(n);
}

export function numbersCodec(type: TypeDef, kind: NumericKind): FieldCodec {
  const width = KIND_WIDTH[kind];
  const ArrayType = ARRAY_TYPE[kind];
  const length = type.array === 'fixed' ? type.bound : 0;
  return {
    mayUseTypes: false,
    immutable: false,
    decode(r, ctx) {
      const n = arrayCount(r, type, width);
      const size = n * width;
      const at = r.skip(size);
      const start = r.bytes.byteOffset + at;
      const swap = width > 1 && r.littleEndian !== HOST_LITTLE_ENDIAN;
      if (size >= ctx.viewFrom && !swap && start % width === 0) {
        ctx.block?.pin();
        return new ArrayType(r.bytes.buffer, start, n);
      }
      const copy = new ArrayType(n);
      const bytes = Buffer.from(copy.buffer, 0, size);
      bytes.set(r.bytes.subarray(at, at + size));
      if (swap) swapBytes(bytes, width);
      return copy;
    },
    skip(r) {
      r.skip(arrayCount(r, type, width) * width);
    },
    encode(w, v) {
      const array = v as NumericArray;
      checkArrayBytes(array.byteLength);
      writeCount(w, type, array.length);
      let bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
      if (width > 1 && w.littleEndian !== HOST_LITTLE_ENDIAN) {
        bytes = Buffer.from(bytes);
        swapBytes(bytes, width);
      }
      w.bytesOrReference(bytes);
    },
    initial: () => new ArrayType(length),
  };
}

function swapBytes(bytes: Buffer, width: number): void {
  if (width === 2) bytes.swap16();
  else if (width === 4) bytes.swap32();
  else bytes.swap64();
}

/** A reference for the one byte, and as much again while the list grows. */
const BOOLEAN_HEAP = 16;

export function booleansCodec(type: TypeDef): FieldCodec {
  return {
    mayUseTypes: false,
    immutable: false,
    decode(r, ctx) {
      const n = arrayCount(r, type, 1);
      ctx.take(n * BOOLEAN_HEAP);
      const at = r.skip(n);
      return Array.from(r.bytes.subarray(at, at + n), (b) => b !== 0);
    },
    skip(r, ctx) {
      const n = arrayCount(r, type, 1);
      ctx.take(n * BOOLEAN_HEAP);
      r.skip(n);
    },
    encode(w, v) {
      const flags = v as boolean[];
      writeCount(w, type, flags.length);
      for (const b of flags) w.bool(b);
    },
    initial: () => new Array<boolean>(type.array === 'fixed' ? type.bound : 0).fill(false),
  };
}

/** A reference and a string: 32 bytes for the one byte of an empty one. */
const STRING_HEAP = 32;

export function stringsCodec(type: TypeDef): FieldCodec {
  return {
    mayUseTypes: false,
    immutable: false,
    decode(r, ctx) {
      const n = arrayCount(r, type, 1);
      ctx.take(n * STRING_HEAP);
      const strings: string[] = [];
      for (let i = 0; i < n; i++) strings.push(r.string());
      return strings;
    },
    skip(r, ctx) {
      const n = arrayCount(r, type, 1);
      ctx.take(n * STRING_HEAP);
      for (let i = 0; i < n; i++) r.skipString();
    },
    encode(w, v) {
      const strings = v as string[];
      writeCount(w, type, strings.length);
      for (const s of strings) w.string(s);
    },
    initial: () => new Array<string>(type.array === 'fixed' ? type.bound : 0).fill(''),
  };
}
