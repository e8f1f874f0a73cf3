/** Times beyond Node's longest timer, which it takes for 1 ms: nothing ends early, nothing runs a thousand times a second. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { delay } from '../../src/cli/delay.ts';
import { ending } from '../../src/cli/run-stage.ts';
import { Deadline } from '../../src/pipeline/deadline.ts';
import { StageStatus } from '../../src/pipeline/stage-status.ts';

const DAY = 86_400;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function watch(promise: Promise<unknown>): { done: boolean } {
  const state = { done: false };
  void promise.then(() => {
    state.done = true;
  });
  return state;
}

describe('a runtime of 60 days', () => {
  it('is 60 days', async () => {
    const run = watch(ending(new AbortController().signal, 60 * DAY).promise);
    await vi.advanceTimersByTimeAsync(59 * DAY * 1000);
    expect(run.done).toBe(false);
    await vi.advanceTimersByTimeAsync(DAY * 1000);
    expect(run.done).toBe(true);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const first = watch(ending(stop.signal, 60 * DAY).promise);
    const second = ending(new AbortController().signal, 60 * DAY);
    const other = watch(second.promise);
    await vi.advanceTimersByTimeAsync(30 * DAY * 1000);
    stop.abort();
    second.done();
    await vi.advanceTimersByTimeAsync(0);
    expect([first.done, other.done, vi.getTimerCount()]).toEqual([true, true, 0]);
  });
});

it('without a runtime a command runs for ever', async () => {
  const run = watch(ending(new AbortController().signal, 0).promise);
  await vi.advanceTimersByTimeAsync(100 * DAY * 1000);
  expect(run.done).toBe(false);
});

it('no time is over at once', async () => {
  const done = [watch(delay(0)), watch(delay(-1)), watch(delay(5, AbortSignal.abort()))];
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toEqual([{ done: true }, { done: true }, { done: true }]);
});

it('a drain timeout of 60 days does not give up at once', async () => {
  let finish = (): void => {};
  const step = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const result = new Deadline(60 * DAY * 1000).allows(() => step);
  await vi.advanceTimersByTimeAsync(DAY * 1000);
  finish();
  expect(await result).toBe(true);
});

it('a status period of 60 days does not publish all the time', async () => {
  const publish = vi.fn();
  const status = new StageStatus({ period: 60 * DAY, publish, tick: () => 0 });
  status.start();
  await vi.advanceTimersByTimeAsync(60_000);
  status.stop();
  expect(publish).not.toHaveBeenCalled();
});
