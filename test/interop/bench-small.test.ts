/** The benchmark of small PVs gives complete accounts for ours, for PVXS's and for one of each, at rates every machine takes. */
import { describe, expect, it } from 'vitest';
import { ratio, reached, table } from '../../bench/result.ts';
import { headCodec } from '../../bench/small-pvs/head-codec.ts';
import { type Implementation, ours, Pair, pvxs } from '../../bench/small-pvs/roles.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('the benchmark of small PVs', () => {
  const us = ours();
  const them = pvxs(peers);

  it.each<[string, Implementation, Implementation]>([
    ['our server and our client', us, us],
    ["PVXS's server and PVXS's client", them, them],
    ["PVXS's server and our client", them, us],
    ["our server and PVXS's client", us, them],
  ])('measures %s: updates, CPU, gets', async (_names, server, client) => {
    const pair = await Pair.start({ server, client, pvs: 20, request: 'record[queueSize=1000]field()' });
    try {
      const run = await pair.update(2000, 1);
      expect(run).toMatchObject({ posted: 2000, received: 2000, gaps: 0, overruns: 0, lossless: true });
      expect(run.rate).toBeGreaterThan(500);
      if (process.platform === 'linux') {
        expect(run.clientCpu).toBeGreaterThan(0);
        expect(run.clientPeakRss).toBeGreaterThan(10e6);
      }
      if (server.ownTimers)
        expect(await pair.updateEach(10, 0.5)).toMatchObject({ posted: 100, received: 100 });
      const { p50, p99 } = await pair.get(50);
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
    } finally {
      await pair.stop();
    }
  });

  it('counts updates that were squashed', async () => {
    // A queue of two, and a burst that no client can keep up with.
    const pair = await Pair.start({
      server: them,
      client: us,
      pvs: 1,
      request: 'record[queueSize=2]field()',
    });
    try {
      const run = await pair.update(1_000_000, 0.02);
      expect(run.received + run.gaps).toBe(20_000);
      expect(run.lossless).toBe(run.gaps === 0);
    } finally {
      await pair.stop();
    }
  });

  it('measures the head of an NTNDArray', async () => {
    const figures = await headCodec({ times: 100, rounds: 3 });
    expect(figures.map(({ what }) => what)).toContain('NTNDArray head: encode');
    for (const { ours } of figures) expect(ours).toBeGreaterThanOrEqual(0);
  });

  it('says how much better ours is, whichever way a figure counts', () => {
    const less = { what: 'time', unit: 'us', ours: 2, peer: 6, goal: 3, better: 'less' } as const;
    const more = { what: 'rate', unit: '1/s', ours: 50, peer: 100, goal: 80, better: 'more' } as const;
    expect([ratio(less), ratio(more), reached(less), reached(more)]).toEqual([3, 0.5, true, false]);
    expect(table([less, more], 'PVXS').split('\n')).toEqual([
      'what  unit  ours  PVXS  ratio     goal',
      'time    us  2.00  6.00   3.00   < 3.00  reached',
      'rate   1/s  50.0   100  0.500  >= 80.0  MISSED',
    ]);
    const each = { ...more, goal: 40, ratioGoal: 0.6, oursEach: [40, 50, 61], peerEach: [100] };
    expect(table([each], 'PVXS').split('\n').at(-1)).toBe(
      'rate   1/s  50.0 [40.0..61.0]   100  0.500  >= 40.0, ratio >= 0.600  MISSED',
    );
  });
});
