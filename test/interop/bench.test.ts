/** The benchmark's PvaPy run gives complete accounts, at a rate every machine can take, and the command runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pvapySuite, runPair } from '../../bench/pair-run.ts';
import { spawnChild } from '../../bench/peers/child.ts';
import { repositoryRoot } from '../../bench/peers/python-env.ts';
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
        serverQueueSize: 2000,
        processor: 'latency',
      },
    );
    expect(run).toMatchObject({ lossless: true, missed: 0, overruns: 0 });
    expect(run.published).toBeGreaterThan(1);
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

  it('runs as `npm run bench -- --quick` does: one table, one JSON file', async () => {
    const child = await spawnChild({
      command: process.execPath,
      args: [
        join(repositoryRoot(), 'dist/bench/run.js'),
        ...['--quick', '--size', '128', '--only', 'frames,latency,start'],
      ],
    });
    const { code } = await child.waitForExit(170_000);
    const text = child.lines.map((line) => line.text).join('\n');
    expect(code, text).toBe(0);
    for (const row of [
      'highest lossless rate',
      "of the raw socket's",
      'CPU',
      'peak memory',
      'publish to process, p99',
      'start of a consumer',
    ])
      expect(text).toContain(row);
    const [, file] = /^written to (.*)$/m.exec(text) as unknown as [string, string];
    const { figures } = JSON.parse(readFileSync(file, 'utf8'));
    for (const { what, ours, peer } of figures) {
      expect([what, ours > 0]).toEqual([what, true]);
      if (!what.includes('raw socket')) expect([what, peer > 0]).toEqual([what, true]);
    }
  }, 180_000);
});
