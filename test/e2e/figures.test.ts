/** What a running consumer, or several, tell about the last seconds and about themselves, and when. */
import type { Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { control, type Status, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { consume, LINE, watch } from './support/processing.ts';
import { collect, Source } from './support/stages.ts';
import { Unguarded } from './support/unguarded.ts';
import { it, until } from './support/world.ts';

const FRAME_BYTES = 128 * 128;

interface Figures extends Status {
  readonly rateStats: Record<string, number>;
  readonly latencyStats: Record<string, number>;
  readonly resourceStats: { readonly cpuTime: number; readonly residentBytes: bigint };
  readonly state: string;
}

interface System extends Figures {
  readonly nConsumers: number;
  readonly nAlive: number;
  readonly nRestarts: number;
  readonly unreportedTime: number;
}

interface SourceFigures {
  readonly receiverStats: { readonly nReceived: number };
  readonly rateStats: Record<string, number>;
}

type SourcesOf = Readonly<Record<'producerStats_1' | 'producerStats_2' | 'metadataStats_1', SourceFigures>>;

const RECORDING =
  '--processor-file test/e2e/fixtures/recording-image-processor.ts --processor-class HpcAdImageProcessor';

describe.concurrent('the status channel', () => {
  it('has rates, bytes and latencies of the last seconds, behind the members that PvaPy has', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, `${LINE} --processor-class UserDataProcessor --receiver-queue-size 1000`);
    await statusWhen(world, 1, 'fed', (s) => s.receiverStats.nReceived === 1);
    const output = watch(world, 'consumer:1:output', (value) => Number(value.get('uniqueId')));
    await detector.publish(200, 200);
    const status = await statusWhen(world, 1, 'at 200', (s) => s.processorStats.lastObjectId === 200);
    const { rateStats: rates, latencyStats: latencies, state, ...rest } = status as Figures;
    expect(state).toBe('running');

    // Some 200 in a second or more, in a window of five: on a busy computer they may be spread.
    for (const rate of ['receivedRate', 'processedRate', 'publishedRate']) {
      expect(rates[rate], rate).toBeGreaterThan(10);
      expect(rates[rate], rate).toBeLessThan(2000);
    }
    for (const what of ['received', 'published']) {
      const perObject = (rates[`${what}BytesPerSecond`] as number) / (rates[`${what}Rate`] as number);
      expect(perObject, what).toBeGreaterThan(FRAME_BYTES * 0.9);
      expect(perObject, what).toBeLessThan(FRAME_BYTES * 1.2);
    }
    expect(rates).toMatchObject({ window: 5, rejectedRate: 0, missedRate: 0, errorRate: 0 });

    expect(latencies['nProcessed']).toBeGreaterThan(50);
    for (const when of ['processed', 'published']) {
      const [p50, p90, p99, max] = ['P50', 'P90', 'P99', 'Max'].map(
        (p) => latencies[`${when}${p}`] as number,
      );
      expect(p50).toBeGreaterThan(0);
      expect(p90).toBeGreaterThanOrEqual(p50 as number);
      expect(p99).toBeGreaterThanOrEqual(p90 as number);
      expect(max).toBeGreaterThanOrEqual(p99 as number);
      expect(max).toBeLessThan(15);
    }
    // The detector is another process: its clock may differ by a millisecond.
    expect(latencies['nAhead']).toBeLessThan(100);
    expect(Object.keys(rest).slice(0, 9)).toEqual([
      'consumerId',
      'inputChannel',
      'objectId',
      'objectTime',
      'objectTimestamp',
      'receiverStats',
      'publisherStats',
      'queueStats',
      'processorStats',
    ]);
    expect(Object.keys(rest).at(-1)).toBe('resourceStats');
    // A process of Node.js: neither nothing nor gigabytes, and no more CPU time than there is.
    expect(rest.resourceStats.cpuTime).toBeGreaterThan(0.05);
    expect(rest.resourceStats.cpuTime).toBeLessThan(120);
    expect(Number(rest.resourceStats.residentBytes)).toBeGreaterThan(20e6);
    expect(Number(rest.resourceStats.residentBytes)).toBeLessThan(2e9);
    expect(rest.receiverStats).toMatchObject({ nReceived: 201 });
    expect(Object.keys(rest.receiverStats)[0]).toBe('nReceived');
    expect(rest.processorStats).toMatchObject({ nInFlight: 0 });
    await until(() => expect(output.at(-1)).toBe(200));

    expect(await control(world, 1, 'reset_stats')).toBe('Stats reset successful');
    const reset = (await world.context.get('consumer:1:status')).toJS() as unknown as Figures;
    expect(reset.rateStats).toMatchObject({ receivedRate: 0, publishedBytesPerSecond: 0 });
    expect(reset.latencyStats).toMatchObject({ nProcessed: 0, processedMax: 0 });
  });

  it('has rates of the last seconds of each source: producers of a collector, metadata channels', async ({
    world,
  }) => {
    const source = await Source.start(world, 'in:1', 'in:2', 'meta');
    const { stage } = await collect(world, { metadataChannels: ['meta'], metadataQueueSize: 1 });
    await source.connected();
    const sources = (): SourcesOf => stage.stats() as unknown as SourcesOf;
    await until(() => {
      const { producerStats_1, producerStats_2, metadataStats_1 } = sources();
      for (const { receiverStats } of [producerStats_1, producerStats_2, metadataStats_1])
        expect(receiverStats.nReceived).toBe(1);
    });
    // What the channels held is no part of it.
    expect(await control(world, 'collector:1', 'reset_stats')).toBe('Stats reset successful');
    let id = 0;
    await until(() => {
      source.post('in:1', ++id);
      source.post('meta', id);
      const { producerStats_1: first, metadataStats_1: meta } = sources();
      expect(first.rateStats['receivedRate']).toBeGreaterThan(0);
      expect(meta.rateStats['receivedRate']).toBeGreaterThan(0);
      expect(meta.rateStats['rejectedRate']).toBeGreaterThan(0);
    });
    stage.updateStatus();
    const status = (await world.context.get('collector:1:status')).toJS() as unknown as SourcesOf;
    for (const { rateStats } of [status.producerStats_1, status.metadataStats_1]) {
      expect(rateStats).toMatchObject({ window: 5, overrunRate: 0 });
      expect(rateStats['receivedRate']).toBeGreaterThan(0);
    }
    expect(status.producerStats_2.rateStats).toEqual({
      window: 5,
      receivedRate: 0,
      rejectedRate: 0,
      overrunRate: 0,
    });
    expect(await control(world, 'collector:1', 'reset_stats')).toBe('Stats reset successful');
    expect(sources().producerStats_1.rateStats['receivedRate']).toBe(0);
  });

  it('says at once when the state changes, and at the end, however long the period is', async ({ world }) => {
    const line = `${LINE} --processor-class UserDataProcessor --status-period 1000`;
    const consumer = await world.start(line);
    const states: string[] = [];
    const note = (value: Value): void => {
      const state = String(value.get('state'));
      if (states.at(-1) !== state) states.push(state);
    };
    watch(world, 'consumer:1:status', note);
    await until(() => expect(states.at(-1)).toBe('disconnected'));
    const detector = await Detector.start(world);
    await until(() => expect(states.at(-1)).toBe('running'), 30_000);
    await detector.close();
    await until(() => expect(states.at(-1)).toBe('disconnected'));
    const last = await world.context.get('consumer:1:status');
    expect(last.get('stateMessage')).not.toBe('');
    expect((await consumer.stop()).code).toBe(0);
    const [begin, ...more] = states;
    expect(['starting', 'disconnected']).toContain(begin);
    expect(more.slice(-4)).toEqual(['running', 'disconnected', 'draining', 'stopped']);
  });

  it('is renewed at least once a period', async ({ world }) => {
    await world.start(`${LINE} --processor-class UserDataProcessor --status-period 0.2`);
    const snapshots = watch(world, 'consumer:1:status', (value) => Number(value.get('objectId')));
    await until(() => expect(snapshots.length).toBeGreaterThan(8));
  });

  it('shows errors when they begin', async ({ world }) => {
    const detector = await Detector.start(world);
    const bad = '--processor-file test/e2e/fixtures/bad-processors.ts --processor-class ThrowsInProcess';
    await consume(world, detector, `${LINE} ${bad} --status-period 1000`);
    const errors = watch(world, 'consumer:1:status', (value) => Number(value.get('processorStats.nErrors')));
    await until(() => expect(errors.length).toBeGreaterThan(0));
    await detector.publish(1);
    await until(() => expect(errors.at(-1)).toBe(1));
  });
});

describe.concurrent('several consumers', () => {
  const GROUP =
    'hpc-consumer -ic pvapy:image -cc consumer:*:control -sc consumer:*:status -sqs 100 -ll info -ssc system:status';

  it('are one system on a channel of their own, which forgets no life of theirs', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${GROUP} ${RECORDING} --n-consumers 2`);
    let system: System | undefined;
    watch(world, 'system:status', (value) => {
      system = value.toJS() as unknown as System;
    });
    const bothReceive = { nConsumers: 2, nAlive: 2, stateMessage: '2 of 2 consumers receive' };
    await until(() => expect(system).toMatchObject(bothReceive), 30_000);
    const [, second = 0] = await group.consumerPids([1, 2]);
    await detector.publish(40, 100);
    await until(() =>
      expect(system).toMatchObject({
        processorStats: { nProcessed: 80, nMissed: 0, firstObjectId: 1, lastObjectId: 40 },
        receiverStats: { nReceived: 82 },
        nRestarts: 0,
        state: 'running',
      }),
    );
    expect(system?.latencyStats['nProcessed']).toBeGreaterThan(0);
    const cpuTime = system?.resourceStats.cpuTime as number;
    expect(cpuTime).toBeGreaterThan(0.1);
    expect(Number(system?.resourceStats.residentBytes)).toBeGreaterThan(40e6);

    // All that it did was reported, so that nothing is unknown but that it did no more.
    process.kill(second, 'SIGKILL');
    await until(() => expect(system).toMatchObject({ nAlive: 1, processorStats: { nProcessed: 80 } }));
    await until(() => expect(system).toMatchObject({ ...bothReceive, nRestarts: 1 }), 30_000);
    await detector.publish(10, 100);
    await until(() =>
      expect(system).toMatchObject({
        processorStats: { nProcessed: 100, firstObjectId: 1, lastObjectId: 50 },
        receiverStats: { nReceived: 82 + 1 + 20 },
        nLostInRestarts: 0,
      }),
    );
    expect(system?.resourceStats.cpuTime).toBeGreaterThan(cpuTime);
    expect(system?.unreportedTime).toBeGreaterThan(0);
    expect(system?.unreportedTime).toBeLessThan(15);

    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    expect(group.stdout).toMatch(
      /\nNot known: what consumers that died did in \d+\.\d{3} s since their last reports/,
    );
    const [, combined = ''] = group.stdout.split('Combined System Stats:');
    expect(combined).toMatch(/'processorStats': \{.*'nProcessed': 100,/);
    expect(combined).toMatch(/'state': 'stopped'/);
    await until(() => expect(system).toMatchObject({ state: 'stopped', nAlive: 0 }));
    await group.nothingLeft();
  });

  it('that is only one has the channel too', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${GROUP.replace('system:status', '_')} ${RECORDING}`);
    await detector.subscribers(1);
    await detector.publish(3);
    const system = async (): Promise<System> =>
      (await world.context.get('pvapy:consumer:system:status')).toJS() as unknown as System;
    await until(async () =>
      expect(await system()).toMatchObject({ nConsumers: 1, processorStats: { nProcessed: 3 } }),
    );
    group.signal('SIGTERM');
    expect((await group.exited).code).toBe(0);
  });

  it.for<[string, RegExp]>([
    [
      '-ic a -nc 2 -ssc x:*',
      /--system-status-channel 'x:\*': there is one for all consumers, so its name has no \*/,
    ],
    ['-ic a -nc 2 -sc s:* -ssc s:2', /--system-status-channel 's:2': a consumer has a channel of this name/],
    ['-ic a -sp 0', /--status-period: 0 is not at least 0\.1 seconds/],
    ['-ic a -dto -1', /--drain-timeout: -1 is not 0 or more seconds/],
  ])('refuses %s', async ([options, message], { world }) => {
    const { code, stderr } = await world.run(`hpc-consumer ${options}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
