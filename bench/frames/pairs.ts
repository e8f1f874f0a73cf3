/** Which simulator feeds which consumer, and the works they are measured with. */
import type { Suite } from '../pair-run.ts';

/** A simulator and a consumer, each of one implementation. */
export interface Pair {
  readonly name: string;
  readonly simulator: Suite;
  readonly consumer: Suite;
}

/** Ours first; without a peer it is the only one. */
export function pairsOf(ours: Suite, peer: Suite | undefined): Pair[] {
  const pair = (simulator: Suite, consumer: Suite): Pair => ({
    name: simulator === consumer ? simulator.name : `${simulator.name} -> ${consumer.name}`,
    simulator,
    consumer,
  });
  if (!peer) return [pair(ours, ours)];
  return [pair(ours, ours), pair(peer, peer), pair(peer, ours), pair(ours, peer)];
}

/** Square images of uint8 at rates from a ladder. */
export interface Work {
  /** Pixels in x and in y. */
  readonly size: number;
  /** About 0.1 s of frames at the rates that are reached, at 128 x 128 0.02 s: docs/how-to/stream-without-loss.md; for all alike. */
  readonly serverQueueSize: number;
  readonly nFrames: number;
  /** Rates to try, in frames/s. */
  readonly ladder: readonly number[];
  /** Where the search begins, and what the ratio to PvaPy is to reach. */
  readonly firstRate: number;
  readonly ratioGoal: number;
  /** Share of the raw socket's rate that is to be reached; none where messages are small. */
  readonly socketShareGoal?: number;
}

/** Steps of 8 %, so that a ratio means something and a search ends; smaller ones where goals are close. */
export function steps(from: number, to: number, step = 0.08): number[] {
  const rates: number[] = [];
  for (let rate = from; rate <= to; rate *= 1 + step) rates.push(Math.round(rate));
  return rates;
}

export const WORKS: readonly Work[] = [
  {
    size: 128,
    serverQueueSize: 2000,
    nFrames: 100,
    ladder: steps(8000, 120_000),
    firstRate: 30_000,
    ratioGoal: 2.5,
  },
  {
    size: 512,
    serverQueueSize: 2000,
    nFrames: 100,
    ladder: steps(3000, 35_000, 0.04),
    firstRate: 11_000,
    ratioGoal: 1.4,
    socketShareGoal: 0.7,
  },
  {
    size: 4096,
    serverQueueSize: 30,
    nFrames: 10,
    ladder: steps(60, 600),
    firstRate: 220,
    ratioGoal: 1.6,
    socketShareGoal: 0.7,
  },
];
