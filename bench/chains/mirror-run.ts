/**
 * One run of a mirror server between our simulator and our consumer: the CPU time of the mirror's process alone while
 * frames flow. Source and sink are the same for every mirror, so that only mirrors are compared.
 */
import { type Suite, waitUntilQuiet } from '../pair-run.ts';
import { freePorts, peerEnv } from '../peers/ports.ts';
import { processUse, useBetween } from '../peers/process-meter.ts';
import { startPvapyConsumer, startPvapySimulator } from '../peers/pvapy.ts';
import { startPvapyMirror } from '../peers/pvapy-stages.ts';

export interface MirrorRunOptions {
  /** Pixels in x and in y, of uint8. */
  readonly size: number;
  /** Frames a second. */
  readonly fps: number;
  readonly seconds: number;
  readonly serverQueueSize: number;
}

export interface MirrorRun {
  readonly published: number;
  /** Frames that came out of the mirror. */
  readonly mirrored: number;
  /** CPU time of the mirror for each GB of pixels that it passed on, in s. */
  readonly cpuPerGigabyte: number;
}

/** In s. */
const START_DELAY = 6;
const LONGEST_START_DELAY = 30;
const SHUTDOWN_DELAY = 2;
const SOURCE = 'bench:image';
const MIRROR = 'bench:mirror';

/**
 * Runs it, on loopback and ports of its own, repeated with more time when the consumer connected too late.
 *
 * @param ends Whose simulator and consumer.
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runMirror(mirror: Suite, ends: Suite, options: MirrorRunOptions): Promise<MirrorRun> {
  for (let startDelay = START_DELAY; startDelay <= LONGEST_START_DELAY; startDelay *= 2) {
    const run = await runOnce(mirror, ends, options, startDelay);
    if (run) return run;
  }
  throw new Error('no consumer connected before the first frame: the machine is too busy to measure');
}

async function runOnce(
  mirrorSuite: Suite,
  ends: Suite,
  { size, fps, seconds, serverQueueSize }: MirrorRunOptions,
  startDelay: number,
): Promise<MirrorRun | undefined> {
  const env = peerEnv(await freePorts());
  const running: { stop(): Promise<unknown> }[] = [];
  try {
    const simulator = await startPvapySimulator(ends, env, {
      channel: SOURCE,
      nx: size,
      ny: size,
      fps,
      runtime: seconds,
      startDelay,
      shutdownDelay: SHUTDOWN_DELAY,
    });
    const firstFrame = performance.now() + startDelay * 1_000;
    running.push(simulator);
    const mirror = await startPvapyMirror(mirrorSuite, env, {
      mirror: MIRROR,
      source: SOURCE,
      serverQueueSize,
    });
    running.push(mirror);
    const consumer = await startPvapyConsumer(ends, env, { inputChannel: MIRROR, serverQueueSize });
    running.push(consumer.child);
    if (performance.now() > firstFrame) return undefined;
    const before = processUse(mirror.pid);
    await simulator.waitForLastFrame((startDelay + seconds) * 1_000 + 30_000);
    const { cpuSeconds } = useBetween(before, processUse(mirror.pid));
    const { published } = await simulator.finish((SHUTDOWN_DELAY + 20) * 1_000);
    await waitUntilQuiet(consumer, published);
    const [report] = await consumer.finish();
    const mirrored = report?.nProcessed ?? 0;
    return { published, mirrored, cpuPerGigabyte: cpuSeconds / ((mirrored * size * size) / 1e9) };
  } finally {
    await Promise.all(running.map((child) => child.stop()));
  }
}
