/** What is stored beside each image: kinds of attributes, missing values, and bounds. */
import { describe, expect, it } from 'vitest';
import {
  AttributeColumns,
  columnBytes,
  columnValue,
  MAX_ATTRIBUTES,
  TEXT_BYTES,
} from '../../processors/hdf5-columns.ts';

const admit = (columns: AttributeColumns, attributes: Record<string, unknown>) =>
  Object.fromEntries(columns.admit(new Map(Object.entries(attributes))));

describe('attributes', () => {
  it('have the kind of their first value, and become text with a value of another', () => {
    const columns = new AttributeColumns();
    admit(columns, { a: 1, b: 2n, c: 'x', d: true, e: null });
    expect([...columns.all]).toEqual([
      ['a', { attribute: 'a', kind: 'float64' }],
      ['b', { attribute: 'b', kind: 'int64' }],
      ['c', { attribute: 'c', kind: 'text' }],
      ['d', { attribute: 'd', kind: 'float64' }],
    ]);
    const before = columns.all;
    admit(columns, { a: 2.5, e: null });
    expect(columns.all).toBe(before);
    admit(columns, { a: 1n });
    expect(columns.all.get('a')?.kind).toBe('text');
    const after = columns.all;
    admit(columns, { a: 1 });
    expect(columns.all).toBe(after);
  });

  it('have names that are no paths, and of those that would be the same each has one of its own', () => {
    const columns = new AttributeColumns();
    const given = { 'a/b': 1, a_b: 2, a_b_2: 3, 'a\0b': 4, '..': 5, '': 6, _: 7 };
    const values = { a_b: 1, a_b_2: 2, a_b_2_2: 3, a_b_3: 4, _: 5, __2: 6, __3: 7 };
    expect(admit(columns, given)).toEqual(values);
    expect(Array.from(columns.all.values(), ({ attribute }) => attribute)).toEqual(Object.keys(given));
    // Whoever comes first with a later image: a name stays an attribute's.
    const before = columns.all;
    expect(admit(columns, { a_b: 2 })).toEqual({ a_b_2: 2 });
    expect(admit(columns, Object.fromEntries(Object.entries(given).reverse()))).toEqual(values);
    expect(columns.all).toBe(before);
    expect(columns.nDropped).toBe(0);
  });

  it('are bounded, and those that find no place are counted', () => {
    const columns = new AttributeColumns();
    const many = Object.fromEntries(Array.from({ length: MAX_ATTRIBUTES + 3 }, (_, i) => [`a${i}`, i]));
    expect(Object.keys(admit(columns, many))).toHaveLength(MAX_ATTRIBUTES);
    expect([columns.all.size, columns.nDropped]).toEqual([MAX_ATTRIBUTES, 3]);
  });
});

describe('values', () => {
  it.for([
    [2n ** 63n, '9223372036854775808'],
    [new BigInt64Array([1n, 2n]), '["1","2"]'],
    [new Float64Array([1.5]), '[1.5]'],
    [[true, 'x'], '[true,"x"]'],
    [undefined, undefined],
  ] as const)('%s', ([given, value]) => {
    expect(columnValue(given)).toBe(value);
  });

  it('that are missing are NaN, the smallest integer, an empty text', () => {
    expect(new Float64Array(columnBytes('float64', [undefined]).buffer)[0]).toBeNaN();
    expect(new BigInt64Array(columnBytes('int64', [undefined, 5n]).buffer)).toEqual(
      new BigInt64Array([-(2n ** 63n), 5n]),
    );
    expect(Buffer.from(columnBytes('text', [undefined])).toString()).toBe(' '.repeat(TEXT_BYTES));
  });

  it('that are long texts are cut between two characters', () => {
    const bytes = Buffer.from(columnBytes('text', [`x${'µ'.repeat(TEXT_BYTES)}`, 'second']));
    expect(bytes.toString('utf8', 0, TEXT_BYTES)).toBe(`x${'µ'.repeat(TEXT_BYTES / 2 - 1)} `);
    expect(bytes.toString('utf8', TEXT_BYTES).trimEnd()).toBe('second');
  });
});
