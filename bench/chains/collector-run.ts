/**
 * One run of a collector behind four consumers that share a simulator's stream: how long after a consumer has published a
 * frame does the collector release it, sorted, to its processor.
 *
 * The consumers give each frame the time at which they publish it, the collector's processor compares: what is measured
 * is the way to the collector and the time in it, of any implementation.
 */
import { type Latency, readLatency, type Suite } from '../pair-run.ts';
import { freePorts, peerEnv } from '../peers/ports.ts';
import { startPvapyConsumer, startPvapySimulator } from '../peers/pvapy.ts';
import { type CollectorReport, startPvapyCollector } from '../peers/pvapy-stages.ts';

export interface CollectorRunOptions {
  readonly producers: number;
  /** Pixels in x and in y, of uint8. */
  readonly size: number;
  /** Frames a second of the whole stream. */
  readonly fps: number;
  readonly seconds: number;
  readonly serverQueueSize: number;
  /** Objects the collector may keep back; default: its own. */
  readonly cacheSize?: number;
}

export interface CollectorRun {
  readonly published: number;
  /** Whether each frame published left the collector, in order and not too late. */
  readonly withoutGaps: boolean;
  readonly latency: Latency | undefined;
  readonly report: CollectorReport;
}

/** In s. */
const START_DELAY = 10;
const LONGEST_START_DELAY = 40;
const SHUTDOWN_DELAY = 2;
const INPUT = 'bench:image';

/**
 * Runs it, on loopback and ports of its own, repeated with more time when the stages connected too late.
 *
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runCollector(suite: Suite, options: CollectorRunOptions): Promise<CollectorRun> {
  for (let startDelay = START_DELAY; startDelay <= LONGEST_START_DELAY; startDelay *= 2) {
    const run = await runOnce(suite, options, startDelay);
    if (run) return run;
  }
  throw new Error(
    'the collector was never connected before the first frame: the machine is too busy to measure',
  );
}

async function runOnce(
  suite: Suite,
  options: CollectorRunOptions,
  startDelay: number,
): Promise<CollectorRun | undefined> {
  const env = peerEnv(await freePorts());
  const running: { stop(): Promise<unknown> }[] = [];
  try {
    return await observe(suite, env, options, startDelay, running);
  } finally {
    await Promise.all(running.map((child) => child.stop()));
  }
}

async function observe(
  suite: Suite,
  env: NodeJS.ProcessEnv,
  { producers, size, fps, seconds, serverQueueSize, cacheSize }: CollectorRunOptions,
  startDelay: number,
  running: { stop(): Promise<unknown> }[],
): Promise<CollectorRun | undefined> {
  const simulator = await startPvapySimulator(suite, env, {
    channel: INPUT,
    nx: size,
    ny: size,
    fps,
    runtime: seconds,
    startDelay,
    shutdownDelay: SHUTDOWN_DELAY,
  });
  const firstFrame = performance.now() + startDelay * 1_000;
  running.push(simulator);
  const consumers = await startPvapyConsumer(suite, env, {
    inputChannel: INPUT,
    outputChannel: 'bench:stamped:*',
    nConsumers: producers,
    distributorUpdates: 1,
    serverQueueSize,
    ...suite.stampProcessor,
  });
  running.push({ stop: () => consumers.finish() });
  const collector = await startPvapyCollector(suite, env, {
    inputChannel: 'bench:stamped:*',
    producerIds: Array.from({ length: producers }, (_, i) => i + 1),
    outputChannel: 'bench:sorted',
    serverQueueSize,
    ...(cacheSize !== undefined && { cacheSize }),
    ...suite.latencyProcessor,
  });
  running.push(collector.child);
  if (performance.now() > firstFrame) return undefined;
  await simulator.waitForLastFrame((startDelay + seconds) * 1_000 + 30_000);
  const { published } = await simulator.finish((SHUTDOWN_DELAY + 20) * 1_000);
  // PvaPy's releases what fills no cache at its end: its last frames, late, but no gap.
  const report = await collector.finish();
  const latency = readLatency(collector.child);
  const withoutGaps = report.nMissed === 0 && report.nRejected === 0 && latency?.frames === published;
  return { published, withoutGaps, latency, report };
}
