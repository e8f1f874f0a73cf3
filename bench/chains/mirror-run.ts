/**
 * One run of a mirror server between our simulator and our consumer: the CPU time of the mirror's process alone while
 * frames flow. Source and sink are the same for every mirror, so that only mirrors are compared.
 */
import { type Suite, waitUntilQuiet } from '../pair-run.ts';
import { processUse, useBetween } from '../peers/process-meter.ts';
import { startPvapyConsumer } from '../peers/pvapy-consumer.ts';
import { startPvapyMirror } from '../peers/pvapy-stages.ts';
import { INPUT, runStream, type StreamOptions, type StreamRun, type StreamTimes } from './stream-run.ts';

export interface MirrorRunOptions extends StreamOptions {
  readonly serverQueueSize: number;
}

export interface MirrorRun {
  readonly published: number;
  /** Frames that came out of the mirror. */
  readonly mirrored: number;
  /** CPU time of the mirror for each GB of pixels that it passed on, in s. */
  readonly cpuPerGigabyte: number;
}

const TIMES: StreamTimes = { startDelay: 6, longestStartDelay: 30, shutdownDelay: 2 };
const MIRROR = 'bench:mirror';

/**
 * @param ends Whose simulator and consumer.
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export function runMirror(mirror: Suite, ends: Suite, options: MirrorRunOptions): Promise<MirrorRun> {
  const observed = (run: StreamRun): Promise<MirrorRun | undefined> => observe(run, mirror, ends, options);
  return runStream(options, TIMES, observed, 'no consumer connected');
}

async function observe(
  run: StreamRun,
  mirrorSuite: Suite,
  ends: Suite,
  { size, serverQueueSize }: MirrorRunOptions,
): Promise<MirrorRun | undefined> {
  await run.simulate(ends);
  const mirror = run.own(
    await startPvapyMirror(mirrorSuite, run.env, { mirror: MIRROR, source: INPUT, serverQueueSize }),
  );
  const consumer = await startPvapyConsumer(ends, run.env, { inputChannel: MIRROR, serverQueueSize });
  run.own(consumer.child);
  if (!run.inTime) return undefined;
  await run.beforeFirstFrame();
  const before = processUse(mirror.pid);
  await run.lastFrame();
  const { cpuSeconds } = useBetween(before, processUse(mirror.pid));
  const { published } = await run.published();
  await waitUntilQuiet(consumer, published);
  const [report] = await consumer.finish();
  const mirrored = report?.nProcessed ?? 0;
  return { published, mirrored, cpuPerGigabyte: cpuSeconds / ((mirrored * size * size) / 1e9) };
}
