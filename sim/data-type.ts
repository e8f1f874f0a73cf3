/**
 * The element types of simulated images: the one table from a type's name to its typed array, its size, its limits
 * and the member of the NTNDArray `value` union that carries it. Nothing about frames or files belongs here.
 */
import { SimError } from './sim-error.ts';

/** Pixels of one frame. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The constructor of a frame's typed array: by number of elements, or as a view of a buffer. */
export interface TypedArrayConstructor {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

export type DataTypeName =
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float32'
  | 'float64';

/** One element type of an image. */
export interface DataType {
  /** The name as given to `-dt`: NumPy's. */
  readonly name: DataTypeName;
  readonly arrayConstructor: TypedArrayConstructor;
  readonly bytesPerElement: number;
  /** Member of the NTNDArray `value` union (pva-protocol.md, normative types). */
  readonly unionField: string;
  /** Number of the type in pvData (ScalarType): what `codec.parameters` of compressed frames says. */
  readonly scalarType: number;
  /** Smallest and largest value of an integer type (bigint: 64-bit limits are exact); undefined for floats. */
  readonly integerLimits: { readonly min: bigint; readonly max: bigint } | undefined;
}

function integer(
  name: DataTypeName,
  arrayConstructor: TypedArrayConstructor,
  unionField: string,
  scalarType: number,
): DataType {
  const bits = BigInt(arrayConstructor.BYTES_PER_ELEMENT * 8);
  const integerLimits = name.startsWith('u')
    ? { min: 0n, max: (1n << bits) - 1n }
    : { min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n };
  const bytesPerElement = arrayConstructor.BYTES_PER_ELEMENT;
  return { name, arrayConstructor, bytesPerElement, unionField, scalarType, integerLimits };
}

function float(
  name: DataTypeName,
  arrayConstructor: TypedArrayConstructor,
  unionField: string,
  scalarType: number,
): DataType {
  const bytesPerElement = arrayConstructor.BYTES_PER_ELEMENT;
  return { name, arrayConstructor, bytesPerElement, unionField, scalarType, integerLimits: undefined };
}

/** Every element type, by name: the eight that PvaPy documents and the two 64-bit integers of NTNDArray. */
export const DATA_TYPES: Readonly<Record<DataTypeName, DataType>> = {
  int8: integer('int8', Int8Array, 'byteValue', 1),
  uint8: integer('uint8', Uint8Array, 'ubyteValue', 5),
  int16: integer('int16', Int16Array, 'shortValue', 2),
  uint16: integer('uint16', Uint16Array, 'ushortValue', 6),
  int32: integer('int32', Int32Array, 'intValue', 3),
  uint32: integer('uint32', Uint32Array, 'uintValue', 7),
  int64: integer('int64', BigInt64Array, 'longValue', 4),
  uint64: integer('uint64', BigUint64Array, 'ulongValue', 8),
  float32: float('float32', Float32Array, 'floatValue', 9),
  float64: float('float64', Float64Array, 'doubleValue', 10),
};

/** Whether typed arrays of this machine keep the low byte of an element first. */
export const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * The element type of a name such as `uint16`.
 *
 * @throws SimError BAD_OPTION for an unknown name; the message lists the known ones.
 */
export function parseDataType(name: string): DataType {
  if (!Object.hasOwn(DATA_TYPES, name)) {
    throw new SimError(
      'BAD_OPTION',
      `unknown data type '${name}': use one of ${Object.keys(DATA_TYPES).join(', ')}`,
    );
  }
  return DATA_TYPES[name as DataTypeName];
}
