/** Whether a consumer's memory stays flat: resident memory, read every few seconds of a long run. */
import { runPair } from '../pair-run.ts';
import { residentBytes } from '../peers/process-meter.ts';
import type { Figure } from '../result.ts';
import type { Pair } from './pairs.ts';

const SIZE = 512;
const FPS = 1000;
const SAMPLE_MS = 5000;
/** Growth in MB from the second to the last quarter of the run that still counts as flat: the first one warms up. */
const FLAT = 5;

/** One run of our pair. */
export async function memoryFigures(pair: Pair, seconds: number): Promise<Figure[]> {
  const samples: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  const run = await runPair(
    pair,
    { nx: SIZE, ny: SIZE, fps: FPS, seconds, serverQueueSize: FPS / 10 },
    (consumerPid) => {
      timer = setInterval(() => samples.push(residentBytes(consumerPid) / 1e6), SAMPLE_MS);
    },
  ).finally(() => clearInterval(timer));
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
  const growth = mean(samples.slice(-quarter)) - mean(samples.slice(quarter, 2 * quarter));
  return [
    {
      what: `${SIZE}x${SIZE} at ${FPS}/s for ${seconds} s: growth of the consumer's memory (frames lost: ${run.missed})`,
      unit: 'MB',
      ours: growth,
      better: 'less',
      goal: FLAT,
      runs: samples,
    },
  ];
}
