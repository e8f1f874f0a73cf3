/**
 * The benchmark of chains gives complete accounts at rates every machine takes, and the command runs. Nothing is said
 * about speed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLossless, runChain } from '../../bench/chains/chain-run.ts';
import { runCollector } from '../../bench/chains/collector-run.ts';
import { runMetadata } from '../../bench/chains/metadata-run.ts';
import { ourSuite, pvapySuite } from '../../bench/pair-run.ts';
import { spawnChild } from '../../bench/peers/child.ts';
import { repositoryRoot } from '../../bench/peers/python-env.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();
const ours = ourSuite();
const theirs = peers.available ? pvapySuite(peers) : ours;

describe('a chain', () => {
  const report = { firstObjectId: 1, lastObjectId: 100, nProcessed: 100, nErrors: 0 };

  it('is lossless when as many objects as ids came out of it, up to the last', () => {
    expect(isLossless(report, 100)).toBe(true);
    expect(isLossless({ ...report, firstObjectId: 0, nProcessed: 101 }, 100)).toBe(true);
    expect(isLossless({ ...report, firstObjectId: 31, nProcessed: 70 }, 100)).toBe(true);
  });

  it.each([
    ['a frame is missing', { ...report, nProcessed: 99 }],
    ['the last frame is missing', { ...report, lastObjectId: 99, nProcessed: 99 }],
    ['there was an error', { ...report, nErrors: 1 }],
    ['it began in the second half of the stream', { ...report, firstObjectId: 51, nProcessed: 50 }],
    ['nothing came out', { firstObjectId: 0, lastObjectId: 0, nProcessed: 0, nErrors: 0 }],
  ])('is not when %s', (_why, end) => {
    expect(isLossless(end, 100)).toBe(false);
  });
});

describe.skipIf(!peers.available).concurrent('one run', () => {
  it("of PvaPy's two stages, by puts: every frame comes out of the second", async () => {
    const run = await runChain(theirs, { mode: 'pva', size: 64, fps: 20, seconds: 1, serverQueueSize: 50 });
    expect(run).toMatchObject({
      lossless: true,
      stages: [{ consumerId: 1 }, { consumerId: 2, lastObjectId: run.published }],
    });
    expect(run.published).toBeGreaterThan(1);
  });

  it("of our consumer behind PvaPy's simulator: every frame has its metadata", async () => {
    const run = await runMetadata(
      { simulator: theirs, consumer: ours },
      { channels: 6, size: 64, fps: 20, seconds: 1, serverQueueSize: 50 },
    );
    expect(run).toMatchObject({ lossless: true, complete: run.published, incomplete: 0 });
    expect(run.published).toBeGreaterThan(1);
  });

  it('of our collector: every frame leaves it, with its latency', async () => {
    const options = { producers: 2, size: 64, fps: 20, seconds: 1, serverQueueSize: 50, cacheSize: 100 };
    const run = await runCollector(ours, options);
    expect(run).toMatchObject({
      withoutGaps: true,
      report: { nMissed: 0, nRejected: 0, nProcessed: run.published },
      latency: { frames: run.published },
    });
    expect(run.latency?.p99).toBeGreaterThan(0);
  });
});

describe.skipIf(!peers.available)('`npm run bench:chains`', () => {
  it('measures mirrors with --quick --only mirror: one table, one JSON file', async () => {
    const child = await spawnChild({
      command: process.execPath,
      args: [join(repositoryRoot(), 'dist/bench/chains/run.js'), '--quick', '--only', 'mirror'],
    });
    const { code } = await child.waitForExit(110_000);
    const text = child.lines.map((line) => line.text).join('\n');
    expect(code, text).toBe(0);
    const [, file] = /^written to (.*)$/m.exec(text) as unknown as [string, string];
    const { figures } = JSON.parse(readFileSync(file, 'utf8'));
    expect(figures.map(({ unit }: { unit: string }) => unit)).toEqual(['s/GB', '%']);
    expect(text).toContain(figures[0].what);
    for (const { mirrored, published } of [...figures[0].runs.ours, ...figures[0].runs.peer]) {
      expect(published).toBeGreaterThan(1);
      expect(mirrored).toBe(published);
    }
    if (process.platform === 'linux') expect(figures[0].ours).toBeGreaterThan(0);
  });

  it.each([
    [['--only', 'nothing'], /--only takes monitor, pva, rpc, metadata, collector, mirror/],
    [['--help'], /^npm run bench:chains: Unknown option '--help'; it takes --quick, --only/],
  ])('refuses %j in one line', async (args, line) => {
    const child = await spawnChild({
      command: process.execPath,
      args: [join(repositoryRoot(), 'dist/bench/chains/run.js'), ...args],
    });
    expect((await child.waitForExit(20_000)).code).toBe(2);
    expect(child.lines.map(({ text }) => text)).toEqual([expect.stringMatching(line)]);
  });
});
