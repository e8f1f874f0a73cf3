/** The control commands `pause`, `resume` and `status`: nothing is received meanwhile, and nothing is uncounted. */
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { control, status, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { it, until, type World } from './support/world.ts';

const CHANNELS = '-cc consumer:*:control -sc consumer:*:status';
const SLOW =
  '-pf test/e2e/fixtures/lifecycle-processor.ts -pc Asynchronous --processor-args \'{"ms":100}\' -ll warning';

async function expectState(world: World, channel: string, state: string): Promise<void> {
  await until(async () => {
    expect((await world.context.get(channel)).get('state')).toBe(state);
  });
}

describe.concurrent('hpc-consumer', () => {
  it('paused: leaves the stream, and says what it missed when it is back', async ({ world }) => {
    const detector = await Detector.start(world);
    await world.start(`hpc-consumer -ic pvapy:image ${CHANNELS} -pc UserDataProcessor`);
    await detector.subscribers(1);
    await detector.publish(10, 200);
    await statusWhen(world, 1, 'done', (s) => s.processorStats.nProcessed === 10);

    expect(await control(world, 1, 'pause')).toBe('Pause successful');
    expect(await control(world, 1, 'pause')).toBe('Pause successful');
    await detector.subscribers(0);
    await expectState(world, 'consumer:1:status', 'paused');
    await detector.publish(20);
    expect(await control(world, 1, 'status')).toBe('paused: 10 processed, 0 errors, 0 missed, 0 in flight');
    expect((await status(world, 1)).receiverStats.nReceived).toBe(11);

    expect(await control(world, 1, 'resume')).toBe('Resume successful');
    await detector.subscribers(1);
    await expectState(world, 'consumer:1:status', 'running');
    // Frame 30, which the channel held, is news; then 31 to 35.
    await detector.publish(5, 200);
    const s = await statusWhen(world, 1, 'done', ({ processorStats: p }) => p.lastObjectId === 35);
    expect(s.processorStats).toMatchObject({ nProcessed: 16, nMissed: 19, nErrors: 0 });
  });

  it('resumed when nothing has come meanwhile: the frame that the channel holds is not counted twice', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    await world.start(`hpc-consumer -ic pvapy:image ${CHANNELS} -pc UserDataProcessor`);
    await detector.subscribers(1);
    await detector.publish(10, 200);
    await statusWhen(world, 1, 'done', (s) => s.processorStats.nProcessed === 10);
    await control(world, 1, 'pause');
    await detector.subscribers(0);
    await control(world, 1, 'resume');
    await detector.subscribers(1);
    await detector.publish(10, 200);
    const s = await statusWhen(world, 1, 'done', ({ processorStats: p }) => p.lastObjectId === 20);
    expect(s.processorStats).toMatchObject({ nProcessed: 20, nMissed: 0 });
  });

  it('stopped while it is paused: what is queued is worked off', async ({ world }) => {
    const detector = await Detector.start(world);
    const consumer = await world.start(
      `hpc-consumer -ic pvapy:image ${CHANNELS} -sqs 100 -rqs 100 -dto 30 ${SLOW}`,
      { HPC_TEST_FOLDER: world.folder },
    );
    await detector.subscribers(1);
    await detector.publish(20);
    await until(async () => expect((await status(world, 1)).queueStats).toBeDefined(), 15_000);
    await statusWhen(world, 1, 'received', (s) => s.receiverStats.nReceived === 21);
    expect(await control(world, 1, 'pause')).toBe('Pause successful');
    await detector.subscribers(0);
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(30_000)).toMatchObject({ code: 0 });
    expect(world.lines('events-1').filter((line) => line.startsWith('end '))).toHaveLength(20);
  });

  it('with an input of its own: refuses and counts what comes while it is paused', async ({ world }) => {
    await world.start(
      `hpc-consumer -im rpc -ic calls ${CHANNELS} -pf test/e2e/fixtures/served-processors.ts -pc Served`,
      { HPC_TEST_FOLDER: world.folder },
    );
    // A call has 5 s, which the start of a process may take.
    await expectState(world, 'consumer:1:status', 'running');
    const call = (uniqueId: number) => world.context.rpc('calls', NTNDArray.create({ uniqueId }).value);
    expect((await call(1))?.toJS()).toEqual({ status: 0 });
    expect(await control(world, 1, 'pause')).toBe('Pause successful');
    await expect(call(2)).rejects.toThrow('this consumer is paused');
    expect(await control(world, 1, 'resume')).toBe('Resume successful');
    expect((await call(3))?.toJS()).toEqual({ status: 0 });
    const s = await statusWhen(world, 1, 'done', ({ processorStats: p }) => p.nProcessed === 2);
    expect(s.receiverStats).toMatchObject({ nReceived: 3, nRejected: 1 });
    expect(s.processorStats.nMissed).toBe(1);
  });
});

describe.concurrent('hpc-collector', () => {
  it('paused: leaves all producers, and counts what it missed', async ({ world }) => {
    const odd = await Detector.start(world, { channel: 'c:1' });
    const even = await Detector.start(world, { channel: 'c:2' });
    await world.start(
      'hpc-collector -ic c:* -pid 1,2 -opi 2 -sc consumer:9:status -cc consumer:9:control -pc UserDataProcessor',
    );
    const both = async (count: number): Promise<void> => {
      await Promise.all([odd.publish(count, 100), even.publish(count, 100)]);
    };
    const subscribers = (count: number) => Promise.all([odd.subscribers(count), even.subscribers(count)]);
    await subscribers(1);
    await both(5);
    await statusWhen(world, 9, 'done', (s) => s.processorStats.nProcessed === 10);
    expect(await control(world, 9, 'pause')).toBe('Pause successful');
    await subscribers(0);
    await expectState(world, 'consumer:9:status', 'paused');
    await both(10);
    expect(await control(world, 9, 'resume')).toBe('Resume successful');
    await subscribers(1);
    await both(5);
    const s = await statusWhen(world, 9, 'done', (now) => now.processorStats.nProcessed === 20);
    expect(s.processorStats).toMatchObject({ firstObjectId: 1, lastObjectId: 20 });
    const { collectorStats } = s as unknown as { collectorStats: Record<string, number> };
    expect(collectorStats).toMatchObject({ nCollected: 20, nMissed: 10, nRejected: 0, nCached: 0 });
  });
});
