/** When a monitor that its server ended is subscribed to again: after 1 s, later and later if it ends each time. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { MonitorRenewal } from '../../src/monitor-renewal.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function make() {
  const lines: string[] = [];
  const output = { write: (text: string) => void lines.push(text) };
  const { logger } = createLogging({ name: 'test', level: 'warning', output });
  let subscribed = 0;
  const renewal = new MonitorRenewal({ channel: 'x', logger, subscribe: () => subscribed++ });
  /** Seconds until it is subscribed to. */
  const delay = (): number => {
    const before = subscribed;
    for (let s = 0; s <= 100; s++) {
      if (subscribed > before) return s;
      vi.advanceTimersByTime(1000);
    }
    return Number.POSITIVE_INFINITY;
  };
  return { renewal, lines, delay };
}

it('the time grows to 30 s while it ends at once, and begins anew when it ran for longer than that', () => {
  const { renewal, lines, delay } = make();
  const delays = Array.from({ length: 8 }, () => {
    renewal.connected();
    renewal.ended();
    // Said by each of several monitors.
    renewal.ended();
    return delay();
  });
  expect(delays).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  expect(lines).toHaveLength(8);
  expect(lines[0]).toMatch(/the server ended the monitor of x; subscribing again/);
  renewal.connected();
  vi.advanceTimersByTime(31_000);
  renewal.ended();
  expect(delay()).toBe(1);
});

it('it is tried again when the server refuses it then, without a line for each, and not when it did before', () => {
  const { renewal, lines, delay } = make();
  renewal.refused();
  expect(delay()).toBe(Number.POSITIVE_INFINITY);
  renewal.ended();
  expect(delay()).toBe(1);
  renewal.refused();
  expect(delay()).toBe(2);
  renewal.refused();
  expect(delay()).toBe(4);
  renewal.connected();
  renewal.refused();
  expect(delay()).toBe(Number.POSITIVE_INFINITY);
  expect(lines).toHaveLength(1);
});

it('it ends with stop', () => {
  const { renewal, delay } = make();
  renewal.ended();
  renewal.stop();
  expect(delay()).toBe(Number.POSITIVE_INFINITY);
  renewal.ended();
  expect(delay()).toBe(Number.POSITIVE_INFINITY);
});
