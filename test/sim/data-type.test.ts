import { describe, expect, it } from 'vitest';
import { DATA_TYPES, parseDataType } from '../../sim/data-type.ts';

describe('data types', () => {
  it.each([
    ['int8', Int8Array, 1, 'byteValue', 1, '-128', '127'],
    ['uint8', Uint8Array, 1, 'ubyteValue', 5, '0', '255'],
    ['int16', Int16Array, 2, 'shortValue', 2, '-32768', '32767'],
    ['uint16', Uint16Array, 2, 'ushortValue', 6, '0', '65535'],
    ['int32', Int32Array, 4, 'intValue', 3, '-2147483648', '2147483647'],
    ['uint32', Uint32Array, 4, 'uintValue', 7, '0', '4294967295'],
    ['int64', BigInt64Array, 8, 'longValue', 4, '-9223372036854775808', '9223372036854775807'],
    ['uint64', BigUint64Array, 8, 'ulongValue', 8, '0', '18446744073709551615'],
  ])('%s is an integer type', (name, arrayConstructor, bytesPerElement, unionField, scalarType, min, max) => {
    expect(parseDataType(name)).toEqual({
      name,
      arrayConstructor,
      bytesPerElement,
      unionField,
      scalarType,
      integerLimits: { min: BigInt(min), max: BigInt(max) },
    });
  });

  it.each([
    ['float32', Float32Array, 4, 'floatValue', 9],
    ['float64', Float64Array, 8, 'doubleValue', 10],
  ])('%s is a float type', (name, arrayConstructor, bytesPerElement, unionField, scalarType) => {
    const expected = {
      name,
      arrayConstructor,
      bytesPerElement,
      unionField,
      scalarType,
      integerLimits: undefined,
    };
    expect(parseDataType(name)).toEqual(expected);
  });

  it.each(['uint7', '', 'UINT8', 'toString', '__proto__'])('refuses %j and lists the types', (name) => {
    expect(() => parseDataType(name)).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: `unknown data type '${name}': use one of ${Object.keys(DATA_TYPES).join(', ')}`,
      }),
    );
  });
});
