/** What the framework's own keys of a `configure` command change, told through the control channel. */
import { describe, expect } from 'vitest';
import { control } from './support/consumer.ts';
import { collect, consume, Source } from './support/stages.ts';
import { it, until, type World } from './support/world.ts';

const configure = (world: World, stage: string, args: object): Promise<string> =>
  control(world, `${stage}:1`, 'configure', JSON.stringify(args));

/** A collector that has processed 1 of its first producer and 2 of its second one. */
async function collected(world: World, options: Parameters<typeof collect>[1] = {}) {
  const source = await Source.start(world, 'in:1', 'in:2');
  const { stage, gate } = await collect(world, options);
  await source.connected();
  // What the channels held has been looked at: it must not take the place of an object in a short queue.
  await until(() => {
    const { producerStats_1: first, producerStats_2: second } = stage.stats();
    for (const each of [first, second]) {
      expect(each?.receiverStats.nReceived).toBe(1);
      expect(each?.queueStats?.nQueued ?? 0).toBe(0);
    }
  });
  source.post('in:1', 1);
  source.post('in:2', 2);
  await until(() => expect(gate.ids).toEqual([1, 2]));
  return { source, stage, gate };
}

const DONE = 'Configuration successful';

describe.concurrent('configure of a consumer', () => {
  it('receiverQueueSize: the queue takes as many from then on', async ({ world }) => {
    const source = await Source.start(world, 'in');
    const { stage, gate } = await consume(world, { receiverQueueSize: 2 });
    await source.connected();
    const queue = () => stage.stats().queueStats;
    await until(() => expect(queue()).toMatchObject({ nDelivered: 1 }));
    gate.hold();
    source.post('in', 1);
    await until(() => expect(gate.ids).toEqual([1]));
    source.post('in', 2, 3, 4);
    await until(() => expect(queue()).toMatchObject({ nQueued: 2, nRejected: 1 }));
    expect(await configure(world, 'consumer', { receiverQueueSize: 4 })).toBe(DONE);
    source.post('in', 5, 6, 7);
    await until(() => expect(queue()).toMatchObject({ nQueued: 4, nRejected: 2 }));
    gate.release();
    await until(() => expect(gate.ids).toEqual([1, 2, 3, 5, 6]));
  });

  it('accumulateObjects: what is a batch now is processed, and then batches of that size', async ({
    world,
  }) => {
    const source = await Source.start(world, 'in');
    const options = { receiverQueueSize: 100, accumulateObjects: 10, accumulationTimeout: 1000 };
    const { stage, gate } = await consume(world, { ...options, skipInitialUpdates: 0 });
    const queued = (n: number) => until(() => expect(stage.stats().queueStats?.nQueued).toBe(n));
    await queued(1);
    source.post('in', 1, 2);
    await queued(3);
    expect(gate.ids).toEqual([]);
    expect(await configure(world, 'consumer', { accumulateObjects: 3 })).toBe(DONE);
    await until(() => expect(gate.ids).toEqual([0, 1, 2]));
    source.post('in', 3, 4);
    await queued(2);
    source.post('in', 5);
    await until(() => expect(gate.ids).toEqual([0, 1, 2, 3, 4, 5]));
    expect(await configure(world, 'consumer', { accumulateObjects: -1 })).toBe(DONE);
    source.post('in', 6);
    await until(() => expect(gate.ids.at(-1)).toBe(6));
  });

  it('accumulationTimeout: also for the batch that waits already', async ({ world }) => {
    const source = await Source.start(world, 'in');
    const options = { receiverQueueSize: 100, accumulateObjects: 10, accumulationTimeout: 1000 };
    const { stage, gate } = await consume(world, { ...options, skipInitialUpdates: 0 });
    await until(() => expect(stage.stats().queueStats?.nQueued).toBe(1));
    source.post('in', 1);
    expect(await configure(world, 'consumer', { accumulationTimeout: 0.1 })).toBe(DONE);
    await until(() => expect(gate.ids).toEqual([0, 1]));
    source.post('in', 2);
    await until(() => expect(gate.ids).toEqual([0, 1, 2]));
  });

  it('a batch that never fits into the queue is refused, and nothing is changed', async ({ world }) => {
    await Source.start(world, 'in');
    const { gate } = await consume(world, { receiverQueueSize: 10, accumulateObjects: 5 });
    const refused = (batch: number, queue: number) =>
      `Configuration failed: accumulateObjects: a batch of ${batch} never fits into a receiver queue of ${queue}; nothing was changed`;
    expect(await configure(world, 'consumer', { accumulateObjects: 11, gain: 1 })).toBe(refused(11, 10));
    expect(await configure(world, 'consumer', { receiverQueueSize: 4 })).toBe(refused(5, 4));
    expect(gate.configured).toEqual([]);
    const both = { accumulateObjects: 20, receiverQueueSize: 20 };
    expect(await configure(world, 'consumer', both)).toBe(DONE);
    expect(await configure(world, 'consumer', { receiverQueueSize: 19 })).toBe(refused(20, 19));
    expect(await configure(world, 'consumer', { receiverQueueSize: 0 })).toBe(DONE);
    expect(await configure(world, 'consumer', { accumulateObjects: 1000 })).toBe(DONE);
    expect(gate.configured).toHaveLength(3);
  });

  it('objectIdOffset and nSequentialUpdates: how missing objects are counted', async ({ world }) => {
    const source = await Source.start(world, 'in');
    const { stage, gate } = await consume(world);
    await source.connected();
    await until(() => expect(stage.stats().receiverStats.nReceived).toBe(1));
    const missedAfter = async (...ids: number[]): Promise<number> => {
      source.post('in', ...ids);
      await until(() => expect(gate.ids.at(-1)).toBe(ids.at(-1)));
      return stage.stats().processorStats.nMissed;
    };
    expect(await missedAfter(1, 2, 4)).toBe(1);
    expect(await configure(world, 'consumer', { objectIdOffset: 4 })).toBe(DONE);
    expect(await missedAfter(11, 15, 19, 27)).toBe(2);
    // pvapy-behaviour.md 4.4: two batches of three, ten apart.
    expect(await configure(world, 'consumer', { objectIdOffset: 10, nSequentialUpdates: 3 })).toBe(DONE);
    expect(await missedAfter(101, 103, 113, 115, 137, 138)).toBe(2 + 5);
  });
});

describe.concurrent('configure of a collector', () => {
  it('objectsPerId: how many are waited for', async ({ world }) => {
    const source = await Source.start(world, 'in:1', 'in:2');
    const { stage, gate } = await collect(world, { objectsPerId: 2 });
    await source.connected();
    const cached = (n: number) =>
      until(() => expect(stage.stats().collectorStats).toMatchObject({ nCached: n }));
    source.post('in:1', 1);
    await cached(1);
    source.post('in:2', 1);
    await until(() => expect(gate.ids).toEqual([1, 1]));
    source.post('in:1', 2);
    await cached(1);
    expect(await configure(world, 'collector', { objectsPerId: 1 })).toBe(DONE);
    await until(() => expect(gate.ids).toEqual([1, 1, 2]));
    source.post('in:2', 3);
    await until(() => expect(gate.ids).toEqual([1, 1, 2, 3]));
    expect(await configure(world, 'collector', { objectsPerId: 2 })).toBe(DONE);
    source.post('in:1', 4);
    await cached(1);
    expect(gate.ids).toEqual([1, 1, 2, 3]);
    source.post('in:2', 4);
    await until(() => expect(gate.ids).toEqual([1, 1, 2, 3, 4, 4]));
  });

  it('skipInitialUpdates: so many of the next ones are collected and not processed', async ({ world }) => {
    const source = await Source.start(world, 'in:1', 'in:2');
    const { stage, gate } = await collect(world);
    await source.connected();
    const collected = (n: number) =>
      until(() => expect(stage.stats().collectorStats).toMatchObject({ nCollected: n }));
    source.post('in:1', 1);
    source.post('in:2', 2);
    await collected(2);
    expect(await configure(world, 'collector', { skipInitialUpdates: 2 })).toBe(DONE);
    for (const id of [3, 4, 5, 6]) source.post(id % 2 === 1 ? 'in:1' : 'in:2', id);
    await collected(6);
    expect(gate.ids).toEqual([1, 2, 5, 6]);
    expect(stage.stats().processorStats).toMatchObject({ nProcessed: 4, nErrors: 0 });
  });

  it('receiverQueueSize: the queue of each producer takes as many from then on', async ({ world }) => {
    const { source, stage, gate } = await collected(world, { receiverQueueSize: 2 });
    const queue = (producer: 1 | 2) => stage.stats()[`producerStats_${producer}`]?.queueStats;
    gate.hold();
    source.post('in:1', 3);
    await until(() => expect(gate.ids).toEqual([1, 2, 3]));
    source.post('in:1', 5, 7, 9);
    source.post('in:2', 4);
    await until(() => expect(queue(1)).toMatchObject({ nQueued: 2, nRejected: 1 }));
    expect(await configure(world, 'collector', { receiverQueueSize: 4 })).toBe(DONE);
    source.post('in:1', 11, 13, 15);
    source.post('in:2', 6, 8, 10, 12, 14, 16);
    await until(() => expect(queue(1)).toMatchObject({ nQueued: 4, nRejected: 2 }));
    await until(() => expect(queue(2)).toMatchObject({ nQueued: 4, nRejected: 2 }));
    gate.release();
    // 9, 14, 15 and 16 were refused.
    await until(() => expect(gate.ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13]));
    expect(stage.stats().collectorStats).toMatchObject({ nCollected: 12, nMissed: 1, nRejected: 0 });
  });

  it('objectIdOffset: which id is next, and how missing ones are counted', async ({ world }) => {
    const { source, stage, gate } = await collected(world);
    expect(await configure(world, 'collector', { objectIdOffset: 10 })).toBe(DONE);
    // Nobody is asked about 3 to 11 any more.
    source.post('in:1', 12);
    source.post('in:1', 22);
    await until(() => expect(gate.ids).toEqual([1, 2, 12, 22]));
    source.post('in:1', 52);
    await until(() => expect(stage.stats().collectorStats).toMatchObject({ nCached: 1, nMissed: 0 }));
    source.post('in:2', 62);
    await until(() => expect(gate.ids).toEqual([1, 2, 12, 22, 52, 62]));
    expect(stage.stats().collectorStats).toMatchObject({ nCollected: 6, nMissed: 2 });
    expect(stage.stats().processorStats).toMatchObject({ nProcessed: 6, nMissed: 2 });
  });

  it('nSequentialUpdates: missing objects are counted by batches', async ({ world }) => {
    const { source, stage, gate } = await collected(world);
    expect(await configure(world, 'collector', { objectIdOffset: 10, nSequentialUpdates: 3 })).toBe(DONE);
    const before = stage.stats().processorStats.nMissed;
    // pvapy-behaviour.md 4.4: 101 to 103, 113 to 115, 125 to 127, 137 to 139.
    const ids = [101, 103, 113, 115, 137, 138];
    for (const id of ids) source.post(id < 110 || id === 115 || id === 138 ? 'in:1' : 'in:2', id);
    await until(() => expect(gate.ids).toEqual([1, 2, ...ids]));
    expect(stage.stats().processorStats.nMissed - before).toBe(5);
  });

  it('a wrong value is refused with what is wrong, and it goes on as it was', async ({ world }) => {
    const { source, stage, gate } = await collected(world);
    const refused = (why: string): string => `Configuration failed: ${why}; nothing was changed`;
    const whole = (least: number): string => `is not a whole number from ${least} to 1000000000`;
    for (const [args, why] of [
      [
        { receiverQueueSize: 10 },
        'receiverQueueSize: this collector was started without receiver queues (--receiver-queue-size)',
      ],
      [{ objectIdOffset: 0, gain: 2 }, `objectIdOffset: 0 ${whole(1)}`],
      [{ nSequentialUpdates: '3', objectIdOffset: 10 }, `nSequentialUpdates: "3" ${whole(1)}`],
      [
        { objectIdOffset: -1, nSequentialUpdates: 1.5 },
        `objectIdOffset: -1 ${whole(1)}; nSequentialUpdates: 1.5 ${whole(1)}`,
      ],
    ] as const)
      expect(await configure(world, 'collector', args)).toBe(refused(why));
    expect(gate.configured).toEqual([]);
    source.post('in:1', 3);
    source.post('in:2', 4);
    source.post('in:1', 6);
    source.post('in:2', 7);
    await until(() => expect(gate.ids).toEqual([1, 2, 3, 4, 6, 7]));
    expect(stage.stats().collectorStats).toMatchObject({ nMissed: 1 });
    expect(stage.stats().processorStats).toMatchObject({ nMissed: 1, nErrors: 0 });
  });

  it('a wrong length of queues is refused, and they keep theirs', async ({ world }) => {
    const { source, stage, gate } = await collected(world, { receiverQueueSize: 1 });
    for (const length of [-1, 2.5, '4', null])
      expect(await configure(world, 'collector', { receiverQueueSize: length })).toBe(
        `Configuration failed: receiverQueueSize: ${JSON.stringify(length)} is not a whole number from 0 to 1000000000; nothing was changed`,
      );
    gate.hold();
    source.post('in:1', 3);
    await until(() => expect(gate.ids).toEqual([1, 2, 3]));
    source.post('in:1', 4, 5);
    await until(() =>
      expect(stage.stats().producerStats_1?.queueStats).toMatchObject({ nQueued: 1, nRejected: 1 }),
    );
    gate.release();
    await until(() => expect(gate.ids).toEqual([1, 2, 3, 4]));
  });

  it('tells its processor how objects come and go', async ({ world }) => {
    const { gate } = await collect(world);
    expect(gate.config).toMatchObject({ inputMode: 'pva', outputMode: 'pvas' });
  });
});
