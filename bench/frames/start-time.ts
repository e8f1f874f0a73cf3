/** How long a consumer takes from its start to the first frame it has processed, of a stream that is already running. */
import { setTimeout } from 'node:timers/promises';
import { freePorts, peerEnv } from '../peers/ports.ts';
import { startPvapyConsumer } from '../peers/pvapy-consumer.ts';
import { startPvapySimulator } from '../peers/pvapy-simulator.ts';
import { type Figure, median } from '../result.ts';
import type { Pair } from './pairs.ts';

/** Frames/s: the mean wait for the next frame is 1 ms. */
const FPS = 500;
/** In s. The simulator must publish before the consumer is started, or its delay would be what is measured. */
const START_DELAY = 0.5;

async function startTime(pair: Pair): Promise<number> {
  const env = peerEnv(await freePorts());
  const simulator = await startPvapySimulator(pair.simulator, env, {
    channel: 'bench:image',
    nx: 128,
    ny: 128,
    fps: FPS,
    runtime: 60,
    startDelay: START_DELAY,
    shutdownDelay: 0.5,
  });
  try {
    await setTimeout(2000 * START_DELAY);
    const begin = Date.now();
    const consumer = await startPvapyConsumer(pair.consumer, env, {
      inputChannel: 'bench:image',
      outputChannel: '_',
      serverQueueSize: FPS / 10,
      ...pair.consumer.latencyProcessor,
    });
    try {
      const [, first] = await consumer.child.waitForLine(/^FIRST (\d+)/, 30_000);
      return Number(first) - begin;
    } finally {
      await consumer.child.stop();
    }
  } finally {
    await simulator.stop();
  }
}

/** The first pair is ours, the second, if there is one, the peer's. */
export async function startTimeFigures(pairs: readonly Pair[], rounds: number): Promise<Figure[]> {
  const times: number[][] = pairs.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, pair] of pairs.entries()) times[i]?.push(await startTime(pair));
  const [oursEach, peerEach] = times as [number[], number[] | undefined];
  return [
    {
      what: 'start of a consumer to its first frame',
      unit: 'ms',
      ours: median(oursEach),
      peer: peerEach && median(peerEach),
      oursEach,
      ...(peerEach && { peerEach }),
      better: 'less',
      ratioGoal: 1,
    },
  ];
}
