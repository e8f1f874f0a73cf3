/**
 * The examples of PvaPy's streaming framework document: Single Consumer, Multiple Consumers, with Data Distribution,
 * Multiple Consumer Sets, Protection Against Lost Data. The command lines are the document's, in its order, without
 * `pvapy-`, with our processor file, and with other rates and times.
 */
import { describe, expect } from 'vitest';
import { control, expectLedger, idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import { it, until, type World, withOptions } from './support/world.ts';

const EXAMPLE = 'examples/hpc-ad-image-processor.ts';
/** The example's class, which also writes down which images it has processed. */
const RECORDING = 'test/e2e/fixtures/recording-image-processor.ts';

const CHANNELS =
  '--input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status --output-channel consumer:*:output';
const consumerLine = (file: string): string =>
  `hpc-consumer ${CHANNELS} --processor-file ${file} --processor-class HpcAdImageProcessor --report-period 10 --log-level debug`;

/** Consumers may take one turn of the search ring (6 s) to find a simulator that starts after them. */
const TIMES = { '-std': 7.5, '-shd': 60 };

/** The document's line; 60 s at 1 Hz become a good second at 50 Hz. */
const SIMULATOR = withOptions('ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 1', {
  ...TIMES,
  '-rt': 1.2,
  '-fps': 50,
});

/** Waits until these consumers are there, runs the simulator to its last frame; how many it published. */
async function stream(world: World, ids: readonly number[], line = SIMULATOR): Promise<number> {
  await Promise.all(ids.map((id) => status(world, id)));
  const simulator = await world.start(line);
  await simulator.waitForLine(/^Server exiting after reaching runtime/, 20_000);
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
    const published = await stream(world, [1]);

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

    // pvget -r uniqueId consumer:1:output
    expect(await idOn(world, 'consumer:1:output')).toBe(published);

    // pvput consumer:1:control '{"command" : "configure", "args" : "{\"x\":100}"}'
    expect(await control(world, 1, 'configure', '{"x":100}')).toBe('Configuration successful');
    await consumer.waitForLine(/DEBUG consumer\.1\.HpcAdImageProcessor: configured with \{"x":100\}/, 5_000);
    // pvget consumer:1:control
    expect((await world.context.get('consumer:1:control')).toJS()).toMatchObject({
      consumerId: 1,
      command: 'configure',
      args: '{"x":100}',
      statusMessage: 'Configuration successful',
    });
    for (const id of [1, published]) await consumer.waitForLine(new RegExp(`processed image ${id}$`), 1_000);

    // pvput consumer:1:control '{"command" : "stop"}'
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });
});

describe.concurrent('Multiple Consumers', () => {
  it('all receive and process the same set of images', async ({ world }) => {
    const consumers = await world.start(`${consumerLine(RECORDING)} --n-consumers 2`, {
      HPC_TEST_FOLDER: world.folder,
    });
    const published = await stream(world, [1, 2]);
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
    const published = await stream(
      world,
      [1],
      withOptions('ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 10000 -rp 10000', {
        ...TIMES,
        '-rt': 1.5,
      }),
    );
    const s = await lastArrived(world, 1, published);
    expectLedger(s, published);
    expect(s.publisherStats).toMatchObject({ nPublished: s.processorStats.nProcessed, nErrors: 0 });
    expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  });
});
