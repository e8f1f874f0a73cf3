/** Collections for what comes and goes: the same as Map and Set, whatever is done with them. */
import { describe, expect, it } from 'vitest';
import { IdTable, LatestById, TransientSet } from '../src/transient.ts';
import { Random } from './support/random.ts';

describe('an IdTable', () => {
  it.each([1, 2, 3, 4])('is a Map of ids, whichever come and go (seed %i)', (seed) => {
    const random = new Random(seed);
    const table = new IdTable<number>();
    const map = new Map<number, number>();
    // Ids that are counted up, and ids of a peer that means harm: all far apart, or all alike in their lowest bits.
    const ids = Array.from({ length: 400 }, (_, i) => [i, 0xffff_fff0 + (i % 16), i * 0x0100_0000][i % 3]);
    for (let step = 0; step < 20_000; step++) {
      const id = (random.pick(ids) as number) >>> 0;
      // It grows and shrinks in turns.
      if (random.chance(step % 5000 < 2500 ? 0.7 : 0.3)) {
        table.set(id, step);
        map.set(id, step);
      } else expect(table.delete(id)).toBe(map.delete(id));
      expect(table.size).toBe(map.size);
      expect(table.get(id)).toBe(map.get(id));
    }
    for (const id of ids) expect(table.get(id as number)).toBe(map.get((id as number) >>> 0));
    expect(table.ids()).toEqual([...map.keys()].sort((a, b) => a - b));
  });

  it('is empty after clear, and takes what comes then', () => {
    const table = new IdTable<string>();
    for (let i = 0; i < 100; i++) table.set(i, 'a');
    table.clear();
    expect([table.size, table.ids(), table.get(7), table.has(7)]).toEqual([0, [], undefined, false]);
    table.set(7, 'b');
    expect([table.size, table.ids(), table.get(7), table.has(7)]).toEqual([1, [7], 'b', true]);
  });
});

describe('LatestById', () => {
  it('forgets what came first when more come than it holds', () => {
    const latest = new LatestById<string>(3);
    for (const id of [1, 2, 3]) latest.keep(id, `value ${id}`);
    latest.keep(2, 'another');
    expect([1, 2, 3].map((id) => latest.get(id))).toEqual(['value 1', 'another', 'value 3']);
    for (const id of [4, 5]) latest.keep(id, `value ${id}`);
    expect([1, 2, 3, 4, 5].map((id) => latest.get(id))).toEqual([
      undefined,
      undefined,
      'value 3',
      'value 4',
      'value 5',
    ]);
  });
});

describe('a TransientSet', () => {
  it.each([1, 2, 3])('is a Set, whichever come and go (seed %i)', (seed) => {
    const random = new Random(seed);
    const transient = new TransientSet<object>();
    const set = new Set<object>();
    for (let step = 0; step < 5000; step++) {
      if (set.size === 0 || random.chance(step % 1000 < 500 ? 0.6 : 0.4)) {
        const item = { step };
        transient.add(item);
        set.add(item);
      } else {
        const all = [...set];
        const item = random.pick([all[0], all.at(-1), random.pick(all)]) as object;
        expect([transient.delete(item), set.delete(item)]).toEqual([true, true]);
        expect([transient.delete(item), transient.has(item)]).toEqual([false, false]);
      }
      expect(transient.size).toBe(set.size);
      if (step % 50 === 0) expect([...transient]).toEqual([...set]);
    }
  });

  it('keeps the order in which its objects came, whichever go', () => {
    const [a, b, c, d] = [{ a: 1 }, { b: 1 }, { c: 1 }, { d: 1 }];
    const set = new TransientSet<object>();
    for (const item of [a, b, c, d]) set.add(item);
    expect([set.size, set.has(b)]).toEqual([4, true]);
    expect([set.delete(b), set.delete(b), set.has(b)]).toEqual([true, false, false]);
    set.add(b);
    expect([...set]).toEqual([a, c, d, b]);
    expect([set.delete(a), set.delete(b)]).toEqual([true, true]);
    expect([...set]).toEqual([c, d]);
    set.clear();
    expect([...set]).toEqual([]);
  });
});
