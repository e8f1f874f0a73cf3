/** When names are searched for: PVXS's intervals, no floods, no forgotten name. The clock is a number here. */
import { describe, expect, it } from 'vitest';
import { SEARCH_BUCKETS, SearchSchedule } from '../../src/connection/search-schedule.ts';

/** Runs the schedule from its next time to the next until `until`; the times at which each name was searched. */
function run(schedule: SearchSchedule, until: number): Map<number, number[]> {
  const searched = new Map<number, number[]>();
  for (let time = schedule.nextTime(); time <= until; time = schedule.nextTime()) {
    for (const cid of schedule.due(time)) {
      const times = searched.get(cid) ?? [];
      times.push(time);
      searched.set(cid, times);
    }
  }
  return searched;
}

const intervals = (times: number[] = []): number[] => times.slice(1).map((t, i) => t - (times[i] as number));

describe('search schedule', () => {
  it('searches after 1 ms, then after 1, 2, 3 .. 30 s, then every 30 s', () => {
    const schedule = new SearchSchedule();
    schedule.add(7, 5000);
    const times = run(schedule, 5000 + 600_000).get(7) ?? [];
    expect(times[0]).toBe(5001);
    const seconds = intervals(times).map((t) => t / 1000);
    expect(seconds.slice(0, 31)).toEqual([1, ...Array.from({ length: 30 }, (_, i) => i + 1)]);
    expect(seconds.slice(31)).toEqual(seconds.slice(31).map(() => 30));
    expect(seconds.length).toBeGreaterThan(33);
  });

  it('searches names added within 1 ms together', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0);
    schedule.add(2, 0.4);
    schedule.add(3, 1);
    expect(schedule.nextTime()).toBe(1);
    expect(schedule.due(0.9)).toEqual([]);
    expect(schedule.due(1)).toEqual([1, 2, 3]);
    schedule.add(4, 1.1);
    expect(schedule.nextTime()).toBe(2.1);
    expect(schedule.due(2.1)).toEqual([4]);
  });

  it('does not search a name twice within half a second', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0);
    for (let i = 2; i < 400; i++) schedule.add(i, i * 7.3);
    for (const times of run(schedule, 10_000).values())
      expect(Math.min(...intervals(times))).toBeGreaterThanOrEqual(500);
  });

  it('needs no timer when nothing is searched for', () => {
    const schedule = new SearchSchedule();
    expect(schedule.nextTime()).toBe(Number.POSITIVE_INFINITY);
    schedule.add(1, 0);
    schedule.add(2, 0, 'disconnected');
    schedule.remove(1);
    schedule.remove(2);
    schedule.remove(3);
    expect(schedule.size).toBe(0);
    expect(schedule.nextTime()).toBe(Number.POSITIVE_INFINITY);
    expect(schedule.due(1e9)).toEqual([]);
    schedule.add(1, 1e9);
    expect(schedule.nextTime()).toBe(1e9 + 1);
  });

  it('stops to search what was found, at any moment', () => {
    const schedule = new SearchSchedule();
    for (let cid = 0; cid < 10; cid++) schedule.add(cid, 0);
    schedule.remove(0);
    expect(schedule.due(10)).not.toContain(0);
    schedule.remove(1);
    expect(schedule.has(1)).toBe(false);
    const later = run(schedule, 100_000);
    expect([...later.keys()].sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('does not restart the intervals of a name that is added again', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0);
    run(schedule, 20_000);
    schedule.add(1, 20_000);
    expect(schedule.size).toBe(1);
    expect(run(schedule, 30_000).get(1)).toEqual([22_001, 29_001]);
  });

  it('comes back to a lost channel within a second, to a failed connection 10 buckets later, to a refusal last', () => {
    for (const [reason, first] of [
      ['disconnected', 1000],
      ['connect-failed', 11_000],
      ['refused', 30_000],
    ] as const) {
      const schedule = new SearchSchedule();
      schedule.add(1, 0, reason);
      expect(run(schedule, 40_000).get(1)?.[0]).toBe(first);
    }
  });

  it('goes on as usual after the process was suspended', () => {
    const schedule = new SearchSchedule();
    for (let cid = 0; cid < 30; cid++) schedule.add(cid, cid * 1000);
    run(schedule, 60_000);
    const late = 3_600_000;
    expect(schedule.due(late).length).toBeLessThan(10);
    expect(schedule.nextTime()).toBe(late + 1000);
  });
});

describe('boost', () => {
  it('searches a few names at once, whenever they were due', () => {
    const schedule = new SearchSchedule();
    for (let cid = 0; cid < 50; cid++) schedule.add(cid, 0);
    run(schedule, 600_000);
    expect(schedule.boost(600_000)).toBe(true);
    expect(new Set([...schedule.due(600_001), ...schedule.due(600_010)]).size).toBe(50);
  });

  it('of a few names postpones none: a name just added is searched again within a second', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0);
    expect(schedule.due(10)).toEqual([1]);
    schedule.boost(20);
    const times = run(schedule, 1500).get(1) ?? [];
    expect(times.length).toBeGreaterThanOrEqual(2);
  });

  it('of a few names happens at most every second, and is put off rather than dropped', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0, 'refused');
    schedule.boost(100);
    expect(schedule.due(110)).toEqual([1]);
    expect(schedule.boost(200)).toBe(true);
    expect(schedule.boost(900)).toBe(true);
    expect(schedule.due(1109)).toEqual([]);
    expect(schedule.due(1110)).toEqual([1]);
  });

  it('put off keeps no new name from its own first search', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0, 'refused');
    schedule.boost(100);
    expect(schedule.due(110)).toEqual([1]);
    schedule.boost(200);
    schedule.add(2, 300);
    expect(schedule.due(301)).toEqual([2]);
    expect(schedule.due(1110).toSorted()).toEqual([1, 2]);
  });

  it('is not used up by names that are about to be searched for', () => {
    const schedule = new SearchSchedule();
    schedule.add(1, 0);
    expect(schedule.boost(0.5)).toBe(false);
    expect(schedule.due(1)).toEqual([1]);
    expect(schedule.boost(100)).toBe(true);
    expect(schedule.due(110)).toEqual([1]);
  });

  it('of many searches every name once within 6 s, and then goes on where it was', () => {
    const schedule = new SearchSchedule();
    for (let cid = 0; cid < 2000; cid++) schedule.add(cid, 0);
    run(schedule, 600_000);
    expect(schedule.boost(600_000)).toBe(true);
    expect(schedule.nextTime()).toBe(600_000);
    const boosted = run(schedule, 600_000 + (SEARCH_BUCKETS - 1) * 200);
    expect(boosted.size).toBe(2000);
    for (const times of boosted.values()) expect(times).toHaveLength(1);
    const after = run(schedule, 900_000);
    for (const times of after.values()) expect(new Set(intervals(times))).toEqual(new Set([30_000]));
  });

  it('of many happens at most every 30 s', () => {
    const schedule = new SearchSchedule();
    for (let cid = 0; cid < 2000; cid++) schedule.add(cid, 0, 'refused');
    expect(schedule.boost(100)).toBe(true);
    expect(schedule.boost(30_099)).toBe(false);
    expect(schedule.boost(30_100)).toBe(true);
  });

  it('is not used up while nothing is searched for', () => {
    const schedule = new SearchSchedule();
    expect(schedule.boost(0)).toBe(false);
    schedule.add(1, 0, 'refused');
    expect(schedule.boost(1)).toBe(true);
  });
});

describe('100,000 names', () => {
  it('are all searched at once, then spread evenly, in little time', () => {
    const schedule = new SearchSchedule();
    const count = 100_000;
    for (let cid = 0; cid < count; cid++) schedule.add(cid, 0);
    const started = performance.now();
    expect(schedule.due(10)).toHaveLength(count);
    const perTick: number[] = [];
    const seen = new Set<number>();
    for (let time = schedule.nextTime(); time <= 90_000; time = schedule.nextTime()) {
      const cids = schedule.due(time);
      perTick.push(cids.length);
      for (const cid of cids) seen.add(cid);
    }
    // About 90 revolutions' worth of buckets; seconds are far more than it takes and far less than a flood would.
    expect(performance.now() - started).toBeLessThan(50_000);
    expect(seen.size).toBe(count);
    expect(Math.max(...perTick)).toBeLessThan((2 * count) / SEARCH_BUCKETS);
    const removing = performance.now();
    for (let cid = 0; cid < count; cid++) schedule.remove(cid);
    expect(performance.now() - removing).toBeLessThan(20_000);
    expect(schedule.nextTime()).toBe(Number.POSITIVE_INFINITY);
  }, 90_000);

  it('that come a thousand at a time never leave one out for more than two revolutions', () => {
    const schedule = new SearchSchedule();
    for (let cid = 0; cid < 20_000; cid++) schedule.add(cid, Math.floor(cid / 1000) * 137);
    const searched = run(schedule, 180_000);
    expect(searched.size).toBe(20_000);
    for (const times of searched.values()) expect(Math.max(...intervals(times))).toBeLessThanOrEqual(60_000);
  });
});
