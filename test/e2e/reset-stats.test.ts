/**
 * What the control command `reset_stats` sets to 0, beside the processor's: PvaPy leaves some of it. And what it leaves:
 * the totals, of which the ledger of a chain and `--fail-on-loss` are made.
 */
import { Server, SharedPV, serverConfigFromEnv, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { control } from './support/consumer.ts';
import { collect, consume, Gate, OBJECT, Source } from './support/stages.ts';
import { it, until, type World } from './support/world.ts';

/** Resets, and waits until it is done. */
async function reset(world: World, stage: string): Promise<void> {
  expect(await control(world, `${stage}:1`, 'reset_stats')).toBe('Stats reset successful');
}

/** The status channel, from which PvaPy's users read it. */
async function statusOf(world: World, stage: string): Promise<unknown> {
  return (await world.context.get(`${stage}:1:status`)).toJS();
}

describe.concurrent('reset_stats', () => {
  it('of a consumer: receiver, queue, publisher and metadata counters', async ({ world }) => {
    const source = await Source.start(world, 'in', 'meta');
    const metadataChannels = ['meta'];
    const { stage } = await consume(world, { receiverQueueSize: 10, metadataChannels, metadataQueueSize: 3 });
    await source.connected();
    await until(() => expect(stage.stats().receiverStats.nReceived).toBe(1));
    source.post('in', 1, 2, 4);
    source.post('meta', 1, 2, 3, 4);
    const metadata = (s: object) => (s as { metadataStats_1: object }).metadataStats_1;
    await until(() => {
      const s = stage.stats();
      expect(s.publisherStats).toMatchObject({ nPublished: 3 });
      expect(s.processorStats).toMatchObject({ nProcessed: 3, nMissed: 1 });
      expect(metadata(s)).toMatchObject({
        receiverStats: { nReceived: 5 },
        queueStats: { nReceived: 3, nRejected: 2, nQueued: 3 },
      });
    });
    await reset(world, 'consumer');
    expect(await statusOf(world, 'consumer')).toMatchObject({
      receiverStats: { nReceived: 0 },
      queueStats: { nReceived: 0, nRejected: 0, nDelivered: 0, nQueued: 0 },
      publisherStats: { nPublished: 0, publishedRate: 0, nErrors: 0 },
      processorStats: { nProcessed: 0, nMissed: 0, nErrors: 0 },
      metadataStats_1: {
        receiverStats: { nReceived: 0 },
        // Three are still there.
        queueStats: { nReceived: 3, nRejected: 0, nDelivered: 0, nQueued: 3 },
      },
    });
    source.post('in', 9);
    await until(() =>
      expect(stage.stats()).toMatchObject({
        receiverStats: { nReceived: 1 },
        publisherStats: { nPublished: 1 },
        processorStats: { nProcessed: 1, nMissed: 0, firstObjectId: 9 },
      }),
    );
    // 3, and 5 to 8 across the reset, are lost.
    expect(stage.totals()).toMatchObject({
      receiverStats: { nReceived: 5 },
      queueStats: { nReceived: 5, nRejected: 0, nDelivered: 5, nQueued: 0 },
      publisherStats: { nPublished: 4, nErrors: 0 },
      processorStats: { nProcessed: 4, nErrors: 0, nMissed: 5, nLost: 0, nInFlight: 0 },
    });
  });

  it('of a consumer with a full queue: its totals go on, with what was refused and what is queued', async ({
    world,
  }) => {
    const source = await Source.start(world, 'in');
    const { stage, gate } = await consume(world, { receiverQueueSize: 2 });
    await source.connected();
    await until(() => expect(stage.stats().queueStats).toMatchObject({ nDelivered: 1 }));
    gate.hold();
    source.post('in', 1);
    await until(() => expect(gate.ids).toEqual([1]));
    source.post('in', 2, 3, 4, 5);
    await until(() => expect(stage.stats().queueStats).toMatchObject({ nRejected: 2, nQueued: 2 }));
    await reset(world, 'consumer');
    expect(stage.stats().queueStats).toEqual({ nReceived: 2, nRejected: 0, nDelivered: 0, nQueued: 2 });
    expect(stage.totals()).toMatchObject({
      receiverStats: { nReceived: 6 },
      queueStats: { nReceived: 4, nRejected: 2, nDelivered: 2, nQueued: 2 },
      processorStats: { nProcessed: 0, nInFlight: 3 },
    });
    gate.release();
    await until(() =>
      expect(stage.totals()).toMatchObject({
        queueStats: { nReceived: 4, nRejected: 2, nDelivered: 4, nQueued: 0 },
        processorStats: { nProcessed: 3, nInFlight: 0 },
      }),
    );
    expect(stage.stats().processorStats).toMatchObject({ nProcessed: 2 });
  });

  it('of a consumer that is called: its totals have what was refused before, and what failed across', async ({
    world,
  }) => {
    class Failing extends Gate {
      override async process(object: Value): Promise<void> {
        await super.process(object);
        throw new Error('cannot do it');
      }
    }
    const { stage, gate } = await consume(world, {
      inputMode: 'rpc',
      skipInitialUpdates: 0,
      processorClass: Failing,
    });
    const call = (uniqueId: number): Promise<unknown> =>
      world.context.rpc('in', Value.create(OBJECT, { uniqueId }), { timeout: 30 });
    expect(await control(world, 'consumer:1', 'pause')).toBe('Pause successful');
    await expect(call(1)).rejects.toThrow('this consumer is paused');
    expect(await control(world, 'consumer:1', 'resume')).toBe('Resume successful');
    gate.hold();
    const second = expect(call(2)).rejects.toThrow('cannot do it');
    await until(() => expect(gate.ids).toEqual([2]));
    await reset(world, 'consumer');
    gate.release();
    await second;
    expect(stage.stats()).toMatchObject({
      receiverStats: { nReceived: 0, nRejected: 0, nErrors: 0 },
      processorStats: { nErrors: 0 },
    });
    expect(stage.totals()).toMatchObject({
      receiverStats: { nReceived: 2, nRejected: 1, nErrors: 1 },
      processorStats: { nProcessed: 0, nErrors: 1, nInFlight: 0 },
    });
  });

  it('while an object is processed does not count it afterwards', async ({ world }) => {
    const source = await Source.start(world, 'in');
    const { stage, gate } = await consume(world);
    await source.connected();
    await until(() => expect(stage.stats().receiverStats.nReceived).toBe(1));
    gate.hold();
    source.post('in', 1);
    await until(() => expect(gate.ids).toEqual([1]));
    await reset(world, 'consumer');
    expect(stage.stats().processorStats).toMatchObject({ nProcessed: 0, nInFlight: 1 });
    gate.release();
    await until(() => expect(stage.stats().processorStats.nInFlight).toBe(0));
    expect(stage.stats().processorStats).toMatchObject({ nProcessed: 0, nErrors: 0, firstObjectId: 0 });
    expect(stage.totals().processorStats).toMatchObject({ nProcessed: 1, nErrors: 0, nInFlight: 0 });
  });

  it('while an object is on its way to the next stage does not count it when it has come', async ({
    world,
  }) => {
    const source = await Source.start(world, 'in');
    const answers: (() => void)[] = [];
    const next = new SharedPV({
      onRpc: () => new Promise((resolve) => void answers.push(() => resolve(null))),
    });
    const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
    server.addPV('out', next);
    await server.start();
    world.own(server);
    const { stage } = await consume(world, { outputMode: 'rpc' });
    await source.connected();
    await until(() => expect(stage.stats().receiverStats.nReceived).toBe(1));
    const published = (n: number) =>
      until(() => expect(stage.stats().publisherStats).toMatchObject({ nPublished: n, nErrors: 0 }));
    source.post('in', 1);
    await until(() => expect(answers).toHaveLength(1));
    answers[0]?.();
    await published(1);
    source.post('in', 2);
    await until(() => expect(answers).toHaveLength(2));
    await reset(world, 'consumer');
    source.post('in', 3);
    await until(() => expect(answers).toHaveLength(3));
    answers[1]?.();
    answers[2]?.();
    await published(1);
    expect(stage.totals().publisherStats).toMatchObject({ nPublished: 3, nErrors: 0 });
  });

  it('of a collector: its own counters, those of its producers, publisher and metadata', async ({
    world,
  }) => {
    const source = await Source.start(world, 'in:1', 'in:2', 'meta');
    const { stage, gate } = await collect(world, { metadataChannels: ['meta'] });
    await source.connected();
    source.post('meta', 1);
    source.post('in:1', 1);
    source.post('in:2', 2);
    // One that is missing, and one that comes too late.
    source.post('in:1', 4);
    source.post('in:2', 5);
    await until(() => expect(gate.ids).toEqual([1, 2, 4, 5]));
    source.post('in:1', 4);
    await until(() =>
      expect(stage.stats()).toMatchObject({
        collectorStats: { nCollected: 4, nRejected: 1, nMissed: 1 },
        publisherStats: { nPublished: 4 },
        producerStats_1: { receiverStats: { nReceived: 4 } },
        producerStats_2: { receiverStats: { nReceived: 3 } },
        metadataStats_1: { receiverStats: { nReceived: 2 } },
      }),
    );
    await reset(world, 'collector');
    expect(await statusOf(world, 'collector')).toMatchObject({
      collectorStats: { nCollected: 0, collectedRate: 0, nRejected: 0, nMissed: 0, nCached: 0 },
      publisherStats: { nPublished: 0, nErrors: 0 },
      processorStats: { nProcessed: 0, nMissed: 0 },
      producerStats_1: { receiverStats: { nReceived: 0 } },
      producerStats_2: { receiverStats: { nReceived: 0 } },
      metadataStats_1: { receiverStats: { nReceived: 0 } },
    });
    expect(stage.totals()).toMatchObject({
      collectorStats: { nCollected: 4, nRejected: 1, nMissed: 1, nCached: 0 },
      publisherStats: { nPublished: 4 },
      processorStats: { nProcessed: 4, nMissed: 1, nInFlight: 0 },
      producerStats_1: { receiverStats: { nReceived: 4, nRejected: 0 } },
      producerStats_2: { receiverStats: { nReceived: 3, nRejected: 0 } },
    });
  });
});
