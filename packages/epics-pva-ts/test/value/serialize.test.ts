/** Types and structures as bytes by themselves: what is written is read again, and nothing else is. */
import { describe, expect, it } from 'vitest';
import { NTNDArray } from '../../src/nt/nt-nd-array.ts';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import {
  deserializeType,
  deserializeValue,
  serializeType,
  serializeValue,
} from '../../src/value/serialize.ts';
import { arrayOf, struct, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';

const TYPE = struct('demo:1.0', {
  id: 'int',
  names: 'string[]',
  choice: union('', { i: 'int', s: 'string' }),
  any: 'any',
  parts: arrayOf(struct('part', { x: 'double' })),
});

const SAMPLE = (): Value =>
  Value.create(TYPE, {
    id: 0x01020304,
    names: ['a', 'b'],
    choice: new UnionValue(TYPE.node('choice').type, 1, 'yes'),
    any: new AnyValue(typeOf('int'), 5),
    parts: [{ x: 1.5 }, null],
  });

describe('serialized types and values', () => {
  it('are bytes in big-endian order', () => {
    const small = struct('', { a: 'ushort', b: 'string' });
    expect(Buffer.from(serializeType(small)).toString('hex')).toBe('80000201612501' + '6260');
    expect(Buffer.from(serializeValue(Value.create(small, { a: 258, b: 'hi' }))).toString('hex')).toBe(
      '0102' + '026869',
    );
  });

  it('are read again, marked as a whole', () => {
    const type = deserializeType(serializeType(TYPE));
    expect(type.equals(TYPE)).toBe(true);
    const again = deserializeValue(type, serializeValue(SAMPLE()));
    expect(again.toJS()).toEqual(SAMPLE().toJS());
    expect(again.isMarked('id')).toBe(true);
  });

  it('hold images of every size and type of pixels', () => {
    for (const pixels of [new Uint8Array(10), Uint16Array.of(1, 2, 3), new Float64Array(5000).fill(1.25)]) {
      const frame = NTNDArray.create({ pixels, uniqueId: 7, attributes: { Gain: 2 } });
      const again = deserializeValue(frame.value.type, serializeValue(frame.value));
      expect(again.toJS()).toEqual(frame.value.toJS());
    }
  });

  it('that are cut short, too long or no structure are refused', () => {
    const type = serializeType(TYPE);
    const bytes = serializeValue(SAMPLE());
    for (let n = 0; n < bytes.length; n++)
      expect(() => deserializeValue(TYPE, bytes.subarray(0, n))).toThrow(/\S/);
    for (let n = 0; n < type.length; n++) expect(() => deserializeType(type.subarray(0, n))).toThrow(/\S/);
    expect(() => deserializeValue(TYPE, Buffer.concat([bytes, bytes.subarray(0, 1)]))).toThrow(
      '1 byte(s) too many behind the last field',
    );
    expect(() => deserializeType(Uint8Array.of(...type, 0))).toThrow('too many');
    expect(() => deserializeType(Uint8Array.of(0x22))).toThrow('the type is int, not a structure');
    expect(() => deserializeType(Uint8Array.of(0xff))).toThrow('the type is null');
    expect(() => deserializeType(Uint8Array.of(0xfe, 0, 1))).toThrow(/never defined/);
  });
});
