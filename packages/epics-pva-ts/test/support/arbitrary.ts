/**
 * fast-check generators of pvData types and of values for them.
 *
 * A value comes as plain data in the form of `plain()`; `build` makes of it what the library takes, so that what
 * was meant never passes through the code under test.
 */
import fc from 'fast-check';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { ARRAY_TYPE, type NumericKind, SCALAR_KINDS, type ScalarKind } from '../../src/value/type-code.ts';
import { bounded, TypeDef, typeOf } from '../../src/value/type-def.ts';
import { type PvData, Value } from '../../src/value/value.ts';
import { notation } from './plain.ts';

const scalarKind = fc.constantFrom(...SCALAR_KINDS);
const fieldName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/).filter((s) => s !== '__proto__');
const typeId = fc.constantFrom('', 'time_t', 'epics:nt/NTScalar:1.0', 'ä', 'x'.repeat(30));

const leafType: fc.Arbitrary<TypeDef> = fc.oneof(
  { weight: 6, arbitrary: scalarKind.map((k) => typeOf(k)) },
  { weight: 5, arbitrary: scalarKind.map((k) => typeOf(`${k}[]`)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(scalarKind, fc.integer({ min: 1, max: 300 }))
      .map(([k, n]) => bounded(k, 'bounded', n)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(scalarKind, fc.integer({ min: 1, max: 5 })).map(([k, n]) => bounded(k, 'fixed', n)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 8, max: 300 }).map((n) => bounded('string', 'string', n)) },
  { weight: 2, arbitrary: fc.constant(typeOf('any')) },
  { weight: 1, arbitrary: fc.constant(typeOf('any[]')) },
);

function membersOf(
  type: fc.Arbitrary<TypeDef>,
  min: number,
  max: number,
): fc.Arbitrary<{ name: string; type: TypeDef }[]> {
  return fc.uniqueArray(fc.record({ name: fieldName, type }), {
    minLength: min,
    maxLength: max,
    selector: (m) => m.name,
  });
}

function structOf(type: fc.Arbitrary<TypeDef>, min: number, max: number): fc.Arbitrary<TypeDef> {
  return fc
    .tuple(typeId, membersOf(type, min, max))
    .map(([id, members]) => new TypeDef('struct', 'none', 0, id, members));
}

function nest(inner: fc.Arbitrary<TypeDef>): fc.Arbitrary<TypeDef> {
  const unions = fc
    .tuple(typeId, membersOf(inner, 1, 4))
    .map(([id, m]) => new TypeDef('union', 'none', 0, id, m));
  const structs = structOf(inner, 0, 5);
  return fc.oneof(
    { weight: 4, arbitrary: leafType },
    { weight: 3, arbitrary: structs },
    { weight: 2, arbitrary: unions },
    { weight: 1, arbitrary: structs.map((t) => t.asArray()) },
    { weight: 1, arbitrary: unions.map((t) => t.asArray()) },
  );
}

/** Any type, up to four levels deep. */
export const anyType: fc.Arbitrary<TypeDef> = nest(nest(nest(leafType)));
/** A structure, as channels have at the top. */
export const structType: fc.Arbitrary<TypeDef> = structOf(anyType, 0, 8);

const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constant('a'.repeat(253)),
  fc.constant('µ'.repeat(127)),
);
const int = (bits: number, signed: boolean): fc.Arbitrary<number> =>
  signed
    ? fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
    : fc.integer({ min: 0, max: 2 ** bits - 1 });
const SCALARS: Readonly<Record<ScalarKind, fc.Arbitrary<unknown>>> = {
  boolean: fc.boolean(),
  byte: int(8, true),
  short: int(16, true),
  int: int(32, true),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ubyte: int(8, false),
  ushort: int(16, false),
  uint: int(32, false),
  ulong: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  float: fc.float(),
  double: fc.double(),
  string: text,
};

function lengthOf(type: TypeDef): { minLength?: number; maxLength: number } {
  if (type.array === 'fixed') return { minLength: type.bound, maxLength: type.bound };
  return { maxLength: type.array === 'bounded' ? Math.min(type.bound, 6) : 6 };
}

/** Plain data of a type, in the form of `plain()`. `depth` limits what any holds. */
export function plainOf(type: TypeDef, depth = 2): fc.Arbitrary<unknown> {
  const { kind } = type;
  if (type.isArray) {
    if (kind === 'struct' || kind === 'union' || kind === 'any')
      return fc.array(fc.option(plainOf(type.element, depth), { freq: 4 }), { maxLength: 3 });
    const list = fc.array(SCALARS[kind], lengthOf(type));
    if (kind === 'boolean' || kind === 'string') return list;
    const Numbers = ARRAY_TYPE[kind as NumericKind] as unknown as { from(list: unknown[]): unknown };
    return list.map((items) => Numbers.from(items));
  }
  switch (kind) {
    case 'struct':
      return fc
        .tuple(...type.members.map((m) => plainOf(m.type, depth)))
        .map((values) => Object.fromEntries(type.members.map((m, i) => [m.name, values[i]])));
    case 'union': {
      const none = fc.constant({ member: null, value: null });
      const choices = type.members.map((m) =>
        plainOf(m.type, depth).map((value) => ({ member: m.name, value })),
      );
      return fc.oneof(none, ...choices);
    }
    case 'any': {
      const none = fc.constant({ any: null, type: null, value: null });
      const inner = depth === 2 ? nest(leafType) : leafType;
      if (depth === 0) return none;
      return fc.oneof(
        none,
        inner.chain((t) => plainOf(t, depth - 1).map((value) => ({ any: notation(t), type: t, value }))),
      );
    }
    case 'string':
      return type.bound > 0 ? fc.string({ maxLength: 8, unit: 'grapheme-ascii' }) : text;
    default:
      return SCALARS[kind];
  }
}

/** A type with plain data of it. */
export function typed(type: fc.Arbitrary<TypeDef>): fc.Arbitrary<{ type: TypeDef; data: unknown }> {
  return type.chain((t) => plainOf(t).map((data) => ({ type: t, data })));
}

/** What the library takes, from plain data. */
export function build(type: TypeDef, data: unknown): PvData {
  if (type.isArray && Array.isArray(data) && !['string', 'boolean'].includes(type.kind))
    return data.map((x) => (x === null ? null : build(type.element, x))) as PvData;
  if (type.isArray) return data as PvData;
  switch (type.kind) {
    case 'struct': {
      const v = Value.create(type);
      for (const m of type.members) v.set(m.name, build(m.type, (data as Record<string, unknown>)[m.name]));
      return v;
    }
    case 'union': {
      const { member, value } = data as { member: string | null; value: unknown };
      const index = type.members.findIndex((m) => m.name === member);
      return new UnionValue(
        type,
        index,
        index < 0 ? null : build((type.members[index] as { type: TypeDef }).type, value),
      );
    }
    case 'any': {
      const { type: inner, value } = data as { type: TypeDef | null; value: unknown };
      return new AnyValue(inner, inner && build(inner, value));
    }
    default:
      return data as PvData;
  }
}

/** Plain data as `plain()` shows it: without the type objects of any. */
export function expected(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(expected);
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return data;
  if ('any' in data && 'type' in data && (data.type === null || data.type instanceof TypeDef))
    return { any: data.any, value: expected((data as unknown as { value: unknown }).value) };
  return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, expected(v)]));
}
