/** 1,000 PVs x 10 Hz monitored in one process: how much of a core does the client take? */
import type { Figure } from './result.ts';
import { type Implementation, median, Pair, type UpdateRun } from './roles.ts';

export interface ManyMonitorsOptions {
  readonly ours: Implementation;
  readonly peer: Implementation | undefined;
  /** Seconds of each run, and runs of each pair, taken in turn. */
  readonly seconds: number;
  readonly rounds: number;
}

const PVS = 1000;
const HZ = 10;

export async function manyMonitors({ ours, peer, seconds, rounds }: ManyMonitorsOptions): Promise<Figure[]> {
  const runs: UpdateRun[] = [];
  const peerRuns: UpdateRun[] = [];
  const one = async (of: Implementation): Promise<UpdateRun> => {
    const pair = await Pair.start({ server: of, client: of, pvs: PVS, request: 'field()' });
    try {
      // Twice: the first one warms up.
      await pair.update(PVS * HZ, Math.min(2, seconds));
      return await pair.update(PVS * HZ, seconds);
    } finally {
      await pair.stop();
    }
  };
  for (let round = 0; round < rounds; round++) {
    runs.push(await one(ours));
    if (peer) peerRuns.push(await one(peer));
  }
  const cpu = (of: readonly UpdateRun[], role: 'clientCpu' | 'serverCpu'): number =>
    100 * median(of.map((r) => r[role]));
  const what = `${PVS} PVs x ${HZ} Hz`;
  return [
    {
      what: `client CPU, ${what}`,
      unit: '% of a core',
      ours: cpu(runs, 'clientCpu'),
      peer: peer && cpu(peerRuns, 'clientCpu'),
      goal: 15,
      better: 'less',
      runs: { ours: runs, peer: peerRuns },
    },
    {
      what: `server CPU, ${what}`,
      unit: '% of a core',
      ours: cpu(runs, 'serverCpu'),
      peer: peer && cpu(peerRuns, 'serverCpu'),
      better: 'less',
    },
    {
      what: `updates lost, ${what}`,
      unit: 'updates',
      ours: median(runs.map((r) => r.posted - r.received)),
      peer: peer && median(peerRuns.map((r) => r.posted - r.received)),
      goal: 1,
      better: 'less',
    },
  ];
}
