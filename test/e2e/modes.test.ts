/**
 * Input and output modes, in every pair that fits: `pvas => pva`, `pva => pvas`, `rpc => rpc`. Every frame arrives,
 * once, in order, with its pixels; a slow stage holds back the one before it.
 */
import { NTNDArray, Server, SharedPV, serverConfigFromEnv } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import type { Child } from '../../bench/peers/child.ts';
import { control, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { running } from './support/processing.ts';
import { it, until, type World } from './support/world.ts';

const CHANNELS = '-cc consumer:*:control -sc consumer:*:status';
const SERVED = 'test/e2e/fixtures/served-processors.ts';

/** A consumer that serves its input. */
const second = (mode: string, processor: string, more = ''): string =>
  `hpc-consumer -id 2 -im ${mode} -ic stage2 -oc consumer:*:output ${CHANNELS} -pf ${SERVED} -pc ${processor} -ll info ${more}`;
/** A consumer that sends what it has received to the input of the other. */
const first = (mode: string, more = ''): string =>
  `hpc-consumer -id 1 -ic pvapy:image -om ${mode} -oc stage2 ${CHANNELS} -pc UserDataProcessor -sqs 1000 ${more}`;

const sum = (id: number): number => pixelsOf(id).reduce((a, b) => a + b, 0);

async function start(world: World, line: string): Promise<Child> {
  return world.start(line, { HPC_TEST_FOLDER: world.folder });
}

/** Starts a consumer that serves its input, and waits until it takes objects. */
async function serve(world: World, line: string): Promise<void> {
  await start(world, line);
  await running(world, 2);
}

describe.concurrent('a consumer that serves its input', () => {
  it.for([
    ['pva', 'pvas', 'Served', ''],
    ['rpc', 'rpc', 'Served', ''],
    ['pva', 'pvas', 'SlowlyServed', ''],
    ['rpc', 'rpc', 'SlowlyServed', ''],
    ['pva', 'pvas', 'Served', '-rqs 1000'],
    ['rpc', 'rpc', 'Served', '-rqs 1000'],
  ] as const)(
    'receives all that %s output sends to %s input: %s %s',
    async ([output, input, processor, more], { world }) => {
      const detector = await Detector.start(world);
      await serve(world, second(input, processor, more));
      await start(world, first(output));
      await detector.subscribers(1);
      await detector.publish(100);
      await until(() => expect(world.lines('ids-2').length).toBe(100), 20_000);
      expect(world.lines('ids-2')).toEqual(idsFrom(1, 100).map((id) => `${id} ${sum(id)}`));

      const one = await statusWhen(world, 1, 'done', (s) => s.publisherStats.nPublished === 100);
      expect(one.processorStats).toMatchObject({ nProcessed: 100, nErrors: 0, nMissed: 0 });
      expect(one.publisherStats.nErrors).toBe(0);
      const two = await statusWhen(world, 2, 'done', (s) => s.processorStats.nProcessed === 100);
      expect(two.receiverStats).toMatchObject({ nReceived: 100, nRejected: 0, nErrors: 0, nOverruns: 0 });
      // No initial update here: the first object is an object.
      expect(two.processorStats).toMatchObject({
        firstObjectId: 1,
        lastObjectId: 100,
        nMissed: 0,
        nErrors: 0,
      });
      expect(two.publisherStats.nPublished).toBe(100);
    },
  );

  it.for([
    ['pva', 'pvas'],
    ['rpc', 'rpc'],
  ] as const)(
    'holds the sender back for as long as it takes: nothing fails that is processed (%s => %s)',
    async ([output, input], { world }) => {
      const detector = await Detector.start(world);
      await serve(world, second(input, 'VerySlowlyServed'));
      await start(world, first(output));
      await detector.subscribers(1);
      // The last of those on their way at once is answered after more than 5 s.
      await detector.publish(12);
      const one = await statusWhen(
        world,
        1,
        'done',
        ({ publisherStats: p }) => p.nPublished + p.nErrors === 12,
      );
      expect(one.publisherStats).toMatchObject({ nPublished: 12, nErrors: 0 });
      expect(world.lines('ids-2').map((line) => Number.parseInt(line, 10))).toEqual(idsFrom(1, 12));
    },
  );

  it.for([
    ['pva', 'pvas'],
    ['rpc', 'rpc'],
  ] as const)(
    'that never answers holds nobody up at the end, and what it has is counted (%s => %s)',
    async ([output, input], { world }) => {
      const detector = await Detector.start(world);
      await serve(world, second(input, 'NeverServed'));
      const sender = await start(world, first(output, '-dto 1 --fail-on-loss'));
      await detector.subscribers(1);
      await detector.publish(20);
      const two = await statusWhen(world, 2, 'full', (s) => s.receiverStats.nReceived === 8);
      expect(two.processorStats).toMatchObject({ nProcessed: 0, nErrors: 0, nInFlight: 8 });
      sender.signal('SIGTERM');
      expect(await sender.waitForExit(20_000)).toMatchObject({ code: 3 });
      await sender.waitForLine(/8 object\(s\) were sent to stage2 and never acknowledged/, 100);
    },
  );

  it('refuses, counts and tells the sender what does not fit into its receiver queue', async ({ world }) => {
    const detector = await Detector.start(world);
    await serve(world, second('pvas', 'SlowlyServed', '-rqs 2'));
    const sender = await start(world, first('pva', '--fail-on-loss'));
    await detector.subscribers(1);
    await detector.publish(40);
    const one = await statusWhen(
      world,
      1,
      'done',
      ({ publisherStats: p }) => p.nPublished + p.nErrors === 40,
    );
    expect(one.publisherStats.nErrors).toBeGreaterThan(0);
    const two = await statusWhen(
      world,
      2,
      'done',
      (s) => s.processorStats.nProcessed === one.publisherStats.nPublished,
    );
    expect(two.receiverStats).toMatchObject({ nReceived: 40, nRejected: one.publisherStats.nErrors });
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await sender.waitForExit(15_000)).toMatchObject({ code: 3 });
    const line = sender.lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text);
    expect(line).toEqual([
      `hpc-consumer: objects were lost: ${one.publisherStats.nErrors} failed to be published (--fail-on-loss)`,
    ]);
  });

  it('tells a client what is missing', async ({ world }) => {
    await start(world, second('rpc', 'Served'));
    await until(async () => {
      await expect(world.context.rpc('stage2', null)).resolves.toMatchObject({});
    }, 15_000);
    const answer = await world.context.rpc('stage2', null);
    expect(answer?.toJS()).toEqual({ status: -1, errorMessage: 'the call has no argument' });
    const done = await world.context.rpc('stage2', NTNDArray.create({ uniqueId: 7 }).value);
    expect(done?.toJS()).toEqual({ status: 0 });
  });
});

describe.concurrent('accumulated objects', () => {
  const batches = (timeout: number): string =>
    `hpc-consumer -ic pvapy:image ${CHANNELS} -pf ${SERVED} -pc Served -sqs 100 -rqs 100 -ao 10 -at ${timeout}`;

  it('are processed in batches', async ({ world }) => {
    const detector = await Detector.start(world);
    await start(world, batches(1000));
    await detector.subscribers(1);
    // With the initial update these are nine.
    await detector.publish(8);
    await statusWhen(world, 1, 'queued', (s) => s.queueStats.nQueued === 9);
    expect(world.lines('ids-1')).toEqual([]);
    await detector.publish(1);
    await until(() => expect(world.lines('ids-1').length).toBe(9));
  });

  it('of the last incomplete batch are processed after the timeout', async ({ world }) => {
    const detector = await Detector.start(world);
    await start(world, batches(1));
    await detector.subscribers(1);
    await detector.publish(9);
    await until(() => expect(world.lines('ids-1').length).toBe(9));
    await detector.publish(3);
    await statusWhen(world, 1, 'queued', (s) => s.queueStats.nReceived === 13);
    await until(() => expect(world.lines('ids-1').length).toBe(12), 5_000);
  });
});

describe.concurrent('a mistake is one line', () => {
  it.for<[string, RegExp]>([
    [
      'hpc-consumer -im pvas -ic a -pc UserDataProcessor',
      /the processor must say by getInputPvObjectType\(\) what can be put into the input channel/,
    ],
    ['hpc-consumer -im pvas -ic a -nc 2', /consumers 1 and 2 would both serve the input channel 'a'/],
    ['hpc-consumer -im rpc -ic a -sc a', /the status channel of consumer 1, 'a', is also the input channel/],
    [
      'hpc-consumer -ic a -rqs 10 -ao 11',
      /--accumulate-objects: a batch of 11 never fits into a receiver queue of 10; make the queue longer \(--receiver-queue-size\) or the batch smaller/,
    ],
    ['hpc-consumer -ic a -at 0', /--accumulation-timeout: 0 is not more than 0 seconds/],
  ])('%s', async ([line, message], { world }) => {
    const { code, stderr } = await world.run(line);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});

describe.concurrent('a consumer that puts or calls', () => {
  it.for([
    ['pva', 'pvas'],
    ['rpc', 'rpc'],
  ] as const)(
    'sends what its processor publishes when it is stopped (%s)',
    async ([output, input], { world }) => {
      const detector = await Detector.start(world);
      await serve(world, second(input, 'Served'));
      const line = first(output).replace('-pc UserDataProcessor', `-pf ${SERVED} -pc LastWords`);
      const sender = await start(world, line);
      await detector.subscribers(1);
      await detector.publish(10);
      await statusWhen(world, 1, 'done', (s) => s.processorStats.nProcessed === 10);
      sender.signal('SIGTERM');
      expect(await sender.waitForExit(15_000)).toMatchObject({ code: 0 });
      await sender.waitForLine(/'publisherStats': .*'nErrors': 0, 'nPublished': 1,/, 100);
      expect(world.lines('ids-2')).toEqual([`10 ${sum(10)}`]);
    },
  );

  it('into the server that it monitors is answered while images keep coming', async ({ world }) => {
    const image = SharedPV.readonly(NTNDArray.create({ uniqueId: 0 }).value);
    const ids: number[] = [];
    const result = new SharedPV({ onPut: (_pv, value) => void ids.push(Number(value.get('uniqueId'))) });
    result.open(NTNDArray.create({ uniqueId: 0 }).value);
    const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
    world.own(await server.addPV('pvapy:image', image).addPV('stage2', result).start());
    await start(world, first('pva'));
    await until(() => expect(image.subscriberCount).toBe(1), 15_000);
    for (let uniqueId = 1; uniqueId <= 200; uniqueId++)
      image.post(
        NTNDArray.create({ pixels: pixelsOf(uniqueId), dimensions: [128, 128], uniqueId }).value.mark(),
      );
    const s = await statusWhen(world, 1, 'done', ({ publisherStats: p }) => p.nPublished + p.nErrors === 200);
    // A put that nobody answers would keep the counters from getting there.
    expect(s.publisherStats).toMatchObject({ nPublished: 200, nErrors: 0 });
    expect(ids).toEqual(idsFrom(1, 200));
  });
});
