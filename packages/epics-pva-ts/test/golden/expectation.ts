/** How one kind of vector is read, made from scratch, written and understood. */
import { DecodeContext } from '../../src/value/decode-context.ts';
import { codecOf } from '../../src/value/field-codec.ts';
import { decodeType, encodeType, TypeCache } from '../../src/value/type-codec.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { type PvData, Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { NULL_SIZE, type WireReader } from '../../src/wire/reader.ts';
import { decodeStatus, encodeStatus, type Status, type StatusType } from '../../src/wire/status.ts';
import type { WireWriter } from '../../src/wire/writer.ts';
import { notation, plain } from '../support/plain.ts';

export interface Expectation<T = unknown> {
  read(r: WireReader): T;
  /** What was read, as plain data ... */
  understand(read: T): unknown;
  /** ... must be exactly this. */
  readonly means: unknown;
  /** The same thing made with the library instead of read. */
  make(): T;
  write(w: WireWriter, what: T): void;
  /** Bytes it is written as, where they cannot be those that were read. */
  readonly writtenAs?: string;
  /** This reading must be refused with DecodeError. */
  readonly refused?: boolean;
}

const same = (x: unknown): unknown => x;

export function size(n: number): Expectation<number> {
  return {
    read: (r) => r.size(),
    understand: same,
    means: n,
    make: () => n,
    write: (w, v) => (v === NULL_SIZE ? w.nullSize() : w.size(v)),
  };
}

export function string(s: string, writtenAs?: string): Expectation<string> {
  return {
    read: (r) => r.string(),
    understand: same,
    means: s,
    make: () => s,
    write: (w, v) => w.string(v),
    ...(writtenAs === undefined ? {} : { writtenAs }),
  };
}

/** A complete value of `type`: `input` is what a user would set, `means` what is read back. */
export function value(type: TypeDef, input: unknown, means: unknown = input): Expectation<PvData> {
  return {
    read: (r) => codecOf(type).decode(r, new DecodeContext()),
    understand: (v) => plain(v),
    means,
    make: () => Value.create(struct('', { it: type }), { it: input }).get('it'),
    write: (w, v) => codecOf(type).encode(w, v),
  };
}

/** Mask and marked fields. `marks` are the bits of the mask, `fields` what the marked fields hold, by path. */
export function partial(
  type: TypeDef,
  marks: readonly number[],
  fields: Readonly<Record<string, unknown>> = {},
  inputs: Readonly<Record<string, unknown>> = fields,
): Expectation<Value>[] {
  return [false, true].map((lazy) => ({
    read: (r: WireReader) => Value.decodePartial(type, r, new DecodeContext(), lazy),
    understand: (v: Value) => ({
      marks: v.marks.toArray(),
      fields: Object.fromEntries(
        v.type.nodes
          .filter((n) => !n.isStruct && v.isMarked(n.path))
          .map((n) => [n.path, plain(v.get(n.path))]),
      ),
    }),
    means: { marks, fields },
    make: () => {
      const v = Value.create(type);
      for (const [path, x] of Object.entries(inputs)) v.set(path, x);
      return v;
    },
    write: (w: WireWriter, v: Value) => v.encodePartial(w),
  }));
}

export function bits(...set: number[]): Expectation<BitSet> {
  return {
    read: (r) => BitSet.decode(r),
    understand: (b) => b.toArray(),
    means: set,
    make: () => BitSet.of(...set),
    write: (w, b) => b.encode(w),
  };
}

export function nullBitSet(): Expectation<BitSet> {
  return { ...bits(), refused: true };
}

export function status(
  type: StatusType,
  message = '',
  callTree = '',
  writtenAs?: string,
): Expectation<Status> {
  return {
    read: decodeStatus,
    understand: same,
    means: { type, message, callTree },
    make: () => ({ type, message, callTree }),
    write: encodeStatus,
    ...(writtenAs === undefined ? {} : { writtenAs }),
  };
}

/** A type. `known` are types defined earlier on the connection; `writtenAs` is the inline form. */
export function type(
  expected: TypeDef,
  writtenAs?: string,
  known: Readonly<Record<number, TypeDef>> = {},
): Expectation<TypeDef | null> {
  return {
    read: (r) => {
      const cache = new TypeCache();
      for (const [id, t] of Object.entries(known)) cache.define(Number(id), t, t.nodes.length);
      return decodeType(r, cache);
    },
    understand: (t) => ({ notation: t && notation(t), equal: t?.equals(expected) && expected.equals(t) }),
    means: { notation: notation(expected), equal: true },
    make: () => expected,
    write: encodeType,
    ...(writtenAs === undefined ? {} : { writtenAs }),
  };
}

/** A pvRequest: type and complete value, all structures and strings; with `nfree`, a u32 follows. */
export function request(
  means: Tree,
  writtenAs?: string,
  nfree?: number,
): Expectation<{ value: Value; nfree: number | undefined }> {
  return {
    read: (r) => {
      const ctx = new DecodeContext();
      const t = decodeType(r, ctx.types) as TypeDef;
      const v = Value.decodeFull(t, r, ctx);
      return { value: v, nfree: nfree === undefined ? undefined : r.u32() };
    },
    understand: (x) => ({ request: plain(x.value), nfree: x.nfree }),
    means: { request: means, nfree },
    make: () => ({ value: Value.create(treeType(means), means), nfree }),
    write: (w, x) => {
      encodeType(w, x.value.type);
      x.value.encodeFull(w);
      if (x.nfree !== undefined) w.u32(x.nfree);
    },
    ...(writtenAs === undefined ? {} : { writtenAs }),
  };
}

export interface Tree {
  readonly [name: string]: Tree | string;
}

/** Structures with the default id; leaves are strings. */
export function treeType(tree: Tree): TypeDef {
  return struct(
    '',
    Object.entries(tree).map(([name, t]) => [name, typeof t === 'string' ? 'string' : treeType(t)] as const),
  );
}
