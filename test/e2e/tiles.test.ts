/**
 * Images cut by consumers and stitched behind them, in a collector or in a consumer: every command a process of its own,
 * every pixel and every tile accounted for.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { Stage } from './support/chain.ts';
import { expectLedger, idsFrom, leastReceived, type Status, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { watch } from './support/processing.ts';
import { it, ROOT, until, type World, withOptions } from './support/world.ts';

/** 128 x 128 in tiles of 50 x 40: 3 columns, 4 rows, the last of each smaller. */
const TILES = 12;
const SPLIT =
  "hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -sc 'consumer:*:status' -cc 'consumer:*:control' -sqs 1000 -ll info -pc SplitTilesProcessor -pa '{\"nx\": 50, \"ny\": 40}'";
const STITCH = `-sqs 1000 -ll info -pc StitchTilesProcessor -pa '{"nx": 128, "ny": 128}'`;

/** The example of the reference. */
const DOCUMENTED = codeBlocks('docs/reference/processors.md', 'sh')
  .flatMap(commandLines)
  .filter((line) => line.includes('TilesProcessor'));

interface Seen {
  readonly id: number;
  readonly pixels: Uint8Array;
  readonly sizes: readonly unknown[];
}

/** What comes out at the end; the first value of the channel is no image. */
function images(world: World, channel: string): Seen[] {
  return watch(world, channel, (v) => ({
    id: Number(v.get('uniqueId')),
    pixels: ((v.get('value') as { value?: Uint8Array } | null)?.value ?? new Uint8Array()).slice(),
    sizes: new NTNDArray(v).dimensions.map(({ size }) => size),
  }));
}

function expectImages(seen: readonly Seen[], count: number): void {
  expect(seen.map(({ id }) => id)).toEqual(idsFrom(1, count));
  for (const { id, pixels, sizes } of seen) {
    expect(sizes, `image ${id}`).toEqual([128, 128]);
    expect(Buffer.compare(pixels, pixelsOf(id)), `pixels of image ${id}`).toBe(0);
  }
}

/** Publishes `N` images; each must come out whole at the end, in order, behind the initial one. */
async function streamThrough(world: World, detector: Detector, channel: string): Promise<void> {
  // A stage knows the type of its output with the initial update of the one before.
  await until(async () => expect((await world.context.get(channel)).get('uniqueId')).toBe(0));
  const seen = images(world, channel);
  await until(() => expect(seen.length).toBe(1));
  await detector.publish(N, 50);
  await until(() => expect(seen.length).toBe(N + 1));
  expectImages(seen.slice(1), N);
}

const N = 60;
const FIGURES = {
  nFramesStitched: N,
  nFramesMissed: 0,
  nFramesDiscarded: 0,
  nTilesReceived: N * TILES,
  nTilesProcessed: N * TILES,
  nTilesDiscarded: 0,
  nTilesHeld: 0,
};

describe.concurrent('images in tiles', () => {
  it('cut by two consumers that share a stream are whole again behind a collector', async ({ world }) => {
    const detector = await Detector.start(world);
    const [split = '', stitch = ''] = DOCUMENTED;
    expect([split, stitch].map((line) => line.split(' ')[0])).toEqual(['hpc-consumer', 'hpc-collector']);
    await world.start(
      withOptions(split, {
        '-pa': '{"nx": 50, "ny": 40}',
        '-sc': 'consumer:*:status',
        '-cc': 'consumer:*:control',
      }),
    );
    const collector = await world.start(
      withOptions(stitch, {
        '-pa': '{"nx": 128, "ny": 128}',
        '-opi': TILES,
        // A size that is given is the limit: the tiles of all images, however long one of the two is kept waiting.
        '-ccs': 1000,
        '-sc': 'collector:1:status',
        '-cc': 'collector:1:control',
        '-ll': 'info',
      }),
    );
    await detector.subscribers(2);
    await statusWhen(world, 'collector:1', 'fed by both', (s) => leastReceived(s) === 1);
    await streamThrough(world, detector, 'stitch:output');

    await world.context.put('collector:1:control', { command: 'get_stats', args: '' });
    await until(async () => {
      const status = (await world.context.get('collector:1:status')).toJS();
      expect(status['userStats']).toMatchObject(FIGURES);
      expect(status['collectorStats']).toMatchObject({
        nCollected: N * TILES,
        nRejected: 0,
        nMissed: 0,
        nCached: 0,
        nIncomplete: 0,
      });
      expect(status['publisherStats']).toMatchObject({ nPublished: N, nErrors: 0 });
    });
    const halves = await Promise.all(
      [1, 2].map((id) => statusWhen(world, id, 'done', (s) => s.processorStats.nProcessed === N / 2)),
    );
    for (const s of halves) {
      expectLedger(s, N / 2);
      expect(s.userStats).toMatchObject({ nProcessed: N / 2, nTiles: (N / 2) * TILES });
      expect(s.publisherStats).toMatchObject({ nPublished: (N / 2) * TILES, nErrors: 0 });
    }
    await world.context.put('collector:1:control', { command: 'stop', args: '' });
    expect(await collector.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });

  it('worked on by consumers that share the tiles are whole again too', async ({ world }) => {
    const detector = await Detector.start(world);
    const tail =
      "-oc 'consumer:*:output' -sc 'consumer:*:status' -cc 'consumer:*:control' -sqs 1000 -ll info";
    await world.start(SPLIT);
    // PvaPy's "Splitting Images Into Tiles": a distributor gives each tile to one of them.
    await world.start(`hpc-consumer -id 2 -nc 2 -du 1 -ic consumer:1:output ${tail} -pc UserDataProcessor`);
    const stitch = await world.start(
      `hpc-collector -pid 2,3 -ic 'consumer:*:output' -opi ${TILES} -ccs 1000 -oc stitched ${STITCH} --fail-on-loss -sc collector:1:status -cc collector:1:control`,
    );
    await detector.subscribers(1);
    await statusWhen(world, 'collector:1', 'fed by both', (s) => leastReceived(s) === 1);
    await streamThrough(world, detector, 'stitched');
    await world.context.put('collector:1:control', { command: 'stop', args: '' });
    expect(await stitch.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });

  it('are stitched by a consumer as well', async ({ world }) => {
    const detector = await Detector.start(world);
    await world.start(SPLIT);
    await world.start(
      `hpc-consumer -id 2 -ic consumer:1:output -oc stitched -sc 'consumer:*:status' -cc 'consumer:*:control' ${STITCH}`,
    );
    await detector.subscribers(1);
    await streamThrough(world, detector, 'stitched');
    const s = await statusWhen(world, 2, 'done', (now) => now.processorStats.nProcessed === N * TILES);
    expect(s.userStats).toMatchObject(FIGURES);
    expect(s.processorStats).toMatchObject({ nErrors: 0, nMissed: 0 });
  });
});

describe.concurrent('a stage of tiles that is killed and comes back', () => {
  const split = `hpc-consumer -ic pvapy:image -id 1 -pc SplitTilesProcessor -pa '{"nx": 50, "ny": 40}'`;
  const stitch = `hpc-consumer -ic consumer:1:output -id 2 -pc StitchTilesProcessor -pa '{"nx": 128, "ny": 128}'`;
  const cutAndStitch = async (world: World) => {
    const detector = await Detector.start(world);
    const cutter = await Stage.start(world, '1', split);
    const stitcher = await Stage.start(world, '2', stitch);
    await detector.subscribers(1);
    await stitcher.received();
    return { detector, cutter, stitcher };
  };

  it('the one that cuts: what comes out is whole, and the rest is counted as missed', async ({ world }) => {
    const { detector, cutter, stitcher } = await cutAndStitch(world);
    const seen = images(world, 'consumer:2:output');
    await until(() => expect(seen.length).toBe(1));
    await detector.publish(30, 100);
    await until(() => expect(seen.at(-1)?.id).toBe(30));
    await cutter.kill();
    // Connected is not enough: the cutter, which has just started, may be slow to hear that the stream is to begin.
    const { receiverStats } = await stitcher.statsAt(30);
    const flowing = (s: Status): boolean =>
      s.receiverStats.nReceived > (receiverStats['nReceived'] as number);
    const back = cutter.restart().then(() => statusWhen(world, '2', 'fed again', flowing));
    await detector.publishUntil(back, 100);
    await detector.publish(30, 100);
    const { published } = detector;
    await until(() => expect(seen.at(-1)?.id).toBe(published));
    const ids = seen.map(({ id }) => id).filter((id) => id > 0);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    for (const { id, pixels } of seen.filter(({ id }) => id > 0))
      expect(Buffer.compare(pixels, pixelsOf(id)), `pixels of image ${id}`).toBe(0);
    const { userStats, processorStats } = await stitcher.statsAt(published);
    expect(userStats).toMatchObject({ nFramesStitched: ids.length, nFramesMissed: published - ids.length });
    expect(userStats['nFramesMissed']).toBeGreaterThan(0);
    expect(processorStats['nErrors']).toBe(0);
  });

  it('the one that stitches: it goes on with the first image it gets whole', async ({ world }) => {
    const { detector, cutter, stitcher } = await cutAndStitch(world);
    await detector.publish(30, 100);
    await stitcher.statsAt(30);
    await stitcher.kill();
    await detector.publish(10, 100);
    expect((await cutter.statsAt(40)).publisherStats).toMatchObject({ nErrors: 0 });
    await stitcher.restart();
    await stitcher.received();
    const seen = images(world, 'consumer:2:output');
    await until(() => expect(seen.length).toBeGreaterThan(0));
    await detector.publish(20, 100);
    await until(() => expect(seen.at(-1)?.id).toBe(60));
    expect(seen.map(({ id }) => id).filter((id) => id > 40)).toEqual(idsFrom(41, 60));
    const { userStats } = await stitcher.statsAt(60);
    expect(userStats).toMatchObject({ nFramesStitched: 20, nFramesMissed: 0, nTilesHeld: 0 });
  });
});

describe.concurrent('examples/split-stitch.sh', () => {
  it('cuts and stitches every image of the simulator, and ends by itself', { timeout: 100_000 }, async ({
    world,
  }) => {
    const { stdout } = await promisify(execFile)('bash', ['examples/split-stitch.sh'], {
      cwd: ROOT,
      env: world.env,
      timeout: 90_000,
    });
    const [, published, stitched, tiles] =
      /^published=(\d+) stitched=(\d+) tiles=(\d+) lost=0$/m.exec(stdout) ?? [];
    expect(Number(published), stdout).toBeGreaterThan(10);
    expect(stitched).toBe(published);
    expect(Number(tiles)).toBe(4 * Number(published));
  });
});
