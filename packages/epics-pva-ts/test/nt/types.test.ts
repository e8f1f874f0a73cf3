/** The normative types: exact type bytes and encodings where a reference gives them, and how they are read. */
import { describe, expect, it } from 'vitest';
import { NoConvertError, NoFieldError } from '../../src/errors.ts';
import { alarmType, isNormativeId, timeType } from '../../src/nt/fields.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { NTScalar, NTScalarArray } from '../../src/nt/nt-scalar.ts';
import { NTTable } from '../../src/nt/nt-table.ts';
import { NTURI } from '../../src/nt/nt-uri.ts';
import { AnyValue } from '../../src/value/containers.ts';
import { SCALAR_KINDS } from '../../src/value/type-code.ts';
import { encodeType } from '../../src/value/type-codec.ts';
import { struct, type TypeDef, typeOf } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { decodePartial, encodePartial } from '../support/image.ts';

function typeBytes(type: TypeDef): string {
  const w = new WireWriter();
  encodeType(w, type);
  return toHex(w.finishBytes());
}

describe('the common structures', () => {
  it('have the bytes PVXS sends', () => {
    expect(typeBytes(timeType)).toBe(
      '80 06 74 69 6d 65 5f 74 03 10 73 65 63 6f 6e 64 73 50 61 73 74 45 70 6f 63 68 23 0b 6e 61 6e 6f 73 65 63 6f 6e 64 73 22 07 75 73 65 72 54 61 67 22',
    );
    expect(typeBytes(alarmType)).toBe(
      '80 07 61 6c 61 72 6d 5f 74 03 08 73 65 76 65 72 69 74 79 22 06 73 74 61 74 75 73 22 07 6d 65 73 73 61 67 65 60',
    );
  });

  it('are recognised in any version 1.x', () => {
    expect(isNormativeId('epics:nt/NTScalar:1.0', 'NTScalar')).toBe(true);
    expect(isNormativeId('epics:nt/NTScalar:1.7', 'NTScalar')).toBe(true);
    expect(isNormativeId('epics:nt/NTScalar:2.0', 'NTScalar')).toBe(false);
    expect(isNormativeId('epics:nt/NTScalarArray:1.0', 'NTScalar')).toBe(false);
    expect(isNormativeId('epics:nt/NTScalar:10.0', 'NTScalar')).toBe(false);
  });
});

describe('NTScalar', () => {
  it('has value, alarm and timeStamp', () => {
    expect(NTScalar.build('double').toString()).toBe(
      [
        'epics:nt/NTScalar:1.0',
        '    double value',
        '    alarm_t alarm',
        '        int severity',
        '        int status',
        '        string message',
        '    time_t timeStamp',
        '        long secondsPastEpoch',
        '        int nanoseconds',
        '        int userTag',
      ].join('\n'),
    );
  });

  it('encodes an update as a record does', () => {
    const value = Value.create(NTScalar.build('double'), {
      value: 38,
      alarm: { severity: 0, status: 0, message: 'NO_ALARM' },
      timeStamp: { secondsPastEpoch: 1618068541n, nanoseconds: 378914969, userTag: 0 },
    });
    expect(toHex(encodePartial(value))).toBe(
      '02 ba 03 00 00 00 00 00 00 43 40 00 00 00 00 00 00 00 00 08 4e 4f 5f 41 4c 41 52 4d 3d c4 71 60 00 00 00 00 99 c8 95 16 00 00 00 00',
    );
  });

  it('carries all meta-data in PVXS order, limits of the type of the value', () => {
    const type = NTScalar.build('short', { display: true, form: true, control: true, valueAlarm: true });
    expect(type.member('display')?.toString()).toBe(
      [
        'structure',
        '    short limitLow',
        '    short limitHigh',
        '    string description',
        '    string units',
        '    int precision',
        '    enum_t form',
        '        int index',
        '        string[] choices',
      ].join('\n'),
    );
    expect(type.member('control')?.members.map((m) => `${m.type.displayId} ${m.name}`)).toEqual([
      'short limitLow',
      'short limitHigh',
      'short minStep',
    ]);
    expect(type.member('valueAlarm')?.members.map((m) => `${m.type.displayId} ${m.name}`)).toEqual([
      'boolean active',
      'short lowAlarmLimit',
      'short lowWarningLimit',
      'short highWarningLimit',
      'short highAlarmLimit',
      'int lowAlarmSeverity',
      'int lowWarningSeverity',
      'int highWarningSeverity',
      'int highAlarmSeverity',
      'double hysteresis',
    ]);
    expect(type.members.map((m) => m.name)).toEqual([
      'value',
      'alarm',
      'timeStamp',
      'display',
      'control',
      'valueAlarm',
    ]);
  });

  it('has no limits for strings and booleans', () => {
    for (const kind of ['string', 'boolean'] as const) {
      const type = NTScalar.build(kind, { display: true, form: true, control: true, valueAlarm: true });
      expect(type.members.map((m) => m.name)).toEqual(['value', 'alarm', 'timeStamp', 'display']);
      expect(type.member('display')?.members.map((m) => m.name)).toEqual(['description', 'units']);
    }
  });

  it('has an array form for every kind, with scalar limits', () => {
    for (const kind of SCALAR_KINDS)
      expect(NTScalarArray.build(kind).member('value')?.displayId).toBe(`${kind}[]`);
    const type = NTScalarArray.build('float', { display: true });
    expect(type.id).toBe('epics:nt/NTScalarArray:1.0');
    expect(type.find('display.limitLow')?.type.displayId).toBe('float');
    expect(NTScalarArray.is(Value.create(type))).toBe(true);
    expect(NTScalar.is(Value.create(type))).toBe(false);
  });

  it('refuses what is no scalar', () => {
    expect(() => NTScalar.build('any' as never)).toThrow(NoConvertError);
  });
});

describe('NTEnum', () => {
  const GET =
    '02 ec 2e 00 00 00 00 03 04 5a 65 72 6f 03 4f 6e 65 03 54 77 6f 00 00 00 00 00 00 00 00 00 1a f5 00 6b 00 00 00 00 5b 2c c9 1e 00 00 00 00 00';

  it('reads what a PVXS IOC sends', () => {
    const value = decodePartial(NTEnum.type, fromHex(GET));
    expect(NTEnum.is(value)).toBe(true);
    expect(NTEnum.index(value)).toBe(0);
    expect(NTEnum.label(value)).toBe('Zero');
    expect(NTEnum.choices(value)).toEqual(['Zero', 'One', 'Two']);
  });

  it('writes the same bytes', () => {
    const value = NTEnum.create(['Zero', 'One', 'Two']);
    value.set('alarm', { severity: 0, status: 0, message: '' });
    value.set('timeStamp', { secondsPastEpoch: 0x6b00f51an, nanoseconds: 0x1ec92c5b, userTag: 0 });
    value.set('display.description', '');
    expect(toHex(encodePartial(value))).toBe(GET);
  });

  it('puts one choice by its name', () => {
    const value = NTEnum.create(['Zero', 'One', 'Two'], 'Two').unmark('value.choices');
    expect(toHex(encodePartial(value))).toBe('01 04 02 00 00 00');
    expect(() => NTEnum.create(['Off', 'On'], 'Onn')).toThrow("'Onn' is none of the choices: Off, On");
  });

  it('has no label for an index out of range', () => {
    expect(NTEnum.label(NTEnum.create(['Off', 'On'], 5))).toBeUndefined();
  });
});

describe('NTTable', () => {
  const columns = [
    { name: 'x', kind: 'double', label: 'Position' },
    { name: 'name', kind: 'string' },
    { name: 'count', kind: 'long' },
  ] as const;

  it('has labels, columns, descriptor, alarm and timeStamp', () => {
    const type = NTTable.build(columns);
    expect(type.members.map((m) => m.name)).toEqual(['labels', 'value', 'descriptor', 'alarm', 'timeStamp']);
    expect(type.member('value')?.toString()).toBe(
      'structure\n    double[] x\n    string[] name\n    long[] count',
    );
  });

  it('is read by column and by row', () => {
    const table = NTTable.create(columns, { x: [1.5, 2.5], name: ['a', 'b'], count: [1n, 2n] });
    expect(NTTable.is(table)).toBe(true);
    expect(NTTable.labels(table)).toEqual(['Position', 'name', 'count']);
    expect(NTTable.columnNames(table)).toEqual(['x', 'name', 'count']);
    expect(NTTable.columns(table).get('x')).toEqual(new Float64Array([1.5, 2.5]));
    expect(NTTable.rows(table)).toEqual([
      { x: 1.5, name: 'a', count: 1n },
      { x: 2.5, name: 'b', count: 2n },
    ]);
  });

  it('is written by row', () => {
    const table = NTTable.create(columns);
    expect(NTTable.rows(table)).toEqual([]);
    NTTable.setRows(table, [{ x: 1, name: 'only', count: 3 }]);
    expect(NTTable.rows(table)).toEqual([{ x: 1, name: 'only', count: 3n }]);
    expect(() => NTTable.setRows(table, [{ x: 1, name: 'a' }])).toThrow("row 0 of the table has no 'count'");
  });

  it('refuses columns of different length and columns it does not have', () => {
    expect(() => NTTable.create(columns, { x: [1], name: [], count: [1n] })).toThrow(
      "columns of a table have equal lengths: 'x' has 1 cell(s), 'name' 0",
    );
    expect(() => NTTable.create(columns, { x: [1] })).toThrow(NoConvertError);
    expect(() => NTTable.create(columns, { y: [] })).toThrow(NoFieldError);
    expect(() => NTTable.build([{ name: 'a b', kind: 'int' }])).toThrow(NoFieldError);
  });

  it('reads the rows every column has, whatever the server sends', () => {
    const type = struct('epics:nt/NTTable:1.1', { value: struct('', { a: 'int[]', b: 'boolean[]' }) });
    const table = Value.create(type, { value: { a: [1, 2, 3], b: [true] } });
    expect(NTTable.rows(table)).toEqual([{ a: 1, b: true }]);
    expect(NTTable.labels(table)).toEqual([]);
    expect(() => NTTable.rows(Value.create(struct('', { value: 'int' })))).toThrow(NoConvertError);
  });
});

describe('NTURI', () => {
  it('takes argument types from the JavaScript values', () => {
    const uri = NTURI.create('sum', {
      a: 1,
      b: 2n,
      name: 'x',
      on: true,
      list: [1, 2],
      words: ['p', 'q'],
      raw: new Uint16Array([7]),
      nested: { deep: 'yes' },
      left: undefined,
    });
    expect(NTURI.is(uri)).toBe(true);
    expect(uri.type.toString()).toBe(
      [
        'epics:nt/NTURI:1.0',
        '    string scheme',
        '    string authority',
        '    string path',
        '    structure query',
        '        double a',
        '        long b',
        '        string name',
        '        boolean on',
        '        double[] list',
        '        string[] words',
        '        ushort[] raw',
        '        structure nested',
        '            string deep',
      ].join('\n'),
    );
    expect(NTURI.read(uri)).toEqual({
      scheme: 'pva',
      authority: '',
      path: 'sum',
      query: {
        a: 1,
        b: 2n,
        name: 'x',
        on: true,
        list: new Float64Array([1, 2]),
        words: ['p', 'q'],
        raw: new Uint16Array([7]),
        nested: { deep: 'yes' },
      },
    });
  });

  it('marks everything it sets, so that a partial encoding is complete', () => {
    const uri = NTURI.create('path', { q: 'v' }, { scheme: 'ca', authority: 'host' });
    const received = decodePartial(uri.type, encodePartial(uri));
    expect(NTURI.read(received)).toEqual({
      scheme: 'ca',
      authority: 'host',
      path: 'path',
      query: { q: 'v' },
    });
  });

  it('reads arguments without authority or query', () => {
    const uri = Value.create(struct('epics:nt/NTURI:1.0', { scheme: 'string', path: 'string' }), {
      path: 'p',
    });
    expect(NTURI.read(uri)).toEqual({ scheme: '', authority: '', path: 'p', query: {} });
  });

  it('says which argument it cannot send', () => {
    expect(() => NTURI.create('p', { o: { f: null } })).toThrow("argument 'o.f': no pvData type for null");
    expect(() => NTURI.create('p', { o: () => 0 })).toThrow(NoConvertError);
    expect(() => NTURI.create('p', { 'a-b': 1 })).toThrow(NoFieldError);
  });

  it('sends a structure as it is', () => {
    const inner = Value.create(struct('my_t', { x: 'int', any: 'any' }), {
      x: 3,
      any: new AnyValue(typeOf('byte'), 1),
    });
    const uri = NTURI.create('p', { s: inner });
    expect(uri.type.find('query.s')?.type.id).toBe('my_t');
    expect(uri.get('query.s.x')).toBe(3);
  });
});
