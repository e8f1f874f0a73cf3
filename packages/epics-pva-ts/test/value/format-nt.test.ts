/** pvget's nt format, byte for byte: the examples of pva-protocol.md 9.1 and what pvData itself printed. */
import { describe, expect, it } from 'vitest';
import { formatValue } from '../../src/value/format.ts';
import { struct, type typeOf } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { ALARM, at, inTimeZone, ntEnum, SECONDS, scalar, TIME } from '../support/format-types.ts';

inTimeZone('UTC');

describe('mode nt, the examples of the reference', () => {
  it.each<[string, Value, string]>([
    [
      't:ao',
      scalar('double', { value: 3.25, timeStamp: at(236_000_000) }),
      't:ao 2026-11-21 01:33:26.236  3.25 \n',
    ],
    [
      't:bo',
      ntEnum({
        value: { index: 0, choices: ['Off', 'On'] },
        alarm: { severity: 3, status: 2, message: 'UDF' },
        timeStamp: { secondsPastEpoch: 631152000n },
      }),
      't:bo <undefined>              INVALID DRIVER UDF (0) Off\n',
    ],
    [
      't:mbbo',
      ntEnum({ value: { index: 2, choices: ['Zero', 'One', 'Two'] }, timeStamp: at(245_735_878) }),
      't:mbbo 2026-11-21 01:33:26.246  (2) Two\n',
    ],
    [
      't:wf',
      scalar('double[]', { value: [4, 5, 6.5], timeStamp: at(261_000_000) }),
      't:wf 2026-11-21 01:33:26.261  [4,5,6.5]\n',
    ],
    [
      't:wfs',
      scalar('string[]', { value: ['a', 'b c'], timeStamp: at(278_000_000) }),
      't:wfs 2026-11-21 01:33:26.278  [a, "b c"]\n',
    ],
    [
      't:so',
      scalar('string', { value: 'new value', timeStamp: at(269_000_000) }),
      't:so 2026-11-21 01:33:26.269  "new value" \n',
    ],
    ['p:st', Value.create(struct('', { value: 'int[]' }), { value: [1, 2, 3, 4, 5] }), 'p:st [1,2,3,4,5]\n'],
  ])('%s', (name, value, text) => {
    expect(formatValue(value, { name })).toBe(text);
  });

  it('p:tab', () => {
    const table = Value.create(
      struct('epics:nt/NTTable:1.0', {
        labels: 'string[]',
        value: struct('', { a: 'int[]', b: 'double[]', c: 'string[]' }),
        alarm: ALARM,
        timeStamp: TIME,
      }),
      {
        labels: ['num', 'dbl', 'a long string col'],
        value: { a: [1, 20, 300], b: [1.5, 2.25, 1e10], c: ['a', 'b c', ''] },
      },
    );
    expect(formatValue(table, { name: 'p:tab' })).toBe(
      [
        'p:tab <undefined>                ',
        'num   dbl "a long string col"',
        '  1   1.5                   a',
        ' 20  2.25               "b c"',
        '300 1e+10                    ',
        '',
      ].join('\n'),
    );
  });
});

describe('mode nt', () => {
  it('pads the name to the longest', () => {
    const v = Value.create(struct('', { value: 'int' }), { value: 7 });
    expect(formatValue(v, { name: 'ab', nameWidth: 5 })).toBe('ab    7 \n');
    expect(formatValue(v)).toBe('7 \n');
  });

  it.each([
    [0, 0, ''],
    [1, 0, 'MINOR '],
    [2, 3, 'MAJOR RECORD '],
    [4, 7, 'UNDEFINED CLIENT '],
    [9, 12, '9 12 '],
  ])('alarm severity %d, status %d', (severity, status, text) => {
    const value = scalar('int', { value: -42, alarm: { severity, status } });
    expect(formatValue(value)).toBe(`<undefined>              -42 ${text}\n`);
  });

  it.each<[bigint, number, string]>([
    [0n, 0, '<undefined>             '],
    [631152000n, 0, '<undefined>             '],
    [631152000n, 1_000_000, '1990-01-01 00:00:00.001 '],
    [631152001n, 0, '1990-01-01 00:00:01.000 '],
    [SECONDS, 499_999, '2026-11-21 01:33:26.000 '],
    [SECONDS, 500_000, '2026-11-21 01:33:26.001 '],
    [SECONDS, 999_999_999, '2026-11-21 01:33:26.999 '],
    [SECONDS, 1_000_000_000, '2026-11-21 01:33:26.OVF '],
    [9_223_372_036_854_775_807n, 0, '<undefined>             '],
  ])('time %d s, %d ns', (secondsPastEpoch, nanoseconds, text) => {
    const value = scalar('int', { timeStamp: { secondsPastEpoch, nanoseconds } });
    expect(formatValue(value)).toBe(`${text} 0 \n`);
  });

  it('prints local time', () => {
    const value = scalar('int', { timeStamp: at(0) });
    process.env.TZ = 'America/Chicago';
    expect(formatValue(value)).toBe('2026-11-20 19:33:26.000  0 \n');
    process.env.TZ = 'Asia/Kolkata';
    expect(formatValue(value)).toBe('2026-11-21 07:03:26.000  0 \n');
  });

  it('prints a userTag that is not 0 behind the time', () => {
    const value = scalar('int', { timeStamp: { ...at(0), userTag: 17 } });
    expect(formatValue(value)).toBe('2026-11-21 01:33:26.000  17 0 \n');
  });

  it('says when an enum is out of range', () => {
    expect(formatValue(ntEnum({ value: { index: 5, choices: ['a'] } }))).toBe(
      '<undefined>              (5) <undefined>\n',
    );
    expect(formatValue(ntEnum({ value: { index: -1 } }))).toContain('(4294967295) <undefined>');
    expect(formatValue(ntEnum({ value: { choices: ['a two'] } }))).toContain('(0) "a two"');
  });

  it.each([
    ['', ''],
    ['hello_world', 'hello_world'],
    ['hello world', '"hello world"'],
    ['say "hi"', '"say \\"hi\\""'],
    ["it's", '"it\\\'s"'],
    ['a\\b', '"a\\\\b"'],
    ['tab\tnewline\n', '"tab\\tnewline\\n"'],
    ['\x07\b\f\r\v', '"\\a\\b\\f\\r\\v"'],
    ['del\x7f nul\0', '"del\\x7F nul\\x00"'],
    ['µm', '"\\xC2\\xB5m"'],
    ['😀', '"\\xF0\\x9F\\x98\\x80"'],
    ['a,b', 'a,b'],
  ])('string %j', (s, text) => {
    expect(formatValue(scalar('string', { value: s }))).toBe(`<undefined>              ${text} \n`);
  });

  it.each<[Parameters<typeof typeOf>[0], unknown, string]>([
    ['boolean', true, 'true'],
    ['byte', -128, '-128'],
    ['ubyte', 200, '200'],
    ['long', -(1n << 63n), '-9223372036854775808'],
    ['ulong', (1n << 64n) - 1n, '18446744073709551615'],
    ['float', 0.1, '0.1'],
    ['double', Number.NaN, 'nan'],
  ])('%s', (type, v, text) => {
    expect(formatValue(Value.create(struct('', { value: type }), { value: v }))).toBe(`${text} \n`);
  });

  it.each<[Parameters<typeof typeOf>[0], unknown, string]>([
    ['boolean[]', [true, false], '[true,false]'],
    ['byte[]', [-1, 1], '[-1,1]'],
    ['long[]', [1n, 1n << 40n], '[1,1099511627776]'],
    ['float[]', [1.5, 1e-7], '[1.5,1e-07]'],
    ['double[]', [], '[]'],
    ['string[]', [''], '[]'],
  ])('%s', (type, v, text) => {
    expect(formatValue(Value.create(struct('', { value: type }), { value: v }))).toBe(`${text}\n`);
  });

  it('cuts a table to its shortest column, takes names for missing labels and quotes cells', () => {
    const columns = struct('', { colA: 'int[]', colB: 'string[]', flag: 'boolean[]' });
    const type = struct('epics:nt/NTTable:1.0', { labels: 'string[]', value: columns });
    const table = Value.create(type, {
      labels: ['labelA', 'label B'],
      value: { colA: [1, 2, 3, 42], colB: ['a,b', 'two words', "A '\"'"], flag: [true, false, true, true] },
    });
    expect(formatValue(table)).toBe(
      [
        '',
        'labelA   "label B"  flag',
        '     1       "a,b"  true',
        '     2 "two words" false',
        '     3  "A \\\'""\\\'"  true',
        '',
      ].join('\n'),
    );
    expect(formatValue(Value.create(type))).toBe('\ncolA colB flag\n');
  });

  it('prints a table with anything but arrays of scalars raw', () => {
    const type = struct('epics:nt/NTTable:1.0', { value: struct('', { a: 'int' }) });
    expect(formatValue(Value.create(type))).toBe(
      'epics:nt/NTTable:1.0 \n    structure value\n        int a 0\n',
    );
  });
});
