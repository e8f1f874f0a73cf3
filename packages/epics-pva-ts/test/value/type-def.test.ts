/** What users rely on of a TypeDef: the numbering of fields, finding them by path, equality and pvinfo's text. */
import { describe, expect, it } from 'vitest';
import { NoFieldError } from '../../src/errors.ts';
import { arrayOf, bounded, struct, TypeDef, type TypeSpec, typeOf, union } from '../../src/value/type-def.ts';
import { NT_ENUM, NT_NDARRAY, ntScalar, QSRV_DOUBLE, SIMPLE_T } from '../support/types.ts';

function numbering(type: TypeDef): Record<string, number> {
  return Object.fromEntries(type.nodes.map((n) => [n.path, n.index]));
}

describe('field numbers', () => {
  it('go depth first from the structure itself', () => {
    expect(numbering(ntScalar('double'))).toEqual({
      '': 0,
      value: 1,
      alarm: 2,
      'alarm.severity': 3,
      'alarm.status': 4,
      'alarm.message': 5,
      timeStamp: 6,
      'timeStamp.secondsPastEpoch': 7,
      'timeStamp.nanoseconds': 8,
      'timeStamp.userTag': 9,
    });
  });

  it('are one for arrays, unions and any, whatever is inside', () => {
    expect(numbering(SIMPLE_T)).toEqual({
      '': 0,
      value: 1,
      timeStamp: 2,
      'timeStamp.secondsPastEpoch': 3,
      'timeStamp.nanoseconds': 4,
      arbitrary: 5,
      'arbitrary.sarr': 6,
      any: 7,
      anya: 8,
      choice: 9,
      achoice: 10,
    });
  });

  it('agree with those of an NTNDArray and of a QSRV double record', () => {
    const image = numbering(NT_NDARRAY);
    expect([
      image['codec.parameters'],
      image['uniqueId'],
      image['dataTimeStamp'],
      image['timeStamp'],
    ]).toEqual([4, 7, 8, 16]);
    expect([image['dimension'], image['attribute'], NT_NDARRAY.nodes.length]).toEqual([20, 21, 22]);
    const record = numbering(QSRV_DOUBLE);
    expect([record['display.form.choices'], record['control'], record['valueAlarm.hysteresis']]).toEqual([
      18, 19, 33,
    ]);
  });

  it('know their parent and where their own fields end', () => {
    const t = ntScalar('double');
    const alarm = t.node('alarm');
    expect([alarm.index, alarm.end, alarm.parent, alarm.isStruct]).toEqual([2, 6, 0, true]);
    const message = t.node('alarm.message');
    expect([message.index, message.end, message.parent, message.isStruct]).toEqual([5, 6, 2, false]);
    expect([t.node('').end, t.node('').parent]).toEqual([10, -1]);
  });

  it('give a structure without members one number', () => {
    const t = struct('', { before: 'int', empty: struct('', {}), after: 'int' });
    expect(numbering(t)).toEqual({ '': 0, before: 1, empty: 2, after: 3 });
    expect(t.node('empty').isStruct).toBe(true);
  });
});

describe('find and node', () => {
  it('find by dotted path, and nothing inside arrays, unions and any', () => {
    expect(NT_ENUM.find('value.choices')?.type.displayId).toBe('string[]');
    for (const path of ['value.', '.value', 'Value', 'value.choices.0', 'nothing', 'alarm.value'])
      expect(NT_ENUM.find(path), path).toBeUndefined();
    expect(SIMPLE_T.find('arbitrary.sarr.value')).toBeUndefined();
    expect(SIMPLE_T.find('choice.a')).toBeUndefined();
  });

  it('name the fields there are when one does not exist', () => {
    expect(() => NT_ENUM.node('alarm.severty')).toThrow(NoFieldError);
    expect(() => NT_ENUM.node('alarm.severty')).toThrow(/severty.*severity, status, message/);
    expect(() => NT_ENUM.node('valu')).toThrow(/epics:nt\/NTEnum:1\.0.*value, alarm, timeStamp, display/);
  });

  it('find every field of a type a peer described with odd names', () => {
    // pvDataCPP refuses such names, PVXS does not; we accept them by their exact name.
    const t = new TypeDef('struct', 'none', 0, '', [
      { name: 'in-valid', type: typeOf('int') },
      { name: '1st', type: typeOf('double') },
    ]);
    expect(t.node('in-valid').index).toBe(1);
    expect(t.node('1st').index).toBe(2);
  });

  it('keep "" for the structure itself, even if a peer names a field ""', () => {
    const t = new TypeDef('struct', 'none', 0, '', [{ name: '', type: typeOf('int') }]);
    expect(t.node('').index).toBe(0);
  });
});

describe('equals', () => {
  const base = (): TypeDef => struct('id', { a: 'int', b: arrayOf(union('u', { x: 'double' })) });

  it('is about the description, not the object', () => {
    expect(base().equals(base())).toBe(true);
    expect(typeOf('int[]').equals(typeOf('int').asArray())).toBe(true);
    expect(struct('structure', {}).equals(struct('', {}))).toBe(true);
  });

  it.each<[string, TypeDef]>([
    ['id', struct('other', { a: 'int', b: arrayOf(union('u', { x: 'double' })) })],
    ['member name', struct('id', { c: 'int', b: arrayOf(union('u', { x: 'double' })) })],
    ['member type', struct('id', { a: 'uint', b: arrayOf(union('u', { x: 'double' })) })],
    ['member order', struct('id', { b: arrayOf(union('u', { x: 'double' })), a: 'int' })],
    ['number of members', struct('id', { a: 'int' })],
    ['array or not', struct('id', { a: 'int', b: union('u', { x: 'double' }) })],
    ['union deep inside', struct('id', { a: 'int', b: arrayOf(union('u', { x: 'float' })) })],
    ['union or structure', struct('id', { a: 'int', b: arrayOf(struct('u', { x: 'double' })) })],
  ])('sees another %s', (_what, other) => {
    expect(base().equals(other)).toBe(false);
    expect(other.equals(base())).toBe(false);
  });

  it('sees another bound', () => {
    expect(bounded('byte', 'bounded', 4).equals(bounded('byte', 'bounded', 5))).toBe(false);
    expect(bounded('byte', 'bounded', 4).equals(bounded('byte', 'fixed', 4))).toBe(false);
    expect(bounded('string', 'string', 4).equals(typeOf('string'))).toBe(false);
  });
});

describe('declaring types', () => {
  it('refuses what cannot be the name of a field', () => {
    for (const name of ['', '1a', 'a-b', 'a.b', 'a b', 'ä'])
      expect(() => struct('', [[name, 'int']]), name).toThrow(NoFieldError);
    expect(() => union('', [['a->b', 'int']])).toThrow(NoFieldError);
  });

  it('refuses two fields of one name', () => {
    expect(() =>
      struct('', [
        ['a', 'int'],
        ['a', 'double'],
      ]),
    ).toThrow(/two fields are named 'a'/);
  });

  it('refuses an unknown short name and lists the known ones', () => {
    expect(() => typeOf('int32' as TypeSpec)).toThrow(/int32.*byte, short, int/);
  });

  it('keeps the order in which members are written', () => {
    const t = struct('', { z: 'int', a: 'int', m: 'int' });
    expect(t.members.map((m) => m.name)).toEqual(['z', 'a', 'm']);
  });
});

describe('toString', () => {
  it('is what pvinfo prints', () => {
    expect(NT_ENUM.toString()).toBe(
      [
        'epics:nt/NTEnum:1.0',
        '    enum_t value',
        '        int index',
        '        string[] choices',
        '    alarm_t alarm',
        '        int severity',
        '        int status',
        '        string message',
        '    time_t timeStamp',
        '        long secondsPastEpoch',
        '        int nanoseconds',
        '        int userTag',
        '    structure display',
        '        string description',
      ].join('\n'),
    );
  });

  it('shows what arrays of structures and unions hold one level deeper', () => {
    const t = struct('', {
      sa: arrayOf(struct('point', { x: 'double' })),
      ua: arrayOf(union('', { i: 'int', s: 'string[]' })),
      u: union('', { i: 'int' }),
      v: 'any',
      va: 'any[]',
    });
    expect(t.toString(1)).toBe(
      [
        '    structure',
        '        point[] sa',
        '            point',
        '                double x',
        '        union[] ua',
        '            union',
        '                int i',
        '                string[] s',
        '        union u',
        '            int i',
        '        any v',
        '        any[] va',
      ].join('\n'),
    );
  });

  it('shows bounds', () => {
    const names = [
      bounded('byte', 'bounded', 16),
      bounded('byte', 'fixed', 4),
      bounded('string', 'string', 40),
    ];
    expect(names.map(String)).toEqual(['byte<16>', 'byte[4]', 'string(40)']);
  });
});
