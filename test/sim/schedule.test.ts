import fc from 'fast-check';
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

/** The sum of a rate over time, in small steps: frames up to `seconds`. */
function integrate(rateAt: (t: number) => number, seconds: number): number {
  const steps = 20_000;
  const dt = seconds / steps;
  let sum = 0;
  // The middle of each step: exact for a straight line.
  for (let i = 0; i < steps; i++) sum += rateAt((i + 0.5) * dt) * dt;
  return sum;
}

const rates = fc.double({ min: 0.5, max: 50_000, noNaN: true });
const durations = fc.double({ min: 0.01, max: 100, noNaN: true });
const begins = fc.double({ min: 0, max: 1e9, noNaN: true });

describe('a ramp', () => {
  it('from 100 to 300 frames/s within 2 s has 400 frames, the last ones thrice as fast', () => {
    const schedule = new Schedule({ fps: 100, startTime: 1000, ramp: { to: 300, seconds: 2 } });
    expect(schedule.nextTime()).toBe(1000);
    expect(schedule.due(1000)).toBe(1);
    // 100 t + 50 t^2 frames after t seconds, and the one at the start.
    expect(schedule.due(2000.001)).toBe(151);
    expect(schedule.due(3000.001)).toBe(401);
    expect(schedule.due(4000.001)).toBe(701);
    schedule.take(701);
    expect(schedule.nextTime()).toBeCloseTo(4000 + 1000 / 300, 9);
  });

  it('may go down', () => {
    const schedule = new Schedule({ fps: 1000, startTime: 0, ramp: { to: 10, seconds: 4 } });
    expect(schedule.due(3999.999)).toBe(2020);
    expect(schedule.due(4000.001)).toBe(2021);
    expect(schedule.due(5000.001)).toBe(2031);
  });

  it('to the same rate is no ramp', () => {
    const plain = new Schedule({ fps: 29.97, startTime: 5 });
    const ramp = new Schedule({ fps: 29.97, startTime: 5, ramp: { to: 29.97, seconds: 10 } });
    for (let n = 0; n < 1000; n++) {
      expect(ramp.nextTime()).toBeCloseTo(plain.nextTime(), 6);
      plain.take(1);
      ramp.take(1);
    }
  });

  it('has as many frames as its rate adds up to, at any time', () => {
    fc.assert(
      fc.property(rates, rates, durations, durations, (fps, to, seconds, until) => {
        const schedule = new Schedule({ fps, startTime: 0, ramp: { to, seconds } });
        const rateAt = (t: number) => (t < seconds ? fps + ((to - fps) * t) / seconds : to);
        // Apart where the line has its corner.
        const corner = Math.min(until, seconds);
        const frames = integrate(rateAt, corner) + integrate((t) => rateAt(seconds + t), until - corner);
        const due = schedule.due(until * 1000);
        expect(due).toBeGreaterThanOrEqual(Math.floor(frames * (1 - 1e-9)));
        expect(due).toBeLessThanOrEqual(Math.floor(frames * (1 + 1e-9)) + 1);
      }),
      { numRuns: 100 },
    );
  });

  it('has one frame due at each of its times, and none before; the times follow one another', () => {
    fc.assert(
      fc.property(rates, rates, durations, begins, fc.nat(1e6), (fps, to, seconds, startTime, skipped) => {
        const schedule = new Schedule({ fps, startTime, ramp: { to, seconds } });
        schedule.take(skipped);
        let last = -1;
        for (let n = 0; n < 50; n++) {
          const time = schedule.nextTime();
          expect(time).toBeGreaterThan(last);
          expect(schedule.due(time)).toBe(1);
          if (time > startTime) expect(schedule.due(time - (time - Math.max(last, startTime)) / 2)).toBe(0);
          last = time;
          schedule.take(1);
        }
      }),
    );
  });

  it('does not depend on when somebody looks', () => {
    fc.assert(
      fc.property(
        rates,
        rates,
        durations,
        fc.array(durations, { minLength: 1 }),
        (fps, to, seconds, looks) => {
          const often = new Schedule({ fps, startTime: 0, ramp: { to, seconds } });
          const times = looks.map((t) => t * 1000).sort((a, b) => a - b);
          for (const time of times) often.take(often.due(time));
          const once = new Schedule({ fps, startTime: 0, ramp: { to, seconds } });
          expect(often.nTaken).toBe(once.due(times.at(-1) ?? 0));
        },
      ),
    );
  });

  it.each<[number, { to: number; seconds: number }, RegExp]>([
    [0, { to: 10, seconds: 1 }, /^a ramp from 0 frames\/s has no beginning: give a frame rate above 0$/],
    [1, { to: 0, seconds: 1 }, /^ramp to 0 frames\/s: use a number above 0/],
    [1, { to: Number.NaN, seconds: 1 }, /^ramp to NaN/],
    [1, { to: 1e8, seconds: 1 }, /^ramp to 100000000/],
    [1, { to: 2, seconds: 0 }, /^ramp within 0 seconds: use a number above 0$/],
  ])('from %d to %o is refused', (fps, ramp, message) => {
    expect(() => new Schedule({ fps, startTime: 0, ramp })).toThrow(message);
  });
});

describe('bursts', () => {
  it('have all their frames at once, and the pause that keeps the mean rate', () => {
    const schedule = new Schedule({ fps: 100, startTime: 50, framesPerBurst: 10 });
    expect(schedule.due(49)).toBe(0);
    expect(schedule.due(50)).toBe(10);
    schedule.take(4);
    expect(schedule.due(50)).toBe(6);
    expect(schedule.nextTime()).toBe(50);
    schedule.take(6);
    expect(schedule.due(149.9)).toBe(0);
    expect(schedule.nextTime()).toBe(150);
    expect(schedule.due(150)).toBe(10);
    expect(schedule.due(350)).toBe(30);
  });

  it('end where the frames without bursts would: the mean rate is the same, with a ramp or without', () => {
    const ramps = fc.option(fc.record({ to: rates, seconds: durations }), { nil: undefined });
    fc.assert(
      fc.property(
        rates,
        ramps,
        begins,
        fc.integer({ min: 1, max: 500 }),
        durations,
        (fps, ramp, startTime, framesPerBurst, t) => {
          const plain = new Schedule({ fps, startTime, ramp }).due(startTime + t * 1000);
          const due = new Schedule({ fps, startTime, ramp, framesPerBurst }).due(startTime + t * 1000);
          expect(due % framesPerBurst).toBe(0);
          expect(due).toBeGreaterThanOrEqual(plain);
          expect(due).toBeLessThan(plain + framesPerBurst);
        },
      ),
    );
  });

  it.each<[number, number, RegExp]>([
    [10, 0, /^bursts of 0 frames: use a whole number of 1 or more$/],
    [10, 1.5, /^bursts of 1.5 frames/],
    [0, 5, /^bursts need a frame rate above 0/],
  ])('%d fps in bursts of %d are refused', (fps, framesPerBurst, message) => {
    expect(() => new Schedule({ fps, startTime: 0, framesPerBurst })).toThrow(message);
  });
});
