/**
 * The pvData kinds and their one-byte wire codes: kind in bits 7-5 and 2-0, array form in bits 4-3
 * (pvAccess specification, "FieldDesc"). Bounded string is 0x83 as in pvDataCPP; the specification's table
 * value 0x86 is a misprint.
 */

/** Kinds whose values are single primitives. Names as pvData prints them. */
export type ScalarKind =
  | 'boolean'
  | 'byte'
  | 'short'
  | 'int'
  | 'long'
  | 'ubyte'
  | 'ushort'
  | 'uint'
  | 'ulong'
  | 'float'
  | 'double'
  | 'string';

/** What a field is, apart from being an array or not. */
export type Kind = ScalarKind | 'struct' | 'union' | 'any';

/** `bounded` and `fixed` exist for scalars only; PVXS closes the connection on them, so we never send them unasked. */
export type ArrayForm = 'none' | 'variable' | 'bounded' | 'fixed';

export const KIND_CODE: Readonly<Record<Kind, number>> = {
  boolean: 0x00,
  byte: 0x20,
  short: 0x21,
  int: 0x22,
  long: 0x23,
  ubyte: 0x24,
  ushort: 0x25,
  uint: 0x26,
  ulong: 0x27,
  float: 0x42,
  double: 0x43,
  string: 0x60,
  struct: 0x80,
  union: 0x81,
  any: 0x82,
};

export const BOUNDED_STRING_CODE = 0x83;

export const ARRAY_BITS: Readonly<Record<ArrayForm, number>> = {
  none: 0,
  variable: 0x08,
  bounded: 0x10,
  fixed: 0x18,
};

/** Wire code without array bits -> kind. */
export const KIND_OF_CODE: ReadonlyMap<number, Kind> = new Map(
  (Object.entries(KIND_CODE) as [Kind, number][]).map(([kind, code]) => [code, kind]),
);

/** Bytes of one element on the wire; strings, unions and any take at least one. */
export const KIND_WIDTH: Readonly<Record<Kind, number>> = {
  boolean: 1,
  byte: 1,
  short: 2,
  int: 4,
  long: 8,
  ubyte: 1,
  ushort: 2,
  uint: 4,
  ulong: 8,
  float: 4,
  double: 8,
  string: 1,
  struct: 0,
  union: 1,
  any: 1,
};

export const SCALAR_KINDS: readonly ScalarKind[] = [
  'boolean',
  'byte',
  'short',
  'int',
  'long',
  'ubyte',
  'ushort',
  'uint',
  'ulong',
  'float',
  'double',
  'string',
];

/** Typed arrays of numeric pvData arrays; 64-bit integers are exact. */
export type NumericArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** Kinds that are numbers; `long` and `ulong` are `bigint` in JavaScript. */
export type NumericKind = Exclude<ScalarKind, 'boolean' | 'string'>;

export interface NumericArrayConstructor {
  new (length: number): NumericArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray;
  readonly BYTES_PER_ELEMENT: number;
}

export const ARRAY_TYPE: Readonly<Record<NumericKind, NumericArrayConstructor>> = {
  byte: Int8Array as NumericArrayConstructor,
  short: Int16Array as NumericArrayConstructor,
  int: Int32Array as NumericArrayConstructor,
  long: BigInt64Array as unknown as NumericArrayConstructor,
  ubyte: Uint8Array as NumericArrayConstructor,
  ushort: Uint16Array as NumericArrayConstructor,
  uint: Uint32Array as NumericArrayConstructor,
  ulong: BigUint64Array as unknown as NumericArrayConstructor,
  float: Float32Array as NumericArrayConstructor,
  double: Float64Array as NumericArrayConstructor,
};

/** Is it a kind of number? */
export function isNumericKind(kind: Kind): kind is NumericKind {
  return kind in ARRAY_TYPE;
}

/** By the name every typed array carries: one look-up, and it holds for arrays of another realm (`node:vm`) too. */
const KIND_OF_TAG: ReadonlyMap<string, NumericKind> = new Map(
  (Object.entries(ARRAY_TYPE) as [NumericKind, NumericArrayConstructor & { name: string }][]).map(
    ([kind, type]) => [type.name, kind],
  ),
);

/** The pvData kind of a typed array's elements, or undefined (`Uint8ClampedArray`, `DataView`, others). */
export function kindOfArray(array: unknown): NumericKind | undefined {
  if (!ArrayBuffer.isView(array)) return undefined;
  return KIND_OF_TAG.get((array as Uint8Array)[Symbol.toStringTag]);
}
