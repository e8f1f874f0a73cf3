/** A get of an NTScalar double, from the call to the value: one after the other, channel connected. */
import type { Figure } from './result.ts';
import { type Implementation, median, Pair } from './roles.ts';

export interface GetLatencyOptions {
  readonly ours: Implementation;
  readonly peer: Implementation | undefined;
  /** Gets of each run, and runs of each pair, taken in turn. */
  readonly gets: number;
  readonly rounds: number;
}

export async function getLatency({ ours, peer, gets, rounds }: GetLatencyOptions): Promise<Figure[]> {
  const runs: { p50: number; p99: number }[] = [];
  const peerRuns: typeof runs = [];
  const one = async (of: Implementation): Promise<{ p50: number; p99: number }> => {
    const pair = await Pair.start({ server: of, client: of, pvs: 1, request: '' });
    try {
      await pair.get(Math.min(2000, gets));
      return await pair.get(gets);
    } finally {
      await pair.stop();
    }
  };
  for (let round = 0; round < rounds; round++) {
    runs.push(await one(ours));
    if (peer) peerRuns.push(await one(peer));
  }
  return (['p50', 'p99'] as const).map((p) => ({
    what: `get round trip, ${p}`,
    unit: 'us',
    ours: median(runs.map((r) => r[p])),
    peer: peer && median(peerRuns.map((r) => r[p])),
    ...(p === 'p50' ? { goal: 150, runs: { ours: runs, peer: peerRuns } } : {}),
    better: 'less' as const,
  }));
}
