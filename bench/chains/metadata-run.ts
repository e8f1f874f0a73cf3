/**
 * One run of a simulator with metadata PVs feeding a consumer that adds their values to each frame: a frame counts when
 * it got all of them.
 */
import type { LosslessRun } from '../highest-lossless.ts';
import { type Suite, waitUntilQuiet } from '../pair-run.ts';
import { freePorts, peerEnv } from '../peers/ports.ts';
import { startPvapyConsumer, startPvapySimulator } from '../peers/pvapy.ts';

export interface MetadataRunOptions {
  /** Metadata channels. */
  readonly channels: number;
  /** Pixels in x and in y, of uint8. */
  readonly size: number;
  /** Frames a second. */
  readonly fps: number;
  readonly seconds: number;
  /** Frames and metadata that the simulator queues for the consumer, of each channel. */
  readonly serverQueueSize: number;
}

export interface MetadataRun extends LosslessRun {
  readonly published: number;
  /** Frames that got all values, and that did not. */
  readonly complete: number;
  readonly incomplete: number;
}

const START_DELAY = 4;
const LONGEST_START_DELAY = 30;
const SHUTDOWN_DELAY = 2;
/** In s: a frame's values have its time stamp, and those of the frame before or after do not count. */
const TOLERANCE = 1e-5;
const CHANNEL = 'bench:image';

/**
 * Runs it, on loopback and ports of its own, repeated with more time when the consumer connected too late.
 *
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runMetadata(
  pair: { readonly simulator: Suite; readonly consumer: Suite },
  options: MetadataRunOptions,
): Promise<MetadataRun> {
  for (let startDelay = START_DELAY; startDelay <= LONGEST_START_DELAY; startDelay *= 2) {
    const run = await runOnce(pair, options, startDelay);
    if (run) return run;
  }
  throw new Error('no consumer connected before the first frame: the machine is too busy to measure');
}

async function runOnce(
  pair: { readonly simulator: Suite; readonly consumer: Suite },
  options: MetadataRunOptions,
  startDelay: number,
): Promise<MetadataRun | undefined> {
  const { channels, size, fps, seconds, serverQueueSize } = options;
  const names = Array.from({ length: channels }, (_, i) => `pva://bench:m:${i + 1}`).join(',');
  const env = peerEnv(await freePorts());
  const simulator = await startPvapySimulator(pair.simulator, env, {
    channel: CHANNEL,
    nx: size,
    ny: size,
    fps,
    runtime: seconds,
    startDelay,
    shutdownDelay: SHUTDOWN_DELAY,
    extraArgs: ['-mpv', names],
  });
  const firstFrame = performance.now() + startDelay * 1_000;
  try {
    const consumer = await startPvapyConsumer(pair.consumer, env, {
      inputChannel: CHANNEL,
      outputChannel: '_',
      serverQueueSize,
      metadataChannels: names,
      // No receiver queue: the simulators post a frame's metadata before the frame, and a queue only costs both.
      ...pair.consumer.metadataProcessor,
      processorArgs: JSON.stringify({ timestampTolerance: TOLERANCE }),
    });
    try {
      if (performance.now() > firstFrame) return undefined;
      await simulator.waitForLastFrame((startDelay + seconds) * 1_000 + 30_000);
      const { published, fps: achievedFps } = await simulator.finish((SHUTDOWN_DELAY + 20) * 1_000);
      await waitUntilQuiet(consumer, published);
      const [report] = await consumer.finish();
      const complete = Number(report?.userStats['nFramesProcessed'] ?? 0);
      const incomplete = Number(report?.userStats['nFrameErrors'] ?? 0);
      return { published, achievedFps, complete, incomplete, lossless: complete === published };
    } finally {
      await consumer.child.stop();
    }
  } finally {
    await simulator.stop();
  }
}
