/**
 * 1,000 PVs x 10 Hz monitored in one process: how much of a core does the client take? Each implementation with its own
 * other end, and with the other's.
 */
import { type Figure, median } from '../result.ts';
import { type Contest, inTurn } from './pairings.ts';
import { type Implementation, Pair, type UpdateRun } from './roles.ts';

export interface ManyMonitorsOptions extends Contest {
  /** Of each run. */
  readonly seconds: number;
}

const PVS = 1000;
const HZ = 10;
const WHAT = `${PVS} PVs x ${HZ} Hz`;

export async function manyMonitors({ seconds, ...contest }: ManyMonitorsOptions): Promise<Figure[]> {
  const runs = await inTurn(contest, (server, client) => once(server, client, seconds));
  const { own, theirs, oursWithTheirServer: client, theirsWithOurServer: server } = runs;
  const cpu = (of: readonly UpdateRun[] | undefined, role: 'clientCpu' | 'serverCpu'): number | undefined =>
    of && 100 * median(of.map((r) => r[role]));
  const lost = (of: readonly UpdateRun[] | undefined): number | undefined =>
    of && median(of.map((r) => r.posted - r.received));
  const figure = (
    what: string,
    mine: number | undefined,
    others: number | undefined,
    goal?: number,
  ): Figure => ({
    what: `${what}, ${WHAT}`,
    unit: what.startsWith('updates') ? 'updates' : '% of a core',
    ours: mine as number,
    peer: others,
    ...(goal === undefined ? {} : { goal }),
    better: 'less',
  });
  const figures = [
    { ...figure('client CPU', cpu(own, 'clientCpu'), cpu(theirs, 'clientCpu'), 15), runs },
    figure('server CPU', cpu(own, 'serverCpu'), cpu(theirs, 'serverCpu')),
    figure('updates lost', lost(own), lost(theirs), 1),
  ];
  if (!client || !server) return figures;
  return [
    ...figures,
    figure("client CPU with the other's server", cpu(client, 'clientCpu'), cpu(server, 'clientCpu'), 15),
    figure("server CPU with the other's client", cpu(server, 'serverCpu'), cpu(client, 'serverCpu')),
    figure("updates lost by the client with the other's server", lost(client), lost(server), 1),
  ];
}

async function once(server: Implementation, client: Implementation, seconds: number): Promise<UpdateRun> {
  const pair = await Pair.start({ server, client, pvs: PVS, request: 'field()' });
  const run = (forSeconds: number): Promise<UpdateRun> =>
    server.ownTimers ? pair.updateEach(HZ, forSeconds) : pair.update(PVS * HZ, forSeconds);
  try {
    // Twice: the first one warms up.
    await run(Math.min(2, seconds));
    return await run(seconds);
  } finally {
    await pair.stop();
  }
}
