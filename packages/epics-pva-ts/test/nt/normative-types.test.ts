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
import { arrayOf, struct, type TypeDef, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { ALARM, fields, received, TIME } from '../support/normative.ts';

const ALL = { descriptor: 'text', alarm: ALARM, timeStamp: TIME };

const COMMON = ['string descriptor', 'alarm_t alarm', 'time_t timeStamp'];
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
