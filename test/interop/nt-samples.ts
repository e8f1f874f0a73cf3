/**
 * One value of every normative type, with all its optional fields, and how each is read: what the interop tests serve,
 * and compare with what comes back.
 */
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
  union,
  type Value,
} from 'epics-pva-ts';

export const TIME = { secondsPastEpoch: 1_700_000_000n, nanoseconds: 5, userTag: 6 };
export const ALARM = { severity: 2, status: 1, message: 'hot' };
export const ALL = { descriptor: 'text', alarm: ALARM, timeStamp: TIME };
export const COLUMNS = [
  { name: 'a', kind: 'int' },
  { name: 'b', kind: 'string' },
  { name: 'c', kind: 'double' },
] as const;
const CHANNELS = [
  { name: 'a', value: 1.5, alarm: ALARM, timeStamp: TIME, isConnected: true },
  { name: 'b', value: 2.5, isConnected: false },
];
const UNION = union('', { number: 'double', text: 'string' });

/** One of every type, with all optional fields. */
const SAMPLES: Readonly<Record<string, Value>> = {
  NTScalar: NTScalar.create('double', 3.25, {
    ...ALL,
    display: { units: 'mm', precision: 2, form: 'Hex' },
    control: { limitHigh: 10 },
    valueAlarm: { highAlarmLimit: 9 },
  }),
  NTScalarArray: NTScalarArray.create('ushort', [1, 65_535], { ...ALL, display: { units: 'mm' } }),
  NTEnum: NTEnum.create(['Open', 'Closed'], 'Closed', { ...ALL, display: 'the valve' }),
  NTTable: NTTable.create(COLUMNS, { a: [1, 2], b: ['one', 'two'], c: [1.5, 2.5] }, ALL),
  NTNDArray: NTNDArray.create({
    pixels: Uint16Array.of(0, 1, 2, 3, 4, 5),
    dimensions: [3, 2],
    colorMode: 0,
    uniqueId: 7,
    timeStamp: TIME,
  }).value,
  NTAttribute: NTAttribute.create('gain', 2.5, { ...ALL, tags: ['x', 'y'] }),
  NTNameValue: NTNameValue.create('long', { one: 1n, two: 2n }, ALL),
  NTURI: NTURI.create('sum', { a: 1.5, name: 'x' }, { authority: 'host' }),
  NTMultiChannel: NTMultiChannel.create(CHANNELS, ALL),
  NTMatrix: NTMatrix.create(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    { ...ALL, display: { units: 'mm', format: '%f' } },
  ),
  NTContinuum: NTContinuum.create([0, 1], [10, 20, 11, 21], ['V', 'A', 's'], ALL),
  NTHistogram: NTHistogram.create([0, 1, 10], [5n, 6n], { ...ALL, kind: 'long' }),
  NTAggregate: NTAggregate.create(1.5, 10, {
    ...ALL,
    dispersion: 0.5,
    first: 1,
    firstTimeStamp: TIME,
    last: 2,
    lastTimeStamp: TIME,
    max: 3,
    min: 0,
  }),
  NTUnion: NTUnion.create('words', { ...ALL, type: UNION }),
  NTScalarMultiChannel: NTScalarMultiChannel.create('float', CHANNELS, ALL),
};
/** Names of the types. */
export const NAMES = Object.keys(SAMPLES);
/** The value of the type of this name. */
export const sample = (name: string): Value => SAMPLES[name] as Value;
const READERS: Readonly<
  Record<string, { wrap(structure: Value): object; is(from: Value): boolean; readonly id: string }>
> = {
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
};

/** What all getters of a wrapped structure give, but for the structure itself. */
export function read(name: string, value: Value): Record<string, unknown> {
  const view = readerOf(name).wrap(value);
  const getters: Record<string, unknown> = {};
  for (let p = Object.getPrototypeOf(view); p !== Object.prototype; p = Object.getPrototypeOf(p))
    for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(p)))
      if (get && key !== 'structure') getters[key] = get.call(view);
  return getters;
}

/** What reads the type of this name. */
export function readerOf(name: string): (typeof READERS)[string] {
  return READERS[name] as (typeof READERS)[string];
}
