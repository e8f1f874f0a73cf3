/** What the normative types are made from and what their readers give, each for itself; and what `create` refuses. */
import { describe, expect, it } from 'vitest';
import { NoConvertError } from '../../src/errors.ts';
import {
  NTAttribute,
  NTEnum,
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
import { struct, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { ALARM, received, TIME } from '../support/normative.ts';

const UNION = union('', { number: 'double', text: 'string' });

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

describe('NTNDArray', () => {
  it('is wrapped like the others', () => {
    const image = NTNDArray.create({ pixels: Uint16Array.of(1, 2) });
    expect(NTNDArray.isCompatible(image.value)).toBe(true);
    expect(NTNDArray.wrap(image.value).structure).toBe(image.value);
    expect(NTNDArray.isCompatible(struct(NTNDArray.id, { value: 'any' }))).toBe(false);
    expect(() => NTNDArray.wrap(NTMatrix.create([1]))).toThrow(NoConvertError);
  });
});
