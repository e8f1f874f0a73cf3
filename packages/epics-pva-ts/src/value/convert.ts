/**
 * Assignment rules: what a JavaScript value becomes in a pvData field.
 *
 * Numbers, bigints, booleans and numeric strings convert to each other; integers out of the type's range are
 * refused rather than wrapped (a control system must not turn 300 into 44); fractions are cut towards zero as in
 * C; a float is rounded to 32 bits, so that it reads the same here and at its receiver. Typed arrays of the field's
 * own type are taken by reference, everything else is copied.
 */
import { NoConvertError } from '../errors.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { ARRAY_TYPE, KIND_WIDTH, kindOfArray, type NumericArray, type NumericKind } from './type-code.ts';
import { type TypeDef, type TypeSpec, typeOf } from './type-def.ts';
import type { PvData, Value } from './value.ts';

let newStruct: (type: TypeDef, input: unknown) => Value = () => {
  throw new Error('value.ts is not loaded');
};
/** value.ts, which imports this file, hands in how a structure is made from a plain object or another Value. */
export function bindStructConverter(factory: typeof newStruct): void {
  newStruct = factory;
}

/** Inclusive ranges of the integer kinds. */
const RANGE: Partial<Record<string, readonly [bigint, bigint]>> = {};
for (const kind of ['byte', 'short', 'int', 'long', 'ubyte', 'ushort', 'uint', 'ulong'] as const) {
  const bits = BigInt(KIND_WIDTH[kind] * 8);
  RANGE[kind] = kind.startsWith('u')
    ? [0n, (1n << bits) - 1n]
    : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

function fail(what: unknown, type: TypeDef, why = ''): never {
  const text = typeof what === 'string' ? `'${what}'` : describe(what);
  throw new NoConvertError(`${text} cannot become ${type.displayId}${why ? `: ${why}` : ''}`);
}

function describe(v: unknown): string {
  if (v === null) return 'null';
  if (Array.isArray(v)) return `an array of ${v.length}`;
  if (ArrayBuffer.isView(v)) return `a ${v.constructor.name}`;
  if (typeof v === 'object') return (v as object).constructor?.name ?? 'an object';
  return `${String(v)}`;
}

/** Converts `input` to what a field of `type` holds. @throws NoConvertError */
export function convert(type: TypeDef, input: unknown): PvData {
  if (type.isArray) return convertArray(type, input);
  switch (type.kind) {
    case 'struct':
      return newStruct(type, input);
    case 'union':
      return convertUnion(type, input);
    case 'any':
      return convertAny(type, input);
    case 'string': {
      const s = typeof input === 'string' ? input : scalarText(input, type);
      if (type.bound > 0 && Buffer.byteLength(s) > type.bound)
        fail(s, type, `longer than ${type.bound} bytes`);
      return s;
    }
    case 'boolean':
      return convertBoolean(type, input);
    case 'float':
      return Math.fround(convertFloat(type, input));
    case 'double':
      return convertFloat(type, input);
    case 'long':
    case 'ulong':
      return convertInteger(type, input);
    default:
      return convertSmallInteger(type, input);
  }
}

function scalarText(input: unknown, type: TypeDef): string {
  if (typeof input === 'number' || typeof input === 'bigint' || typeof input === 'boolean')
    return String(input);
  return fail(input, type);
}

function convertBoolean(type: TypeDef, input: unknown): boolean {
  if (typeof input === 'boolean') return input;
  if (typeof input === 'number' || typeof input === 'bigint') return Number(input) !== 0;
  if (input === 'true' || input === '1') return true;
  if (input === 'false' || input === '0') return false;
  return fail(input, type);
}

function convertFloat(type: TypeDef, input: unknown): number {
  if (typeof input === 'number') return input;
  if (typeof input === 'bigint' || typeof input === 'boolean') return Number(input);
  if (typeof input === 'string' && input.trim() !== '') {
    const text = input.trim();
    if (/^[+-]?nan$/i.test(text)) return Number.NaN;
    const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
    if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const n = Number(text);
    if (!Number.isNaN(n)) return n;
  }
  return fail(input, type);
}

function convertSmallInteger(type: TypeDef, input: unknown): number {
  if (typeof input === 'number' && Number.isInteger(input)) {
    const range = RANGE[type.kind] as readonly [bigint, bigint];
    if (input >= Number(range[0]) && input <= Number(range[1])) return input;
  }
  return Number(convertInteger(type, input));
}

function convertInteger(type: TypeDef, input: unknown): bigint {
  let n: bigint;
  if (typeof input === 'bigint') n = input;
  else if (typeof input === 'boolean') n = input ? 1n : 0n;
  else if (typeof input === 'number') {
    if (!Number.isFinite(input)) fail(input, type);
    n = BigInt(Math.trunc(input));
  } else if (typeof input === 'string') n = parseInteger(input, type);
  else return fail(input, type);
  const [low, high] = RANGE[type.kind] as readonly [bigint, bigint];
  if (n < low || n > high) fail(input, type, `the range is ${low} to ${high}`);
  return n;
}

function parseInteger(text: string, type: TypeDef): bigint {
  const t = text.trim();
  const sign = t.startsWith('-') ? -1n : 1n;
  const digits = t.replace(/^[+-]/, '');
  if (/^(\d+|0[xX][0-9a-fA-F]+)$/.test(digits)) return sign * BigInt(digits);
  const n = Number(t);
  if (t === '' || !Number.isFinite(n)) return fail(text, type);
  return BigInt(Math.trunc(n));
}

function convertArray(type: TypeDef, input: unknown): PvData {
  const kind = type.kind;
  if (ArrayBuffer.isView(input) && kind in ARRAY_TYPE && input instanceof ARRAY_TYPE[kind as NumericKind])
    return checkLength(type, input as NumericArray);
  if (!isList(input)) return fail(input, type);
  const element = type.element;
  const items = Array.from(input as Iterable<unknown>);
  checkLength(type, items);
  if (kind in ARRAY_TYPE) {
    const out = new ARRAY_TYPE[kind as NumericKind](items.length);
    for (let i = 0; i < items.length; i++) out[i] = convert(element, items[i]) as never;
    return out;
  }
  const nullable = kind === 'struct' || kind === 'union' || kind === 'any';
  return items.map((item) => (nullable && item === null ? null : convert(element, item))) as PvData;
}

function isList(v: unknown): boolean {
  return Array.isArray(v) || (ArrayBuffer.isView(v) && Symbol.iterator in v) || v instanceof Set;
}

function checkLength<T extends { length: number }>(type: TypeDef, list: T): T {
  if (type.array === 'fixed' && list.length !== type.bound) fail(list, type, `needs ${type.bound} elements`);
  if (type.array === 'bounded' && list.length > type.bound)
    fail(list, type, `at most ${type.bound} elements`);
  return list;
}

/** Without an explicit {@link UnionValue} the first member whose own type fits is selected, exact types first. */
function convertUnion(type: TypeDef, input: unknown): PvData {
  if (input === null || input === undefined) return new UnionValue(type, -1, null);
  if (input instanceof UnionValue) {
    if (input.type === type) return input;
    if (input.member === null) return new UnionValue(type, -1, null);
    const index = type.members.findIndex((m) => m.name === input.member);
    if (index < 0) return fail(input, type, `no member '${input.member}'`);
    return select(type, index, input.value);
  }
  const exact = typeOfInput(input);
  const at = type.members.findIndex((m) => exact !== null && m.type.equals(exact));
  if (at >= 0) return select(type, at, input);
  for (let i = 0; i < type.members.length; i++) {
    try {
      return select(type, i, input);
    } catch (error) {
      if (!(error instanceof NoConvertError)) throw error;
    }
  }
  return fail(input, type, `none of its members fits (${type.members.map((m) => m.name).join(', ')})`);
}

/** A union value with member `index` selected. */
export function select(type: TypeDef, index: number, input: unknown): UnionValue {
  const member = type.members[index];
  if (!member) throw new NoConvertError(`${type.displayId} has no member number ${index}`);
  return new UnionValue(type, index, convert(member.type, input));
}

function convertAny(type: TypeDef, input: unknown): PvData {
  if (input instanceof AnyValue) return input;
  if (input === null || input === undefined) return new AnyValue(null, null);
  const inner = typeOfInput(input);
  if (!inner) return fail(input, type);
  return new AnyValue(inner, convert(inner, input));
}

/** The pvData type a JavaScript value would have by itself, or null. */
export function typeOfInput(input: unknown): TypeDef | null {
  if (typeof input === 'boolean') return typeOf('boolean');
  if (typeof input === 'number') return typeOf('double');
  if (typeof input === 'bigint') return typeOf('long');
  if (typeof input === 'string') return typeOf('string');
  const kind = kindOfArray(input);
  if (kind) return typeOf(`${kind}[]` as TypeSpec);
  if (input instanceof UnionValue) return input.type;
  if (Array.isArray(input)) {
    if (input.every((x) => typeof x === 'string')) return typeOf('string[]');
    if (input.every((x) => typeof x === 'number')) return typeOf('double[]');
    if (input.every((x) => typeof x === 'boolean')) return typeOf('boolean[]');
    if (input.every((x) => typeof x === 'bigint')) return typeOf('long[]');
    return null;
  }
  const type = (input as { type?: unknown } | null)?.type as TypeDef | undefined;
  return type && typeof type === 'object' && 'nodes' in type ? type : null;
}
