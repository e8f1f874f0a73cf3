/**
 * Protection Against Lost Data, from PvaPy's streaming framework document: high rates, slow processors, and the two
 * queues. Frames may be lost where the document says so, and then every one of them is accounted for.
 */
import { describe, expect } from 'vitest';
import { expectLedger, idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import { it, type World, withOptions } from './support/world.ts';

const CHANNELS =
  '--input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status --output-channel consumer:*:output';

/** The document's consumer without any protection. */
const UNPROTECTED = `hpc-consumer ${CHANNELS} --processor-class pvapy.hpc.userDataProcessor.UserDataProcessor --report-period 10`;

/** A processor that takes longer for an image than there is time between images; it writes down which it has seen. */
const slow = (busyMs: number): string =>
  `hpc-consumer ${CHANNELS} --processor-file test/e2e/fixtures/recording-image-processor.ts --processor-class SlowImageProcessor --processor-args '{"busyMs":${busyMs}}'`;

/** The document's simulator at 10 kHz, for some seconds less. */
const SIMULATOR = withOptions(
  'ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 10000 -rp 10000',
  { '-std': 1.5, '-shd': 60, '-nf': 100 },
);

interface Outcome {
  readonly published: number;
  readonly status: Status;
  readonly ids: readonly number[];
}

/** One consumer and one simulator, until the last frame is processed; how it went, and that it all adds up. */
async function stream(world: World, consumerLine: string, fps: number, runtime: number): Promise<Outcome> {
  const consumer = await world.start(consumerLine, { HPC_TEST_FOLDER: world.folder });
  await status(world, 1);
  const simulator = await world.start(withOptions(SIMULATOR, { '-fps': fps, '-rt': runtime }));
  await simulator.waitForLine(/^Server exiting after reaching runtime/, 20_000);
  const image = await world.context.get('pvapy:image', { pvRequest: 'field(uniqueId)' });
  const published = Number(image.get('uniqueId'));
  const last = await statusWhen(
    world,
    1,
    `at id ${published} with an empty queue`,
    (s) => s.processorStats.lastObjectId === published && s.queueStats.nQueued === 0,
  );
  expectLedger(last, published);
  expect(last.publisherStats).toMatchObject({ nPublished: last.processorStats.nProcessed, nErrors: 0 });
  simulator.signal('SIGINT');
  const [, counted] = await simulator.waitForLine(/^Published frames: +(\d+) @/, 5_000);
  expect(Number(counted)).toBe(published);
  // Every frame that is due within the runtime is published, late ones too.
  expect(published).toBe(fps * runtime);
  expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  const ids = world.lines('ids-1').map(Number);
  return { published, status: last, ids };
}

describe('at a high rate', () => {
  it('without any protection the sum of processed and missed images is what was published', async ({
    world,
  }) => {
    await stream(world, UNPROTECTED, 10_000, 1.5);
  });

  it.for([
    ['server queue', '--server-queue-size 1000'],
    ['receiver queue', '--receiver-queue-size 0 --server-queue-size 100'],
  ])('no image is lost with a %s', async ([, options], { world }) => {
    const { published, status: s } = await stream(world, `${UNPROTECTED} ${options}`, 5_000, 2);
    expect(s.processorStats).toMatchObject({ nProcessed: published, nMissed: 0, nErrors: 0 });
    expect(s.receiverStats.nOverruns).toBe(0);
  });
});

describe('with a processor slower than the stream', () => {
  /** 500 images of 16 KiB, 4 ms of work for each, in half a second. */
  const [fps, runtime, busyMs] = [1000, 0.5, 4];

  it('without any protection images are overwritten at the server, and counted', async ({ world }) => {
    const { published, status: s, ids } = await stream(world, slow(busyMs), fps * 2, runtime * 2);
    expect(s.receiverStats.nOverruns).toBeGreaterThan(0);
    expect(s.processorStats.nMissed).toBeGreaterThan(0);
    expect(new Set(ids).size).toBe(s.processorStats.nProcessed);
    expect(new Set(ids).size + s.processorStats.nMissed).toBe(published);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it.for([
    ['server queue', '--server-queue-size 1000'],
    ['receiver queue', '--receiver-queue-size 0'],
    ['receiver queue of a size', '--receiver-queue-size 1000'],
  ])('a %s keeps every image until it is processed', async ([, options], { world }) => {
    const { published, status: s, ids } = await stream(world, `${slow(busyMs)} ${options}`, fps, runtime);
    expect(s.processorStats.nMissed).toBe(0);
    expect(s.receiverStats.nOverruns).toBe(0);
    expect(ids).toEqual(idsFrom(1, published));
  });

  it('a receiver queue that is too small refuses images, and counts them', async ({ world }) => {
    const consumer = await world.start(`${slow(busyMs)} --receiver-queue-size 10`, {
      HPC_TEST_FOLDER: world.folder,
    });
    await status(world, 1);
    const simulator = await world.start(withOptions(SIMULATOR, { '-fps': fps, '-rt': runtime }));
    await simulator.waitForLine(/^Server exiting after reaching runtime/, 20_000);
    // The last image may be one of those refused, so that no id tells the end.
    const s = await statusWhen(
      world,
      1,
      'done with all',
      ({ receiverStats, queueStats }) => receiverStats.nReceived === fps * runtime + 1 && queueStats.nQueued === 0,
    );
    expect(s.queueStats.nRejected).toBeGreaterThan(0);
    expect(s.queueStats.nReceived + s.queueStats.nRejected).toBe(s.receiverStats.nReceived);
    expect(s.queueStats.nDelivered).toBe(s.queueStats.nReceived);
    const ids = world.lines('ids-1').map(Number);
    expect(ids.length).toBe(s.queueStats.nDelivered - 1);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length + s.processorStats.nMissed).toBe(s.processorStats.lastObjectId);
    expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  });
});
