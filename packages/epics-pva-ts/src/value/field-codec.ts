/**
 * FieldCodec: how one field of a given type is read, skipped, written and given its initial value.
 *
 * A codec is made once per TypeDef and kept on it. Arrays of numbers are the hot path: they become typed arrays
 * that are views on the receive memory when they are large, aligned and in the host's byte order, copies otherwise.
 * Structures inside arrays, unions and any are complete values without a mask.
 */
import { Buffer } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import type { MemoryBlock } from '../wire/memory-block.ts';
import { NULL_SIZE, type WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { ARRAY_TYPE, KIND_WIDTH, type NumericArray, type NumericKind } from './type-code.ts';
import { decodeType, encodeType, TypeCache } from './type-codec.ts';
import type { TypeDef } from './type-def.ts';
import type { PvData, Value } from './value.ts';

/** True on every host Node runs on today but a few; typed arrays are in this order. */
export const HOST_LITTLE_ENDIAN: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Levels of structures inside arrays, unions and any; PVXS allows 20. */
const MAX_VALUE_DEPTH = 20;

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

  constructor(types: TypeCache = new TypeCache(), viewFrom: number = Number.POSITIVE_INFINITY) {
    this.types = types;
    this.viewFrom = viewFrom;
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
    if (this.depth === 0) this.budget = 100_000 + 4 * bytes;
  }

  spend(fields: number): void {
    this.budget -= fields;
    if (this.budget < 0) throw new DecodeError('message with far more fields than bytes');
  }

  enter(): void {
    if (++this.depth > MAX_VALUE_DEPTH)
      throw new DecodeError(`value nested deeper than ${MAX_VALUE_DEPTH} levels`);
  }
  leave(): void {
    this.depth--;
  }
}

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

/** Structure values are made by value.ts, which imports this file: it hands its factory in. */
let newStruct: (type: TypeDef, slots: PvData[]) => Value = () => {
  throw new Error('value.ts is not loaded');
};
export function bindStructFactory(factory: typeof newStruct): void {
  newStruct = factory;
}

/** The codec of a field type, made on first use. */
export function codecOf(type: TypeDef): FieldCodec {
  if (type.codec === undefined) type.codec = makeCodec(type);
  return type.codec as FieldCodec;
}

function makeCodec(type: TypeDef): FieldCodec {
  if (!type.isArray) {
    if (type.kind === 'struct') return structCodec(type);
    if (type.kind === 'union') return unionCodec(type);
    if (type.kind === 'any') return anyCodec;
    return SCALARS[type.kind];
  }
  switch (type.kind) {
    case 'struct':
    case 'union':
    case 'any':
      return elementsCodec(type);
    case 'string':
      return stringsCodec(type);
    case 'boolean':
      return booleansCodec(type);
    default:
      return numbersCodec(type, type.kind);
  }
}

function mayUse(type: TypeDef): boolean {
  return type.kind === 'any' || type.members.some((m) => mayUse(m.type));
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

const SCALARS = {
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

function numbersCodec(type: TypeDef, kind: NumericKind): FieldCodec {
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

function booleansCodec(type: TypeDef): FieldCodec {
  return {
    mayUseTypes: false,
    immutable: false,
    decode(r) {
      const n = arrayCount(r, type, 1);
      const at = r.skip(n);
      return Array.from(r.bytes.subarray(at, at + n), (b) => b !== 0);
    },
    skip(r) {
      r.skip(arrayCount(r, type, 1));
    },
    encode(w, v) {
      const flags = v as boolean[];
      writeCount(w, type, flags.length);
      for (const b of flags) w.bool(b);
    },
    initial: () => new Array<boolean>(type.array === 'fixed' ? type.bound : 0).fill(false),
  };
}

function stringsCodec(type: TypeDef): FieldCodec {
  return {
    mayUseTypes: false,
    immutable: false,
    decode(r) {
      const n = arrayCount(r, type, 1);
      const strings: string[] = [];
      for (let i = 0; i < n; i++) strings.push(r.string());
      return strings;
    },
    skip(r) {
      for (let n = arrayCount(r, type, 1); n > 0; n--) r.skipString();
    },
    encode(w, v) {
      const strings = v as string[];
      writeCount(w, type, strings.length);
      for (const s of strings) w.string(s);
    },
    initial: () => new Array<string>(type.array === 'fixed' ? type.bound : 0).fill(''),
  };
}

/** Arrays of structures, unions and any: a flag before each element, 0 for null. */
function elementsCodec(type: TypeDef): FieldCodec {
  const element = type.element;
  return {
    mayUseTypes: mayUse(type),
    immutable: false,
    decode(r, ctx) {
      const codec = codecOf(element);
      const n = r.count(1);
      const elements: PvData[] = [];
      ctx.enter();
      for (let i = 0; i < n; i++) elements.push(r.u8() === 0 ? null : codec.decode(r, ctx));
      ctx.leave();
      return elements as PvData;
    },
    skip(r, ctx) {
      const codec = codecOf(element);
      const n = r.count(1);
      ctx.enter();
      for (let i = 0; i < n; i++) if (r.u8() !== 0) codec.skip(r, ctx);
      ctx.leave();
    },
    encode(w, v) {
      const codec = codecOf(element);
      const elements = v as PvData[];
      w.size(elements.length);
      for (const e of elements) {
        w.u8(e === null ? 0 : 1);
        if (e !== null) codec.encode(w, e);
      }
    },
    initial: () => [],
  };
}

/** A complete structure, without a mask. */
function structCodec(type: TypeDef): FieldCodec {
  const nodes = type.nodes;
  const leaves = nodes.filter((n) => !n.isStruct);
  const codecs = leaves.map((n) => codecOf(n.type));
  return {
    mayUseTypes: mayUse(type),
    immutable: false,
    decode(r, ctx) {
      ctx.enter();
      ctx.spend(nodes.length);
      const slots = new Array<PvData>(nodes.length);
      for (let i = 0; i < leaves.length; i++)
        slots[(leaves[i] as { index: number }).index] = (codecs[i] as FieldCodec).decode(r, ctx);
      ctx.leave();
      return newStruct(type, slots);
    },
    skip(r, ctx) {
      ctx.enter();
      ctx.spend(nodes.length);
      for (const codec of codecs) codec.skip(r, ctx);
      ctx.leave();
    },
    encode(w, v) {
      (v as Value).encodeFull(w);
    },
    initial: () => newStruct(type, new Array<PvData>(nodes.length)),
  };
}

function unionCodec(type: TypeDef): FieldCodec {
  const none = new UnionValue(type, -1, null);
  const memberCodec = (index: number, r: WireReader): FieldCodec => {
    const member = type.members[index];
    if (!member)
      throw new DecodeError(`union selector ${index} of ${type.members.length} at offset ${r.offset - 1}`);
    return codecOf(member.type);
  };
  return {
    mayUseTypes: mayUse(type),
    immutable: false,
    decode(r, ctx) {
      const index = r.size();
      if (index === NULL_SIZE) return none;
      ctx.enter();
      const value = memberCodec(index, r).decode(r, ctx);
      ctx.leave();
      return new UnionValue(type, index, value);
    },
    skip(r, ctx) {
      const index = r.size();
      if (index === NULL_SIZE) return;
      ctx.enter();
      memberCodec(index, r).skip(r, ctx);
      ctx.leave();
    },
    encode(w, v) {
      const u = v as UnionValue;
      const member = type.members[u.index];
      if (!member) {
        w.nullSize();
        return;
      }
      w.size(u.index);
      codecOf(member.type).encode(w, u.value);
    },
    initial: () => none,
  };
}

const NO_ANY = new AnyValue(null, null);
const anyCodec: FieldCodec = {
  mayUseTypes: true,
  immutable: false,
  decode(r, ctx) {
    const type = decodeType(r, ctx.types);
    if (!type) return NO_ANY;
    ctx.enter();
    if (type.codec === undefined) ctx.spend(type.fieldCount);
    const value = codecOf(type).decode(r, ctx);
    ctx.leave();
    return new AnyValue(type, value);
  },
  skip(r, ctx) {
    const type = decodeType(r, ctx.types);
    if (!type) return;
    ctx.enter();
    if (type.codec === undefined) ctx.spend(type.fieldCount);
    codecOf(type).skip(r, ctx);
    ctx.leave();
  },
  encode(w, v) {
    const any = v as AnyValue;
    encodeType(w, any.type);
    if (any.type) codecOf(any.type).encode(w, any.value);
  },
  initial: () => NO_ANY,
};
