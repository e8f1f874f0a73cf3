/** What pvget prints, byte for byte: the examples of pva-protocol.md 9.1 and what pvData itself printed. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { type FormatMode, formatValue } from '../../src/value/format.ts';
import { arrayOf, struct, type TypeDef, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { decodePartial, encodePartial } from '../support/image.ts';

const ALARM = struct('alarm_t', { severity: 'int', status: 'int', message: 'string' });
const TIME_MEMBERS = { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' } as const;
const TIME = struct('time_t', TIME_MEMBERS);
const ENUM = struct('enum_t', { index: 'int', choices: 'string[]' });

const SECONDS = 1795224806n;

function scalar(spec: Parameters<typeof typeOf>[0], fields: Record<string, unknown>): Value {
  const id = typeOf(spec).isArray ? 'epics:nt/NTScalarArray:1.0' : 'epics:nt/NTScalar:1.0';
  return Value.create(struct(id, { value: spec, alarm: ALARM, timeStamp: TIME }), fields);
}

function ntEnum(fields: Record<string, unknown>, time: TypeDef = TIME): Value {
  return Value.create(struct('epics:nt/NTEnum:1.0', { value: ENUM, alarm: ALARM, timeStamp: time }), fields);
}

const at = (nanoseconds: number) => ({ secondsPastEpoch: SECONDS, nanoseconds });

let zone: string | undefined;
beforeEach(() => {
  zone = process.env.TZ;
  process.env.TZ = 'UTC';
});
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

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

const ND_ARRAY = struct('epics:nt/NTNDArray:1.0', {
  value: union('', { booleanValue: 'boolean[]', ubyteValue: 'ubyte[]' }),
  codec: struct('codec_t', { name: 'string', parameters: 'any' }),
  compressedSize: 'long',
  dimension: arrayOf(
    struct('dimension_t', {
      size: 'int',
      offset: 'int',
      fullSize: 'int',
      binning: 'int',
      reverse: 'boolean',
    }),
  ),
  uniqueId: 'int',
  dataTimeStamp: TIME,
  attribute: arrayOf(struct('epics:nt/NTAttribute:1.0', { name: 'string', value: 'any', alarm: ALARM })),
  descriptor: 'string',
  alarm: ALARM,
});

describe('mode raw', () => {
  it('prints the tree of the reference', () => {
    const value = ntEnum(
      {
        value: { index: 2, choices: ['Zero', 'One', 'Two'] },
        alarm: { message: 'NO_ALARM' },
        timeStamp: at(245_735_878),
      },
      struct('', TIME_MEMBERS),
    );
    expect(formatValue(value, { name: 't:mbbo', mode: 'raw' })).toBe(
      [
        't:mbbo epics:nt/NTEnum:1.0 ',
        '    enum_t value (2) Two',
        '        int index 2',
        '        string[] choices [Zero, One, Two]',
        '    alarm_t alarm ',
        '        int severity 0',
        '        int status 0',
        '        string message NO_ALARM',
        '    structure timeStamp',
        '        long secondsPastEpoch 1795224806',
        '        int nanoseconds 245735878',
        '        int userTag 0',
        '',
      ].join('\n'),
    );
  });

  it('puts time and alarm behind time_t and alarm_t', () => {
    const value = scalar('double', {
      value: 3.25,
      alarm: { severity: 1, status: 3, message: 'HIGH' },
      timeStamp: { secondsPastEpoch: SECONDS + 35n, nanoseconds: 313_000_000 },
    });
    const lines = formatValue(value, { mode: 'raw' }).split('\n');
    expect(lines).toContain('    double value 3.25');
    expect(lines).toContain('    alarm_t alarm MINOR RECORD HIGH ');
    expect(lines).toContain('    time_t timeStamp 2026-11-21 01:34:01.313  ');
  });

  it('is also what an NTNDArray gets in mode nt', () => {
    const value = Value.create(ND_ARRAY, {
      'value->ubyteValue': new Uint8Array([1, 2, 3, 4, 5, 6]),
      dimension: [
        { size: 2, fullSize: 2, binning: 1 },
        { size: 3, fullSize: 3, binning: 1 },
      ],
      uniqueId: 5,
    });
    expect(formatValue(value, { name: 'p:img' })).toBe(
      [
        'p:img epics:nt/NTNDArray:1.0 ',
        '    union value',
        '        ubyte[]  [1,2,3,4,5,6]',
        '    codec_t codec',
        '        string name ',
        '        any parameters',
        '            (none)',
        '    long compressedSize 0',
        '    dimension_t[] dimension',
        '        dimension_t ',
        '            int size 2',
        '            int offset 0',
        '            int fullSize 2',
        '            int binning 1',
        '            boolean reverse false',
        '        dimension_t ',
        '            int size 3',
        '            int offset 0',
        '            int fullSize 3',
        '            int binning 1',
        '            boolean reverse false',
        '    int uniqueId 5',
        '    time_t dataTimeStamp <undefined>              ',
        '        long secondsPastEpoch 0',
        '        int nanoseconds 0',
        '        int userTag 0',
        '    epics:nt/NTAttribute:1.0[] attribute',
        '    string descriptor ',
        '    alarm_t alarm ',
        '        int severity 0',
        '        int status 0',
        '        string message ',
        '',
      ].join('\n'),
    );
  });

  it('prints no summary inside arrays of structures', () => {
    const value = Value.create(ND_ARRAY, {
      attribute: [{ name: 'ColorMode', value: 2, alarm: { severity: 1 } }, null],
    });
    expect(formatValue(value)).toContain(
      [
        '    epics:nt/NTAttribute:1.0[] attribute',
        '        epics:nt/NTAttribute:1.0 ',
        '            string name ColorMode',
        '            any value',
        '                double  2',
        '            alarm_t alarm',
        '                int severity 1',
        '                int status 0',
        '                string message ',
        '        (none)',
        '    string descriptor ',
      ].join('\n'),
    );
  });

  it('prints unions and any of every form', () => {
    const choice = union('my_u', { a: 'int', s: struct('', { x: 'string' }) });
    const type = struct('omg', { u: choice, ua: arrayOf(choice), anything: 'any', many: 'any[]' });
    const value = Value.create(type, {
      ua: [new UnionValue(choice, 0, 7), null, new UnionValue(choice, -1, null)],
      anything: new AnyValue(typeOf('string[]'), ['a', 'b c']),
      many: [new AnyValue(null, null), new AnyValue(typeOf('double'), 1.5)],
    });
    value.set('u->s', { x: 'deep' });
    expect(formatValue(value)).toBe(
      [
        'omg ',
        '    my_u u',
        '        structure ',
        '            string x deep',
        '    my_u[] ua',
        '        my_u ',
        '            int  7',
        '        (none)',
        '        my_u ',
        '            (none)',
        '    any anything',
        '        string[]  [a, "b c"]',
        '    any[] many',
        '        any ',
        '            (none)',
        '        any ',
        '            double  1.5',
        '',
      ].join('\n'),
    );
  });

  const everything = struct('omg', {
    scalar: 'string',
    scalarArray: 'string[]',
    below: struct('', { A: 'int', more: 'int[]' }),
    anything: 'any',
  });

  it('shows only chosen fields, with the structures around them', () => {
    const value = Value.create(everything, { scalarArray: ['hello', 'world\x7f'] });
    expect(formatValue(value, { show: BitSet.of(1, 4) })).toBe(
      'omg \n    string scalar \n    structure below\n        int A 0\n',
    );
    expect(formatValue(value, { changedOnly: true })).toBe(
      'omg \n    string[] scalarArray [hello, "world\\x7F"]\n',
    );
    expect(formatValue(value, { show: BitSet.of(3) })).toBe(
      'omg \n    structure below\n        int A 0\n        int[] more []\n',
    );
  });

  it('shows what an update brought', () => {
    const bytes = encodePartial(Value.create(everything, { below: { A: 3 } }));
    expect(formatValue(decodePartial(everything, bytes), { changedOnly: true })).toBe(
      'omg \n    structure below\n        int A 3\n',
    );
    expect(formatValue(decodePartial(everything, Buffer.from([0])), { changedOnly: true })).toBe('');
  });

  it('shows the changes in a sub-structure by itself', () => {
    const value = Value.create(everything, { below: { A: 3 } });
    expect(formatValue(value.get('below') as Value, { changedOnly: true, mode: 'raw' })).toBe(
      'structure \n    int A 3\n',
    );
  });

  it('prints chosen fields in bold', () => {
    const value = Value.create(everything, { scalarArray: ['hello'] });
    expect(formatValue(value, { highlight: BitSet.of(1, 2, 4) })).toBe(
      [
        'omg ',
        '\x1b[1m    string scalar ',
        '\x1b[0m\x1b[1m    string[] scalarArray [hello]',
        '\x1b[0m    structure below',
        '\x1b[1m        int A 0',
        '\x1b[0m        int[] more []',
        '    any anything',
        '        (none)',
        '',
      ].join('\n'),
    );
  });
});

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
