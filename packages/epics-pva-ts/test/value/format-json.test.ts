/** pvget's json format (JSON5 on one line), byte for byte. */
import { describe, expect, it } from 'vitest';
import { AnyValue } from '../../src/value/containers.ts';
import { type FormatMode, formatValue } from '../../src/value/format.ts';
import { arrayOf, struct, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { ntEnum } from '../support/format-types.ts';

describe('mode json', () => {
  const json = (value: Value, options = {}) => formatValue(value, { mode: 'json', ...options });

  it('is JSON5 on one line', () => {
    const value = ntEnum({ value: { index: 2, choices: ['Zero', 'One', 'Two'] } });
    expect(json(value, { name: 't:mbbo' })).toBe(
      't:mbbo {value:{index:2,choices:["Zero","One","Two"]},alarm:{severity:0,status:0,message:""},' +
        'timeStamp:{secondsPastEpoch:0,nanoseconds:0,userTag:0}}\n',
    );
  });

  it('gives doubles 17 digits and always a decimal point', () => {
    const value = Value.create(struct('', { d: 'double[]', f: 'float', i: 'int' }), {
      d: [3, 0.1, 1e20, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      f: 0.1,
      i: 3,
    });
    const floats = '3.0,0.10000000000000001,1e+20,-0.0,NaN,+Infinity,-Infinity';
    expect(json(value)).toBe(`{d:[${floats}],f:0.10000000149011612,i:3}\n`);
  });

  it('escapes strings as JSON5', () => {
    const value = Value.create(struct('', { s: 'string' }), { s: 'a"b\\c\n\t\v\0\x01 /µm\x7f' });
    expect(json(value)).toBe('{s:"a\\"b\\\\c\\n\\t\\v\\0\\x01 /µm\x7f"}\n');
  });

  it('prints unions and any as what they hold', () => {
    const choice = union('', { a: 'int', b: 'string' });
    const inner = struct('', { x: 'boolean' });
    const type = struct('', { u: choice, none: choice, any: 'any', list: arrayOf(inner), ul: 'ulong' });
    const value = Value.create(type, {
      'u->b': 'hey',
      any: new AnyValue(typeOf('double'), 2),
      list: [{ x: true }, null],
      ul: (1n << 64n) - 1n,
    });
    expect(json(value)).toBe('{u:"hey",none:null,any:2.0,list:[{x:true},null],ul:18446744073709551615}\n');
  });

  it('can be limited to what changed', () => {
    const value = Value.create(struct('', { a: 'int', s: struct('', { b: 'int', c: 'int' }) }), {
      s: { c: 4 },
    });
    expect(json(value, { changedOnly: true })).toBe('{s:{c:4}}\n');
    expect(json(value, { show: BitSet.of(1) })).toBe('{a:0}\n');
    expect(json(value, { show: new BitSet() })).toBe('\n');
  });
});

it('prints a channel without a value in every mode', () => {
  const texts = (['nt', 'raw', 'json'] as FormatMode[]).map((mode) =>
    formatValue(Value.create(struct('', {})), { mode, name: 'x' }),
  );
  expect(texts).toEqual(['x structure \n', 'x structure \n', 'x {}\n']);
});
