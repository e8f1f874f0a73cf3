/**
 * The four chains of PvaPy's streaming framework, every stage a process of its own: what was published is what came out
 * at the end, and each stage's account says so. The same with the simulator: test/e2e/chain-scripts.test.ts.
 */
import { describe, expect } from 'vitest';
import { lastOf, processedUpTo, RECORDING, Stage } from './support/chain.ts';
import { idsFrom } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { it, until, type World } from './support/world.ts';

const FRAMES = 200;
const METADATA = 'pva://motor:x,pva://motor:y';
const ATTRIBUTES = RECORDING.replace('HpcAdImageProcessor', 'AttributeRecorder');
const WORKERS = 'hpc-consumer -ic pvapy:image -nc 2 -dg g -du 1';

/**
 * Two consumers share the stream, a collector sorts it again, a last consumer writes down what comes. The
 * collector's cache is large enough for whatever one consumer is behind the other.
 */
async function parallel(
  world: World,
  detector: Detector,
  options: { workers: string; collector: string; last: string },
): Promise<{ workers: Stage; collector: Stage; last: Stage }> {
  const [workers, collector, last] = await Promise.all([
    Stage.start(world, '*', `${WORKERS} ${options.workers}`),
    Stage.start(
      world,
      'sorted',
      `hpc-collector -ic consumer:*:output -id 5 -ccs ${FRAMES} ${options.collector}`,
    ),
    Stage.start(world, 'last', `hpc-consumer -ic consumer:sorted:output -id 9 ${options.last}`),
  ]);
  await detector.subscribers(2);
  await collector.received();
  await last.received();
  return { workers, collector, last };
}

/** The metadata of `count` frames wait in the queues of these stages, with the value each channel had at first. */
async function metadataArrived(world: World, names: readonly string[], count: number): Promise<void> {
  for (const name of names)
    await until(async () => {
      await world.context.put(`consumer:${name}:control`, { command: 'get_stats', args: '' });
      const s = await world.context.get(`consumer:${name}:status`);
      for (const n of [1, 2]) expect(s.get(`metadataStats_${n}.queueStats.nQueued`), name).toBe(count + 1);
    });
}

/** What the last stage writes down about image `id`. */
const withMotors = (id: number): string => `${id} motor:x=${id} motor:y=${100 + id}`;

describe('a chain without loss', () => {
  it('of processors, one behind the other', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 64, ny: 32 });
    const stages = await Promise.all([
      Stage.start(world, '1', `hpc-consumer -ic pvapy:image -id 1 -pc RotateProcessor -pa '{"degrees":90}'`),
      Stage.start(world, '2', 'hpc-consumer -ic consumer:1:output -id 2 -pc ImageStatisticsProcessor'),
      Stage.start(world, '3', 'hpc-consumer -ic consumer:2:output -id 3 -pc UserDataProcessor'),
      Stage.start(world, '4', `hpc-consumer -ic consumer:3:output -id 4 ${RECORDING}`),
    ]);
    await detector.subscribers(1);
    for (const stage of stages) await stage.received();
    await detector.publish(FRAMES);
    expect(await processedUpTo(world, 4, FRAMES)).toEqual(idsFrom(1, FRAMES));
    for (const stage of stages) {
      const s = await stage.statsAt(FRAMES);
      expect(s.receiverStats, stage.name).toMatchObject({ nReceived: FRAMES + 1, nOverruns: 0 });
      const account = { firstObjectId: 1, nProcessed: FRAMES, nMissed: 0, nErrors: 0 };
      expect(s.processorStats, stage.name).toMatchObject(account);
      expect(s.publisherStats, stage.name).toMatchObject({ nPublished: FRAMES, nErrors: 0 });
    }
    // Turned by the first stage, and so passed on.
    const image = await world.context.get('consumer:3:output');
    expect(
      [image.get('dimension')].flat().map((d) => (d as { get(name: string): number }).get('size')),
    ).toEqual([32, 64]);
  });

  it('of parallel consumers, put in order by a collector', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 64, ny: 64 });
    const pass = '-pc UserDataProcessor';
    const chain = await parallel(world, detector, { workers: pass, collector: pass, last: RECORDING });
    await detector.publish(FRAMES);
    expect(await processedUpTo(world, 9, FRAMES)).toEqual(idsFrom(1, FRAMES));
    const sorted = await chain.collector.statsAt(FRAMES);
    expect(sorted.collectorStats).toMatchObject({ nCollected: FRAMES, nRejected: 0, nMissed: 0, nCached: 0 });
    expect(sorted.processorStats).toMatchObject({ nProcessed: FRAMES, nMissed: 0, nErrors: 0 });
    expect(sorted.publisherStats).toMatchObject({ nPublished: FRAMES, nErrors: 0 });
    const shares = await Promise.all(
      ['1', '2'].map(async (name) => chain.workers.statsAt(await lastOf(world, name), name)),
    );
    for (const { processorStats: p, publisherStats } of shares) {
      expect(p).toMatchObject({ nProcessed: FRAMES / 2, nMissed: 0, nErrors: 0 });
      expect(publisherStats).toMatchObject({ nPublished: FRAMES / 2, nErrors: 0 });
    }
    expect((await chain.last.statsAt(FRAMES)).processorStats).toMatchObject({
      nProcessed: FRAMES,
      nMissed: 0,
    });
  });

  it('with metadata added by the parallel consumers', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 32, ny: 32, metadata: ['motor:x', 'motor:y'] });
    const { workers } = await parallel(world, detector, {
      workers: `-pc MetadataProcessor -mc ${METADATA} -rqs 1000`,
      collector: '-pc UserDataProcessor',
      last: ATTRIBUTES,
    });
    detector.move(FRAMES);
    await metadataArrived(world, ['1', '2'], FRAMES);
    await detector.publish(FRAMES);
    await processedUpTo(world, 9, FRAMES);
    expect(world.lines('ids-9')).toEqual(idsFrom(1, FRAMES).map(withMotors));
    for (const name of ['1', '2']) {
      const last = await lastOf(world, name);
      // Of each motor it saw: the initial value, those of its own images, and of all others before its last.
      expect((await workers.statsAt(last, name)).userStats).toMatchObject({
        nFramesProcessed: FRAMES / 2,
        nFrameErrors: 0,
        nMetadataProcessed: FRAMES,
        nMetadataDiscarded: 2 * (1 + last - FRAMES / 2),
      });
    }
  });

  it('with metadata added by the collector', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 32, ny: 32, metadata: ['motor:x', 'motor:y'] });
    const { collector } = await parallel(world, detector, {
      workers: '-pc UserDataProcessor',
      collector: `-pc MetadataProcessor -mc ${METADATA}`,
      last: ATTRIBUTES,
    });
    detector.move(FRAMES);
    await metadataArrived(world, ['sorted'], FRAMES);
    await detector.publish(FRAMES);
    await processedUpTo(world, 9, FRAMES);
    expect(world.lines('ids-9')).toEqual(idsFrom(1, FRAMES).map(withMotors));
    const s = await collector.statsAt(FRAMES);
    expect(s.collectorStats).toMatchObject({ nCollected: FRAMES, nRejected: 0, nMissed: 0, nCached: 0 });
    expect(s.userStats).toMatchObject({
      nFramesProcessed: FRAMES,
      nFrameErrors: 0,
      nMetadataProcessed: 2 * FRAMES,
      // The initial values.
      nMetadataDiscarded: 2,
    });
  });
});
