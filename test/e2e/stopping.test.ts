/** How commands end when they are told to: what is queued is worked off, for a time, and what was not is counted. */
import { NTNDArray, Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { control } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { Unguarded } from './support/unguarded.ts';
import { it, until, type World } from './support/world.ts';

/** A processor that takes so many ms for each image, without blocking. */
const taking = (ms: number): string =>
  `-pf test/e2e/fixtures/lifecycle-processor.ts -pc Asynchronous --processor-args '{"ms":${ms}}' -ll warning`;
const COMMAND = 'hpc-consumer -ic pvapy:image -sc consumer:*:status -cc consumer:*:control -rqs 0';
const CONSUMER = `${COMMAND} ${taking(200)}`;
/** So slow that the queue is full whatever the computer does. */
const SLOW = `${COMMAND} ${taking(3000)}`;

const events = (world: World, id: number, what: string): number =>
  world.lines(`events-${id}`).filter((line) => line.startsWith(what)).length;

/** So many images, all of them received and the first being processed. */
async function feed(world: World, detector: Detector, count: number, ids = [1]): Promise<void> {
  await until(() => detector.subscribers(ids.length), 30_000);
  for (let i = 0; i < count; i++) {
    await detector.publish(1);
    // The queue of the server is short.
    for (const id of ids)
      await until(async () => {
        const status = await world.context.get(`consumer:${id}:status`);
        expect(status.get('receiverStats.nReceived')).toBeGreaterThanOrEqual(i + 2);
      });
  }
}

const notProcessed = (stdout: string): number =>
  Number(/^Not processed: (\d+) object/m.exec(stdout)?.[1] ?? 0);

describe.concurrent('hpc-consumer', () => {
  it.for(['SIGTERM', 'SIGINT'] as const)('%s: works off what is queued', async (signal, { world }) => {
    const detector = await Detector.start(world);
    const consumer = Unguarded.start(world, `${CONSUMER} --status-period 0.1 --drain-timeout 30`);
    await feed(world, detector, 8);
    consumer.signal(signal);
    expect(await consumer.exited).toEqual({ code: 0, signal: null });
    expect(events(world, 1, 'end ')).toBe(8);
    expect(world.lines('events-1').at(-1)).toBe('stop');
    expect(consumer.stdout).toMatch(/'nInFlight': 0, .*'nProcessed': 8,/);
    expect(consumer.stdout).not.toContain('Not processed');
  });

  it('stops when the time to drain is over, and counts what is left', async ({ world }) => {
    const detector = await Detector.start(world);
    const consumer = Unguarded.start(world, `${SLOW} --status-period 0.1 --drain-timeout 0.5 --fail-on-loss`);
    await feed(world, detector, 12);
    const before = performance.now();
    consumer.signal('SIGTERM');
    expect(await consumer.exited).toEqual({ code: 3, signal: null });
    // 0.5 s for the queue and 1 s for readers; on a busy computer more, but never what 12 images take.
    expect(performance.now() - before).toBeLessThan(20_000);
    const left = notProcessed(consumer.stdout);
    expect(left).toBeGreaterThan(0);
    const [, processed] = /'nInFlight': \d+, .*'nProcessed': (\d+),/.exec(consumer.stdout) ?? [];
    expect(Number(processed) + left).toBe(12);
    expect(consumer.stderr).toContain(`objects were lost: ${left} not processed when it ended`);
    // The one that was being processed may still end while readers have their moment.
    expect(world.lines('events-1')).toContain('stop');
  });

  it.for([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second %s ends it at once, with exit code %d', async ([signal, code], { world }) => {
    const detector = await Detector.start(world);
    const consumer = Unguarded.start(world, `${CONSUMER} --status-period 0.1 --drain-timeout 1000`);
    await feed(world, detector, 5);
    const state = async (): Promise<unknown> => (await world.context.get('consumer:1:status')).get('state');
    expect(await state()).toBe('running');
    // More than it could ever work off, so that it drains until it is told a second time.
    await detector.publish(3000);
    consumer.signal(signal);
    await until(async () => expect(await state()).toBe('draining'));
    consumer.signal(signal);
    expect(await consumer.exited).toEqual({ code, signal: null });
    await consumer.nothingLeft();
  });

  it('several: all drain within the bound, and what is left is counted', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${SLOW} -nc 2 --status-period 0.1`;
    const group = Unguarded.start(world, `${line} --drain-timeout 0.3`);
    await feed(world, detector, 10, [1, 2]);
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    const [, combined = ''] = group.stdout.split('Combined System Stats:');
    const left = notProcessed(combined);
    expect(left).toBeGreaterThan(0);
    const [, processed] = /'nProcessed': (\d+), 'processedRate'/.exec(combined) ?? [];
    expect(Number(processed) + left).toBe(20);
    await group.nothingLeft();
  });
});

describe.concurrent('several consumers', () => {
  it('are gone at once with a second signal to their parent', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${CONSUMER} -nc 2 --status-period 0.1 --drain-timeout 1000`);
    await until(() => detector.subscribers(2), 30_000);
    for (let i = 0; i < 200; i++) await detector.publish(1);
    const states = (): Promise<unknown[]> =>
      Promise.all(
        [1, 2].map(async (id) =>
          (await world.context.get(`consumer:${id}:status`, { timeout: 20 })).get('state'),
        ),
      );
    await until(async () => expect(await states()).toEqual(['running', 'running']));
    await detector.publish(3000);
    group.signal('SIGTERM');
    await until(async () => expect(await states()).toEqual(['draining', 'draining']));
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 143, signal: null });
    await group.nothingLeft();
  });
});

describe.concurrent('a configure command', () => {
  it('with a bad key changes nothing, whatever else is in it; nor does one that the processor refuses', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const fixture = '-pf test/e2e/fixtures/lifecycle-processor.ts -pc Lifecycle';
    await world.start(
      `hpc-consumer -ic pvapy:image -sc consumer:*:status -cc consumer:*:control ${fixture}`,
      {
        HPC_TEST_FOLDER: world.folder,
      },
    );
    await until(() => detector.subscribers(1), 30_000);
    const configure = (args: unknown): Promise<string> =>
      control(world, 1, 'configure', JSON.stringify(args));
    expect(await configure({ skipInitialUpdates: 5, objectIdOffset: 0 })).toBe(
      'Configuration failed: objectIdOffset: 0 is not a whole number from 1 to 1000000000; nothing was changed',
    );
    expect(await configure({ skipInitialUpdates: 5, receiverQueueSize: 10 })).toBe(
      'Configuration failed: receiverQueueSize: this consumer was started without a receiver queue (--receiver-queue-size); nothing was changed',
    );
    expect(events(world, 1, 'configure')).toBe(0);
    await detector.publish(1);
    await until(() => expect(events(world, 1, 'process')).toBe(1));
    expect(await configure({ skipInitialUpdates: 2, limit: 3 })).toBe('Configuration successful');
    expect(world.lines('events-1')).toContain('configure {"skipInitialUpdates":2,"limit":3}');
    for (let i = 0; i < 3; i++) await detector.publish(1, 20);
    await until(() => expect(world.lines('events-1').at(-1)).toBe('process 4'));
    expect(events(world, 1, 'process')).toBe(2);
  });

  it('that the processor refuses changes nothing of the framework either', async ({ world }) => {
    const detector = await Detector.start(world);
    const fixture = '-pf test/e2e/fixtures/bad-processors.ts -pc ThrowsInConfigure';
    await world.start(`hpc-consumer -ic pvapy:image -sc consumer:*:status -cc consumer:*:control ${fixture}`);
    await until(() => detector.subscribers(1), 30_000);
    expect(await control(world, 1, 'configure', '{"skipInitialUpdates":5}')).toMatch(
      /^Configuration failed: /,
    );
    await detector.publish(1);
    await until(async () => {
      await control(world, 1, 'get_stats');
      const status = await world.context.get('consumer:1:status');
      expect(status.get('processorStats.nProcessed')).toBe(1);
    });
  });
});

describe.concurrent('hpc-collector', () => {
  /** Two producers that the test publishes for. */
  async function producers(world: World): Promise<SharedPV[]> {
    const pvs = [1, 2].map(() => SharedPV.readonly(NTNDArray.create({ uniqueId: 0 }).value));
    const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
    for (const [i, pv] of pvs.entries()) server.addPV(`producer:${i + 1}`, pv);
    world.own(await server.start());
    return pvs;
  }
  const post = (pv: SharedPV | undefined, id: number): unknown =>
    pv?.post(NTNDArray.create({ uniqueId: id }).value.mark());

  it('drains within the bound; tells what is in flight and how long objects waited; takes new limits', async ({
    world,
  }) => {
    const [first, second] = await producers(world);
    const collector = Unguarded.start(
      world,
      `hpc-collector -ic producer:* -pid 1,2 -sc consumer:1:status -cc consumer:1:control -sp 0.1 --gap-timeout 1000 -ccs 50 --drain-timeout 0.3 ${taking(200)}`,
    );
    const figure = async (path: string): Promise<unknown> =>
      (await world.context.get('consumer:1:status')).get(path);
    await until(async () => expect(await figure('collectorStats.nConnected')).toBe(2), 30_000);
    expect(await figure('state')).toBe('running');
    post(first, 1);
    post(second, 2);
    await until(() => expect(events(world, 1, 'end')).toBe(2));
    // Nobody knows whether 3 comes: three wait.
    for (const id of [4, 5, 6]) {
      post(first, id);
      await until(async () => expect(await figure('processorStats.nInFlight')).toBe(id - 3));
    }
    expect(await control(world, 1, 'configure', '{"collectorCacheSize":0}')).toBe(
      'Configuration failed: collectorCacheSize: 0 is not a whole number from 1 to 1000000000; nothing was changed',
    );
    expect(await figure('collectorStats.nCached')).toBe(3);
    expect(await control(world, 1, 'configure', '{"collectorCacheSize":3}')).toBe('Configuration successful');
    await until(() => expect(events(world, 1, 'end')).toBe(5));
    await until(async () => {
      expect(await figure('collectorStats.nMissed')).toBe(1);
      expect(await figure('processorStats.nInFlight')).toBe(0);
    });
    const maximum = Number(await figure('collectorStats.maxAddedLatency'));
    expect(maximum).toBeGreaterThan(0.1);
    expect(Number(await figure('collectorStats.addedLatencyP99'))).toBeLessThanOrEqual(maximum);

    expect(await control(world, 1, 'configure', '{"gapTimeout":0.05}')).toBe('Configuration successful');
    post(first, 8);
    await until(() => expect(events(world, 1, 'end')).toBe(6));

    expect(await control(world, 1, 'configure', '{"gapTimeout":1000,"collectorCacheSize":50}')).toBe(
      'Configuration successful',
    );
    // Who was silent for too long is waited for again as soon as it sends.
    post(second, 9);
    await until(() => expect(events(world, 1, 'end')).toBe(7));
    for (let id = 11; id <= 20; id++) {
      post(first, id);
      await until(async () => expect(await figure('processorStats.nInFlight')).toBe(id - 10));
    }
    collector.signal('SIGTERM');
    expect(await collector.exited).toEqual({ code: 0, signal: null });
    const left = notProcessed(collector.stdout);
    expect(left).toBeGreaterThan(0);
    const [, processed] = /'nProcessed': (\d+), 'processedRate'/.exec(collector.stdout) ?? [];
    expect(Number(processed) + left).toBe(17);
  });
});

describe.concurrent('mirror-server', () => {
  it('gives its clients what was received before it ends, and ends', async ({ world }) => {
    const type = struct('', { n: 'int' });
    const pv = SharedPV.readonly(Value.create(type, { n: 0 }));
    world.own(await new Server({ ...serverConfigFromEnv(world.env) }).addPV('source', pv).start());
    const mirror = Unguarded.start(world, "mirror-server -cm '(mirror,source,pva,100)' -sc mirror:status");
    const seen: number[] = [];
    world.context.monitor(
      'mirror',
      { pvRequest: 'record[queueSize=100]field()' },
      { update: (value) => void seen.push(Number(value.get('n'))) },
    );
    await until(() => expect(seen).toEqual([0]), 30_000);
    for (let n = 1; n <= 50; n++) pv.post(Value.create(type, { n }));
    await until(() => expect(seen.length).toBeGreaterThan(1));
    mirror.signal('SIGTERM');
    expect(await mirror.exited).toEqual({ code: 0, signal: null });
    const [, received] = /'nReceived': (\d+)/.exec(mirror.stdout) ?? [];
    await until(() => expect(seen.length).toBe(Number(received)));
    expect(mirror.stdout).not.toContain('Not sent');
  });
});
