/** All normative types: ids, fields and their order as normativeTypesCPP builds them, readers, and what is refused. */
import { describe, expect, it } from 'vitest';
import { NoConvertError } from '../../src/errors.ts';
import {
  NTAggregate,
  NTAttribute,
  NTContinuum,
  NTEnum,
  NTHistogram,
  NTMatrix,
  NTMultiChannel,
  NTNameValue,
  NTNDArray,
  NTScalar,
  NTScalarArray,
  NTScalarMultiChannel,
  NTTable,
  NTUnion,
  NTURI,
} from '../../src/index.ts';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { arrayOf, struct, type TypeDef, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { decodePartial, encodePartial } from '../support/image.ts';

const TIME = { secondsPastEpoch: 1_700_000_000n, nanoseconds: 5, userTag: 6 };
const ALARM = { severity: 2, status: 1, message: 'hot' };
const ALL = { descriptor: 'text', alarm: ALARM, timeStamp: TIME };

/** What a client gets of what a server posts. */
function received(value: Value): Value {
  return decodePartial(value.type, encodePartial(value));
}

/** `double value, alarm_t alarm, ...` */
function fields(type: TypeDef): string[] {
  return type.members.map((m) => `${m.type.displayId} ${m.name}`);
}

const COMMON = ['string descriptor', 'alarm_t alarm', 'time_t timeStamp'];
const DISPLAY = [
  'double limitLow',
  'double limitHigh',
  'string description',
  'string format',
  'string units',
];
const CHANNELS = [
  'string[] channelName',
  ...COMMON,
  'int[] severity',
  'int[] status',
  'string[] message',
  'long[] secondsPastEpoch',
  'int[] nanoseconds',
  'int[] userTag',
  'boolean[] isConnected',
];
const UNION = union('', { number: 'double', text: 'string' });

/** With every optional field there is. */
const WHOLE: [string, TypeDef, string[]][] = [
  ['NTScalar', NTScalar.build('double', { descriptor: true }), ['double value', ...COMMON]],
  [
    'NTScalarArray',
    NTScalarArray.build('int', { descriptor: true, display: true, control: true, valueAlarm: true }),
    ['int[] value', ...COMMON, 'structure display', 'structure control', 'structure valueAlarm'],
  ],
  ['NTEnum', NTEnum.build({ descriptor: true, display: false }), ['enum_t value', ...COMMON]],
  ['NTTable', NTTable.build([{ name: 'a', kind: 'int' }]), ['string[] labels', 'structure value', ...COMMON]],
  [
    'NTAttribute',
    NTAttribute.build({ tags: true, descriptor: true }),
    ['string name', 'any value', 'string[] tags', ...COMMON],
  ],
  [
    'NTNameValue',
    NTNameValue.build('ushort', { descriptor: true }),
    ['string[] name', 'ushort[] value', ...COMMON],
  ],
  [
    'NTURI',
    NTURI.create('x', { a: 1 }).type,
    ['string scheme', 'string authority', 'string path', 'structure query'],
  ],
  ['NTMultiChannel', NTMultiChannel.build({ descriptor: true }), ['any[] value', ...CHANNELS]],
  [
    'NTScalarMultiChannel',
    NTScalarMultiChannel.build('float', { descriptor: true }),
    ['float[] value', ...CHANNELS],
  ],
  [
    'NTMatrix',
    NTMatrix.build({ dim: true, display: true, descriptor: true }),
    ['double[] value', 'int[] dim', ...COMMON, 'display_t display'],
  ],
  [
    'NTContinuum',
    NTContinuum.build({ descriptor: true }),
    ['double[] base', 'double[] value', 'string[] units', ...COMMON],
  ],
  [
    'NTHistogram',
    NTHistogram.build({ descriptor: true, kind: 'long' }),
    ['double[] ranges', 'long[] value', ...COMMON],
  ],
  [
    'NTAggregate',
    NTAggregate.build({
      descriptor: true,
      min: true,
      max: true,
      lastTimeStamp: true,
      last: true,
      firstTimeStamp: true,
      first: true,
      dispersion: true,
    }),
    [
      'double value',
      'long N',
      'double dispersion',
      'double first',
      'time_t firstTimeStamp',
      'double last',
      'time_t lastTimeStamp',
      'double max',
      'double min',
      ...COMMON,
    ],
  ],
  ['NTUnion', NTUnion.build({ descriptor: true, type: UNION }), ['union value', ...COMMON]],
];

const CLASSES = {
  NTScalar,
  NTScalarArray,
  NTEnum,
  NTTable,
  NTNDArray,
  NTAttribute,
  NTNameValue,
  NTURI,
  NTMultiChannel,
  NTMatrix,
  NTContinuum,
  NTHistogram,
  NTAggregate,
  NTUnion,
  NTScalarMultiChannel,
} as const;

describe('every normative type', () => {
  it.each(WHOLE)('%s has its id and its fields in order', (name, type, expected) => {
    expect(type.id).toBe(`epics:nt/${name}:1.0`);
    expect(CLASSES[name as 'NTMatrix'].id).toBe(type.id);
    expect(fields(type)).toEqual(expected);
  });

  it.each(WHOLE)('%s is recognised by its id, and by its fields without it', (name, type) => {
    const nt = CLASSES[name as 'NTMatrix'];
    const bare = struct(
      '',
      type.members.map((m) => [m.name, m.type] as const),
    );
    expect([nt.is(type), nt.isCompatible(type)]).toEqual([true, true]);
    expect([nt.is(bare), nt.isCompatible(bare)]).toEqual([false, true]);
    expect([nt.is(Value.create(type)), nt.isCompatible(Value.create(type))]).toEqual([true, true]);
    expect(nt.isCompatible(typeOf('double'))).toBe(false);
    expect(nt.isCompatible(arrayOf(type))).toBe(false);
    for (const [other, otherType] of WHOLE) expect(nt.is(otherType)).toBe(other === name);
    const structure = Value.create(bare);
    expect(nt.wrap(structure).structure).toBe(structure);
  });

  it.each(WHOLE.filter(([name]) => name !== 'NTURI'))('%s leaves out what is not wanted', (name, type) => {
    const none = { descriptor: false, alarm: false, timeStamp: false } as const;
    const built: Record<string, TypeDef> = {
      NTScalar: NTScalar.build('int', none),
      NTScalarArray: NTScalarArray.build('int', none),
      NTEnum: NTEnum.build({ ...none, display: false }),
      NTTable: NTTable.build([], none),
      NTAttribute: NTAttribute.build(none),
      NTNameValue: NTNameValue.build('int', none),
      NTMultiChannel: NTMultiChannel.build({ ...none, channelFields: [] }),
      NTScalarMultiChannel: NTScalarMultiChannel.build('int', { ...none, channelFields: [] }),
      NTMatrix: NTMatrix.build(none),
      NTContinuum: NTContinuum.build(none),
      NTHistogram: NTHistogram.build(none),
      NTAggregate: NTAggregate.build(none),
      NTUnion: NTUnion.build(none),
    };
    const least = built[name] as TypeDef;
    // What is left is what the type cannot do without, in the same order.
    const names = least.members.map((m) => m.name);
    expect(names).toEqual(type.members.map((m) => m.name).filter((n) => names.includes(n)));
    expect(CLASSES[name as 'NTMatrix'].isCompatible(least)).toBe(true);
    for (const missing of names) {
      const without = least.members.filter((m) => m.name !== missing).map((m) => [m.name, m.type] as const);
      const structure = Value.create(struct('', without));
      expect(CLASSES[name as 'NTMatrix'].isCompatible(structure)).toBe(false);
      expect(() => CLASSES[name as 'NTMatrix'].wrap(structure)).toThrow(
        `structure is no ${name}: it has no '${missing}', which must be`,
      );
    }
  });

  it('says which field does not fit', () => {
    const wrong = Value.create(struct('my_t', { value: 'string', alarm: 'int' }));
    expect(() => NTMatrix.wrap(wrong)).toThrow(
      new NoConvertError("my_t is no NTMatrix: its 'value' is string, not an array of numbers"),
    );
    expect(() => NTScalar.wrap(wrong)).toThrow(
      "its 'alarm' is int, not an alarm_t (severity, status, message)",
    );
  });

  it('reads descriptor, alarm and time stamp', () => {
    const views = [
      NTScalar.wrap(received(NTScalar.create('int', 1, ALL))),
      NTScalarArray.wrap(received(NTScalarArray.create('int', [1], ALL))),
      NTEnum.wrap(received(NTEnum.create(['a'], 0, ALL))),
      NTTable.wrap(received(NTTable.create([], undefined, ALL))),
      NTAttribute.wrap(received(NTAttribute.create('a', 1, ALL))),
      NTNameValue.wrap(received(NTNameValue.create('int', {}, ALL))),
      NTMultiChannel.wrap(received(NTMultiChannel.create([], ALL))),
      NTScalarMultiChannel.wrap(received(NTScalarMultiChannel.create('int', [], ALL))),
      NTMatrix.wrap(received(NTMatrix.create([1], ALL))),
      NTContinuum.wrap(received(NTContinuum.create([], [], ['s'], ALL))),
      NTHistogram.wrap(received(NTHistogram.create([0], [], ALL))),
      NTAggregate.wrap(received(NTAggregate.create(1, 1, ALL))),
      NTUnion.wrap(received(NTUnion.create(1, ALL))),
    ];
    for (const { descriptor, alarm, timeStamp } of views)
      expect({ descriptor, alarm, timeStamp }).toEqual(ALL);
    const bare = NTScalar.wrap(NTScalar.create('int', 1, { alarm: false, timeStamp: false }));
    expect([bare.descriptor, bare.alarm, bare.timeStamp]).toEqual([undefined, undefined, undefined]);
    const partial = NTScalar.wrap(
      NTScalar.create('int', 1, { alarm: { severity: 1 }, timeStamp: new Date(2500) }),
    );
    expect(partial.alarm).toEqual({ severity: 1, status: 0, message: '' });
    expect(partial.timeStamp).toEqual({ secondsPastEpoch: 2n, nanoseconds: 500_000_000, userTag: 0 });
  });
});

describe('NTScalar and NTScalarArray', () => {
  it('carry meta-data that is given, and read it', () => {
    const value = NTScalar.create('double', 3.25, {
      display: { units: 'mm', limitHigh: 10, description: 'gap', precision: 3, form: 'Engineering' },
      control: { limitLow: -1, minStep: 0.5 },
      valueAlarm: { active: true, highAlarmLimit: 9, highAlarmSeverity: 2, hysteresis: 0.1 },
    });
    const view = NTScalar.wrap(received(value));
    expect(view.value).toBe(3.25);
    expect(view.display).toEqual({
      limitLow: 0,
      limitHigh: 10,
      description: 'gap',
      units: 'mm',
      precision: 3,
      form: 'Engineering',
    });
    expect(view.control).toEqual({ limitLow: -1, limitHigh: 0, minStep: 0.5 });
    expect(view.valueAlarm).toMatchObject({
      active: true,
      highAlarmLimit: 9,
      highAlarmSeverity: 2,
      lowAlarmLimit: 0,
    });
    expect(
      value.type.equals(
        NTScalar.build('double', { display: true, form: true, control: true, valueAlarm: true }),
      ),
    ).toBe(true);
    expect(() => NTScalar.create('double', 0, { display: { form: 'Roman' } })).toThrow(
      "'Roman' is no display form; there are: Default, String,",
    );
  });

  it('read the display of other makes', () => {
    const old = struct('', {
      value: 'double',
      display: struct('display_t', { limitLow: 'double', format: 'string', units: 'string' }),
    });
    expect(NTScalar.wrap(Value.create(old, { 'display.format': '%.2f' })).display).toEqual({
      limitLow: 0,
      format: '%.2f',
      units: '',
    });
    const view = NTScalar.wrap(NTScalar.create('string', 'on', { display: { units: 'x' } }));
    expect([view.value, view.display]).toEqual(['on', { description: '', units: 'x' }]);
    expect([view.control, view.valueAlarm]).toEqual([undefined, undefined]);
  });

  it('hold arrays', () => {
    const view = NTScalarArray.wrap(
      received(NTScalarArray.create('ulong', [1n, 2n ** 64n - 1n], { display: { limitLow: 1n } })),
    );
    expect(view.value).toEqual(BigUint64Array.of(1n, 2n ** 64n - 1n));
    expect(view.display?.limitLow).toBe(1n);
  });
});

describe('NTEnum and NTTable', () => {
  it('have views', () => {
    const valve = NTEnum.wrap(
      received(NTEnum.create(['Open', 'Closed'], 'Closed', { display: 'the valve' })),
    );
    expect([valve.index, valve.label, valve.choices]).toEqual([1, 'Closed', ['Open', 'Closed']]);
    expect(valve.structure.get('display.description')).toBe('the valve');
    const columns = [
      { name: 'a', kind: 'int', label: 'A' },
      { name: 'b', kind: 'string' },
    ] as const;
    const table = NTTable.wrap(received(NTTable.create(columns, { a: [1, 2], b: ['x', 'y'] })));
    expect(table.labels).toEqual(['A', 'b']);
    expect(table.columns.get('a')).toEqual(Int32Array.of(1, 2));
    expect(table.rows).toEqual([
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
    ]);
    const scalars = Value.create(struct('', { labels: 'string[]', value: struct('', { a: 'int' }) }));
    expect(() => NTTable.wrap(scalars)).toThrow(
      "its 'value' is structure, not a structure of arrays of scalars",
    );
  });
});

describe('NTURI', () => {
  it('has a view', () => {
    const uri = NTURI.wrap(received(NTURI.create('sum', { a: 1 }, { authority: 'host' })));
    expect([uri.scheme, uri.authority, uri.path, uri.query]).toEqual(['pva', 'host', 'sum', { a: 1 }]);
  });
});

describe('NTUnion and NTAttribute', () => {
  it('hold a value of any type', () => {
    const any = NTUnion.wrap(received(NTUnion.create(new AnyValue(typeOf('short'), 7))));
    expect([any.value, any.member]).toEqual([7, null]);
    const chosen = NTUnion.wrap(received(NTUnion.create('words', { type: UNION })));
    expect([chosen.value, chosen.member]).toEqual(['words', 'text']);
    const exact = NTUnion.create(new UnionValue(UNION, 0, 4), { type: UNION });
    expect(NTUnion.wrap(exact).member).toBe('number');
    expect(NTUnion.wrap(Value.create(NTUnion.build())).value).toBeNull();
    expect(() => NTUnion.build({ type: typeOf('int') as never })).toThrow('is a union or any, not int');
  });

  it('have a name and tags', () => {
    const view = NTAttribute.wrap(received(NTAttribute.create('gain', 2.5, { tags: ['optics', 'x'] })));
    expect([view.name, view.value, view.tags]).toEqual(['gain', 2.5, ['optics', 'x']]);
    expect(NTAttribute.wrap(NTAttribute.create('gain', 1n)).tags).toBeUndefined();
    // Those of an image are of this type too.
    const image = NTNDArray.create({ attributes: { gain: 3 } });
    expect(NTAttribute.wrap(image.get('attribute[0]') as Value).value).toBe(3);
  });
});

describe('NTNameValue', () => {
  it('has a name for every value', () => {
    const view = NTNameValue.wrap(received(NTNameValue.create('double', { physics: 1.5, art: 2 })));
    expect([view.name, view.value]).toEqual([['physics', 'art'], Float64Array.of(1.5, 2)]);
    expect([...view.entries]).toEqual([
      ['physics', 1.5],
      ['art', 2],
    ]);
    expect(view.isValid()).toBe(true);
    const words = NTNameValue.create('string', new Map([['1', 'one']]));
    expect([...NTNameValue.wrap(words).entries]).toEqual([['1', 'one']]);
    words.set('name', ['1', '2']);
    expect(NTNameValue.wrap(words).isValid()).toBe(false);
    expect(() => NTNameValue.create('byte', { a: 300 })).toThrow(NoConvertError);
    expect(() => NTNameValue.build('any' as never)).toThrow("'any' is no scalar");
  });
});

describe('NTMultiChannel and NTScalarMultiChannel', () => {
  const channels = [
    { name: 'a', value: 1.5, alarm: { severity: 1, message: 'low' }, timeStamp: TIME, isConnected: true },
    { name: 'b', value: 'text', timeStamp: new Date(1000), isConnected: false },
    { name: 'c', value: null },
  ];

  it('give back the channels', () => {
    const view = NTMultiChannel.wrap(received(NTMultiChannel.create(channels)));
    expect(view.value).toEqual([1.5, 'text', null]);
    expect(view.channelName).toEqual(['a', 'b', 'c']);
    expect(view.severity).toEqual([1, 0, 0]);
    expect(view.secondsPastEpoch).toEqual([1_700_000_000n, 1n, 0n]);
    expect(view.isConnected).toEqual([true, false, true]);
    expect(view.channels[0]).toEqual({
      name: 'a',
      value: 1.5,
      alarm: { severity: 1, status: 0, message: 'low' },
      timeStamp: TIME,
      isConnected: true,
    });
    expect(view.channels[2]).toMatchObject({ name: 'c', value: null, alarm: { severity: 0 } });
    expect(view.isValid()).toBe(true);
  });

  it('carry the fields the channels need, or those asked for', () => {
    const names = (value: Value): string[] => value.type.members.map((m) => m.name);
    expect(names(NTMultiChannel.create([{ name: 'a', value: 1 }]))).toEqual([
      'value',
      'channelName',
      'alarm',
      'timeStamp',
    ]);
    const some = NTMultiChannel.create([{ name: 'a', value: 1 }], { channelFields: ['userTag', 'severity'] });
    expect(names(some)).toEqual(['value', 'channelName', 'alarm', 'timeStamp', 'severity', 'userTag']);
    const plain = NTMultiChannel.wrap(NTMultiChannel.create([{ name: 'a', value: 1 }]));
    expect([plain.severity, plain.message, plain.secondsPastEpoch, plain.isConnected]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(plain.channels).toEqual([{ name: 'a', value: 1 }]);
  });

  it('may have a union, or scalars of one kind', () => {
    const unions = NTMultiChannel.create(
      [
        { name: 'a', value: 'x' },
        { name: 'b', value: null },
      ],
      { type: UNION },
    );
    expect(unions.type.member('value')?.displayId).toBe('union[]');
    expect(NTMultiChannel.wrap(received(unions)).value).toEqual(['x', null]);
    const scalars = NTScalarMultiChannel.create('ushort', [
      { name: 'a', value: 7 },
      { name: 'b', value: 8, alarm: ALARM },
    ]);
    const view = NTScalarMultiChannel.wrap(received(scalars));
    expect(view.value).toEqual(Uint16Array.of(7, 8));
    expect(view.channels[1]).toEqual({ name: 'b', value: 8, alarm: ALARM });
    scalars.set('channelName', ['a']);
    expect(NTScalarMultiChannel.wrap(scalars).isValid()).toBe(false);
    expect(() => NTScalarMultiChannel.create('int', [{ name: 'a', value: 'x' }])).toThrow(NoConvertError);
    expect(() => NTMultiChannel.build({ type: typeOf('int') as never })).toThrow(
      'is a union or any, not int',
    );
  });
});

describe('NTMatrix', () => {
  it('is made of rows', () => {
    const view = NTMatrix.wrap(
      received(
        NTMatrix.create(
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
          { display: { units: 'mm', format: '%f' } },
        ),
      ),
    );
    expect(view.value).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6));
    expect([view.dim, view.rowCount, view.columnCount]).toEqual([[2, 3], 2, 3]);
    expect([view.at(1, 0), view.at(0, 2), view.at(2, 0), view.at(0, 3), view.at(-1, 0)]).toEqual([
      4,
      3,
      undefined,
      undefined,
      undefined,
    ]);
    expect(view.rows).toEqual([Float64Array.of(1, 2, 3), Float64Array.of(4, 5, 6)]);
    expect(view.display).toMatchObject({ units: 'mm', format: '%f' });
    expect(view.isValid()).toBe(true);
    expect(fields(view.structure.type.member('display') as TypeDef)).toEqual(DISPLAY);
  });

  it('may be a vector', () => {
    const vector = NTMatrix.wrap(NTMatrix.create([1, 2, 3]));
    expect([vector.dim, vector.rowCount, vector.columnCount]).toEqual([undefined, 1, 3]);
    expect(vector.rows).toEqual([Float64Array.of(1, 2, 3)]);
    const column = NTMatrix.wrap(NTMatrix.create([1, 2, 3], { dim: [3, 1] }));
    expect([column.dim, column.at(2, 0)]).toEqual([[3, 1], 3]);
    expect(NTMatrix.wrap(NTMatrix.create(Float64Array.of(1, 2), { dim: [2] })).rowCount).toBe(1);
  });

  it('has as many elements as its dimensions say', () => {
    expect(() => NTMatrix.create([1, 2, 3], { dim: [2, 2] })).toThrow(
      'dimensions 2 x 2 make 4 element(s), there are 3',
    );
    expect(() => NTMatrix.create([1], { dim: [1, 1, 1] })).toThrow('1 or 2 dimensions, not 3');
    expect(() => NTMatrix.create([], { dim: [0, 5] })).toThrow('dimensions 0 x 5 are not positive');
    expect(() => NTMatrix.create([[1, 2], [3]])).toThrow('row 0 has 2, row 1 1');
    const odd = Value.create(NTMatrix.build({ dim: true }), { value: [1, 2, 3], dim: [2, 2] });
    expect(NTMatrix.wrap(odd).isValid()).toBe(false);
    expect(NTMatrix.wrap(odd).rows).toEqual([Float64Array.of(1, 2), Float64Array.of(3)]);
    expect(NTMatrix.wrap(Value.create(NTMatrix.build())).isValid()).toBe(false);
    const huge = Value.create(NTMatrix.build({ dim: true }), { value: [1], dim: [2_000_000_000, 0] });
    expect(NTMatrix.wrap(huge).rows).toEqual([]);
  });

  it('reads other numbers as doubles', () => {
    const ints = Value.create(struct('', { value: 'long[]' }), { value: [1n, 2n] });
    expect(NTMatrix.wrap(ints).value).toEqual(Float64Array.of(1, 2));
  });
});

describe('NTContinuum', () => {
  it('has points', () => {
    const view = NTContinuum.wrap(
      received(NTContinuum.create([0, 1, 2], [10, 20, 11, 21, 12, 22], ['V', 'A', 's'])),
    );
    expect([view.base, view.units]).toEqual([Float64Array.of(0, 1, 2), ['V', 'A', 's']]);
    expect(view.value).toHaveLength(6);
    expect(view.valueCount).toBe(2);
    expect(view.point(1)).toEqual(Float64Array.of(11, 21));
    expect([view.point(3), view.point(-1)]).toEqual([new Float64Array(0), new Float64Array(0)]);
    expect(view.isValid()).toBe(true);
    expect(() => NTContinuum.create([0, 1], [1, 2, 3], ['V', 's'])).toThrow('make 2 value(s), there are 3');
    expect(
      NTContinuum.wrap(Value.create(NTContinuum.build(), { base: [1], value: [1], units: [] })).isValid(),
    ).toBe(false);
    expect(NTContinuum.wrap(Value.create(NTContinuum.build())).valueCount).toBe(0);
  });
});

describe('NTHistogram', () => {
  it('has bins', () => {
    const view = NTHistogram.wrap(received(NTHistogram.create([0, 1, 10, 100], [5, 6, 7])));
    expect([view.ranges, view.value]).toEqual([Float64Array.of(0, 1, 10, 100), Int32Array.of(5, 6, 7)]);
    expect([0, 0.5, 1, 9.9, 10, 100, -1, 101, Number.NaN].map((x) => view.bin(x))).toEqual([
      0, 0, 1, 1, 2, 2, -1, -1, -1,
    ]);
    expect(view.isValid()).toBe(true);
    expect(NTHistogram.create([0, 1], BigInt64Array.of(5n)).type.member('value')?.displayId).toBe('long[]');
    expect(NTHistogram.create([0, 1], Int16Array.of(5)).type.member('value')?.displayId).toBe('short[]');
    expect(NTHistogram.create([0, 1], [5], { kind: 'long' }).get('value')).toEqual(BigInt64Array.of(5n));
    expect(() => NTHistogram.create([0, 1], [1, 2])).toThrow('2 bin(s) have 3 ends, there are 2');
    expect(() => NTHistogram.build({ kind: 'double' as never })).toThrow(
      'counts of a histogram are short, int, long',
    );
    expect(NTHistogram.wrap(Value.create(NTHistogram.build())).bin(0)).toBe(-1);
  });
});

describe('NTAggregate', () => {
  it('sums up observations', () => {
    const given = {
      dispersion: 0.5,
      first: 0,
      firstTimeStamp: TIME,
      last: 2,
      lastTimeStamp: TIME,
      max: 3,
      min: -1,
    };
    const view = NTAggregate.wrap(received(NTAggregate.create(1.5, 10, given)));
    expect([view.value, view.N]).toEqual([1.5, 10n]);
    const { dispersion, first, firstTimeStamp, last, lastTimeStamp, max, min } = view;
    expect({ dispersion, first, firstTimeStamp, last, lastTimeStamp, max, min }).toEqual(given);
    const bare = NTAggregate.wrap(NTAggregate.create(1, 2n ** 60n, { firstTimeStamp: new Date(0) }));
    expect([bare.N, bare.min, bare.firstTimeStamp?.secondsPastEpoch]).toEqual([2n ** 60n, undefined, 0n]);
  });
});

describe('NTNDArray', () => {
  it('is wrapped like the others', () => {
    const image = NTNDArray.create({ pixels: Uint16Array.of(1, 2) });
    expect(NTNDArray.isCompatible(image.value)).toBe(true);
    expect(NTNDArray.wrap(image.value).structure).toBe(image.value);
    expect(NTNDArray.isCompatible(struct(NTNDArray.id, { value: 'any' }))).toBe(false);
    expect(() => NTNDArray.wrap(NTMatrix.create([1]))).toThrow(NoConvertError);
  });
});
