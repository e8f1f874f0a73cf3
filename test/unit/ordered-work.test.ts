/** What leaves a collector's cache at once is processed in order, and not in one turn of the event loop if it takes long. */
import { describe, expect, it } from 'vitest';
import { OrderedWork } from '../../src/pipeline/collector/ordered-work.ts';

/** Objects that take `ms` each, of a clock that only they move; `turns` are the numbers processed before each pause. */
function make(ms: number, handle?: (id: number) => Promise<void> | undefined) {
  let now = 0;
  const processed: number[] = [];
  const done: number[] = [];
  const turns: number[] = [];
  let resume = (): void => {};
  const work = new OrderedWork<number>({
    handle: (id) => {
      now += ms;
      processed.push(id);
      return handle?.(id);
    },
    done: (id) => done.push(id),
    now: () => now,
    nextTurn: () => {
      turns.push(processed.length);
      return new Promise((resolve) => {
        resume = resolve;
      });
    },
  });
  const add = (n: number): void => {
    work.begin(now);
    for (let id = 1; id <= n; id++) work.add(id);
  };
  /** The next turn of the event loop, until it ends. */
  const turn = async (): Promise<void> => {
    resume();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { work, processed, done, turns, add, turn };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('objects that leave together', () => {
  it('are processed at once if they take no time', () => {
    const { work, processed, done, add } = make(0);
    add(1000);
    expect(processed).toEqual(upTo(1000));
    expect(done).toEqual(processed);
    expect(work.pending).toBeUndefined();
  });

  it('let the event loop run every 20 ms', async () => {
    const { work, processed, done, turns, add, turn } = make(5);
    add(10);
    expect(processed).toEqual(upTo(4));
    expect(work.length).toBe(6);
    const { pending } = work;
    await turn();
    expect(processed).toEqual(upTo(8));
    await turn();
    await pending;
    expect(done).toEqual(upTo(10));
    expect(turns).toEqual([4, 8]);
    expect([work.pending, work.length]).toEqual([undefined, 0]);
  });

  it('are no more processed when there is no time left', async () => {
    const { work, processed, add, turn } = make(5);
    add(100);
    await turn();
    work.abandon();
    await turn();
    expect(processed).toEqual(upTo(8));
    expect(work.length).toBe(92);
    expect(work.pending).toBeUndefined();
  });

  it('wait behind one whose processor returns a promise', async () => {
    let end = (): void => {};
    const { work, processed, done, add, turn } = make(0, (id) =>
      id === 2
        ? new Promise((resolve) => {
            end = resolve;
          })
        : undefined,
    );
    add(5);
    await turn();
    expect([processed, done, work.length]).toEqual([[1, 2], [1], 3]);
    const { pending } = work;
    end();
    await pending;
    expect(done).toEqual(upTo(5));
  });
});
