/** Updates that bring only what changed, on top of what came before (`setBase`). */
import { describe, expect, it } from 'vitest';
import { struct, typeOf } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { decodePartial, encodePartial, imageUpdate } from '../support/image.ts';
import { plain } from '../support/plain.ts';
import { NT_NDARRAY, ntScalar } from '../support/types.ts';

const SCALAR = ntScalar('double');
const complete = (): Value => Value.create(SCALAR, { value: 1, alarm: { severity: 2, message: 'old' } });
/** {alarm.status} = 9, lazy or eager. */
const update = (lazy: boolean): Value => decodePartial(SCALAR, fromHex('01 10 09 00 00 00'), { lazy });

describe.each([
  ['eager', false],
  ['lazy', true],
])('an %s update with a base', (_name, lazy) => {
  it('reads what did not come from the base, and what did from itself', () => {
    const v = update(lazy).setBase(complete());
    expect(v.toJS()).toEqual({
      value: 1,
      alarm: { severity: 2, status: 9, message: 'old' },
      timeStamp: { secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0 },
    });
    expect((v.get('alarm') as Value).get('message')).toBe('old');
  });

  it('is marked by what came only, and sends only that', () => {
    const v = update(lazy).setBase(complete());
    expect(v.marks.toArray()).toEqual([4]);
    expect(['value', 'alarm.severity'].some((path) => v.isMarked(path))).toBe(false);
    expect(toHex(encodePartial(v))).toBe('01 10 09 00 00 00');
    expect(toHex(encodePartial(v, false))).toBe('01 10 00 00 00 09');
  });

  it('sends the fields of the base with a structure that is marked', () => {
    const v = update(lazy).setBase(complete()).mark('alarm');
    const bytes = encodePartial(v);
    const back = decodePartial(SCALAR, bytes);
    expect((back.get('alarm') as Value).toJS()).toEqual({ severity: 2, status: 9, message: 'old' });
  });

  it('leaves the base as it is', () => {
    const base = complete();
    const v = update(lazy).setBase(base);
    v.set('value', 5).set('alarm.message', 'new').unmark();
    expect([base.get('value'), base.get('alarm.message'), base.get('alarm.status')]).toEqual([1, 'old', 0]);
    expect(base.marks.toArray()).toEqual([1, 3, 5]);
  });

  it.each<[string, (v: Value) => Value]>([
    ['clone', (v) => v.clone()],
    ['snapshot', (v) => v.snapshot()],
  ])('keeps all of it in a %s', (_what, copyOf) => {
    const v = update(lazy).setBase(complete());
    const copy = copyOf(v);
    v.set('value', 7);
    expect(copy.get('value')).toBe(1);
    expect(copy.get('alarm.status')).toBe(9);
    expect(copy.marks.toArray()).toEqual([4]);
  });

  it('merged into another brings only what came with it', () => {
    const target = Value.create(SCALAR, { value: 100 });
    target.merge(update(lazy).setBase(complete()));
    expect(target.get('value')).toBe(100);
    expect(target.get('alarm.status')).toBe(9);
    expect(target.get('alarm.message')).toBe('');
    expect(target.marks.toArray()).toEqual([1, 4]);
  });
});

it('bases may have bases: the nearest one that brought the field counts', () => {
  const T = struct('', { a: 'int', b: 'int', c: typeOf('int[]') });
  const first = Value.create(T, { a: 1, b: 1, c: [1] });
  const second = decodePartial(T, fromHex('01 04 02 00 00 00'), { lazy: true }).setBase(first);
  const third = decodePartial(T, fromHex('01 02 03 00 00 00'), { lazy: true }).setBase(second);
  expect(plain(third)).toEqual({ a: 3, b: 2, c: new Int32Array([1]) });
});

it('the bytes received are still what is forwarded', () => {
  const bytes = encodePartial(imageUpdate(3).unmark('dimension').unmark('codec'));
  const v = decodePartial(NT_NDARRAY, bytes, { lazy: true }).setBase(imageUpdate(2));
  expect([v.get('codec.name'), v.get('uniqueId')]).toEqual(['codec-2', 3]);
  expect(Buffer.from(v.rawBytes(true) as Uint8Array).equals(bytes)).toBe(true);
  expect(plain(v.get('dimension'))).toEqual(plain(imageUpdate(2).get('dimension')));
  expect(encodePartial(v).equals(bytes)).toBe(true);
});
