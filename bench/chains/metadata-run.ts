/**
 * One run of a simulator with metadata PVs feeding a consumer that adds their values to each frame: a frame counts when
 * it got all of them.
 */
import type { LosslessRun } from '../highest-lossless.ts';
import { type Suite, waitUntilQuiet } from '../pair-run.ts';
import { startPvapyConsumer } from '../peers/pvapy-consumer.ts';
import { INPUT, runStream, type StreamOptions, type StreamRun, type StreamTimes } from './stream-run.ts';

export interface MetadataRunOptions extends StreamOptions {
  /** Metadata channels. */
  readonly channels: number;
  /** Frames and metadata that the simulator queues for the consumer, of each channel. */
  readonly serverQueueSize: number;
}

export interface MetadataRun extends LosslessRun {
  readonly published: number;
  /** Frames that got all values, and that did not. */
  readonly complete: number;
  readonly incomplete: number;
}

const TIMES: StreamTimes = { startDelay: 4, longestStartDelay: 30, shutdownDelay: 2 };
/** In s: a frame's values have its time stamp, and those of the frame before or after do not count. */
const TOLERANCE = 1e-5;

interface Pair {
  readonly simulator: Suite;
  readonly consumer: Suite;
}

/** @throws Error when a process does not start, connect or end in time, with what it printed. */
export function runMetadata(pair: Pair, options: MetadataRunOptions): Promise<MetadataRun> {
  const observed = (run: StreamRun): Promise<MetadataRun | undefined> => observe(run, pair, options);
  return runStream(options, TIMES, observed, 'no consumer connected');
}

async function observe(
  run: StreamRun,
  pair: Pair,
  { channels, serverQueueSize }: MetadataRunOptions,
): Promise<MetadataRun | undefined> {
  const names = Array.from({ length: channels }, (_, i) => `pva://bench:m:${i + 1}`).join(',');
  await run.simulate(pair.simulator, ['-mpv', names]);
  const consumer = await startPvapyConsumer(pair.consumer, run.env, {
    inputChannel: INPUT,
    outputChannel: '_',
    serverQueueSize,
    metadataChannels: names,
    // No receiver queue: the simulators post a frame's metadata before the frame, and a queue only costs both.
    ...pair.consumer.metadataProcessor,
    processorArgs: JSON.stringify({ timestampTolerance: TOLERANCE }),
  });
  run.own(consumer.child);
  if (!run.inTime) return undefined;
  await run.lastFrame();
  const { published, fps: achievedFps } = await run.published();
  await waitUntilQuiet(consumer, published);
  const [report] = await consumer.finish();
  const complete = Number(report?.userStats['nFramesProcessed'] ?? 0);
  const incomplete = Number(report?.userStats['nFrameErrors'] ?? 0);
  return { published, achievedFps, complete, incomplete, lossless: complete === published };
}
