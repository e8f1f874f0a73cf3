/**
 * The highest lossless rates of two-stage chains and of consumers with metadata channels, ours and the peer's in turn,
 * in rounds: the first round searches the whole ladder, later ones begin where the one before ended.
 */
import type { Pair } from '../frames/pairs.ts';
import { steps } from '../frames/pairs.ts';
import { climbLossless, highestLossless, type LosslessRun } from '../highest-lossless.ts';
import type { Suite } from '../pair-run.ts';
import { type Figure, median } from '../result.ts';
import { type ChainMode, runChain } from './chain-run.ts';
import { runMetadata } from './metadata-run.ts';

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  /** One run each at a rate that every machine takes: does the benchmark itself work? */
  readonly quick: boolean;
  readonly log: (text: string) => void;
}

const SIZE = 512;
/**
 * Frames that servers queue at a rate: 0.2 s, for all alike. A longer queue would hide in a run of a few seconds that a
 * stage does not keep up.
 */
const queueAt = (fps: number): number => Math.max(50, Math.round(fps / 5));
const QUICK_LADDER = [50];
const LADDER = steps(100, 20_000, 0.04);
const CHAIN_RATIO_GOAL = 1.5;
const METADATA_CHANNELS = 6;
const METADATA_RATIO_GOAL = 2;

interface Contender<R> {
  readonly name: string;
  readonly run: (rate: number) => Promise<R>;
}

/** For each contender the best run of each round that had a lossless one. */
async function bestRuns<R extends LosslessRun>(
  what: string,
  contenders: readonly Contender<R>[],
  { rounds, quick, log }: Effort,
): Promise<R[][]> {
  const ladder = quick ? QUICK_LADDER : LADDER;
  const best: R[][] = contenders.map(() => []);
  for (let round = 1; round <= rounds; round++)
    for (const [i, { name, run }] of contenders.entries()) {
      const logged = async (rate: number): Promise<R> => {
        const made = await run(rate);
        const outcome = made.lossless ? `lossless, ${made.achievedFps.toFixed(0)}/s` : 'lost frames';
        log(`  round ${round}, ${what}, ${name}, at ${rate}/s: ${outcome}`);
        return made;
      };
      const before = best[i]?.at(-1);
      const options = { attempts: quick ? 1 : 2 };
      const search = before
        ? await climbLossless(
            logged,
            ladder,
            ladder.findIndex((rate) => rate >= before.achievedFps * 0.99),
            options,
          )
        : await highestLossless(logged, ladder, options);
      if (search.best) best[i]?.push(search.best);
    }
  return best;
}

function rateFigure(
  what: string,
  ours: readonly LosslessRun[],
  peer: readonly LosslessRun[] | undefined,
  rest: Pick<Figure, 'ratioGoal'>,
): Figure {
  const rates = (runs: readonly LosslessRun[]): number[] => runs.map((run) => run.achievedFps);
  return {
    what,
    unit: 'frames/s',
    ours: median(rates(ours)),
    peer: peer && median(rates(peer)),
    oursEach: rates(ours),
    ...(peer && { peerEach: rates(peer) }),
    better: 'more',
    ...rest,
    runs: { ours, peer },
  };
}

/** Two-stage chains of each suite's own simulator and consumers; the first suite is ours. */
export async function chainFigures(
  suites: readonly Suite[],
  modes: readonly ChainMode[],
  effort: Effort,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const mode of modes) {
    const what = `${SIZE}x${SIZE}, two stages, ${mode}: highest lossless rate`;
    const contenders = suites.map((suite) => ({
      name: suite.name,
      run: (fps: number) =>
        runChain(suite, { mode, size: SIZE, fps, seconds: effort.seconds, serverQueueSize: queueAt(fps) }),
    }));
    const [ours = [], peer] = await bestRuns(what, contenders, effort);
    figures.push(rateFigure(what, ours, peer, { ratioGoal: CHAIN_RATIO_GOAL }));
  }
  return figures;
}

/** Simulator with metadata PVs to a consumer with metadata channels; the first pair is ours, the second the peer's. */
export async function metadataFigures(pairs: readonly Pair[], effort: Effort): Promise<Figure[]> {
  const what = `${SIZE}x${SIZE}, ${METADATA_CHANNELS} metadata channels`;
  const contenders = pairs.map((pair) => ({
    name: pair.name,
    run: (fps: number) =>
      runMetadata(pair, {
        channels: METADATA_CHANNELS,
        size: SIZE,
        fps,
        seconds: effort.seconds,
        serverQueueSize: queueAt(fps),
      }),
  }));
  const [ours = [], peer, ...mixed] = await bestRuns(what, contenders, effort);
  return [
    rateFigure(`${what}: highest lossless rate`, ours, peer, { ratioGoal: METADATA_RATIO_GOAL }),
    // What the consumer does without help of our simulator.
    ...mixed.map((runs, i) => rateFigure(`${what}: ${pairs[i + 2]?.name}`, runs, peer, {})),
  ];
}
