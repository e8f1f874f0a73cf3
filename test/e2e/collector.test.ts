/**
 * hpc-collector behind consumers that share a stream: sorted again, every object accounted for, also when a consumer
 * is killed and comes back.
 */
import { describe, expect } from 'vitest';
import type { Child } from '../../bench/peers/child.ts';
import { idsFrom } from './support/consumer.ts';
import { type HeldSimulator, holdSimulator } from './support/held-simulator.ts';
import { it, until, type World } from './support/world.ts';

const SIMULATOR = 'ad-sim-server -cn pvapy:image -nx 64 -ny 64 -fps 200 -rp 0';
const CONSUMERS =
  "hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -sqs 100 -dg g -du 1 -pc UserDataProcessor -ll info";
/** Waits for a consumer that the computer keeps waiting, for all that comes in meanwhile. */
const COLLECTOR =
  "hpc-collector -ic 'consumer:*:output' -oc collector:output -sc collector:status -cc collector:control -sqs 100 -ccs 2000 -gt 15 -pf test/e2e/fixtures/recording-image-processor.ts -pc HpcAdImageProcessor -ll info";

interface CollectorStatus {
  readonly collectorId: number;
  readonly collectorStats: Readonly<Record<string, number>>;
  readonly processorStats: Readonly<Record<string, number>>;
  readonly publisherStats: Readonly<Record<string, number>>;
  readonly producerStats_1: {
    readonly channel: string;
    readonly receiverStats: { readonly nReceived: number };
  };
  readonly producerStats_2: {
    readonly channel: string;
    readonly receiverStats: { readonly nReceived: number };
  };
}

/** The status after the collector was asked to update it. */
async function statusOf(world: World): Promise<CollectorStatus> {
  await world.context.put('collector:control', { command: 'get_stats', args: '' });
  let status: CollectorStatus | undefined;
  await until(async () => {
    const control = await world.context.get('collector:control');
    expect(control.get('statusMessage')).toBe('Stats update successful');
    status = (await world.context.get('collector:status')).toJS() as unknown as CollectorStatus;
  });
  return status as CollectorStatus;
}

const collected = (world: World): number[] => world.lines('ids-1').map(Number);

interface Chain {
  /** Holds its first frame back. */
  readonly simulator: HeldSimulator;
  readonly workers: readonly Child[];
  readonly collector: Child;
}

/** Starts consumers with ids 1 and 2 (option sets separated by `|`) and all else, and waits until all are connected. */
async function startChain(world: World, consumers: string, runtime: number): Promise<Chain> {
  const env = { HPC_TEST_FOLDER: world.folder };
  const workers = await Promise.all(consumers.split('|').map((options) => world.start(CONSUMERS + options)));
  const collector = await world.start(COLLECTOR, env);
  for (const [index, id] of [1, 2].entries())
    await (workers[index % workers.length] as Child).waitForLine(
      new RegExp(`consumer\\.${id}: monitoring pvapy:image`),
      15_000,
    );
  const simulator = await holdSimulator(world, `${SIMULATOR} -rt ${runtime}`);
  // Consumers know the type of their output with the simulator's initial update.
  for (const id of [1, 2])
    await collector.waitForLine(new RegExp(`connected to consumer:${id}:output`), 15_000);
  await until(async () => {
    const { producerStats_1: first, producerStats_2: second } = await statusOf(world);
    expect([first, second].map(({ receiverStats }) => receiverStats.nReceived)).toEqual([1, 1]);
  });
  return { simulator, workers, collector };
}

describe.concurrent('hpc-collector', () => {
  it('puts the frames of two consumers in order again, each exactly once', async ({ world }) => {
    const { simulator, collector } = await startChain(world, ' -nc 2', 2);
    simulator.go();
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 25_000);
    const published = Number((await world.context.get('pvapy:image')).get('uniqueId'));
    await until(() => expect(collected(world).length).toBe(published));
    expect(collected(world)).toEqual(idsFrom(1, published));

    const s = await statusOf(world);
    expect(s.collectorId).toBe(1);
    expect(s.collectorStats).toMatchObject({ nCollected: published, nRejected: 0, nMissed: 0, nCached: 0 });
    expect(s.processorStats).toMatchObject({
      nProcessed: published,
      nMissed: 0,
      nErrors: 0,
      firstObjectId: 1,
    });
    expect(s.publisherStats).toMatchObject({ nPublished: published, nErrors: 0 });
    expect(s.producerStats_1.channel).toBe('consumer:1:output');
    // Each producer's initial update is no object.
    const received = s.producerStats_1.receiverStats.nReceived + s.producerStats_2.receiverStats.nReceived;
    expect(received).toBe(published + 2);

    const output = await world.context.get('collector:output', { pvRequest: 'field(uniqueId)' });
    expect(output.get('uniqueId')).toBe(published);
    await world.context.put('collector:control', { command: 'stop', args: '' });
    expect(await collector.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });

  it('goes on without a consumer that was killed, counts what it took with it, and takes it back', async ({
    world,
  }) => {
    const { simulator, collector, workers } = await startChain(world, ' -id 1| -id 2', 15);
    simulator.go();
    await until(() => expect(collected(world).length).toBeGreaterThan(100));
    (workers[1] as Child).signal('SIGKILL');
    await collector.waitForLine(/WARNING collector\.1: consumer:2:output/, 20_000);
    const after = collected(world).length;
    await until(() => expect(collected(world).length).toBeGreaterThan(after + 100));
    const { nReceived } = (await statusOf(world)).producerStats_2.receiverStats;
    const again = await world.start(`${CONSUMERS} -id 2`);
    await again.waitForLine(/consumer\.2: monitoring pvapy:image/, 15_000);
    // It joins while the stream goes on.
    await until(async () => {
      const { producerStats_2: second } = await statusOf(world);
      expect(second.receiverStats.nReceived).toBeGreaterThan(nReceived + 50);
    });
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 25_000);
    const published = Number((await world.context.get('pvapy:image')).get('uniqueId'));
    await until(() => expect(collected(world).at(-1)).toBe(published));

    const ids = collected(world);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    const s = await statusOf(world);
    const { nCollected, nMissed, nRejected, nCached } = s.collectorStats;
    expect(nCached).toBe(0);
    expect(nCollected).toBe(ids.length);
    // What came too late was missed too, so nothing is lost without being counted.
    expect((nCollected as number) + (nMissed as number)).toBe(published);
    expect(nRejected as number).toBeLessThanOrEqual(nMissed as number);
    expect(s.processorStats['nMissed']).toBe(nMissed);
  });
});

describe.concurrent('a mistake on the command line is one line', () => {
  const NEEDED = "hpc-collector -ic 'c:*:output'";
  it.for<[string, RegExp]>([
    [
      'hpc-collector -ic c:output',
      /^hpc-collector: error: the input channel 'c:output' needs a \* for the ids/,
    ],
    [`${NEEDED} -pid 1,1`, /producer id 1 is given twice/],
    [`${NEEDED} -pid none`, /producer id list 'none': 'none' is not a whole number/],
    [`${NEEDED} -id 4294967296`, /--collector-id: 4294967296 is not from 0 to 4294967295/],
    [`${NEEDED} -oo 0`, /--oid-offset: 0 is not at least 1/],
    [`${NEEDED} -gt 0`, /--gap-timeout: 0 is not more than 0 seconds/],
    [`${NEEDED} -oc c:1:output`, /the input channel of producer 1 and the output channel would be the same/],
  ])('%s', async ([line, message], { world }) => {
    const { code, stdout, stderr } = await world.run(line);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
