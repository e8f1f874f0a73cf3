/**
 * One run of a collector behind four consumers that share a simulator's stream: how long after a consumer has published a
 * frame does the collector release it, sorted, to its processor.
 *
 * The consumers give each frame the time at which they publish it, the collector's processor compares: what is measured
 * is the way to the collector and the time in it, of any implementation.
 */
import { type Latency, readLatency, type Suite } from '../pair-run.ts';
import { startPvapyConsumer } from '../peers/pvapy-consumer.ts';
import { type CollectorReport, startPvapyCollector } from '../peers/pvapy-stages.ts';
import { INPUT, runStream, type StreamOptions, type StreamRun, type StreamTimes } from './stream-run.ts';

/** The frame rate is that of the whole stream. */
export interface CollectorRunOptions extends StreamOptions {
  readonly producers: number;
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

const TIMES: StreamTimes = { startDelay: 10, longestStartDelay: 40, shutdownDelay: 2 };

/** @throws Error when a process does not start, connect or end in time, with what it printed. */
export function runCollector(suite: Suite, options: CollectorRunOptions): Promise<CollectorRun> {
  const observed = (run: StreamRun): Promise<CollectorRun | undefined> => observe(run, suite, options);
  return runStream(options, TIMES, observed, 'the collector was never connected');
}

async function observe(
  run: StreamRun,
  suite: Suite,
  { producers, serverQueueSize, cacheSize }: CollectorRunOptions,
): Promise<CollectorRun | undefined> {
  await run.simulate(suite);
  const consumers = await startPvapyConsumer(suite, run.env, {
    inputChannel: INPUT,
    outputChannel: 'bench:stamped:*',
    nConsumers: producers,
    distributorUpdates: 1,
    serverQueueSize,
    ...suite.stampProcessor,
  });
  run.own({ stop: () => consumers.finish() });
  const collector = await startPvapyCollector(suite, run.env, {
    inputChannel: 'bench:stamped:*',
    producerIds: Array.from({ length: producers }, (_, i) => i + 1),
    outputChannel: 'bench:sorted',
    serverQueueSize,
    ...(cacheSize !== undefined && { cacheSize }),
    ...suite.latencyProcessor,
  });
  run.own(collector.child);
  if (!run.inTime) return undefined;
  await run.lastFrame();
  const { published } = await run.published();
  // PvaPy's releases what fills no cache at its end: its last frames, late, but no gap.
  const report = await collector.finish();
  const latency = readLatency(collector.child);
  const withoutGaps = report.nMissed === 0 && report.nRejected === 0 && latency?.frames === published;
  return { published, withoutGaps, latency, report };
}
