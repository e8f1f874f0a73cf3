/** What a JavaScript value becomes in a field, and what is refused instead of being bent. */

import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NoConvertError } from '../../src/errors.ts';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { convert } from '../../src/value/convert.ts';
import { KIND_WIDTH, kindOfArray, type NumericArray, type ScalarKind } from '../../src/value/type-code.ts';
import {
  arrayOf,
  bounded,
  struct,
  type TypeDef,
  type TypeSpec,
  typeOf,
  union,
} from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { plain } from '../support/plain.ts';

const INTEGERS = ['byte', 'short', 'int', 'long', 'ubyte', 'ushort', 'uint', 'ulong'] as const;
const to = (kind: TypeSpec, input: unknown): unknown => convert(typeOf(kind), input);

function range(kind: ScalarKind): readonly [bigint, bigint] {
  const bits = KIND_WIDTH[kind] * 8;
  return kind.startsWith('u')
    ? [0n, 2n ** BigInt(bits) - 1n]
    : [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
}

describe('integers', () => {
  it('take their whole range and nothing outside, from bigint and text', () => {
    for (const kind of INTEGERS) {
      const [low, high] = range(kind);
      for (const n of [low, high, 0n, low / 2n, high / 2n]) {
        const expected = KIND_WIDTH[kind] === 8 ? n : Number(n);
        expect(to(kind, n), `${kind} ${n}`).toBe(expected);
        expect(to(kind, String(n)), `${kind} '${n}'`).toBe(expected);
      }
      for (const n of [low - 1n, high + 1n, 2n ** 70n]) {
        expect(() => to(kind, n), `${kind} ${n}`).toThrow(NoConvertError);
        expect(() => to(kind, String(n)), `${kind} '${n}'`).toThrow(NoConvertError);
        expect(() => to(kind, n)).toThrow(`the range is ${low} to ${high}`);
      }
    }
  });

  it('are exact beyond 2^53', () => {
    expect(to('long', '9007199254740993')).toBe(9007199254740993n);
    expect(to('ulong', 18446744073709551615n)).toBe(18446744073709551615n);
    expect(to('ulong', '0xffffffffffffffff')).toBe(18446744073709551615n);
    expect(to('long', '-9223372036854775808')).toBe(-9223372036854775808n);
    expect(to('string', 9007199254740993n)).toBe('9007199254740993');
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        expect(to('long', n)).toBe(n);
        expect(to('long', n.toString())).toBe(n);
        expect(convert(typeOf('long[]'), [n])).toEqual(new BigInt64Array([n]));
      }),
    );
  });

  it('cut fractions towards zero, as C does', () => {
    expect([to('int', 2.9), to('int', -2.9), to('long', 1e15 + 0.5), to('ubyte', 255.9)]).toEqual([
      2,
      -2,
      10n ** 15n,
      255,
    ]);
    expect(to('int', '2.9')).toBe(2);
    expect(to('int', '1e3')).toBe(1000);
  });

  it('take text in decimal and hex, with sign and blanks', () => {
    expect(['12', ' 12 ', '+12', '0x0c', '0X0C'].map((s) => to('int', s))).toEqual([12, 12, 12, 12, 12]);
    expect(to('int', '-0x10')).toBe(-16);
  });

  it('take booleans as 0 and 1', () => {
    expect([to('int', true), to('ulong', false)]).toEqual([1, 0n]);
  });

  it.each([
    [''],
    [' '],
    ['abc'],
    ['1 2'],
    ['0x'],
    ['1,5'],
    ['--1'],
    [Number.NaN],
    [Infinity],
    [null],
    [undefined],
    [{}],
    [[1]],
  ])('refuse %j', (input) => {
    for (const kind of INTEGERS) expect(() => to(kind, input), kind).toThrow(NoConvertError);
  });

  it('say what was given and what was wanted', () => {
    expect(() => to('ubyte', 300)).toThrow('300 cannot become ubyte: the range is 0 to 255');
    expect(() => to('ubyte', 'red')).toThrow("'red' cannot become ubyte");
    expect(() => to('int', [1, 2])).toThrow('an array of 2 cannot become int');
  });
});

describe('floating point numbers', () => {
  it('take numbers as they are, NaN and infinity included', () => {
    for (const x of [0, -0, 1.5, Number.NaN, Infinity, -Infinity, 5e-324, 1.7e308])
      expect(to('double', x)).toBe(x);
  });

  it('of 32 bits are rounded to what their receiver will read', () => {
    expect(to('float', 0.1)).toBe(Math.fround(0.1));
    expect(to('float', 16_777_217n)).toBe(16_777_216);
    expect(to('float', '3.14159265358979')).toBe(Math.fround(Math.PI));
    expect(to('float', 1e300)).toBe(Infinity);
    for (const x of [0.5, -0, Number.NaN, -Infinity]) expect(to('float', x)).toBe(x);
    expect(to('float[]', [0.1])).toEqual(Float32Array.of(0.1));
  });

  it('take text as EPICS prints it', () => {
    expect(['1.5', ' -2e3 ', 'inf', '-Inf', 'Infinity', '+infinity'].map((s) => to('double', s))).toEqual([
      1.5,
      -2000,
      Infinity,
      -Infinity,
      Infinity,
      Infinity,
    ]);
    for (const s of ['nan', 'NaN', '-nan', 'NAN']) expect(to('float', s)).toBeNaN();
    for (const s of ['', ' ', 'one', '1.5 V', '1,5'])
      expect(() => to('double', s), s).toThrow(NoConvertError);
  });

  it('take bigint and boolean', () => {
    expect([to('double', 2n ** 60n), to('float', true)]).toEqual([2 ** 60, 1]);
    for (const x of [null, undefined, {}, [1.5]]) expect(() => to('double', x)).toThrow(NoConvertError);
  });
});

describe('booleans and strings', () => {
  it('take what clearly is one', () => {
    expect([true, 1, 5n, 'true', '1'].map((x) => to('boolean', x))).toEqual([true, true, true, true, true]);
    expect([false, 0, 0n, 'false', '0'].map((x) => to('boolean', x))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    for (const x of ['yes', '', 'no', null, {}, []]) expect(() => to('boolean', x)).toThrow(NoConvertError);
  });

  it('print scalars and refuse the rest', () => {
    expect(['text', 5, -1.5, 7n, true].map((x) => to('string', x))).toEqual([
      'text',
      '5',
      '-1.5',
      '7',
      'true',
    ]);
    for (const x of [null, undefined, {}, ['a'], new Uint8Array(2)])
      expect(() => to('string', x)).toThrow(NoConvertError);
  });

  it('respect the bound of a bounded string, which counts bytes', () => {
    const short = bounded('string', 'string', 3);
    expect(convert(short, 'abc')).toBe('abc');
    expect(() => convert(short, 'abcd')).toThrow(NoConvertError);
    expect(() => convert(short, 'äö'), '4 bytes of UTF-8').toThrow(NoConvertError);
  });
});

describe('arrays', () => {
  const NUMBERS = [...INTEGERS, 'float', 'double'] as const;

  it('of numbers are typed arrays; one of the right type is taken by reference', () => {
    for (const kind of NUMBERS) {
      const converted = to(`${kind}[]`, [1, 2, 3]) as NumericArray;
      expect(kindOfArray(converted)).toBe(kind);
      expect(Array.from(converted as Iterable<number | bigint>, Number)).toEqual([1, 2, 3]);
      expect(to(`${kind}[]`, converted)).toBe(converted);
    }
    const pixels = Buffer.from([1, 2]);
    expect(to('ubyte[]', pixels)).toBe(pixels);
  });

  it('tell the kind of their elements, whatever realm or subclass they come from', () => {
    const foreign = runInNewContext('[new Int16Array(1), new BigUint64Array(1), new Uint8ClampedArray(1)]');
    expect([...foreign].map(kindOfArray)).toEqual(['short', 'ulong', undefined]);
    class Pixels extends Uint16Array {}
    expect([new Pixels(1), Buffer.alloc(1), new DataView(new ArrayBuffer(1))].map(kindOfArray)).toEqual([
      'ushort',
      'ubyte',
      undefined,
    ]);
    for (const other of [null, undefined, [1], 'Int8Array', { [Symbol.toStringTag]: 'Int8Array' }])
      expect(kindOfArray(other)).toBeUndefined();
  });

  it('of another type are converted element by element, in range', () => {
    expect(to('double[]', new Uint8Array([1, 255]))).toEqual(new Float64Array([1, 255]));
    expect(to('long[]', [1, 2n, '3', true])).toEqual(new BigInt64Array([1n, 2n, 3n, 1n]));
    expect(to('string[]', [1, 'b', true])).toEqual(['1', 'b', 'true']);
    expect(to('boolean[]', new Uint8Array([0, 2]))).toEqual([false, true]);
    expect(to('ubyte[]', new Uint8ClampedArray([7]))).toEqual(new Uint8Array([7]));
    expect(to('int[]', new Set([3, 1]))).toEqual(new Int32Array([3, 1]));
    expect(() => to('byte[]', new Uint8Array([128]))).toThrow(NoConvertError);
    expect(() => to('ushort[]', [1, -1])).toThrow(NoConvertError);
    expect(() => to('int[]', [1, Number.NaN])).toThrow(NoConvertError);
  });

  it('are copied when they are plain arrays', () => {
    const names = ['a'];
    const converted = to('string[]', names) as string[];
    names.push('b');
    expect(converted).toEqual(['a']);
  });

  it.each([
    [5],
    ['abc'],
    [null],
    [undefined],
    [{ length: 2 }],
    [new ArrayBuffer(4)],
    [new DataView(new ArrayBuffer(4))],
  ])('are not made of %s', (input) => {
    for (const spec of ['int[]', 'string[]', 'boolean[]', 'any[]'] as const)
      expect(() => to(spec, input), spec).toThrow(NoConvertError);
  });

  it('keep null for elements of structure, union and any arrays only', () => {
    const structs = arrayOf(struct('', { a: 'int' }));
    expect(plain(convert(structs, [{ a: 1 }, null]))).toEqual([{ a: 1 }, null]);
    expect(convert(typeOf('any[]'), [null])).toEqual([null]);
    for (const spec of ['int[]', 'string[]', 'double[]', 'boolean[]'] as const)
      expect(() => to(spec, [null]), spec).toThrow(NoConvertError);
  });

  it('respect bounds and fixed lengths', () => {
    const upTo2 = bounded('int', 'bounded', 2);
    const exactly2 = bounded('int', 'fixed', 2);
    expect(convert(upTo2, [1])).toEqual(new Int32Array([1]));
    expect(convert(exactly2, [1, 2])).toEqual(new Int32Array([1, 2]));
    for (const input of [[1, 2, 3], new Int32Array(3)]) {
      expect(() => convert(upTo2, input)).toThrow(/at most 2/);
      expect(() => convert(exactly2, input)).toThrow(/needs 2/);
    }
    expect(() => convert(exactly2, [1])).toThrow(/needs 2/);
  });
});

describe('unions', () => {
  const u = union('', {
    d: 'double',
    i: 'int',
    s: 'string',
    ds: 'double[]',
    us: 'ubyte[]',
    p: struct('', { x: 'int' }),
  });
  const chosen = (input: unknown, type: TypeDef = u): unknown => plain(convert(type, input));

  it('select the member of exactly the type given', () => {
    expect(chosen(5)).toEqual({ member: 'd', value: 5 });
    expect(chosen('5')).toEqual({ member: 's', value: '5' });
    expect(chosen([1, 2])).toEqual({ member: 'ds', value: new Float64Array([1, 2]) });
    expect(chosen(new Uint8Array([1]))).toEqual({ member: 'us', value: new Uint8Array([1]) });
  });

  it('else the first member the value fits in', () => {
    expect(chosen(7n)).toEqual({ member: 'd', value: 7 });
    expect(chosen(new Uint16Array([300]), union('', { b: 'ubyte[]', l: 'long[]' }))).toEqual({
      member: 'l',
      value: new BigInt64Array([300n]),
    });
    expect(chosen({ x: 1 }, union('', { i: 'int', p: struct('', { x: 'int' }) }))).toEqual({
      member: 'p',
      value: { x: 1 },
    });
  });

  it('are empty for null, and for a choice of nothing', () => {
    for (const nothing of [null, undefined, new UnionValue(u, -1, null)])
      expect(chosen(nothing)).toEqual({ member: null, value: null });
  });

  it('refuse what fits no member', () => {
    expect(() => convert(union('', { i: 'int', b: 'boolean' }), 'text')).toThrow(
      /none of its members fits \(i, b\)/,
    );
  });

  it('take a choice made for another order of members by its name', () => {
    const other = union('', { us: 'ubyte[]', d: 'double' });
    const choice = convert(other, new Uint8Array([4])) as UnionValue;
    expect(choice.index).toBe(0);
    const taken = convert(u, choice) as UnionValue;
    expect([taken.member, taken.index, taken.type]).toEqual(['us', 4, u]);
    expect(convert(u, taken)).toBe(taken);
    expect(() => convert(other, convert(u, 'text'))).toThrow(/no member 's'/);
  });
});

describe('any', () => {
  const held = (input: unknown): unknown => plain(convert(typeOf('any'), input));

  it('holds what it is given with the type that has by itself', () => {
    expect(held(1.5)).toEqual({ any: 'double', value: 1.5 });
    expect(held(7n)).toEqual({ any: 'long', value: 7n });
    expect(held('x')).toEqual({ any: 'string', value: 'x' });
    expect(held(true)).toEqual({ any: 'boolean', value: true });
    expect(held(new Uint16Array([1]))).toEqual({ any: 'ushort[]', value: new Uint16Array([1]) });
    expect(held([1, 2])).toEqual({ any: 'double[]', value: new Float64Array([1, 2]) });
    expect(held(['a'])).toEqual({ any: 'string[]', value: ['a'] });
    expect(held([true])).toEqual({ any: 'boolean[]', value: [true] });
    expect(held([1n])).toEqual({ any: 'long[]', value: new BigInt64Array([1n]) });
    expect(held(Value.create(struct('p', { x: 'int' }), { x: 1 }))).toEqual({
      any: 'struct p { int x }',
      value: { x: 1 },
    });
    expect(held(new AnyValue(typeOf('uint'), 3))).toEqual({ any: 'uint', value: 3 });
  });

  it('holds nothing for null', () => {
    for (const nothing of [null, undefined]) expect(held(nothing)).toEqual({ any: null, value: null });
  });

  it('refuses what has no pvData type of its own', () => {
    for (const x of [{ x: 1 }, [1, 'a'], [{}], Symbol('s'), () => 1])
      expect(() => convert(typeOf('any'), x)).toThrow(NoConvertError);
  });
});
