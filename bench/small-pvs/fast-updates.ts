/**
 * Updates of NTScalar double from one server to one client: the highest rate at which nothing is squashed, of one PV and
 * spread over 100, and what 100,000 updates/s cost. The queue is 1,000 updates a monitor for both implementations.
 */
import { highestLossless, type LosslessRun } from '../highest-lossless.ts';
import { type Figure, median } from '../result.ts';
import type { Contest } from './pairings.ts';
import { type Implementation, Pair, type UpdateRun } from './roles.ts';

export interface FastUpdatesOptions extends Contest {
  readonly seconds: number;
  /** Only the goal's rate, no search for the highest one. */
  readonly quick: boolean;
}

const GOAL = 100_000;
const REQUEST = 'record[queueSize=1000]field()';
const LADDER = Array.from({ length: 28 }, (_, i) => Math.round(5000 * 1.2 ** i));

type Run = UpdateRun & LosslessRun;

export async function fastUpdates(options: FastUpdatesOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const pvs of [1, 100]) figures.push(...(await spread(pvs, options)));
  return figures;
}

async function spread(pvs: number, options: FastUpdatesOptions): Promise<Figure[]> {
  const { ours, peer, seconds, rounds, quick } = options;
  const what = pvs === 1 ? 'one PV' : `${pvs} PVs`;
  const atGoal: Run[] = [];
  for (let round = 0; round < rounds; round++) atGoal.push(await once(ours, pvs, GOAL, seconds));
  const rate = median(atGoal.map((r) => r.rate));
  const figures: Figure[] = [
    {
      what: `updates/s delivered when ${GOAL} are asked for, ${what}`,
      unit: 'updates/s',
      ours: median(atGoal.map((r) => r.received / r.seconds)),
      // The schedule ends a little late, by the last turn of the server's timer.
      goal: 0.99 * GOAL,
      better: 'more',
      runs: { ours: atGoal },
    },
    {
      what: `updates squashed at ${Math.round(rate)}/s, ${what}`,
      unit: 'updates',
      ours: median(atGoal.map((r) => r.posted - r.received)),
      goal: 1,
      better: 'less',
    },
    {
      what: `client CPU at ${Math.round(rate)}/s, ${what}`,
      unit: '% of a core',
      ours: 100 * median(atGoal.map((r) => r.clientCpu)),
      better: 'less',
    },
    {
      what: `server CPU at ${Math.round(rate)}/s, ${what}`,
      unit: '% of a core',
      ours: 100 * median(atGoal.map((r) => r.serverCpu)),
      better: 'less',
    },
  ];
  if (quick) return figures;
  const highest = async (of: Implementation): Promise<Run | undefined> =>
    (await highestLossless((r) => once(of, pvs, r, seconds), LADDER)).best;
  const best = await highest(ours);
  const peerBest = peer && (await highest(peer));
  figures.push({
    what: `highest lossless rate, ${what}`,
    unit: 'updates/s',
    ours: best?.rate ?? Number.NaN,
    peer: peerBest?.rate,
    goal: 0.99 * GOAL,
    better: 'more',
    runs: { ours: best, peer: peerBest },
  });
  return figures;
}

async function once(of: Implementation, pvs: number, rate: number, seconds: number): Promise<Run> {
  const pair = await Pair.start({ server: of, client: of, pvs, request: REQUEST });
  try {
    // Compilers first: what is measured is a program that has run for a while.
    await pair.update(Math.min(rate, 20_000), 1);
    const run = await pair.update(rate, seconds);
    process.stderr.write(
      `  ${of.name}, ${pvs} PV(s) at ${rate}/s: ${run.rate.toFixed(0)}/s, ${run.posted - run.received} lost\n`,
    );
    return { ...run, achievedFps: run.rate };
  } finally {
    await pair.stop();
  }
}
