/** How missed objects are counted. The table holds what PvaPy 5.6 counts for these ids. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MissedCounter } from '../../src/processor/missed-counter.ts';

function counts(oidOffset: number, nSequentialUpdates: number, ids: readonly number[]): number[] {
  const counter = new MissedCounter({ oidOffset, nSequentialUpdates });
  return ids.map((id) => {
    const before = counter.nMissed;
    expect(counter.update(id)).toBe(counter.nMissed - before);
    return counter.nMissed;
  });
}

describe('MissedCounter', () => {
  it.each([
    [1, 1, [1, 2, 3, 5, 9], [0, 0, 0, 1, 4]],
    [4, 1, [1, 5, 9, 17], [0, 0, 0, 1]],
    [4, 1, [1, 5, 9, 12, 17], [0, 0, 0, 0, 0]],
    [1, 1, [5, 3, 6], [0, 0, 2]],
    [10, 3, [1, 2, 3, 13, 14, 15, 25], [0, 0, 0, 0, 0, 0, 0]],
    [10, 3, [1, 3, 13, 15, 37, 38], [0, 1, 1, 2, 5, 5]],
    [10, 3, [2, 3, 13, 14, 25], [0, 0, 0, 0, 1]],
    [1, 3, [1, 2, 4, 7, 8], [0, 0, 1, 3, 3]],
    [7, 2, [1, 3, 4, 16], [0, 0, 0, 5]],
    [5, 2, [1, 2, 13, 14], [0, 0, 2, 2]],
  ])('offset %i, %i sequential: %j', (oidOffset, nSequentialUpdates, ids, expected) => {
    expect(counts(oidOffset, nSequentialUpdates, ids)).toEqual(expected);
  });

  it('counts exactly what is left out of a stream of single updates', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: -1000, max: 1000 }),
        fc.array(fc.boolean(), { minLength: 2, maxLength: 200 }),
        (offset, first, seen) => {
          const ids = seen.map((_, index) => first + index * offset);
          const received = ids.filter((_, index) => index === 0 || index === ids.length - 1 || seen[index]);
          expect(counts(offset, 1, received).at(-1)).toBe(ids.length - received.length);
        },
      ),
    );
  });

  it('counts exactly what is left out of a stream of batches, as long as no batch boundary is missed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { minLength: 2, maxLength: 120 }),
        (batch, clients, seen) => {
          const offset = (clients - 1) * batch + 1;
          const ids = seen.map(
            (_, index) => Math.floor(index / batch) * batch * clients + (index % batch) + 1,
          );
          const isEdge = (index: number) =>
            index % batch === 0 || index % batch === batch - 1 || index === ids.length - 1;
          const received = ids.filter((_, index) => seen[index] || isEdge(index));
          expect(counts(offset, batch, received).at(-1)).toBe(ids.length - received.length);
        },
      ),
    );
  });

  it('goes on over the wrap of a signed and of an unsigned id', () => {
    expect(counts(1, 1, [2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 2])).toEqual([0, 0, 0, 1]);
    expect(counts(1, 1, [2 ** 32 - 2, 2 ** 32 - 1, 0, 3])).toEqual([0, 0, 0, 2]);
    expect(counts(4, 1, [2 ** 32 - 3, 1, 9])).toEqual([0, 0, 1]);
    expect(counts(4, 2, [2 ** 32 - 2, 2 ** 32 - 1, 3, 4, 9])).toEqual([0, 0, 0, 0, 1]);
  });

  it('starts anew, in batches too, when the source has been restarted', () => {
    expect(counts(10, 3, [4001, 4002, 4003, 1, 2, 3, 13, 14, 15])).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(counts(1, 1, [4001, 4002, 1, 2, 3])).toEqual([0, 0, 0, 0, 0]);
    expect(counts(1, 1, [3_000_000_000, 1, 2])).toEqual([0, 0, 0]);
  });

  it('counts a repeated id as nothing', () => {
    expect(counts(1, 1, [1, 1, 2])).toEqual([0, 0, 0]);
    expect(counts(10, 3, [1, 1, 2, 2, 3, 13])).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('forgets everything on reset', () => {
    const counter = new MissedCounter({ oidOffset: 1, nSequentialUpdates: 1 });
    counter.update(1);
    counter.update(5);
    expect(counter.nMissed).toBe(3);
    counter.reset();
    expect(counter.nMissed).toBe(0);
    expect(counter.update(100)).toBe(0);
    expect(counter.update(102)).toBe(1);
  });

  it('changes its steps while running and keeps the count', () => {
    const counter = new MissedCounter({ oidOffset: 1, nSequentialUpdates: 1 });
    counter.update(1);
    counter.update(3);
    counter.configure({ oidOffset: 4 });
    expect([4, 8, 16].map((id) => counter.update(id))).toEqual([0, 0, 1]);
    expect(counter.nMissed).toBe(2);
    expect(() => counter.configure({ oidOffset: 2, nSequentialUpdates: 0 })).toThrowError(
      'at least 1, not 0',
    );
    expect(counter.update(20)).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d as a step', (value) => {
    expect(() => new MissedCounter({ oidOffset: value, nSequentialUpdates: 1 })).toThrowError(
      expect.objectContaining({ code: 'HPC_BAD_ARGUMENT' }),
    );
    expect(() => new MissedCounter({ oidOffset: 1, nSequentialUpdates: value })).toThrowError(
      'sequential updates',
    );
  });
});
