/**
 * The examples of PvaPy's streaming framework document: Single Consumer, Multiple Consumers, with Data Distribution,
 * Multiple Consumer Sets, Protection Against Lost Data. The command lines are the document's, in its order, without
 * `pvapy-`, with our processor file, and with other rates and times.
 */
import { describe, expect } from 'vitest';
import type { Child } from '../../bench/peers/child.ts';
import { control, expectLedger, idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import { holdSimulator } from './support/held-simulator.ts';
import { it, until, type World, withOptions } from './support/world.ts';

const EXAMPLE = 'examples/hpc-ad-image-processor.ts';
/** The example's class, which also writes down which images it has processed. */
const RECORDING = 'test/e2e/fixtures/recording-image-processor.ts';

const CHANNELS =
  '--input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status --output-channel consumer:*:output';
const consumerLine = (file: string): string =>
  `hpc-consumer ${CHANNELS} --processor-file ${file} --processor-class HpcAdImageProcessor --report-period 10 --log-level debug`;

/** The document's line; 60 s at 1 Hz become a good second at 50 Hz. */
const SIMULATOR = withOptions('ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 1', {
  '-rt': 1.2,
  '-fps': 50,
});

/** These consumers have said that they monitor the input channel. */
async function ready(consumer: Child, ids: readonly number[]): Promise<void> {
  for (const id of ids)
    await consumer.waitForLine(new RegExp(`consumer\\.${id}: monitoring pvapy:image`), 10_000);
}

interface Stream {
  /** Default: SIMULATOR. */
  readonly line?: string;
  /** What the test watches, from its first value on. */
  readonly watched?: readonly unknown[];
}

/** Runs the simulator, as soon as these consumers have its initial update, to its last frame; how many it published. */
async function stream(
  world: World,
  ids: readonly number[],
  { line = SIMULATOR, watched }: Stream = {},
): Promise<number> {
  const simulator = await holdSimulator(world, line);
  for (const id of ids) await statusWhen(world, id, 'connected', (s) => s.receiverStats.nReceived === 1);
  if (watched) await until(() => expect(watched.length).toBe(1));
  simulator.go();
  await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 25_000);
  const published = await idOn(world, 'pvapy:image');
  expect(published).toBeGreaterThan(10);
  return published;
}

/** What `pvget -r uniqueId CHANNEL` shows. */
async function idOn(world: World, channel: string): Promise<number> {
  const image = await world.context.get(channel, { pvRequest: 'field(uniqueId)' });
  return Number(image.get('uniqueId'));
}

const processed = (world: World, id: number): number[] => world.lines(`ids-${id}`).map(Number);

/** Waits until these consumers have processed so many images together. */
async function allProcessed(world: World, ids: readonly number[], total: number): Promise<void> {
  await until(() => expect(ids.flatMap((id) => processed(world, id)).length).toBeGreaterThanOrEqual(total));
}

function lastArrived(world: World, id: number, lastId: number): Promise<Status> {
  return statusWhen(world, id, `at id ${lastId}`, (s) => s.processorStats.lastObjectId >= lastId);
}

describe.concurrent('Single Consumer', () => {
  it('processes every image, answers on its three channels, and ends when told to', async ({ world }) => {
    const consumer = await world.start(consumerLine(EXAMPLE));
    const outputIds: number[] = [];
    world.context.monitor(
      'consumer:1:output',
      { pvRequest: 'record[queueSize=1000]field(uniqueId)' },
      { update: (v) => void outputIds.push(Number(v.get('uniqueId'))) },
    );
    const published = await stream(world, [1], { watched: outputIds });
    await ready(consumer, [1]);
    expect(published).toBe(60);

    const s = await lastArrived(world, 1, published);
    expectLedger(s, published);
    expect(s).toMatchObject({
      consumerId: 1,
      inputChannel: 'pvapy:image',
      receiverStats: { nReceived: published + 1, nOverruns: 0, nRejected: 0, nErrors: 0 },
      publisherStats: { nPublished: published, nErrors: 0 },
      processorStats: {
        firstObjectId: 1,
        lastObjectId: published,
        nProcessed: published,
        nMissed: 0,
        nErrors: 0,
      },
      userStats: { nProcessed: published },
    });
    // The output channel's first value is the initial update's.
    expect(outputIds).toEqual([0, ...idsFrom(1, published)]);

    for (const id of [1, published]) await consumer.waitForLine(new RegExp(`processed image ${id}$`), 1_000);

    // Terminal 3.
    const run = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await world.run(line);
      expect([code, stderr], line).toEqual([0, '']);
      return stdout;
    };
    expect(await run('pvget -r uniqueId consumer:1:output')).toMatch(
      new RegExp(`^consumer:1:output epics:nt/NTNDArray:1\\.0 *\n +int uniqueId ${published}\n$`),
    );
    expect(await run('pvget consumer:1:status')).toMatch(
      new RegExp(`^consumer:1:status structure *\n +uint consumerId 1\n[^]*uint nProcessed ${published}\n`),
    );
    await run(`pvput consumer:1:control '{"command" : "configure", "args" : "{\\"x\\":100}"}'`);
    await consumer.waitForLine(/DEBUG consumer\.1\.HpcAdImageProcessor: configured with \{"x":100\}/, 5_000);
    const last = await run('pvget consumer:1:control');
    expect(last).toMatch(/^ +string command configure$/m);
    expect(last).toMatch(/^ +string statusMessage "Configuration successful"$/m);
    // It reads the channel once more after its put, and the consumer may be gone by then: what it does is what counts.
    await world.run(`pvput consumer:1:control '{"command" : "stop"}'`);
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });
});

describe.concurrent('Multiple Consumers', () => {
  it('all receive and process the same set of images', async ({ world }) => {
    const consumers = await world.start(`${consumerLine(RECORDING)} --n-consumers 2`, {
      HPC_TEST_FOLDER: world.folder,
    });
    const published = await stream(world, [1, 2]);
    await ready(consumers, [1, 2]);
    for (const id of [1, 2]) {
      const s = await lastArrived(world, id, published);
      expectLedger(s, published);
      expect(s.consumerId).toBe(id);
      expect(s.processorStats.nMissed).toBe(0);
      expect(processed(world, id)).toEqual(idsFrom(1, published));
      expect(await idOn(world, `consumer:${id}:output`)).toBe(published);
    }
    for (const id of [1, 2]) expect(await control(world, id, 'stop')).toBe('Stop flag set');
    expect(await consumers.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });
});

describe.concurrent('Multiple Consumers with Data Distribution', () => {
  it('receive images in alternate order', async ({ world }) => {
    const consumers = await world.start(
      `${consumerLine(RECORDING)} --n-consumers 2 --distributor-updates 1`,
      { HPC_TEST_FOLDER: world.folder },
    );
    const published = await stream(world, [1, 2]);
    await ready(consumers, [1, 2]);
    await allProcessed(world, [1, 2], published);
    const odd = idsFrom(1, published, 2);
    const even = idsFrom(2, published, 2);
    const [first, second] = [processed(world, 1), processed(world, 2)];
    // Who connects first has the first turn.
    expect([first, second]).toEqual(first[0] === 1 ? [odd, even] : [even, odd]);
    for (const id of [1, 2]) {
      const s = await lastArrived(world, id, processed(world, id).at(-1) ?? 0);
      expectLedger(s, s.processorStats.firstObjectId === 1 ? odd.length : even.length);
      expect(s.processorStats.nMissed).toBe(0);
    }
    expect(await consumers.stop()).toMatchObject({ code: 0, killed: false });
  });
});

describe.concurrent('Multiple Consumer Sets with Data Distribution', () => {
  it('give every consumer of a set the same images, three at a time for each set', async ({ world }) => {
    const line = `${consumerLine(RECORDING)} --n-consumers 2 --distributor-updates 3`;
    const env = { HPC_TEST_FOLDER: world.folder };
    const a = await world.start(`${line} --consumer-id 1 --n-distributor-sets 2 --distributor-set A`, env);
    const b = await world.start(`${line} --consumer-id 3 --n-distributor-sets 2 --distributor-set B`, env);
    const published = await stream(world, [1, 2, 3, 4]);
    await ready(a, [1, 2]);
    await ready(b, [3, 4]);
    await allProcessed(world, [1, 3], published);
    await allProcessed(world, [2, 4], published);
    const early = idsFrom(1, published).filter((id) => (id - 1) % 6 < 3);
    const late = idsFrom(1, published).filter((id) => (id - 1) % 6 >= 3);
    expect(early.slice(0, 7)).toEqual([1, 2, 3, 7, 8, 9, 13]);
    const [inA, inB] = processed(world, 1)[0] === 1 ? [early, late] : [late, early];
    for (const [id, expected] of [
      [1, inA],
      [2, inA],
      [3, inB],
      [4, inB],
    ] as const) {
      expect(processed(world, id), `consumer ${id}`).toEqual(expected);
      const s = await lastArrived(world, id, expected.at(-1) ?? 0);
      expect(s.processorStats.nMissed).toBe(0);
      expectLedger(s, expected.length);
    }
    for (const consumers of [a, b]) expect(await consumers.stop()).toMatchObject({ code: 0, killed: false });
  });
});

describe.concurrent('Protection Against Lost Data', () => {
  it('without protection, at 10 kHz, every image that is missing is counted', async ({ world }) => {
    const consumer = await world.start(
      `hpc-consumer ${CHANNELS} --processor-class pvapy.hpc.userDataProcessor.UserDataProcessor --report-period 10`,
    );
    await status(world, 1);
    const published = await stream(world, [1], {
      line: withOptions(
        'ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 10000 -rp 10000',
        {
          '-rt': 1.5,
        },
      ),
    });
    const s = await lastArrived(world, 1, published);
    expectLedger(s, published);
    expect(s.publisherStats).toMatchObject({ nPublished: s.processorStats.nProcessed, nErrors: 0 });
    expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  });
});
