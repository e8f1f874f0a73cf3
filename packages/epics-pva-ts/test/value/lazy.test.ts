/**
 * Updates that stay bytes: decoded only where somebody looks, forwarded as they came, and never wrong because of it.
 */
import { describe, expect, it } from 'vitest';
import { DecodeError, LocalProtocolError } from '../../src/errors.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { TypeCache } from '../../src/value/type-codec.ts';
import { arrayOf, struct, type TypeDef, type TypeSpec, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { MemoryPool } from '../../src/wire/memory-block.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { decodePartial, encodePartial, imageUpdate } from '../support/image.ts';
import { plain } from '../support/plain.ts';
import { NT_ENUM, NT_NDARRAY, ntScalar } from '../support/types.ts';

const ORDERS = [true, false] as const;

function lazyImage(seed = 5, littleEndian = true): { bytes: Buffer; v: Value } {
  const bytes = encodePartial(imageUpdate(seed), littleEndian);
  return { bytes, v: decodePartial(NT_NDARRAY, bytes, { lazy: true, littleEndian }) };
}

describe('a lazy update', () => {
  it('has the values, marks and bytes of an eager one, in both byte orders', () => {
    for (const littleEndian of ORDERS) {
      const { bytes, v } = lazyImage(5, littleEndian);
      const eager = decodePartial(NT_NDARRAY, bytes, { littleEndian });
      expect(v.marks.equals(eager.marks)).toBe(true);
      for (const order of ORDERS) expect(encodePartial(v, order)).toEqual(encodePartial(eager, order));
      expect(plain(v)).toStrictEqual(plain(eager));
      expect(plain(v)).toStrictEqual(plain(imageUpdate(5)));
      for (const order of ORDERS) expect(encodePartial(v, order)).toEqual(encodePartial(eager, order));
    }
  });

  it('gives numbers without decoding them, 64 bits as doubles, and knows how long the message was', () => {
    const path = 'timeStamp.secondsPastEpoch';
    for (const littleEndian of ORDERS)
      for (const seconds of [0n, 1n, -1n, 1_700_000_000n, -(2n ** 40n) + 7n, 2n ** 33n]) {
        const made = imageUpdate(5).set(path, seconds);
        const bytes = encodePartial(made, littleEndian);
        for (const lazy of [true, false]) {
          const v = decodePartial(NT_NDARRAY, bytes, { lazy, littleEndian });
          expect(v.numberAt(v.type.node(path))).toBe(Number(seconds));
          expect(v.numberAt(v.type.node('uniqueId'))).toBe(made.get('uniqueId'));
          expect(v.numberAt(v.type.node('value'))).toBeNaN();
          expect(v.messageBytes).toBe(bytes.length);
        }
        expect(made.numberAt(made.type.node(path))).toBe(Number(seconds));
        expect(made.messageBytes).toBe(0);
      }
  });

  it('gives NaN for a field that holds no number, set, received or neither, and keeps its bytes to itself', () => {
    const type = struct('', { on: 'boolean', name: 'string', list: 'ubyte[]', count: 'uint' });
    const fields = { on: true, name: '5', list: new Uint8Array(20_000), count: 7 };
    const made = Value.create(type, fields);
    const bytes = encodePartial(made, true);
    const block = new MemoryPool().take(bytes.length);
    block.bytes.set(bytes);
    const context = new DecodeContext();
    context.block = block;
    const v = Value.decodePartial(type, new WireReader(block.bytes, true, 0, bytes.length), context, true);
    for (const value of [Value.create(type), made, v]) {
      for (const path of ['on', 'name', 'list']) expect(value.numberAt(type.node(path))).toBeNaN();
      expect(value.numberAt(type.node('count'))).toBe(value.isMarked('count') ? 7 : 0);
    }
    v.release();
    expect([block.isPinned, block.holders]).toEqual([false, 1]);
  });

  it('gives the same object for the same field', () => {
    const { v } = lazyImage();
    for (const path of ['value', 'dimension', 'attribute', 'codec.parameters'])
      expect(v.get(path)).toBe(v.get(path));
  });

  it('has fields that did not come at zero', () => {
    const v = decodePartial(ntScalar('double'), fromHex('01 08 02 00 00 00'), { lazy: true });
    expect(v.toJS()).toEqual({
      value: 0,
      alarm: { severity: 2, status: 0, message: '' },
      timeStamp: { secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0 },
    });
    expect(v.marks.toArray()).toEqual([3]);
  });

  it('may be empty', () => {
    const v = decodePartial(NT_NDARRAY, fromHex('00'), { lazy: true });
    expect(v.isMarked()).toBe(false);
    expect(v.get('uniqueId')).toBe(0);
    expect(toHex(v.rawBytes(true) as Uint8Array)).toBe('00');
  });

  it('may have redundant bits and bits beyond the type', () => {
    // {0, 2, 3} and one structure; {3, 64} and one field.
    const all = fromHex('01 0d 07 00 00 00 00 00 00 00 01 61');
    const whole = decodePartial(
      struct('', { value: 'int', alarm: struct('', { severity: 'int', message: 'string' }) }),
      all,
      {
        lazy: true,
      },
    );
    expect(whole.toJS()).toEqual({ value: 7, alarm: { severity: 0, message: 'a' } });
    const beyond = decodePartial(ntScalar('double'), fromHex('09 08 00 00 00 00 00 00 00 01 02 00 00 00'), {
      lazy: true,
    });
    expect(beyond.get('alarm.severity')).toBe(2);
    expect(beyond.isMarked('alarm.status')).toBe(false);
  });

  it('may begin anywhere in the message and end before its end', () => {
    const { bytes } = lazyImage();
    const message = Buffer.concat([Buffer.alloc(13, 0xaa), bytes, Buffer.alloc(5, 0xbb)]);
    const v = decodePartial(NT_NDARRAY, message.subarray(13), { lazy: true });
    expect(plain(v)).toStrictEqual(plain(imageUpdate(5)));
  });
});

describe('rawBytes', () => {
  it('are exactly the bytes received, in the order received, without a copy', () => {
    for (const littleEndian of ORDERS) {
      const { bytes, v } = lazyImage(9, littleEndian);
      const raw = v.rawBytes(littleEndian) as Uint8Array;
      expect(Buffer.from(raw).equals(bytes)).toBe(true);
      expect(raw.buffer).toBe(bytes.buffer);
      expect(raw.byteOffset).toBe(bytes.byteOffset);
      expect(v.rawBytes(!littleEndian)).toBeNull();
    }
  });

  it('do not include what follows the update in its message', () => {
    const v = decodePartial(ntScalar('double'), fromHex('01 08 02 00 00 00 00 01 02 03'), { lazy: true });
    expect(toHex(v.rawBytes(true) as Uint8Array)).toBe('01 08 02 00 00 00');
  });

  it('stay after reading numbers, strings and sub-structures', () => {
    const { v } = lazyImage();
    const alarm = v.get('alarm') as Value;
    expect([
      v.get('uniqueId'),
      v.get('timeStamp.secondsPastEpoch'),
      alarm.get('message'),
      v.get('codec.name'),
    ]).toEqual([5, 1_700_000_005n, 'alarm 5', 'codec-5']);
    expect(v.isMarked('value') && v.has('value')).toBe(true);
    expect(v.markedFields().get(1)).toBe(true);
    expect(v.rawBytes(true)).not.toBeNull();
  });

  it.each<[string, (v: Value) => unknown]>([
    ['set', (v) => v.set('uniqueId', 6)],
    ['set to the same value', (v) => v.set('uniqueId', 5)],
    ['set through a sub-structure', (v) => (v.get('alarm') as Value).set('status', 2)],
    ['set of a union member', (v) => v.set('value->byteValue', [1])],
    ['assign', (v) => v.assign({ alarm: { severity: 0 } })],
    ['mark', (v) => v.mark('alarm')],
    ['unmark', (v) => v.unmark('alarm.severity')],
    ['unmark of everything', (v) => v.unmark()],
    ['merge', (v) => v.merge(imageUpdate(6))],
    ['merge of nothing marked', (v) => v.merge(imageUpdate(6).unmark())],
    ['handing out a union with an array', (v) => v.get('value')],
    ['handing out an array in a union', (v) => v.get('value->ushortValue')],
    ['handing out structures in an array', (v) => v.get('dimension')],
    ['handing out one of them', (v) => v.get('dimension[0]')],
    ['handing out an any', (v) => v.get('codec.parameters')],
    ['toJS', (v) => v.toJS()],
    ['clone, which shares arrays', (v) => v.clone()],
  ])('are gone after %s', (_what, touch) => {
    const { v } = lazyImage();
    expect(v.rawBytes(true)).not.toBeNull();
    touch(v);
    expect(v.rawBytes(true)).toBeNull();
  });

  it('do not exist for an eager update or one made here', () => {
    const { bytes } = lazyImage();
    expect(decodePartial(NT_NDARRAY, bytes).rawBytes(true)).toBeNull();
    expect(imageUpdate(1).rawBytes(true)).toBeNull();
  });

  it('of a snapshot are those of the original at that time', () => {
    const { bytes, v } = lazyImage();
    const before = v.snapshot();
    v.set('uniqueId', 6);
    const after = v.snapshot();
    expect(Buffer.from(before.rawBytes(true) as Uint8Array).equals(bytes)).toBe(true);
    expect(after.rawBytes(true)).toBeNull();
    expect([before.get('uniqueId'), after.get('uniqueId')]).toEqual([5, 6]);
  });
});

describe('re-encoding after touching', () => {
  it.each<[string, (v: Value) => unknown]>([
    ['a number was set', (v) => v.set('uniqueId', 77)],
    ['a string was set', (v) => v.set('codec.name', 'lz4')],
    ['the image was replaced', (v) => v.set('value->ubyteValue', new Uint8Array([1, 2]))],
    ['the image was changed in place', (v) => (v.get('value->ushortValue') as Uint16Array).fill(3)],
    ['a dimension was changed', (v) => (v.get('dimension[1]') as Value).set('size', 9)],
    ['a list was changed in place', (v) => (v.get('attribute[0].tags') as string[]).push('more')],
    ['a structure was unmarked', (v) => v.unmark('timeStamp')],
    ['a newer update was merged in', (v) => v.merge(imageUpdate(8, 10).unmark('alarm').unmark('dimension'))],
    ['nothing was', (v) => v],
  ])('is right when %s', (_what, touch) => {
    for (const received of ORDERS) {
      const { bytes, v } = lazyImage(5, received);
      const eager = decodePartial(NT_NDARRAY, bytes, { littleEndian: received });
      touch(v);
      touch(eager);
      for (const sent of ORDERS) {
        const forwarded = encodePartial(v, sent);
        expect(forwarded.equals(encodePartial(eager, sent))).toBe(true);
        const arrived = decodePartial(NT_NDARRAY, forwarded, { littleEndian: sent });
        expect(arrived.markedFields().equals(eager.markedFields())).toBe(true);
        for (const n of NT_NDARRAY.nodes)
          if (!n.isStruct && eager.isMarked(n.path))
            expect(plain(arrived.get(n.path)), n.path).toStrictEqual(plain(eager.get(n.path)));
      }
    }
  });
});

describe('updates that use type ids of their connection', () => {
  const T = struct('', { first: 'any', id: 'int', list: 'any[]' });
  // {1, 2, 3}: any of FD 7 struct { int x }, 3, any[] of [FE 7, FD 8 string, FE 8].
  const BYTES = fromHex(`01 0e fd 07 00 80 00 01 01 78 22 01 00 00 00
    03 00 00 00 03 01 fe 07 00 02 00 00 00 01 fd 08 00 60 01 61 01 fe 08 00 01 62`);
  const EXPECTED = {
    first: { any: 'struct { int x }', value: { x: 1 } },
    id: 3,
    list: [
      { any: 'struct { int x }', value: { x: 2 } },
      { any: 'string', value: 'a' },
      { any: 'string', value: 'b' },
    ],
  };

  it('mean what the ids meant when they arrived', () => {
    expect(plain(decodePartial(T, BYTES))).toEqual(EXPECTED);
    const context = new DecodeContext();
    const v = decodePartial(T, BYTES, { lazy: true, context });
    context.types.define(7, typeOf('double'), 1);
    expect(plain(v)).toEqual(EXPECTED);
  });

  it('may redefine an id within one field', () => {
    // any[] of [FE 7, FD 7 string, FE 7], with 7 known as struct { int x }.
    const bytes = fromHex('01 08 03 01 fe 07 00 02 00 00 00 01 fd 07 00 60 01 61 01 fe 07 00 01 62');
    for (const lazy of [false, true]) {
      const context = new DecodeContext();
      context.types.define(7, struct('', { x: 'int' }), 2);
      const v = decodePartial(T, bytes, { lazy, context });
      expect(plain(v.get('list')), lazy ? 'lazy' : 'eager').toEqual(EXPECTED.list);
      expect(context.types.get(7).type.displayId).toBe('string');
    }
  });

  it('are never forwarded as bytes, but re-encoded with the types written out', () => {
    const v = decodePartial(T, BYTES, { lazy: true });
    expect(v.rawBytes(true)).toBeNull();
    const forwarded = encodePartial(v);
    // A connection that knows no ids.
    expect(plain(decodePartial(T, forwarded, { context: new DecodeContext(new TypeCache()) }))).toEqual(
      EXPECTED,
    );
  });

  it('are not forwarded as bytes either when only a reference was used', () => {
    const context = new DecodeContext();
    context.types.define(1, typeOf('int'), 1);
    const v = decodePartial(T, fromHex('01 06 fe 01 00 09 00 00 00 05 00 00 00'), { lazy: true, context });
    expect(v.rawBytes(true)).toBeNull();
    expect(v.get('first->')).toBe(9);
    expect(toHex(encodePartial(v))).toBe('01 06 22 09 00 00 00 05 00 00 00');
  });

  it('are forwarded as bytes when the any came with its type in full', () => {
    const v = decodePartial(T, fromHex('01 02 22 09 00 00 00'), { lazy: true });
    expect(toHex(v.rawBytes(true) as Uint8Array)).toBe('01 02 22 09 00 00 00');
  });
});

describe('an update of more objects than one message may have', () => {
  const HEAP = 20_000;
  const INT = '2a 00 00 00';
  const bytes = (n: number, first: string, other = first): Buffer =>
    Buffer.concat([
      fromHex('01 02'),
      n < 254 ? Buffer.from([n]) : Buffer.from([0xfe, n & 0xff, n >> 8, 0, 0]),
      ...Array.from({ length: n }, (_, i) => fromHex(i === 0 ? first : other)),
    ]);
  const decoded = (type: TypeDef, update: Buffer, lazy: boolean): Value => {
    const context = new DecodeContext(new TypeCache(), Number.POSITIVE_INFINITY, HEAP);
    return decodePartial(type, update, { lazy, context });
  };

  it.each<[string, TypeSpec, string, string?]>([
    ['string[]', 'string[]', '00'],
    ['boolean[]', 'boolean[]', '00'],
    ['structures', arrayOf(struct('', { i: 'int' })), `01 ${INT}`],
    ['empty structures', arrayOf(struct('', {})), '01'],
    ['null structures', arrayOf(struct('', { i: 'int' })), '00'],
    ['unions', arrayOf(union('', { i: 'int' })), `01 00 ${INT}`],
    ['any', 'any[]', `01 22 ${INT}`],
    ['any of structures', 'any[]', `01 80 00 01 01 69 22 ${INT}`],
    ['any of a type with an id', 'any[]', `01 fd 07 00 80 00 01 01 69 22 ${INT}`, `01 fe 07 00 ${INT}`],
  ])('is refused lazily where it is eagerly, and only there: %s', (_what, field, first, other) => {
    const type = struct('', { v: field });
    const most = (lazy: boolean): number => {
      const accepted = (n: number): boolean => {
        try {
          return decoded(type, bytes(n, first, other), lazy).has('v');
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          return false;
        }
      };
      let n = 1;
      while (n < 3000 && accepted(n + 1)) n++;
      return n;
    };
    expect(most(true)).toBe(most(false));
    expect(most(true)).toBeGreaterThan(10);
  });

  it('is refused when all its fields together are too many', () => {
    const type = struct('', { a: 'string[]', b: 'string[]' });
    const empty = (n: number): string[] => new Array<string>(n).fill('');
    const both = (n: number): Buffer => encodePartial(Value.create(type, { a: empty(n), b: empty(n) }));
    const most = Math.floor(HEAP / 64);
    expect(decoded(type, both(most), true).get('b')).toHaveLength(most);
    expect(() => decoded(type, both(most + 1), true)).toThrow('too many booleans, strings');
  });

  it('is read as it was scanned, though the connection knew a type of it and the reader does not', () => {
    const type = struct('', { v: 'any[]' });
    const context = new DecodeContext(new TypeCache(), Number.POSITIVE_INFINITY, HEAP);
    const fields = ['61', '62', '63', '64', '65', '66', '67', '68'].map((name) => `01 ${name} 24`).join(' ');
    const update = bytes(3, `01 80 00 08 ${fields} ${'00 '.repeat(8)}`);
    // Nine fields of 1 KiB: once for the message, however often it came before.
    for (let i = 0; i < 3; i++) {
      const v = decodePartial(type, update, { lazy: true, context });
      expect((v.get('v') as unknown[]).length).toBe(3);
    }
    const tight = new DecodeContext(context.types, Number.POSITIVE_INFINITY, 9000);
    expect(() => decodePartial(type, update, { lazy: true, context: tight })).toThrow(DecodeError);
  });
});

describe('release', () => {
  it('keeps what was read and refuses the rest', () => {
    const { v } = lazyImage();
    const id = v.get('uniqueId');
    const message = v.get('alarm.message');
    v.release();
    expect([v.get('uniqueId'), v.get('alarm.message')]).toEqual([id, message]);
    for (const path of ['value', 'alarm.severity', 'dimension[0]', 'timeStamp.nanoseconds'])
      expect(() => v.get(path), path).toThrow(LocalProtocolError);
    expect(() => v.toJS()).toThrow(LocalProtocolError);
    expect(() => v.clone()).toThrow(LocalProtocolError);
    expect(() => encodePartial(v)).toThrow(LocalProtocolError);
    expect(() => encodePartial(v, false)).toThrow(LocalProtocolError);
  });

  it('ends rawBytes: the memory may hold another update by now', () => {
    const { v } = lazyImage();
    v.release();
    expect(rawBytesOrError(v)).not.toBeInstanceOf(Uint8Array);
  });

  it('may be repeated, and is nothing for an eager update', () => {
    const { bytes, v } = lazyImage();
    v.release();
    v.release();
    const eager = decodePartial(NT_NDARRAY, bytes);
    eager.release();
    expect(eager.get('uniqueId')).toBe(5);
  });

  it('does not reach fields that did not come or were set', () => {
    const v = decodePartial(NT_ENUM, fromHex('01 04 02 00 00 00'), { lazy: true });
    v.set('alarm.message', 'kept');
    v.release();
    expect([v.get('alarm.message'), v.get('value.choices')]).toEqual(['kept', []]);
  });

  it('leaves snapshots made before alone', () => {
    const { bytes, v } = lazyImage();
    const copy = v.snapshot();
    v.release();
    expect(Buffer.from(copy.rawBytes(true) as Uint8Array).equals(bytes)).toBe(true);
    expect(plain(copy)).toStrictEqual(plain(imageUpdate(5)));
  });

  it.each<[string, (v: Value) => Value]>([
    ['sent', (v) => decodePartial(NT_NDARRAY, encodePartial(v))],
    ['cloned', (v) => v.clone()],
    ['taken a snapshot of', (v) => v.snapshot()],
    ['merged', (v) => imageUpdate(6).merge(v)],
  ])('leaves a completely read update usable: it can be %s', (_what, use) => {
    const { v } = lazyImage();
    v.toJS();
    v.release();
    expect(plain(use(v))).toStrictEqual(plain(imageUpdate(5)));
  });
});

function rawBytesOrError(v: Value): unknown {
  try {
    return v.rawBytes(true);
  } catch (error) {
    return error;
  }
}
