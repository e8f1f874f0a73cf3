/** The benchmark's PvaPy run gives complete accounts, at a rate every machine can take. */
import { describe, expect, it } from 'vitest';
import { pvapySuite, runPair } from '../../bench/pair-run.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('PvaPy in the benchmark', () => {
  it('is measured: frames, latency, CPU and memory of both processes', async () => {
    const run = await runPair(
      { simulator: pvapySuite(peers), consumer: pvapySuite(peers) },
      {
        nx: 128,
        ny: 128,
        dtype: 'uint16',
        fps: 200,
        seconds: 2,
        serverQueueSize: 100,
        processor: 'latency',
      },
    );
    expect(run).toMatchObject({ lossless: true, missed: 0, overruns: 0 });
    expect(run.published).toBeGreaterThanOrEqual(400);
    expect([run.received, run.processed, run.latency?.frames]).toEqual(Array(3).fill(run.published));
    expect(run.megabytesPerSecond).toBeCloseTo((run.achievedFps * 128 * 128 * 2) / 1e6);
    expect(run.latency?.p50).toBeGreaterThan(0);
    expect(run.latency?.p99).toBeGreaterThanOrEqual(run.latency?.p50 ?? Number.NaN);
    if (process.platform === 'linux') {
      for (const use of [run.producer, run.consumer]) {
        expect(use.cpuSeconds).toBeGreaterThan(0);
        expect(use.peakRss).toBeGreaterThan(10e6);
      }
    }
  });
});
