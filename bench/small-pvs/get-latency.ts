/**
 * A get of an NTScalar double, from the call to the value: one after the other, channel connected. Each implementation
 * with its own server, and with the other's.
 */
import { type Figure, median } from '../result.ts';
import { type Contest, inTurn } from './pairings.ts';
import { type Implementation, Pair } from './roles.ts';

export interface GetLatencyOptions extends Contest {
  /** Gets of each run. */
  readonly gets: number;
}

interface Run {
  readonly p50: number;
  readonly p99: number;
}

export async function getLatency({ gets, ...contest }: GetLatencyOptions): Promise<Figure[]> {
  const runs = await inTurn(contest, (server, client) => once(server, client, gets));
  const { own, theirs, oursWithTheirServer, theirsWithOurServer } = runs;
  const figure = (
    what: string,
    mine: readonly Run[],
    others: readonly Run[] | undefined,
    p: keyof Run,
  ): Figure => ({
    what: `${what}, ${p}`,
    unit: 'us',
    ours: median(mine.map((r) => r[p])),
    peer: others && median(others.map((r) => r[p])),
    ...(p === 'p50' ? { goal: 150 } : {}),
    better: 'less',
  });
  const figures = (['p50', 'p99'] as const).map((p) => figure('get round trip', own, theirs, p));
  if (oursWithTheirServer)
    figures.push(
      figure("get round trip with the other's server", oursWithTheirServer, theirsWithOurServer, 'p50'),
    );
  return figures.map((f, i) => (i === 0 ? { ...f, runs } : f));
}

async function once(server: Implementation, client: Implementation, gets: number): Promise<Run> {
  const pair = await Pair.start({ server, client, pvs: 1, request: '' });
  try {
    await pair.get(Math.min(2000, gets));
    return await pair.get(gets);
  } finally {
    await pair.stop();
  }
}
