/**
 * The streaming suite beside PvaPy's: all four pairings of simulator and consumer without a lost frame, and streams
 * shared by the distributor across implementations. The same code drives both: the commands have the same options.
 */
import { describe, expect, it } from 'vitest';
import { INPUT, runStream } from '../../bench/chains/stream-run.ts';
import { ourSuite, pvapySuite, runPair, type Suite } from '../../bench/pair-run.ts';
import { type ConsumerReport, startPvapyConsumer } from '../../bench/peers/pvapy-consumer.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();
const ours = ourSuite();
const theirs = peers.available ? pvapySuite(peers) : ours;

describe.skipIf(!peers.available)('simulator -> pass-through consumer with output, 500 frames/s', () => {
  const pairs: [string, Suite, Suite][] = [
    ['ours', ours, ours],
    ["ours -> PvaPy's", ours, theirs],
    ["PvaPy's -> ours", theirs, ours],
    ["PvaPy's", theirs, theirs],
  ];

  it.each(pairs)('%s', async (_name, simulator, consumer) => {
    const run = await runPair(
      { simulator, consumer },
      { nx: 128, ny: 128, fps: 500, seconds: 3, serverQueueSize: 2000 },
    );
    expect(run.published).toBeGreaterThan(1);
    expect(run).toMatchObject({ received: run.published, processed: run.published, missed: 0, overruns: 0 });
    expect(run.lossless).toBe(true);
  });
});

describe.skipIf(!peers.available)('two consumers share a stream by the distributor', () => {
  /** Runs it and returns the reports of both consumers and how many frames there were. */
  async function share(
    simulatorSuite: Suite,
    consumerSuite: Suite,
    updates: number,
  ): Promise<{ published: number; reports: ConsumerReport[] }> {
    const times = { startDelay: 8, longestStartDelay: 32, shutdownDelay: 3 };
    return runStream(
      { size: 64, fps: 200, seconds: 3 },
      times,
      async (run) => {
        await run.simulate(simulatorSuite);
        const consumer = await startPvapyConsumer(consumerSuite, run.env, {
          inputChannel: INPUT,
          nConsumers: 2,
          distributorUpdates: updates,
          serverQueueSize: 2000,
        });
        run.own(consumer.child);
        if (!run.inTime) return undefined;
        await run.lastFrame();
        const { published } = await run.published();
        await consumer.waitForReports(
          (reports) => reports.reduce((n, r) => n + r.nProcessed, 0) === published,
          20_000,
        );
        return { published, reports: await consumer.finish() };
      },
      'the consumers were not connected',
    );
  }

  it.each([
    ["PvaPy's consumers, our server", ours, theirs],
    ["our consumers, PvaPy's server", theirs, ours],
  ] as [string, Suite, Suite][])('%s: every second frame each', async (_name, simulator, consumer) => {
    const { published, reports } = await share(simulator, consumer, 1);
    expect(reports.map((r) => r.nMissed)).toEqual([0, 0]);
    expect(reports.map((r) => r.nProcessed).reduce((a, b) => a + b)).toBe(published);
    // Who connected first gets the odd frames.
    expect(reports.map((r) => r.firstObjectId).sort()).toEqual([1, 2]);
    for (const r of reports) expect((r.lastObjectId - r.firstObjectId) % 2).toBe(0);
  });

  it("PvaPy's consumers take turns of three frames from our server", async () => {
    const { published, reports } = await share(ours, theirs, 3);
    expect(reports.map((r) => r.nMissed)).toEqual([0, 0]);
    expect(reports.map((r) => r.nProcessed).reduce((a, b) => a + b)).toBe(published);
    expect(reports.map((r) => r.firstObjectId).sort()).toEqual([1, 4]);
  });
});
