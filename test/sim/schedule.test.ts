import { describe, expect, it } from 'vitest';
import { Schedule } from '../../sim/schedule.ts';

describe('a schedule', () => {
  it('makes frame n due at startTime + n / fps', () => {
    const schedule = new Schedule({ fps: 10, startTime: 1000 });
    expect(schedule.due(999.99)).toBe(0);
    expect(schedule.nextTime()).toBe(1000);
    expect(schedule.due(1000)).toBe(1);
    schedule.take(1);
    expect(schedule.due(1000)).toBe(0);
    expect(schedule.nextTime()).toBe(1100);
    expect(schedule.due(1099.9)).toBe(0);
    expect(schedule.due(1100)).toBe(1);
    expect(schedule.due(1250)).toBe(2);
  });

  it('sends late frames back to back and then returns to its times', () => {
    const schedule = new Schedule({ fps: 1000, startTime: 0 });
    expect(schedule.due(99.5)).toBe(100);
    schedule.take(40);
    expect(schedule.due(99.5)).toBe(60);
    schedule.take(60);
    expect(schedule.due(99.5)).toBe(0);
    expect(schedule.nextTime()).toBe(100);
    expect(schedule.nTaken).toBe(100);
  });

  it('waits when frames were sent ahead of it', () => {
    const schedule = new Schedule({ fps: 100, startTime: 0 });
    schedule.take(3);
    expect(schedule.due(0)).toBe(0);
    expect(schedule.due(29.9)).toBe(0);
    expect(schedule.due(30)).toBe(1);
  });

  it('does not drift: a day at a rate that no float holds exactly', () => {
    const schedule = new Schedule({ fps: 29.97, startTime: 12_345.678 });
    const day = 86_400_000;
    schedule.take(schedule.due(12_345.678 + day));
    expect(schedule.nTaken).toBe(Math.floor((day * 29.97) / 1000) + 1);
    expect(schedule.nextTime() - (12_345.678 + day)).toBeGreaterThan(0);
    expect(schedule.nextTime() - (12_345.678 + day)).toBeLessThan(1000 / 29.97 + 1e-6);
  });

  it.each([0.01, 3, 29.97, 333, 997.3, 7777, 22_400, 50_000, 1e6])(
    '%d fps: exactly one frame is due at each nextTime, none just before',
    (fps) => {
      for (const startTime of [0, 0.1, 12_345.678_9, 1e9 + 1 / 3]) {
        const schedule = new Schedule({ fps, startTime });
        for (let n = 0; n < 2000; n++) {
          const time = schedule.nextTime();
          expect(schedule.due(time)).toBe(1);
          // The next smaller time that a number of this size can tell apart.
          const before = time - Math.max(Number.MIN_VALUE, 2 ** (Math.floor(Math.log2(time || 1)) - 52));
          if (time > startTime) expect(schedule.due(before)).toBe(0);
          schedule.take(1);
        }
      }
    },
  );

  it.each([0, -1, -Infinity])('%d fps: as fast as possible, in bursts', (fps) => {
    const schedule = new Schedule({ fps, startTime: 50, burst: 16 });
    expect(schedule.due(49)).toBe(0);
    expect(schedule.nextTime()).toBe(50);
    for (let i = 0; i < 3; i++) {
      expect(schedule.due(50)).toBe(16);
      schedule.take(16);
    }
    expect(schedule.nTaken).toBe(48);
    expect(schedule.nextTime()).toBe(50);
    expect(new Schedule({ fps, startTime: 0 }).due(0)).toBe(64);
  });

  it.each([Number.NaN, Infinity, 1e8])('refuses %d fps', (fps) => {
    expect(() => new Schedule({ fps, startTime: 0 })).toThrow(
      `frame rate ${fps}: use a number up to 10000000, or 0 for as fast as possible`,
    );
  });
});
