/**
 * One run of a two-stage chain: simulator -> consumer 1 -> consumer 2, all of one implementation, in one of the modes in
 * which a consumer can feed another.
 *
 * What counts is what the second consumer processed, from its first object on; `lossless` says how.
 */
import type { LosslessRun } from '../highest-lossless.ts';
import { type Suite, waitUntilQuiet } from '../pair-run.ts';
import { freePorts, peerEnv } from '../peers/ports.ts';
import {
  type ConsumerOptions,
  type ConsumerReport,
  type PvapyConsumer,
  startPvapyConsumer,
  startPvapySimulator,
} from '../peers/pvapy.ts';

/** How consumer 1 hands objects to consumer 2: by a channel that 2 monitors, by puts, by calls. */
export const CHAIN_MODES = ['monitor', 'pva', 'rpc'] as const;
export type ChainMode = (typeof CHAIN_MODES)[number];

export interface ChainRunOptions {
  readonly mode: ChainMode;
  /** Pixels in x and in y, of uint8. */
  readonly size: number;
  /** Frames a second. */
  readonly fps: number;
  readonly seconds: number;
  /** Frames that the simulator queues for consumer 1, and in mode `monitor` consumer 1 for consumer 2. */
  readonly serverQueueSize: number;
}

export interface ChainRun extends LosslessRun {
  readonly published: number;
  /** What each stage said last. */
  readonly stages: readonly Omit<ConsumerReport, 'all'>[];
}

/** In s: time for the stages to start and connect, doubled when it was too short; and for what is queued at the end. */
const START_DELAY = 6;
const LONGEST_START_DELAY = 30;
const SHUTDOWN_DELAY = 3;

const INPUT = 'bench:image';
const BETWEEN = 'bench:stage:1';
const OUTPUT = 'bench:stage:2';

/**
 * Runs it, on loopback and ports of its own, repeated with more time when the stages were not connected before the first
 * frame.
 *
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runChain(suite: Suite, options: ChainRunOptions): Promise<ChainRun> {
  for (let startDelay = START_DELAY; startDelay <= LONGEST_START_DELAY; startDelay *= 2) {
    const run = await runOnce(suite, options, startDelay);
    if (run) return run;
  }
  throw new Error('the chain was never connected before the first frame: the machine is too busy to measure');
}

async function runOnce(
  suite: Suite,
  options: ChainRunOptions,
  startDelay: number,
): Promise<ChainRun | undefined> {
  const { mode, size, fps, seconds, serverQueueSize } = options;
  const env = peerEnv(await freePorts());
  const stages: PvapyConsumer[] = [];
  const start = async (stage: ConsumerOptions): Promise<PvapyConsumer> => {
    const consumer = await startPvapyConsumer(suite, env, stage);
    stages.push(consumer);
    return consumer;
  };
  const second: ConsumerOptions = { inputChannel: BETWEEN, outputChannel: OUTPUT, consumerId: 2 };
  // PvaPy looks for the channel it puts into with the first object, for 3 s: it must be there before.
  if (mode !== 'monitor')
    await start({
      ...second,
      ...suite.servedProcessor,
      inputMode: mode === 'pva' ? 'pvas' : 'rpc',
      skipInitialUpdates: 0,
      readyWith: 'first report',
    });
  const simulator = await startPvapySimulator(suite, env, {
    channel: INPUT,
    nx: size,
    ny: size,
    fps,
    runtime: seconds,
    startDelay,
    shutdownDelay: SHUTDOWN_DELAY,
  }).catch(async (error: unknown) => {
    await Promise.all(stages.map((stage) => stage.child.stop()));
    throw error;
  });
  const firstFrame = performance.now() + startDelay * 1_000;
  try {
    await start({
      inputChannel: INPUT,
      outputChannel: BETWEEN,
      outputMode: mode === 'monitor' ? 'pvas' : mode,
      serverQueueSize,
      // The initial image opens the way to stage 2, so that connecting costs no frame.
      ...(mode !== 'monitor' && { skipInitialUpdates: 0 }),
    });
    // With PvaPy the channel between the stages exists from the first update on, which is the initial one.
    if (mode === 'monitor') await start({ ...second, serverQueueSize });
    if (performance.now() > firstFrame) return undefined;
    await simulator.waitForLastFrame((startDelay + seconds) * 1_000 + 30_000);
    const { published, fps: achievedFps } = await simulator.finish((SHUTDOWN_DELAY + 20) * 1_000);
    const last = stages.find((stage) => stage.reports()[0]?.consumerId === 2) as PvapyConsumer;
    await waitUntilQuiet(last, published);
    const reports = (await Promise.all(stages.map((stage) => stage.finish()))).flat();
    const [first, end] = reports.sort((a, b) => a.consumerId - b.consumerId) as [
      ConsumerReport,
      ConsumerReport,
    ];
    return {
      published,
      achievedFps,
      lossless: isLossless(end, published),
      stages: [first, end].map(({ all: _, ...figures }) => figures),
    };
  } finally {
    await Promise.all([simulator.stop(), ...stages.map((stage) => stage.child.stop())]);
  }
}

/**
 * As many objects as ids from the last stage's first object to the last frame published, no error, and that first object
 * in the first half of the stream. Objects are counted, not their contents: PvaPy's hosted input may process an object
 * after the next put has overwritten it (pvapy-behaviour.md 6.3), which is not held against it.
 */
export function isLossless(
  report: Pick<ConsumerReport, 'firstObjectId' | 'lastObjectId' | 'nProcessed' | 'nErrors'>,
  published: number,
): boolean {
  const { firstObjectId, lastObjectId, nProcessed, nErrors } = report;
  return (
    lastObjectId === published &&
    nErrors === 0 &&
    firstObjectId <= published / 2 &&
    nProcessed === lastObjectId - firstObjectId + 1
  );
}
