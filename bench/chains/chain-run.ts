/**
 * One run of a two-stage chain: simulator -> consumer 1 -> consumer 2, all of one implementation, in one of the modes in
 * which a consumer can feed another.
 *
 * What counts is what the second consumer processed, from its first object on; `lossless` says how.
 */
import type { LosslessRun } from '../highest-lossless.ts';
import { type Suite, waitUntilQuiet } from '../pair-run.ts';
import {
  type ConsumerOptions,
  type ConsumerReport,
  type PvapyConsumer,
  startPvapyConsumer,
} from '../peers/pvapy-consumer.ts';
import { INPUT, runStream, type StreamOptions, type StreamRun, type StreamTimes } from './stream-run.ts';

/** How consumer 1 hands objects to consumer 2: by a channel that 2 monitors, by puts, by calls. */
export const CHAIN_MODES = ['monitor', 'pva', 'rpc'] as const;
export type ChainMode = (typeof CHAIN_MODES)[number];

export interface ChainRunOptions extends StreamOptions {
  readonly mode: ChainMode;
  /** Frames that the simulator queues for consumer 1, and in mode `monitor` consumer 1 for consumer 2. */
  readonly serverQueueSize: number;
}

export interface ChainRun extends LosslessRun {
  readonly published: number;
  /** What each stage said last. */
  readonly stages: readonly Omit<ConsumerReport, 'all'>[];
}

const TIMES: StreamTimes = { startDelay: 6, longestStartDelay: 30, shutdownDelay: 3 };
const BETWEEN = 'bench:stage:1';
const OUTPUT = 'bench:stage:2';

/** @throws Error when a process does not start, connect or end in time, with what it printed. */
export function runChain(suite: Suite, options: ChainRunOptions): Promise<ChainRun> {
  const observed = (run: StreamRun): Promise<ChainRun | undefined> => observe(run, suite, options);
  return runStream(options, TIMES, observed, 'the chain was never connected');
}

async function observe(
  run: StreamRun,
  suite: Suite,
  { mode, serverQueueSize }: ChainRunOptions,
): Promise<ChainRun | undefined> {
  const start = async (stage: ConsumerOptions): Promise<PvapyConsumer> => {
    const consumer = await startPvapyConsumer(suite, run.env, stage);
    run.own(consumer.child);
    return consumer;
  };
  const lastStage: ConsumerOptions = { inputChannel: BETWEEN, outputChannel: OUTPUT, consumerId: 2 };
  // PvaPy looks for the channel it puts into with the first object, for 3 s: it must be there before.
  const served =
    mode === 'monitor'
      ? undefined
      : await start({
          ...lastStage,
          ...suite.servedProcessor,
          inputMode: mode === 'pva' ? 'pvas' : 'rpc',
          skipInitialUpdates: 0,
          readyWith: 'first report',
        });
  await run.simulate(suite);
  const first = await start({
    inputChannel: INPUT,
    outputChannel: BETWEEN,
    outputMode: mode === 'monitor' ? 'pvas' : mode,
    serverQueueSize,
    // The initial image opens the way to stage 2, so that connecting costs no frame.
    ...(mode !== 'monitor' && { skipInitialUpdates: 0 }),
  });
  // With PvaPy the channel between the stages exists from the first update on, which is the initial one.
  const last = served ?? (await start({ ...lastStage, serverQueueSize }));
  if (!run.inTime) return undefined;
  await run.lastFrame();
  const { published, fps: achievedFps } = await run.published();
  await waitUntilQuiet(last, published);
  const [[begin], [end]] = (await Promise.all([first.finish(), last.finish()])) as [
    [ConsumerReport],
    [ConsumerReport],
  ];
  return {
    published,
    achievedFps,
    lossless: isLossless(end, published),
    stages: [begin, end].map(({ all: _, ...figures }) => figures),
  };
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
