/**
 * The highest lossless rates of several pairs, in rounds: every round finds each pair's limit anew and measures the
 * raw socket beside them, so that a change of the machine's speed meets all of them. Medians over the rounds.
 */
import { climbLossless } from '../highest-lossless.ts';
import { type PeerRun, runPair } from '../pair-run.ts';
import { type Figure, median } from '../result.ts';
import type { Pair, Work } from './pairs.ts';
import { rawSocketRate } from './raw-socket.ts';

export interface LosslessOptions {
  readonly pairs: readonly Pair[];
  readonly work: Work;
  readonly rounds: number;
  readonly seconds: number;
  /** Consumers that share the stream; default 1. */
  readonly nConsumers?: number;
  /** One run a pair at the lowest rate: does the benchmark itself work? */
  readonly quick: boolean;
  readonly log: (text: string) => void;
}

/** What was found for one pair, a run for each round in which any rate was lossless. */
export interface Found {
  readonly pair: Pair;
  readonly best: PeerRun[];
  /** Runs made. */
  tried: number;
}

export interface LosslessResult {
  readonly found: readonly Found[];
  /** Messages of an image's size through a plain socket, a second, one figure a round. */
  readonly socket: readonly number[];
}

/** An NTNDArray's fields and the header beside its pixels. */
const HEAD_BYTES = 400;

export async function losslessRates(options: LosslessOptions): Promise<LosslessResult> {
  const { pairs, work, rounds, seconds, nConsumers = 1, quick, log } = options;
  const { size, serverQueueSize, nFrames } = work;
  const ladder = quick ? work.ladder.slice(0, 1) : work.ladder;
  const found: Found[] = pairs.map((pair) => ({ pair, best: [], tried: 0 }));
  const next = pairs.map(() => ladder.findIndex((rate) => rate >= work.firstRate));
  const socket: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    socket.push(await rawSocketRate(size * size + HEAD_BYTES, nFrames, Math.min(seconds, 2)));
    for (const [i, { pair, best }] of found.entries()) {
      const run = async (fps: number): Promise<PeerRun> => {
        const made = await runPair(pair, {
          nx: size,
          ny: size,
          fps,
          seconds,
          serverQueueSize,
          nFrames,
          nConsumers,
        });
        const outcome = made.lossless ? `lossless, ${made.achievedFps.toFixed(0)}/s` : `lost ${made.missed}`;
        log(
          `  round ${round}, ${pair.name} ${size}x${size}, ${nConsumers} consumer(s), at ${fps}/s: ${outcome}`,
        );
        return made;
      };
      const search = await climbLossless(run, ladder, next[i] as number, { attempts: quick ? 1 : 2 });
      (found[i] as Found).tried += search.runs.length;
      if (!search.best) continue;
      best.push(search.best);
      next[i] = ladder.findIndex((rate) => rate >= (search.best as PeerRun).achievedFps * 0.99);
    }
  }
  return { found, socket };
}

/** The figures of the table: rates, and of our own pair what a frame costs beside the peer's. */
export function losslessFigures(
  work: Work,
  { found, socket }: LosslessResult,
  options: { readonly nConsumers?: number; readonly ratioGoal?: number } = {},
): Figure[] {
  const { nConsumers = 1, ratioGoal = work.ratioGoal } = options;
  const [ours, peer, ...mixed] = found as [Found, ...Found[]];
  const name = `${work.size}x${work.size}${nConsumers === 1 ? '' : `, ${nConsumers} consumers`}`;
  const rates = (of: Found | undefined): number[] | undefined => of?.best.map((run) => run.achievedFps);
  const figure = (
    what: string,
    unit: string,
    of: (run: PeerRun) => number,
    rest: Pick<Figure, 'better' | 'goal' | 'ratioGoal'>,
    mine = ours,
  ): Figure => {
    const oursEach = mine.best.map(of);
    const peerEach = peer?.best.map(of);
    return {
      what: `${name}: ${what}`,
      unit,
      ours: median(oursEach),
      peer: peerEach && median(peerEach),
      oursEach,
      ...(peerEach && { peerEach }),
      ...rest,
    };
  };
  const figures = [
    figure('highest lossless rate', 'frames/s', (run) => run.achievedFps, { better: 'more', ratioGoal }),
    ...mixed.map((of) =>
      figure(`${of.pair.name}`, 'frames/s', (run) => run.achievedFps, { better: 'more', ratioGoal: 1 }, of),
    ),
  ];
  if (nConsumers > 1) return figures;
  const socketRate = median(socket);
  const share = (rates(ours) ?? []).map((rate, round) => (100 * rate) / (socket[round] ?? socketRate));
  figures.push({
    what: `${name}: of the raw socket's ${socketRate.toFixed(0)}/s`,
    unit: '%',
    ours: median(share),
    oursEach: share,
    better: 'more',
    ...(work.socketShareGoal !== undefined && { goal: 100 * work.socketShareGoal }),
  });
  const gigabytes = (run: PeerRun): number => (run.published * work.size * work.size) / 1e9;
  figures.push(
    figure('CPU', 's/GB', (run) => (run.producer.cpuSeconds + run.consumer.cpuSeconds) / gigabytes(run), {
      better: 'less',
      ratioGoal: 1,
    }),
    figure('peak memory of the consumer', 'MB', (run) => run.consumer.peakRss / 1e6, {
      better: 'less',
      ratioGoal: 1 / 1.5,
    }),
  );
  return figures;
}
