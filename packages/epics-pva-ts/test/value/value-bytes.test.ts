/** A value that goes to another process and comes back is the same: fields, marks, what it forwards. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DecodeError,
  LocalProtocolError,
  NTNDArray,
  struct,
  typeFromBytes,
  typeToBytes,
  Value,
  valueFromBytes,
  valueToBytes,
} from '../../src/index.ts';

const type = struct('test:t', {
  id: 'int',
  name: 'string',
  inner: struct('', { a: 'double', list: 'ushort[]' }),
  any: 'any',
});

function there(value: Value): Value {
  const pieces = valueToBytes(value).map((piece) => Uint8Array.from(piece));
  const apart = valueFromBytes(typeFromBytes(typeToBytes(value.type)), pieces);
  const inOne = valueFromBytes(value.type, Buffer.concat(pieces));
  expect(inOne.toJS()).toEqual(apart.toJS());
  return apart;
}

describe('a value as bytes', () => {
  it('keeps its type, its fields and its marks, whichever are set', () => {
    const fields = fc.record(
      {
        id: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        name: fc.string(),
        inner: fc.record({ a: fc.double(), list: fc.uint16Array({ maxLength: 5000 }) }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fields, fc.boolean(), (given, all) => {
        const value = Value.create(type, given);
        if (all) value.mark();
        const back = there(value);
        expect(back.type.equals(type)).toBe(true);
        expect(back.toJS()).toEqual(value.toJS());
        expect(back.markedFields().toArray()).toEqual(value.markedFields().toArray());
      }),
    );
  });

  it('has what an update only knows from the ones before it', () => {
    const before = Value.create(type, { id: 1, name: 'before', inner: { a: 2 } }).mark();
    const update = Value.create(type, { id: 2 }).setBase(before);
    const back = there(update);
    expect(back.toJS()).toMatchObject({ id: 2, name: 'before', inner: { a: 2 } });
    expect([back.isMarked('id'), back.isMarked('name')]).toEqual([true, false]);
  });

  it('is the received bytes when it came complete, both ways, without a copy of its pixels', () => {
    const pixels = new Uint8Array(10_000).map((_, i) => i);
    const sent = NTNDArray.create({ pixels, dimensions: [100, 100], uniqueId: 7 }).value.mark();
    const received = valueFromBytes(sent.type, valueToBytes(sent));
    const pieces = valueToBytes(received);
    expect(pieces[1]).toEqual(received.rawBytes(true) ?? 'no raw bytes');
    const back = new NTNDArray(valueFromBytes(received.type, pieces));
    expect(back.uniqueId).toBe(7);
    expect(back.pixels).toEqual(pixels);
    expect((back.pixels as Uint8Array).buffer).toBe(pieces[1]?.buffer);
    expect(valueFromBytes(received.type, pieces).rawBytes(true)).toEqual(pieces[1]);
  });

  it('cannot be one of a sub-structure, nor of something else', () => {
    const value = Value.create(type, { inner: { a: 1 } });
    expect(() => valueToBytes(value.get('inner') as Value)).toThrow(LocalProtocolError);
    expect(() => valueFromBytes(type, Uint8Array.of(9))).toThrow(DecodeError);
    const bytes = Buffer.concat(valueToBytes(value));
    expect(() => valueFromBytes(type, Buffer.concat([bytes, bytes]))).toThrow(/left behind/);
    expect(() => typeFromBytes(Uint8Array.of(0xff))).toThrow(DecodeError);
  });
});
