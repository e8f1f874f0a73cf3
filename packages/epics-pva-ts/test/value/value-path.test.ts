/** Paths into unions (`->member`), any (`->`) and arrays (`[i]`), in PVXS's notation. */
import { describe, expect, it } from 'vitest';
import { NoConvertError, NoFieldError } from '../../src/errors.ts';
import { UnionValue } from '../../src/value/containers.ts';
import { arrayOf, struct, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { NT_NDARRAY } from '../support/types.ts';

const image = (): Value =>
  Value.create(NT_NDARRAY, {
    'value->ubyteValue': new Uint8Array([1, 2, 3]),
    'codec.parameters': 5,
    dimension: [{ size: 3 }, { size: 1, reverse: true }],
    attribute: [{ name: 'ColorMode', value: 0 }, null],
  });

describe('reading', () => {
  it('goes through the selected member of a union, null for the others', () => {
    const v = image();
    expect(v.get('value->ubyteValue')).toEqual(new Uint8Array([1, 2, 3]));
    expect(v.get('value->')).toEqual(new Uint8Array([1, 2, 3]));
    expect(v.get('value->doubleValue')).toBeNull();
    expect(v.get('value->ubyteValue[1]')).toBe(2);
    expect((v.get('value') as UnionValue).member).toBe('ubyteValue');
    expect(Value.create(NT_NDARRAY).get('value->ubyteValue')).toBeNull();
    expect(Value.create(NT_NDARRAY).get('value->')).toBeNull();
  });

  it('goes into any and arrays', () => {
    const v = image();
    expect(v.get('codec.parameters->')).toBe(5);
    expect(v.get('dimension[1].size')).toBe(1);
    expect(v.get('dimension[1].reverse')).toBe(true);
    expect(v.get('attribute[0].name')).toBe('ColorMode');
    expect(v.get('attribute[0].value->')).toBe(0);
    expect(v.get('attribute[0].timeStamp.userTag')).toBe(0);
    expect(v.get('attribute[1]')).toBeNull();
  });

  it('goes through structures inside unions and any', () => {
    const point = struct('point', { x: 'double', tags: 'string[]' });
    const t = struct('', {
      u: union('', { p: point, i: 'int' }),
      a: 'any',
      us: arrayOf(union('', { p: point })),
    });
    const v = Value.create(t, { 'u->p': { x: 1.5, tags: ['a'] }, a: Value.create(point, { x: 2.5 }) });
    v.set('us', [v.get('u->p')]);
    expect(v.get('u->p.x')).toBe(1.5);
    expect(v.get('u->p.tags[0]')).toBe('a');
    expect(v.get('a->x')).toBe(2.5);
    expect(v.get('us[0]->p.x')).toBe(1.5);
  });

  it('works from a sub-structure', () => {
    expect((image().get('codec') as Value).get('parameters->')).toBe(5);
  });

  it.each([
    ['value->uByteValue', /uByteValue.*booleanValue/],
    ['uniqueId->', /not a union or any/],
    ['uniqueId[0]', /not an array/],
    ['dimension[2]', /2 element/],
    ['dimension[0].sise', /sise.*size, offset/],
    ['dimension.size', /size/],
    ['attribute[1].name', /name/],
    ['value->ubyteValue.x', /not a structure/],
    ['value-ubyteValue', /position 5/],
    ['dimension[-1]', /position 9/],
    ['dimension[0', /position 9/],
    ['codec..name', /codec\.\.name/],
    ['nothing[0]', /nothing/],
  ])('of %s fails with the path and what is there', (path, message) => {
    const v = image();
    expect(() => v.get(path)).toThrow(NoFieldError);
    expect(() => v.get(path)).toThrow(message);
  });
});

describe('setting', () => {
  it('selects a union member, converts and marks the union', () => {
    const v = Value.create(NT_NDARRAY).set('value->ushortValue', [1, 65535]);
    expect(v.get('value->ushortValue')).toEqual(new Uint16Array([1, 65535]));
    expect(v.marks.toArray()).toEqual([1]);
    v.set('value->floatValue', [0.5]);
    expect((v.get('value') as UnionValue).member).toBe('floatValue');
    expect(v.get('value->ushortValue')).toBeNull();
  });

  it('works in a union inside a sub-structure', () => {
    const t = struct('', { s: struct('', { u: union('', { i: 'int', t: 'string' }) }) });
    const v = Value.create(t).set('s.u->t', 'x');
    expect(v.get('s.u->t')).toBe('x');
    (v.get('s') as Value).set('u->i', 4);
    expect(v.get('s.u->i')).toBe(4);
    expect(v.marks.toArray()).toEqual([2]);
  });

  it('changes a field of an element or of a selected structure, and marks the field it is in', () => {
    const v = image().unmark();
    v.set('dimension[0].size', 8);
    expect(v.get('dimension[0].size')).toBe(8);
    expect(v.isMarked('dimension')).toBe(true);

    const t = struct('', { u: union('', { p: struct('', { x: 'int' }) }) });
    const w = Value.create(t, { 'u->p': { x: 1 } }).unmark();
    w.set('u->p.x', 2);
    expect(w.get('u->p.x')).toBe(2);
    expect(w.isMarked('u')).toBe(true);
  });

  it('leaves the union as it was when the member or the value does not fit', () => {
    const v = image().unmark();
    expect(() => v.set('value->pixels', [1])).toThrow(/pixels.*ubyteValue/);
    expect(() => v.set('value->ubyteValue', [256])).toThrow(NoConvertError);
    expect(() => v.set('value->ubyteValue', 'text')).toThrow(NoConvertError);
    expect(v.get('value->ubyteValue')).toEqual(new Uint8Array([1, 2, 3]));
    expect(v.isMarked()).toBe(false);
  });

  it.each(['uniqueId->x', 'dimension[5].size', 'attribute[1].name', 'nothing.x', 'dimension[0].sise', 'a b'])(
    'of %s fails',
    (path) => {
      const v = image().unmark();
      expect(() => v.set(path, 1)).toThrow(NoFieldError);
      expect(v.isMarked()).toBe(false);
    },
  );

  it('of a selected structure is by its members', () => {
    const point = struct('point', { x: 'double', y: 'double' });
    const v = Value.create(struct('', { u: union('', { p: point }) })).set('u->p', { y: 2 });
    expect(v.toJS()).toEqual({ u: { x: 0, y: 2 } });
    expect(v.get('u')).toBeInstanceOf(UnionValue);
  });
});
