/** From the words of pvput's command line to the structure that is sent. */
import {
  arrayOf,
  NTEnum,
  NTNDArray,
  NTScalar,
  NTScalarArray,
  struct,
  type TypeDef,
  union,
  Value,
} from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { valueToPut } from '../../src/cli/pvput-value.ts';

const DOUBLE = NTScalar.build('double');
const GROUP = struct('', {
  inner: struct('', { x: 'int', text: 'string' }),
  choice: union('', { n: 'double', s: 'string' }),
  any: 'any',
  rows: arrayOf(struct('', { x: 'int' })),
  bytes: 'ubyte[]',
  flag: 'boolean',
});

/** What is marked, by path, with the warnings. */
function put(
  type: TypeDef,
  words: string[],
  present?: Value,
): { fields: Record<string, unknown>; warnings: string[] } {
  const warnings: string[] = [];
  const value = valueToPut(type, { words, present, warn: (line) => warnings.push(line) });
  const marked = type.nodes.filter(({ index }) => value.marks.get(index));
  return { fields: Object.fromEntries(marked.map(({ path }) => [path, value.get(path)])), warnings };
}

const fields = (type: TypeDef, ...words: string[]): Record<string, unknown> => put(type, words).fields;
const refused = (type: TypeDef, ...words: string[]): string => {
  try {
    put(type, words);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${words.join(' ')} was accepted`);
};

describe('plain values', () => {
  it('mark the value and nothing else', () => {
    expect(fields(DOUBLE, '1.5')).toEqual({ value: 1.5 });
    expect(fields(NTScalarArray.build('int'), '3', '1', '0x10')).toEqual({ value: Int32Array.of(1, 16) });
    expect(fields(NTScalarArray.build('string'), 'n', '[a', 'b=c')).toEqual({ value: ['[a', 'b=c'] });
  });

  it('of a string may hold anything but begin with a bracket', () => {
    const text = NTScalar.build('string');
    expect(fields(text, 'x=1')).toEqual({ value: 'x=1' });
    expect(fields(text, '=')).toEqual({ value: '=' });
    expect(fields(text, '')).toEqual({ value: '' });
    expect(refused(text, '[a]')).toBe('Not a scalar array field: value is string');
  });

  it('of an enum are labels first: a label may look like a number', () => {
    const present = NTEnum.create(['5', 'five', 'six']);
    const index = (word: string): unknown => put(NTEnum.type, [word], present).fields['value.index'];
    expect([index('5'), index('six'), index('1'), index('9')]).toEqual([0, 2, 1, 9]);
    expect(() => index('seven')).toThrow('the choices are: 5, five, six');
    expect(fields(NTEnum.type, '1'), 'without the present value').toEqual({ 'value.index': 1 });
    expect(refused(NTEnum.type, 'six')).toBe("parseToPOD: No digits to convert ('six' for int)");
  });

  it('need a value that takes them', () => {
    expect(refused(GROUP, '5')).toBe('Structure has no .value');
    expect(refused(GROUP, '[5]')).toBe('Structure has no .value');
    expect(refused(NTNDArray.type, '5')).toBe("Don't know how to set field .value, which is union");
    expect(refused(DOUBLE, '1', '2')).toBe("Can't assign multiple values to scalar");
    expect(refused(NTEnum.type, '1', '2')).toBe("Can't assign multiple values to enum");
  });
});

describe('field=value', () => {
  it('takes paths, arrays and maps', () => {
    expect(fields(GROUP, 'inner.x=5', 'flag=true', 'bytes=[1,0x10]', 'rows=[{x:7}]')).toMatchObject({
      'inner.x': 5,
      flag: true,
      bytes: Uint8Array.of(1, 16),
      rows: [expect.any(Value)],
    });
    expect(fields(GROUP, 'inner={"text":"a=b"}')).toEqual({ 'inner.text': 'a=b' });
    expect(fields(NTEnum.type, 'value.index=1')).toEqual({ 'value.index': 1 });
  });

  it('takes a label for an enum', () => {
    const present = NTEnum.create(['a', 'b']);
    expect(put(NTEnum.type, ['value=b'], present).fields).toEqual({ 'value.index': 1 });
    expect(put(NTEnum.type, ['{"value":"b"}'], present).fields).toEqual({ 'value.index': 1 });
  });

  it('refuses the whole put when one field cannot take its value', () => {
    expect(refused(GROUP, 'flag=true', 'inner=5')).toBe('inner: need a scalar field, and this is structure');
    expect(refused(GROUP, 'bytes=5')).toBe('bytes: need a scalar field, and this is ubyte[]');
    expect(refused(GROUP, 'inner=[1]')).toBe('Not a scalar array field: inner is structure');
    expect(refused(GROUP, 'bytes=[[1]]')).toBe('bytes takes a plain list of values');
    expect(refused(GROUP, 'flag=maybe')).toBe("parseToPOD: string no match true/false ('maybe' for boolean)");
  });

  it('warns about fields that are not there', () => {
    expect(put(DOUBLE, ['bogus=1', '=2', 'value=3'])).toEqual({
      fields: { value: 3 },
      warnings: ['bogus : Warning: no such field. Ignoring it.', ' : Warning: no such field. Ignoring it.'],
    });
    expect(refused(GROUP, 'bogus=1')).toBe('No valid value(s) specified');
  });

  it('cannot be mixed with plain values', () => {
    expect(refused(DOUBLE, '5', 'value=6')).toBe("Can't mix bare values and field=value pairs");
  });
});

describe('a JSON map', () => {
  it('marks what it names', () => {
    expect(fields(GROUP, '{"inner":{"x":1},"flag":false}')).toEqual({ 'inner.x': 1, flag: false });
    expect(fields(GROUP, '{"inner.text":"="}')).toEqual({ 'inner.text': '=' });
    expect(fields(GROUP, '{}')).toEqual({});
  });

  it('selects the first member of a union that fits, and makes an integer in any a long', () => {
    const value = valueToPut(GROUP, {
      words: ['{"choice":"text","any":9007199254740993}'],
      present: undefined,
      warn: () => {},
    });
    expect(value.get('choice')).toMatchObject({ member: 's', value: 'text' });
    expect(value.get('any')).toMatchObject({ type: { kind: 'long' }, value: 9_007_199_254_740_993n });
  });

  it.each([
    ['{"bogus":1}', /^no field 'bogus' in structure; there are: inner, choice/],
    ['{"inner":{"y":1}}', /^no field 'y' in structure; there are: x, text$/],
    ['{"inner":5}', /^Can't assign value: inner is structure, which takes a JSON map$/],
    ['{"inner":null}', /^Can't assign value: inner is structure/],
    ['{"inner":[1]}', /^Can't assign value: inner is structure/],
    ['{"bytes":[1,300]}', /^bytes: 300 cannot become ubyte: the range is 0 to 255$/],
    ['{"inner":{"text":{}}}', /^inner\.text: an object cannot become string$/],
    ['inner={"x":"a"}', /^inner\.x: 'a' cannot become int/],
    ['{"flag":}', /^not JSON at position 9: expected a value, found '}'$/],
  ])('%s is refused', (text, message) => {
    expect(refused(GROUP, text)).toMatch(message);
  });
});
