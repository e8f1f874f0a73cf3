/** time_t and alarm_t in JavaScript. */
import { describe, expect, it } from 'vitest';
import { NoFieldError } from '../../src/errors.ts';
import { AlarmSeverity, alarmSeverityName, alarmStatusName, readAlarm } from '../../src/nt/alarm.ts';
import { alarmType, timeType } from '../../src/nt/fields.ts';
import {
  distinct,
  fromDate,
  fromSeconds,
  nanosecondsBetween,
  nowTimeStamp,
  readTimeStamp,
  type TimeStamp,
  toDate,
  toSeconds,
  wallClock,
  writeTimeStamp,
} from '../../src/nt/time-stamp.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';

const milliseconds = (t: TimeStamp) => Number(t.secondsPastEpoch) * 1000 + t.nanoseconds / 1e6;

describe('nowTimeStamp', () => {
  it('lies within the millisecond of the wall clock', () => {
    for (let i = 0; i < 1000; i++) {
      const before = Date.now();
      const t = milliseconds(nowTimeStamp());
      expect(t).toBeGreaterThanOrEqual(before - 0.001);
      expect(t).toBeLessThan(Date.now() + 1);
    }
  });

  it('tells apart moments within a millisecond and never goes back', () => {
    const stamps = Array.from({ length: 20_000 }, nowTimeStamp);
    for (let i = 1; i < stamps.length; i++) {
      const step = nanosecondsBetween(stamps[i - 1] as TimeStamp, stamps[i] as TimeStamp);
      expect(step).toBeGreaterThanOrEqual(0n);
    }
    const perMillisecond = new Map<string, Set<number>>();
    for (const t of stamps) {
      const key = `${t.secondsPastEpoch}.${Math.floor(t.nanoseconds / 1e6)}`;
      perMillisecond.set(key, (perMillisecond.get(key) ?? new Set()).add(t.nanoseconds));
    }
    expect(Math.max(...[...perMillisecond.values()].map((s) => s.size))).toBeGreaterThan(10);
  });
});

describe('wallClock', () => {
  const EPOCH = 1_795_224_806_000;

  /** A clock pair under the test's control; the wall clock shows whole milliseconds. */
  function clocks() {
    const state = { wall: EPOCH, monotonic: 50 };
    const now = wallClock(
      () => Math.floor(state.wall),
      () => state.monotonic,
    );
    return { state, now: () => milliseconds(now()) };
  }

  it('counts microseconds between the ticks of the wall clock', () => {
    const { state, now } = clocks();
    expect(now()).toBe(EPOCH);
    state.monotonic += 0.25;
    state.wall += 0.25;
    expect(now()).toBeCloseTo(EPOCH + 0.25, 3);
    state.monotonic += 10;
    state.wall += 10;
    expect(now()).toBeCloseTo(EPOCH + 10.25, 3);
  });

  it('follows a monotonic clock that runs fast or slow', () => {
    for (const rate of [0.9, 1.1]) {
      const { state, now } = clocks();
      let last = 0;
      for (let i = 0; i < 5000; i++) {
        state.wall += 0.3;
        state.monotonic += 0.3 * rate;
        const t = now();
        expect(Math.abs(t - state.wall)).toBeLessThanOrEqual(1);
        expect(t).toBeGreaterThanOrEqual(last);
        last = t;
      }
    }
  });

  it('follows a wall clock that is set forwards or backwards', () => {
    for (const jump of [3_600_000, -3_600_000, 5, -5]) {
      const { state, now } = clocks();
      now();
      state.wall += jump;
      state.monotonic += 0.1;
      expect(Math.abs(now() - state.wall)).toBeLessThanOrEqual(1);
      state.wall += 2;
      state.monotonic += 2;
      expect(Math.abs(now() - state.wall)).toBeLessThanOrEqual(1);
    }
  });
});

describe('time stamps', () => {
  it('become dates and seconds and come back', () => {
    const t: TimeStamp = { secondsPastEpoch: 1_795_224_806n, nanoseconds: 245_735_878 };
    expect(toDate(t).toISOString()).toBe('2026-11-21T01:33:26.245Z');
    expect(toSeconds(t)).toBeCloseTo(1795224806.245736, 6);
    expect(fromSeconds(toSeconds(t))).toEqual({
      secondsPastEpoch: 1_795_224_806n,
      nanoseconds: 245_736_000,
    });
    expect(fromDate(new Date('2026-11-21T01:33:26.245Z'))).toEqual({
      secondsPastEpoch: 1_795_224_806n,
      nanoseconds: 245_000_000,
    });
  });

  it('before 1970 and at the end of a second have nanoseconds in range', () => {
    expect(fromDate(new Date(-1))).toEqual({ secondsPastEpoch: -1n, nanoseconds: 999_000_000 });
    expect(fromSeconds(1.9999999)).toEqual({ secondsPastEpoch: 2n, nanoseconds: 0 });
    expect(fromSeconds(-0.25)).toEqual({ secondsPastEpoch: -1n, nanoseconds: 750_000_000 });
  });

  it('differ exactly', () => {
    const t = fromSeconds(10);
    const later = { secondsPastEpoch: 11n, nanoseconds: 1 };
    expect(nanosecondsBetween(t, later)).toBe(1_000_000_001n);
    expect(nanosecondsBetween(later, t)).toBe(-1_000_000_001n);
  });

  it('of members that are no times are read as 0: what a peer sends must not throw', () => {
    const type = struct('', {
      timeStamp: struct('time_t', { secondsPastEpoch: 'double', nanoseconds: 'string', userTag: 'any' }),
    });
    const read = (secondsPastEpoch: number): TimeStamp | undefined =>
      readTimeStamp(Value.create(type, { timeStamp: { secondsPastEpoch, nanoseconds: 'soon' } }));
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, 0.5])
      expect(read(odd)).toEqual({ secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0 });
    expect(read(7.9)?.secondsPastEpoch).toBe(7n);
  });

  it('are written to and read from a structure', () => {
    const type = struct('', {
      timeStamp: timeType,
      other: struct('', { secondsPastEpoch: 'int' }),
      x: 'int',
    });
    const t: TimeStamp = { secondsPastEpoch: 5n, nanoseconds: 6, userTag: 7 };
    const value = Value.create(type, { timeStamp: t, other: { secondsPastEpoch: 9 } });
    expect(readTimeStamp(value)).toEqual(t);
    expect(readTimeStamp(value, 'other')).toEqual({ secondsPastEpoch: 9n, nanoseconds: 0, userTag: 0 });
    expect(readTimeStamp(value, 'x')).toBeUndefined();
    expect(readTimeStamp(value, 'missing')).toBeUndefined();
    writeTimeStamp(value, 'timeStamp', new Date(1500));
    expect(readTimeStamp(value)).toEqual({ secondsPastEpoch: 1n, nanoseconds: 500_000_000, userTag: 7 });
    expect(() => writeTimeStamp(value, 'missing', t)).toThrow(NoFieldError);
  });
});

describe('alarms', () => {
  it('have names', () => {
    expect([0, 1, 2, 3, 4, 5].map(alarmSeverityName)).toEqual([
      'NONE',
      'MINOR',
      'MAJOR',
      'INVALID',
      'UNDEFINED',
      '5',
    ]);
    expect([0, 1, 2, 3, 4, 5, 6, 7, -1].map(alarmStatusName)).toEqual([
      'NONE',
      'DEVICE',
      'DRIVER',
      'RECORD',
      'DB',
      'CONF',
      'UNDEFINED',
      'CLIENT',
      '-1',
    ]);
    expect(alarmSeverityName(AlarmSeverity.MAJOR)).toBe('MAJOR');
  });

  it('are read from a structure', () => {
    const type = struct('', { alarm: alarmType, brief: struct('', { severity: 'int' }) });
    const value = Value.create(type, { alarm: { severity: 2, status: 1, message: 'HIHI' } });
    expect(readAlarm(value)).toEqual({ severity: 2, status: 1, message: 'HIHI' });
    expect(readAlarm(value, 'brief')).toEqual({ severity: 0, status: 0, message: '' });
    expect(readAlarm(value, 'none')).toBeUndefined();
  });
});

describe('distinct', () => {
  it('never gives the same time twice: what is posted in one microsecond is told apart', () => {
    const readings = [5000, 5000, 5000, 6000, 6000].map((nanoseconds) => ({
      secondsPastEpoch: 7n,
      nanoseconds,
    }));
    const clock = distinct(() => readings.shift() as TimeStamp);
    expect([1, 2, 3, 4, 5].map(() => clock().nanoseconds)).toEqual([5000, 5001, 5002, 6000, 6001]);
  });

  it('are later than those before while the clock stands still or is a little behind, also at the end of a second', () => {
    let reading: TimeStamp = { secondsPastEpoch: 7n, nanoseconds: 999_999_000 };
    const clock = distinct(() => reading);
    const stamps = Array.from({ length: 3000 }, clock);
    reading = { secondsPastEpoch: 7n, nanoseconds: 999_998_000 };
    stamps.push(...Array.from({ length: 3000 }, clock));
    for (const [i, stamp] of stamps.entries())
      if (i > 0) expect(nanosecondsBetween(stamps[i - 1] as TimeStamp, stamp)).toBe(1n);
    expect(stamps.at(-1)).toEqual({ secondsPastEpoch: 8n, nanoseconds: 4999 });
    reading = { secondsPastEpoch: 8n, nanoseconds: 6000 };
    expect(clock()).toEqual(reading);
  });

  it('follow a clock that is set back', () => {
    let reading: TimeStamp = { secondsPastEpoch: 7n, nanoseconds: 5_000_000 };
    const clock = distinct(() => reading);
    clock();
    for (const earlier of [
      { secondsPastEpoch: 7n, nanoseconds: 4_000_000 },
      { secondsPastEpoch: 6n, nanoseconds: 999_000_000 },
    ]) {
      reading = earlier;
      expect(clock()).toEqual(earlier);
    }
  });
});
