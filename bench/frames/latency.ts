/** The time from a frame's time stamp, taken when it is published, to the processor, at 1,000 frames/s. */
import { type PeerRun, runPair } from '../pair-run.ts';
import { type Figure, median } from '../result.ts';
import type { Pair } from './pairs.ts';

const FPS = 1000;
const SIZE = 128;
/** In µs, on a quiet machine. */
const P99_GOAL = 1000;

/** Runs of the pairs in turn; the first pair is ours, the second, if there is one, the peer's. */
export async function latencyFigures(
  pairs: readonly Pair[],
  rounds: number,
  seconds: number,
): Promise<Figure[]> {
  const runs: PeerRun[][] = pairs.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, pair] of pairs.entries())
      runs[i]?.push(
        await runPair(pair, {
          nx: SIZE,
          ny: SIZE,
          fps: FPS,
          seconds,
          serverQueueSize: FPS / 10,
          processor: 'latency',
        }),
      );
  const [ours, peer] = runs as [PeerRun[], PeerRun[] | undefined];
  return (['p50', 'p99'] as const).map((p) => {
    const of = (run: PeerRun): number => run.latency?.[p] ?? Number.NaN;
    const oursEach = ours.map(of);
    const peerEach = peer?.map(of);
    return {
      what: `${SIZE}x${SIZE} at ${FPS}/s: publish to process, ${p}`,
      unit: 'us',
      ours: median(oursEach),
      peer: peerEach && median(peerEach),
      oursEach,
      ...(peerEach && { peerEach }),
      better: 'less',
      ratioGoal: 1,
      ...(p === 'p99' && { goal: P99_GOAL }),
    };
  });
}
