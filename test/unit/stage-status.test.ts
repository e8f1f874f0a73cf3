/** When a stage publishes its status: at once, at least once a period, and never in a flood. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LEAST_INTERVAL_MS, StageStatus } from '../../src/pipeline/stage-status.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function make(period = 10) {
  const published: string[] = [];
  let troubles = 0;
  const status: StageStatus = new StageStatus({
    period,
    publish: () => void published.push(status.state),
    tick: () => troubles,
  });
  return { status, published, trouble: () => troubles++ };
}

describe('a change of state', () => {
  it('is published in the next turn', () => {
    const { status, published } = make();
    status.set('running');
    vi.advanceTimersByTime(1);
    expect(published).toEqual(['running']);
  });

  it('that is none is not', () => {
    const { status, published } = make();
    status.set('starting');
    vi.advanceTimersByTime(1000);
    expect(published).toEqual([]);
  });

  it('that comes all the time is published a few times a second, and the last one always', () => {
    const { status, published } = make();
    for (let i = 0; i < 10_000; i++) {
      status.set(i % 2 ? 'disconnected' : 'running', `the ${i}th time`);
      vi.advanceTimersByTime(1);
    }
    status.set('draining');
    vi.advanceTimersByTime(LEAST_INTERVAL_MS);
    expect(published.length).toBeLessThanOrEqual(10_000 / LEAST_INTERVAL_MS + 2);
    expect(published.length).toBeGreaterThan(30);
    expect(published.at(-1)).toBe('draining');
  });
});

describe('without changes', () => {
  it('the status is published once a period', () => {
    const { status, published } = make(4);
    status.start();
    vi.advanceTimersByTime(12_500);
    expect(published).toHaveLength(3);
    status.stop();
    vi.advanceTimersByTime(60_000);
    expect(published).toHaveLength(3);
  });

  it('errors that begin are published at once, and again when they begin again', () => {
    const { status, published, trouble } = make(1000);
    status.start();
    vi.advanceTimersByTime(5000);
    expect(published).toHaveLength(0);
    for (let i = 0; i < 20; i++) {
      trouble();
      vi.advanceTimersByTime(500);
    }
    expect(published).toHaveLength(1);
    vi.advanceTimersByTime(1500);
    trouble();
    vi.advanceTimersByTime(1000);
    expect(published).toHaveLength(2);
    status.stop();
  });
});
