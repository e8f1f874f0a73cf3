/** What surrounds the user's `process`: objects without an id, and statistics that are reset while one is processed. */
import { struct, type TypeDef, Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { type ObjectWorkers, ProcessorRunner } from '../../src/processor/processor-runner.ts';
import { type PvObject, UserDataProcessor } from '../../src/processor/user-data-processor.ts';

class Recorder extends UserDataProcessor {
  readonly seen: PvObject[] = [];
  readonly pending: { resolve(): void; reject(error: Error): void }[] = [];
  slow = false;

  override process(object: PvObject): void | Promise<void> {
    this.seen.push(object);
    if (!this.slow) return;
    return new Promise<void>((resolve, reject) => {
      this.pending.push({ resolve, reject });
    });
  }
}

function make(workers?: ObjectWorkers) {
  const processor = new Recorder({});
  const runner = new ProcessorRunner({
    processor,
    workers,
    objectIdField: 'id',
    skipInitialUpdates: 0,
    objectIdOffset: 1,
    nSequentialUpdates: 1,
    firstObject: () => {},
    logger: createLogging({ name: 'test', level: 'critical' }).logger,
  });
  return { processor, runner };
}

const NUMBER = struct('', { id: 'double' });
const without: [string, TypeDef, Record<string, unknown>][] = [
  ['no such field', struct('', { other: 'int' }), { other: 1 }],
  ['text', struct('', { id: 'string' }), { id: 'first' }],
  ['an array', struct('', { id: 'int[]' }), { id: [1, 2] }],
  ['a structure', struct('', { id: struct('', { n: 'int' }) }), {}],
  ['not a number', NUMBER, { id: Number.NaN }],
  ['infinity', NUMBER, { id: Number.POSITIVE_INFINITY }],
];

describe.each(without)('an object whose id is %s', (_, type, fields) => {
  it('is an error, and the counts of the others stay right', () => {
    const { processor, runner } = make();
    const object = Value.create(type, fields);
    for (const id of [1, 2]) void runner.handle(Value.create(NUMBER, { id }));
    void runner.handle(object);
    // After a reconnect, too.
    expect(runner.isNews(object)).toBe(true);
    for (const id of [3, 5]) void runner.handle(Value.create(NUMBER, { id }));
    expect(processor.seen).toHaveLength(4);
    expect(runner.stats).toMatchObject({
      nProcessed: 4,
      nErrors: 1,
      nMissed: 1,
      firstObjectId: 1,
      lastObjectId: 5,
    });
  });
});

describe('what the channel holds after a reconnect', () => {
  it('is news if its id is greater than the last one, unless objects are shared with others', () => {
    const { runner } = make();
    void runner.handle(Value.create(NUMBER, { id: 5 }));
    const isNews = (id: number): boolean => runner.isNews(Value.create(NUMBER, { id }));
    expect([4, 5, 6].map(isNews)).toEqual([false, false, true]);
    runner.configure({ objectIdOffset: 2 });
    expect([4, 5, 6].map(isNews)).toEqual([false, false, false]);
    runner.configure({ objectIdOffset: 1 });
    expect([4, 5, 6].map(isNews)).toEqual([false, false, true]);
    runner.configure({ nSequentialUpdates: 8 });
    expect([4, 5, 6].map(isNews)).toEqual([false, false, false]);
  });

  it('is news to one that has had none only if it skips none', () => {
    const { runner } = make();
    const held = (id: number) => Value.create(NUMBER, { id });
    expect(runner.isNews(held(1))).toBe(true);
    runner.configure({ skipInitialUpdates: 1 });
    expect(runner.isNews(held(1))).toBe(false);
    for (const none of [0, -1]) {
      runner.configure({ skipInitialUpdates: none, objectIdOffset: 1 });
      expect(runner.isNews(held(1))).toBe(true);
    }
  });

  it('is known though the statistics have been reset since', () => {
    const { runner } = make();
    void runner.handle(Value.create(NUMBER, { id: 5 }));
    runner.resetStats();
    const isNews = (id: number): boolean => runner.isNews(Value.create(NUMBER, { id }));
    expect([4, 5, 6].map(isNews)).toEqual([false, false, true]);
    expect(runner.stats).toMatchObject({ nProcessed: 0, firstObjectId: 0, lastObjectId: 0 });
  });
});

describe('statistics that are reset while an object is processed', () => {
  it.each(['processed', 'failed'])('do not count it when it is %s afterwards', async (how) => {
    const { processor, runner } = make();
    processor.slow = true;
    const pending = runner.handle(Value.create(NUMBER, { id: 1 }));
    runner.resetStats();
    expect(runner.nInProcess).toBe(1);
    const [first] = processor.pending;
    if (how === 'processed') first?.resolve();
    else first?.reject(new Error('too late'));
    await pending;
    expect(runner.nInProcess).toBe(0);
    expect(runner.stats).toMatchObject({ nProcessed: 0, nErrors: 0, nMissed: 0 });
    const failed = how === 'failed' ? 1 : 0;
    expect(runner.totals).toMatchObject({ nProcessed: 1 - failed, nErrors: failed });
    processor.slow = false;
    void runner.handle(Value.create(NUMBER, { id: 7 }));
    expect(runner.stats).toMatchObject({ nProcessed: 1, nMissed: 0, firstObjectId: 7 });
    // What is missed across the reset is in the totals only.
    expect(runner.totals).toMatchObject({ nProcessed: 2 - failed, nErrors: failed, nMissed: 5 });
  });

  it.each([undefined, new Error('too late')])('do not count it when workers had it: %s', (error) => {
    const done: ((error: Error | undefined) => void)[] = [];
    const { runner } = make({
      process: (_object, settle) => void done.push(settle),
      prepare: () => {},
    });
    void runner.handle(Value.create(NUMBER, { id: 1 }));
    runner.resetStats();
    void runner.handle(Value.create(NUMBER, { id: 7 }));
    expect(runner.nInProcess).toBe(2);
    done[0]?.(error);
    expect(runner.stats).toMatchObject({ nProcessed: 0, nErrors: 0, firstObjectId: 7 });
    done[1]?.(error);
    expect(runner.stats).toMatchObject({ nProcessed: error ? 0 : 1, nErrors: error ? 1 : 0, nMissed: 0 });
    expect(runner.nInProcess).toBe(0);
    expect(runner.totals).toMatchObject({
      nProcessed: error ? 0 : 2,
      nErrors: error ? 2 : 0,
      nMissed: 5,
    });
  });

  it('keep in their totals what was lost before, and what is said of it late', () => {
    const { runner } = make();
    for (const id of [1, 2, 3]) void runner.handle(Value.create(NUMBER, { id }));
    runner.lost(1);
    runner.resetStats();
    runner.lost(1, true);
    expect([runner.stats.nLost, runner.totals.nLost]).toEqual([0, 2]);
    runner.lost(1);
    expect([runner.stats.nLost, runner.totals.nLost]).toEqual([1, 3]);
  });
});
