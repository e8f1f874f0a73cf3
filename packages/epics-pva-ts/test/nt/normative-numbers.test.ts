/** NTMatrix, NTContinuum, NTHistogram and NTAggregate: what their readers give, and what `create` refuses. */
import { describe, expect, it } from 'vitest';
import { NTAggregate, NTContinuum, NTHistogram, NTMatrix } from '../../src/index.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { fields, received, TIME } from '../support/normative.ts';

const DISPLAY = [
  'double limitLow',
  'double limitHigh',
  'string description',
  'string format',
  'string units',
];

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
