/** Metadata channels: their updates wait in bounded queues for the processor, and are accounted for. */
import { NTNDArray, NTScalar, nowTimeStamp, Server, SharedPV, serverConfigFromEnv } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { control, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { watch } from './support/processing.ts';
import { it, until, type World, withOptions } from './support/world.ts';

/** Two motors on a server of their own. */
async function motors(world: World): Promise<(x: number, y: number) => void> {
  const scalar = (value: number) => NTScalar.create('double', value).set('timeStamp', nowTimeStamp());
  const [x, y] = [SharedPV.readonly(scalar(0)), SharedPV.readonly(scalar(0))];
  const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
  world.own(await server.addPV('motor:x', x).addPV('motor:y', y).start());
  await until(() => expect(server.tcpPort).toBeGreaterThan(0));
  return (valueX, valueY) => {
    x.post(scalar(valueX));
    y.post(scalar(valueY));
  };
}

const LINE =
  'hpc-consumer -ic pvapy:image -sc consumer:*:status -cc consumer:*:control -sqs 1000 -mc pva://motor:x,pva://motor:y -pf test/e2e/fixtures/metadata-processor.ts -pc WithMetadata';

/** Counters of a metadata channel. */
function counters(status: unknown, n: number): Record<string, unknown> {
  return (status as Record<string, Record<string, unknown>>)[`metadataStats_${n}`] as Record<string, unknown>;
}

describe.concurrent('metadata channels of a consumer', () => {
  it('hand every update to the processor, in order, by channel', async ({ world }) => {
    const detector = await Detector.start(world);
    const move = await motors(world);
    await world.start(LINE, { HPC_TEST_FOLDER: world.folder });
    await detector.subscribers(1);
    // The initial values.
    await statusWhen(world, 1, 'with metadata', (s) =>
      [1, 2].every((n) => (counters(s, n)['queueStats'] as Record<string, number>)['nQueued'] === 1),
    );
    move(1, 10);
    move(2, 20);
    await statusWhen(world, 1, 'with metadata', (s) =>
      [1, 2].every((n) => (counters(s, n)['queueStats'] as Record<string, number>)['nQueued'] === 3),
    );
    await detector.publish(2);
    await until(() => expect(world.lines('metadata-1').length).toBe(2));
    expect(world.lines('metadata-1')).toEqual([
      '1 motor:x=0 motor:x=1 motor:x=2 motor:y=0 motor:y=10 motor:y=20',
      '2 ',
    ]);
    const s = await statusWhen(world, 1, 'done', (now) => now.processorStats.nProcessed === 2);
    expect(counters(s, 1)).toMatchObject({
      producerId: 1,
      channel: 'motor:x',
      receiverStats: { nReceived: 3, nRejected: 0, nOverruns: 0 },
      queueStats: { nReceived: 3, nRejected: 0, nDelivered: 3, nQueued: 0 },
    });
  });

  it('hold no more than their queue: of what nobody takes the oldest goes, and is counted', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const move = await motors(world);
    await world.start(`${LINE} -rqs 5`, { HPC_TEST_FOLDER: world.folder });
    await detector.subscribers(1);
    for (let i = 1; i <= 20; i++) {
      move(i, i);
      await statusWhen(world, 1, `received ${i}`, (s) =>
        [1, 2].every(
          (n) => Number((counters(s, n)['receiverStats'] as Record<string, number>)['nReceived']) > i,
        ),
      );
    }
    const s = await statusWhen(world, 1, 'full', () => true);
    expect(counters(s, 2)).toMatchObject({
      channel: 'motor:y',
      receiverStats: { nReceived: 21, nRejected: 16 },
      queueStats: { nReceived: 5, nRejected: 16, nDelivered: 0, nQueued: 5 },
    });
    // While no images came the motors moved on: the next one has their last positions.
    await detector.publish(1);
    await until(() => expect(world.lines('metadata-1').length).toBe(1));
    expect(world.lines('metadata-1')).toEqual([
      `1 ${['x', 'y'].flatMap((m) => [16, 17, 18, 19, 20].map((n) => `motor:${m}=${n}`)).join(' ')}`,
    ]);
  });

  it.for<[string, RegExp]>([
    [
      'motor:x',
      /metadata channel 'motor:x': without a protocol it .* Channel Access .*write pva:\/\/motor:x/,
    ],
    [
      'ca://motor:x',
      /metadata channel 'ca:\/\/motor:x': Channel Access is not offered; write pva:\/\/motor:x/,
    ],
    ['pva://a,pva://a', /metadata channel 'a' is given twice/],
  ])('-mc %s is refused in one line', async ([channels, message], { world }) => {
    const { code, stderr } = await world.run(`hpc-consumer -ic x -mc ${channels}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});

describe('MetadataProcessor', () => {
  it('adds the last values of the motors to every image, by the command line of the reference', async ({
    world,
  }) => {
    const [line = ''] = codeBlocks('docs/reference/processors.md', 'sh')
      .flatMap(commandLines)
      .filter((command) => command.includes('"previous"'));
    const detector = await Detector.start(world);
    const move = await motors(world);
    const options = { '-sc': 'consumer:*:status', '-cc': 'consumer:*:control', '-sqs': 100, '-ll': 'debug' };
    const consumer = await world.start(withOptions(line, options));
    await detector.subscribers(1);
    const seen = watch(world, 'consumer:1:output', (v) => Object.fromEntries(new NTNDArray(v).attributes));
    const queued = (count: number) =>
      statusWhen(world, 1, `with ${count} updates`, (s) =>
        [1, 2].every(
          (n) => Number((counters(s, n)['receiverStats'] as Record<string, number>)['nReceived']) === count,
        ),
      );
    await queued(1);
    move(1, 10);
    await queued(2);
    await until(() => expect(seen.length).toBe(1));
    await detector.publish(2);
    await until(() => expect(seen.length).toBe(3));
    move(2, 20);
    await queued(3);
    await detector.publish(1);
    await until(() => expect(seen.length).toBe(4));
    expect(seen.slice(1)).toEqual([1, 1, 2].map((x) => ({ ColorMode: 0, 'motor:x': x, 'motor:y': 10 * x })));
    expect(await control(world, 1, 'configure', '{"timestampTolerance": 0}')).toBe(
      'Configuration successful',
    );
    await detector.publish(1);
    await consumer.waitForLine(/image 4: no value of motor:y: the nearest is [\d.e-]+ s older/, 5_000);
    const s = await statusWhen(world, 1, 'done', (now) => now.processorStats.nProcessed === 4);
    expect(s.userStats).toMatchObject({
      nFramesProcessed: 3,
      nFrameErrors: 1,
      nMetadataProcessed: 6,
      nMissing_1: 1,
      nMissing_2: 1,
    });
  });
});
