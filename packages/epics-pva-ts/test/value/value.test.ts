/** What users rely on of a Value: reading and setting fields, marks, copies, merging, plain data. */
import { describe, expect, it } from 'vitest';
import { LocalProtocolError, NoConvertError, NoFieldError } from '../../src/errors.ts';
import { arrayOf, struct, TypeDef, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { toHex } from '../support/hex.ts';
import { NT_ENUM, ntScalar, SIMPLE_T } from '../support/types.ts';

const SCALAR = ntScalar('double');

function partialHex(v: Value, selection?: BitSet): string {
  const w = new WireWriter();
  v.encodePartial(w, selection);
  return toHex(w.finishBytes());
}

describe('a new Value', () => {
  it('holds zero, false, "" and nothing, all unmarked', () => {
    const v = Value.create(SIMPLE_T);
    expect(v.toJS()).toStrictEqual({
      value: new BigUint64Array(),
      timeStamp: { secondsPastEpoch: 0n, nanoseconds: 0 },
      arbitrary: { sarr: [] },
      any: null,
      anya: [],
      choice: null,
      achoice: [],
    });
    expect(v.isMarked()).toBe(false);
    expect(v.marks.isEmpty()).toBe(true);
    expect(partialHex(v)).toBe('00');
  });

  it('has the fields given set and marked, nested and dotted', () => {
    const v = Value.create(SCALAR, { value: 5, alarm: { severity: 1 }, 'timeStamp.nanoseconds': 7 });
    expect(v.marks.toArray()).toEqual([1, 3, 8]);
    expect([v.get('value'), v.get('alarm.severity'), v.get('timeStamp.nanoseconds')]).toEqual([5, 1, 7]);
  });

  it('exists for structures only', () => {
    for (const t of [typeOf('int'), typeOf('any'), arrayOf(SCALAR), union('', { a: 'int' })])
      expect(() => Value.create(t)).toThrow(NoConvertError);
  });

  it('knows its type and id', () => {
    expect(Value.create(SCALAR).type).toBe(SCALAR);
    expect(Value.create(SCALAR).id).toBe('epics:nt/NTScalar:1.0');
    expect(Value.create(struct('', {})).id).toBe('structure');
  });
});

describe('get and set', () => {
  it('see a sub-structure as a Value on the same fields', () => {
    const v = Value.create(SCALAR);
    const alarm = v.get('alarm') as Value;
    expect(alarm.id).toBe('alarm_t');
    alarm.set('severity', 2);
    expect(v.get('alarm.severity')).toBe(2);
    v.set('alarm.status', 3);
    expect(alarm.get('status')).toBe(3);
    expect(v.marks.toArray()).toEqual([3, 4]);
    expect(alarm.has('severity') && !alarm.has('value') && !alarm.has('alarm')).toBe(true);
    expect((alarm.get('') as Value).type).toBe(alarm.type);
  });

  it('fill a structure from a plain object and leave out what is undefined', () => {
    const v = Value.create(SCALAR).set('alarm', { severity: 1, status: undefined, message: 'HIGH' });
    expect(v.marks.toArray()).toEqual([3, 5]);
    expect((v.get('alarm') as Value).toJS()).toEqual({ severity: 1, status: 0, message: 'HIGH' });
    v.set('', { value: 1 });
    expect(v.get('value')).toBe(1);
  });

  it('refuse a structure from anything else', () => {
    const v = Value.create(SCALAR);
    for (const x of [1, 'text', null, [1], new Uint8Array(1), undefined])
      expect(() => v.set('alarm', x)).toThrow(NoConvertError);
    expect(v.marks.isEmpty()).toBe(true);
  });

  it('refuse unknown fields and leave the value as it was', () => {
    const v = Value.create(SCALAR, { value: 1 });
    expect(() => v.get('alarm.severty')).toThrow(/severity, status, message/);
    expect(() => v.set('valeu', 1)).toThrow(NoFieldError);
    expect(() => v.assign({ alarm: { nothing: 1 } })).toThrow(NoFieldError);
    expect(() => v.mark('nothing')).toThrow(NoFieldError);
    expect(() => v.isMarked('nothing')).toThrow(NoFieldError);
    expect(v.tryGet('nothing')).toBeUndefined();
    expect(v.tryGet('value')).toBe(1);
    expect(v.has('nothing')).toBe(false);
    expect(v.marks.toArray()).toEqual([1]);
  });

  it('keep the old value when the new one cannot be converted', () => {
    const v = Value.create(SCALAR, { 'alarm.severity': 1 }).unmark();
    expect(() => v.set('alarm.severity', 'major')).toThrow(NoConvertError);
    expect(v.get('alarm.severity')).toBe(1);
    expect(v.isMarked()).toBe(false);
  });

  it('reach fields a peer named oddly by their exact name', () => {
    const t = new TypeDef('struct', 'none', 0, '', [{ name: 'in-valid', type: typeOf('int') }]);
    const v = Value.create(t).set('in-valid', 3);
    expect(v.toJS()).toEqual({ 'in-valid': 3 });
  });
});

describe('assign', () => {
  it('takes the marked fields of another Value', () => {
    const from = Value.create(SCALAR, { value: 2, alarm: { message: 'LOW' } });
    const to = Value.create(SCALAR, { value: 1, 'alarm.severity': 3 }).unmark();
    to.assign(from);
    expect(to.marks.toArray()).toEqual([1, 5]);
    expect([to.get('value'), to.get('alarm.message'), to.get('alarm.severity')]).toEqual([2, 'LOW', 3]);
  });

  it('takes the whole of a structure that is marked', () => {
    const from = Value.create(SCALAR, { 'alarm.severity': 1 }).mark('alarm');
    const to = Value.create(SCALAR, { 'alarm.message': 'old' }).assign(from);
    expect(to.get('alarm.message')).toBe('');
    expect(to.marks.toArray()).toEqual([3, 4, 5]);
  });

  it('converts between types by field name', () => {
    const from = Value.create(ntScalar('int'), { value: 7 });
    expect(Value.create(ntScalar('string')).assign(from).get('value')).toBe('7');
    expect(() => Value.create(struct('', { other: 'int' })).assign(from)).toThrow(NoFieldError);
  });

  it('takes sub-structures', () => {
    const from = Value.create(SCALAR, { alarm: { severity: 2, message: 'x' } });
    const to = Value.create(SCALAR).set('alarm', from.get('alarm'));
    expect(to.marks.toArray()).toEqual([3, 5]);
  });
});

describe('marks', () => {
  it('count for a field alone, with the structure around it, and for anything inside a structure', () => {
    const v = Value.create(SCALAR, { 'alarm.severity': 1 });
    expect(v.isMarked('alarm.severity')).toBe(true);
    expect(v.isMarked('alarm')).toBe(true);
    expect(v.isMarked()).toBe(true);
    expect(v.isMarked('alarm.status')).toBe(false);
    expect(v.isMarked('timeStamp')).toBe(false);
    v.mark('timeStamp');
    expect(v.isMarked('timeStamp.nanoseconds')).toBe(true);
    expect(v.isMarked('value')).toBe(false);
    expect(Value.create(SCALAR).mark().isMarked('alarm.message')).toBe(true);
  });

  it('are seen from a sub-structure as from outside', () => {
    const v = Value.create(SCALAR).mark('alarm.status');
    const alarm = v.get('alarm') as Value;
    expect([alarm.isMarked(), alarm.isMarked('status'), alarm.isMarked('severity')]).toEqual([
      true,
      true,
      false,
    ]);
    alarm.mark('severity');
    expect(v.isMarked('alarm.severity')).toBe(true);
    alarm.unmark();
    expect(v.isMarked()).toBe(false);
    expect((v.mark().get('timeStamp') as Value).isMarked('userTag')).toBe(true);
  });

  it('of a structure are taken apart when one field of it is unmarked', () => {
    const v = Value.create(SCALAR).mark().unmark('alarm.status');
    expect(v.isMarked('alarm.status')).toBe(false);
    for (const path of ['value', 'alarm.severity', 'alarm.message', 'timeStamp.userTag'])
      expect(v.isMarked(path), path).toBe(true);
    v.unmark('timeStamp');
    expect(v.isMarked('timeStamp')).toBe(false);
    expect(v.isMarked('value')).toBe(true);
    expect(v.unmark().isMarked()).toBe(false);
  });

  it('stay as they are when another field is unmarked, and none is left over', () => {
    const marksAfter = (path: string, ...marked: string[]) => {
      const v = Value.create(SCALAR);
      for (const m of marked) v.mark(m);
      return v.unmark(path).marks.toArray();
    };
    const at = (path: string) => SCALAR.node(path).index;
    expect(marksAfter('value', 'value', 'alarm')).toEqual([at('alarm')]);
    expect(marksAfter('alarm', 'alarm', 'timeStamp')).toEqual([at('timeStamp')]);
    expect(marksAfter('alarm.status', 'alarm', 'timeStamp')).toEqual([
      at('alarm.severity'),
      at('alarm.message'),
      at('timeStamp'),
    ]);
    expect(marksAfter('alarm.status', '')).toEqual(
      [at('value'), at('alarm.severity'), at('alarm.message'), at('timeStamp')].sort((a, b) => a - b),
    );
    expect(marksAfter('alarm.status', '', 'alarm', 'timeStamp.userTag'), 'redundant marks of a peer').toEqual(
      [at('value'), at('alarm.severity'), at('alarm.message'), at('timeStamp')].sort((a, b) => a - b),
    );
    expect(marksAfter('value', 'alarm.status')).toEqual([at('alarm.status')]);
  });

  it('that another Value was made with do not change', () => {
    const v = Value.create(SCALAR).mark();
    const snapshot = v.snapshot();
    const before = v.marks;
    v.unmark('value');
    expect([before.toArray(), snapshot.marks.toArray()]).toEqual([[0], [0]]);
  });

  it('keep the values', () => {
    expect(Value.create(SCALAR, { value: 4 }).unmark().get('value')).toBe(4);
  });

  it('unfold to the fields in marked structures', () => {
    const v = Value.create(SCALAR, { value: 1 }).mark('alarm');
    expect(v.markedFields().toArray()).toEqual([1, 2, 3, 4, 5]);
    expect(Value.create(SCALAR).mark().markedFields().toArray()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(v.marks.toArray()).toEqual([1, 2]);
  });
});

describe('encodePartial', () => {
  it('writes what is marked and nothing twice', () => {
    const v = Value.create(SCALAR, { alarm: { severity: 1, status: 2, message: 'a' } });
    expect(partialHex(v)).toBe('01 38 01 00 00 00 02 00 00 00 01 61');
    expect(partialHex(v.mark('alarm')), 'redundant mask, one structure').toMatch(
      /^01 [0-9a-f]{2} 01 00 00 00 02 00 00 00 01 61$/,
    );
  });

  it('writes the zero value of a marked field that was never set', () => {
    expect(partialHex(Value.create(SCALAR).mark('alarm'))).toBe('01 04 00 00 00 00 00 00 00 00 00');
  });

  it('is limited to a selection', () => {
    const v = Value.create(SCALAR, { value: 1, alarm: { severity: 2 } }).mark('timeStamp');
    expect(partialHex(v, BitSet.of(2, 3, 4, 5))).toBe('01 08 02 00 00 00');
    expect(partialHex(v, BitSet.of(6, 7, 8, 9))).toBe(`02 80 03${' 00'.repeat(16)}`);
    expect(partialHex(v, BitSet.of(4))).toBe('00');
    expect(partialHex(Value.create(SCALAR, { value: 1 }).mark(), BitSet.of(1))).toBe(
      '01 02 00 00 00 00 00 00 f0 3f',
    );
  });

  it('writes empty structures that are marked', () => {
    const t = struct('', { empty: struct('', {}), a: 'byte' });
    const v = Value.create(t, { a: 1 }).mark('empty');
    expect(partialHex(v)).toBe('01 06 01');
    expect(partialHex(v, BitSet.of(0, 1, 2))).toBe('01 06 01');
  });
});

describe('clone, cloneEmpty, snapshot', () => {
  const make = (): Value =>
    Value.create(NT_ENUM, { value: { index: 1, choices: ['a', 'b'] } }).mark('timeStamp');

  it.each([
    ['clone', (v: Value) => v.clone()],
    ['snapshot', (v: Value) => v.snapshot()],
  ])('%s has the same fields and marks, and is not reached by later sets', (_name, copyOf) => {
    const v = make();
    const copy = copyOf(v);
    expect(copy.type).toBe(v.type);
    expect(copy.toJS()).toEqual(v.toJS());
    expect(copy.marks.toArray()).toEqual(v.marks.toArray());
    expect(partialHex(copy)).toBe(partialHex(v));
    v.set('value.index', 2).set('value.choices', ['c']).unmark('timeStamp');
    expect(copy.get('value.index')).toBe(1);
    expect(copy.get('value.choices')).toEqual(['a', 'b']);
    expect(copy.isMarked('timeStamp')).toBe(true);
    copy.set('alarm.message', 'copy');
    expect(v.get('alarm.message')).toBe('');
  });

  it('clone of a sub-structure stands alone, with the same marks', () => {
    const v = Value.create(SCALAR, { alarm: { severity: 2 } });
    const alarm = (v.get('alarm') as Value).clone();
    expect(alarm.toJS()).toEqual({ severity: 2, status: 0, message: '' });
    v.set('alarm.severity', 3);
    expect(alarm.get('severity')).toBe(2);
    expect(alarm.type.equals(SCALAR.member('alarm') as TypeDef)).toBe(true);
    expect(['severity', 'status', 'message'].filter((f) => alarm.isMarked(f))).toEqual(['severity']);
  });

  it('cloneEmpty has the type only', () => {
    const empty = make().cloneEmpty();
    expect(empty.type).toBe(NT_ENUM);
    expect(empty.isMarked()).toBe(false);
    expect(empty.get('value.choices')).toEqual([]);
  });

  it('a sub-structure cannot be sent by itself', () => {
    expect(() => (make().get('value') as Value).snapshot()).toThrow(LocalProtocolError);
  });
});

describe('merge', () => {
  it('takes over what is marked in the newer one and adds its marks', () => {
    const older = Value.create(SCALAR, { value: 1, alarm: { severity: 1, message: 'old' } });
    const newer = Value.create(SCALAR, { value: 2, 'alarm.severity': 0, 'timeStamp.userTag': 9 });
    newer.unmark('timeStamp');
    older.merge(newer);
    expect([older.get('value'), older.get('alarm.severity'), older.get('alarm.message')]).toEqual([
      2,
      0,
      'old',
    ]);
    expect(older.get('timeStamp.userTag'), 'not marked, so not taken').toBe(0);
    expect(older.markedFields().toArray()).toEqual([1, 3, 5]);
  });

  it('takes a marked structure whole', () => {
    const older = Value.create(SCALAR, { alarm: { message: 'old' } });
    older.merge(Value.create(SCALAR, { 'alarm.severity': 3 }).mark());
    expect((older.get('alarm') as Value).toJS()).toEqual({ severity: 3, status: 0, message: '' });
    expect(older.isMarked('timeStamp.nanoseconds')).toBe(true);
  });

  it('leaves the newer one alone', () => {
    const newer = Value.create(SCALAR, { value: 2 });
    const older = Value.create(SCALAR).merge(newer);
    older.set('value', 3).mark('alarm');
    expect(newer.get('value')).toBe(2);
    expect(newer.marks.toArray()).toEqual([1]);
  });
});

describe('complete structures', () => {
  it('inside arrays, unions and any are complete: every field is marked, missing ones are zero', () => {
    const t = struct('', { list: arrayOf(struct('', { a: 'int', b: 'string' })) });
    const v = Value.create(t, { list: [{ a: 1 }, null] });
    const [first] = v.get('list') as Value[];
    expect(first?.isMarked('b')).toBe(true);
    expect(partialHex(v)).toBe('01 02 02 01 01 00 00 00 00 00');
  });

  it('are copied when set: the Value given can be used again', () => {
    const element = struct('', { a: 'int' });
    const t = struct('', { list: arrayOf(element), v: 'any', u: union('', { s: element }) });
    const x = Value.create(element, { a: 1 });
    const v = Value.create(t, { list: [x], v: x, u: x });
    x.set('a', 2);
    expect(v.toJS()).toEqual({ list: [{ a: 1 }], v: { a: 1 }, u: { a: 1 } });
  });

  it('are what encodeFull writes, sub-structures too', () => {
    const v = Value.create(SCALAR, { alarm: { severity: 1, message: 'x' } });
    const full = new WireWriter();
    (v.get('alarm') as Value).encodeFull(full);
    expect(toHex(full.finishBytes())).toBe('01 00 00 00 00 00 00 00 01 78');
  });
});

describe('toJS', () => {
  it('is plain data: unions and any by their value, 64-bit integers as bigint, typed arrays', () => {
    const v = Value.create(SIMPLE_T, {
      value: [1n, 2n],
      arbitrary: { sarr: [{ value: 3 }, null] },
      any: 'text',
      anya: [1.5, null, true],
      achoice: ['x', null],
    }).set('choice->a', 0.5);
    expect(v.toJS()).toStrictEqual({
      value: new BigUint64Array([1n, 2n]),
      timeStamp: { secondsPastEpoch: 0n, nanoseconds: 0 },
      arbitrary: { sarr: [{ value: 3 }, null] },
      any: 'text',
      anya: [1.5, null, true],
      choice: 0.5,
      achoice: ['x', null],
    });
  });

  it('of a sub-structure is that part', () => {
    const v = Value.create(SCALAR, { alarm: { severity: 1 } });
    expect((v.get('alarm') as Value).toJS()).toEqual({ severity: 1, status: 0, message: '' });
  });

  it('has a field that a peer named __proto__ as any other', () => {
    const t = new TypeDef('struct', 'none', 0, '', [
      { name: '__proto__', type: struct('', { polluted: 'int' }) },
      { name: 'constructor', type: typeOf('int') },
    ]);
    const js = Value.create(t).toJS();
    expect(Object.keys(js)).toEqual(['__proto__', 'constructor']);
    expect('polluted' in js).toBe(false);
  });

  it('ends for a type whose fields have the empty name', () => {
    const inner = new TypeDef('struct', 'none', 0, '', [{ name: '', type: typeOf('int') }]);
    const t = new TypeDef('struct', 'none', 0, '', [{ name: '', type: inner }]);
    expect(Value.create(t).toJS()).toEqual({ '': { '': 0 } });
  });
});
