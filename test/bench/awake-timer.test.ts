/** The timer of waits: time in which the process stood still hardly counts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awakeTimeout } from '../../bench/peers/awake-timer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a timer that counts time in which this process ran', () => {
  it('fires once, after that time', () => {
    const act = vi.fn();
    awakeTimeout(act, 1100);
    vi.advanceTimersByTime(1099);
    expect(act).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(act).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(5000);
    expect(act).toHaveBeenCalledOnce();
  });

  it('counts one step when the clock jumps', () => {
    const act = vi.fn();
    awakeTimeout(act, 1000);
    // What was due fires once, as after a stop of the process; fake timers would let it have been awake.
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersToNextTimer();
    expect(act).not.toHaveBeenCalled();
    vi.advanceTimersByTime(750);
    expect(act).toHaveBeenCalledOnce();
  });

  it('does not fire when it was ended', () => {
    const act = vi.fn();
    const end = awakeTimeout(act, 1000);
    vi.advanceTimersByTime(600);
    end();
    vi.advanceTimersByTime(5000);
    expect(act).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
