/**
 * One run of a simulator feeding a consumer, in two processes on this machine: PvaPy's, ours, or one of each. The
 * commands have the same options and print the same figures, so one piece of code measures them all.
 *
 * The search for the highest rate is highest-lossless.ts.
 */
import { join } from 'node:path';
import type { LosslessRun } from './highest-lossless.ts';
import type { Child } from './peers/child.ts';
import { freePorts, peerEnv } from './peers/ports.ts';
import { type ProcessUse, processUse, useBetween } from './peers/process-meter.ts';
import type { Commands } from './peers/pvapy-command.ts';
import { type ConsumerReport, type PvapyConsumer, startPvapyConsumer } from './peers/pvapy-consumer.ts';
import { type PvapySimulator, startPvapySimulator } from './peers/pvapy-simulator.ts';
import { repositoryRoot } from './peers/python-env.ts';

/** A processor as an option of a stage. */
export interface ProcessorChoice {
  readonly processorFile?: string;
  readonly processorClass: string;
}

/** The commands of one implementation. */
export interface Suite extends Commands {
  readonly name: string;
  /** A processor that passes frames through and prints `LATENCY {json}` at its end. */
  readonly latencyProcessor: ProcessorChoice;
  /** One that passes frames through, for consumers that serve their input. */
  readonly servedProcessor: ProcessorChoice;
  /** One that gives each frame the time at which it is published. */
  readonly stampProcessor: ProcessorChoice;
  /** One that adds the values of the metadata channels to each frame, and counts those that lack one. */
  readonly metadataProcessor: ProcessorChoice;
}

/** Ours, as built in this checkout. */
export function ourSuite(): Suite {
  const root = repositoryRoot();
  const own = (file: string, processorClass: string): ProcessorChoice => ({
    processorFile: join(root, 'bench', 'processors', file),
    processorClass,
  });
  return {
    name: 'epics-hpc',
    bin: (name) => join(root, 'bin', `${name.replace(/^pvapy-/, '')}.js`),
    latencyProcessor: own('latency-processor.ts', 'LatencyProcessor'),
    servedProcessor: own('served-processor.ts', 'ServedProcessor'),
    stampProcessor: own('stamp-processor.ts', 'StampProcessor'),
    metadataProcessor: { processorClass: 'MetadataProcessor' },
  };
}

/** PvaPy's, from its wheel. */
export function pvapySuite(peers: Commands): Suite {
  const own = (file: string, processorClass: string): ProcessorChoice => ({
    processorFile: join(repositoryRoot(), 'bench', 'python', file),
    processorClass,
  });
  return {
    name: 'PvaPy',
    bin: (name) => peers.bin(name),
    latencyProcessor: own('latency_processor.py', 'LatencyProcessor'),
    servedProcessor: own('served_processor.py', 'ServedProcessor'),
    stampProcessor: own('stamp_processor.py', 'StampProcessor'),
    metadataProcessor: own('metadata_processor.py', 'MetadataProcessor'),
  };
}

/** What is sent, and how. */
export interface PeerRunOptions {
  /** Width and height in pixels. */
  readonly nx: number;
  readonly ny: number;
  /** numpy type name. Default: `uint8`. */
  readonly dtype?: string;
  /** Frames a second; 0: as fast as it can. */
  readonly fps: number;
  /** Time from first to last frame, in s. Default: 10. */
  readonly seconds?: number;
  /** Length of the server's queue for the consumer; without one PvaPy loses frames at any rate. Default: none. */
  readonly serverQueueSize?: number;
  /** Number of different frames. Default: 10. */
  readonly nFrames?: number;
  /** Consumers that share the stream by the distributor, frame by frame. Default: one, without distributor. */
  readonly nConsumers?: number;
  /**
   * `pass-through`: PvaPy's own processor, which publishes each object. `latency`: the same, and measures the time from
   * the frame's time stamp to the processor. Default: `pass-through`.
   */
  readonly processor?: 'pass-through' | 'latency';
}

/** Time from a frame's time stamp, taken by the simulator just before it publishes, to the processor; in us. */
export interface Latency {
  readonly frames: number;
  readonly p50: number;
  readonly p99: number;
}

/** The accounts of one run. */
export interface PeerRun extends LosslessRun {
  /** Frames the simulator published. */
  readonly published: number;
  /** Frames that reached the processor's process, without the initial empty update. */
  readonly received: number;
  /** Frames processed. */
  readonly processed: number;
  /** Frames published and not processed. */
  readonly missed: number;
  /** Updates with overrun bits, as the consumer counts them. */
  readonly overruns: number;
  /** `published === processed`, and nothing missed or overrun by the consumer's own account. */
  readonly lossless: boolean;
  /** Frames a second the simulator reached. */
  readonly achievedFps: number;
  /** The same in MB/s (10^6 bytes of pixels). */
  readonly megabytesPerSecond: number;
  /** CPU time while frames were flowing and peak memory, of each process; of several consumers it is not known. */
  readonly producer: ProcessUse;
  readonly consumer: ProcessUse;
  /** Only with the processor `latency`. */
  readonly latency?: Latency;
}

const BYTES: Record<string, number> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  float64: 8,
};

/** Time for the consumer to start and connect, in s, and more for each further one; Python and numpy take about one. */
const START_DELAY = 3;
const START_DELAY_EACH = 1;
const LONGEST_START_DELAY = 30;
/** Time the simulator serves on after its last frame, in s, so that queued frames still arrive. */
const SHUTDOWN_DELAY = 1.5;

/**
 * Runs a simulator against a consumer with an output channel, on loopback and ports of its own. When the machine is so
 * busy that the consumer connects too late, the run is repeated with more time for it.
 *
 * @param onConnected Called when the consumer is connected, before the first frame.
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runPair(
  pair: { readonly simulator: Suite; readonly consumer: Suite },
  options: PeerRunOptions,
  onConnected?: (consumerPid: number) => void,
): Promise<PeerRun> {
  let startDelay = START_DELAY + START_DELAY_EACH * ((options.nConsumers ?? 1) - 1);
  for (;;) {
    const run = await runOnce(pair, options, startDelay, onConnected);
    if (run) return run;
    startDelay *= 2;
    if (startDelay > LONGEST_START_DELAY)
      throw new Error(`no consumer connected within ${startDelay / 2} s: the machine is too busy to measure`);
  }
}

/** Undefined when the first frame was published before the consumer was there. */
async function runOnce(
  pair: { readonly simulator: Suite; readonly consumer: Suite },
  options: PeerRunOptions,
  startDelay: number,
  onConnected?: (consumerPid: number) => void,
): Promise<PeerRun | undefined> {
  const { dtype = 'uint8', seconds = 10, nConsumers = 1 } = options;
  const bytes = BYTES[dtype];
  if (bytes === undefined) {
    throw new Error(`unknown dtype ${dtype}: one of ${Object.keys(BYTES).join(', ')}`);
  }
  const env = peerEnv(await freePorts());
  const simulator = await startPvapySimulator(pair.simulator, env, {
    channel: 'bench:image',
    nx: options.nx,
    ny: options.ny,
    dtype,
    fps: options.fps,
    runtime: seconds,
    startDelay,
    shutdownDelay: SHUTDOWN_DELAY,
    ...(options.nFrames === undefined ? {} : { nFrames: options.nFrames }),
  });
  let consumer: PvapyConsumer | undefined;
  try {
    consumer = await startPvapyConsumer(pair.consumer, env, {
      inputChannel: 'bench:image',
      outputChannel: nConsumers === 1 ? '_' : 'bench:*:output',
      ...(options.serverQueueSize === undefined ? {} : { serverQueueSize: options.serverQueueSize }),
      ...(options.processor === 'latency' ? pair.consumer.latencyProcessor : {}),
      ...(nConsumers === 1 ? {} : { nConsumers, distributorUpdates: 1 }),
    });
    if (consumer.reports().some((report) => report.nProcessed > 0)) return undefined;
    onConnected?.(consumer.child.pid);
    const run = await observe(simulator, consumer, startDelay + seconds);
    return { ...run, megabytesPerSecond: (run.achievedFps * options.nx * options.ny * bytes) / 1e6 };
  } finally {
    await Promise.all([simulator.stop(), consumer?.child.stop()]);
  }
}

async function observe(
  simulator: PvapySimulator,
  consumer: PvapyConsumer,
  seconds: number,
): Promise<Omit<PeerRun, 'megabytesPerSecond'>> {
  const children = [simulator.child, consumer.child] as const;
  const before = children.map((child) => processUse(child.pid));
  await simulator.waitForLastFrame(seconds * 1_000 + 30_000);
  // While both still run: a process that has ended says nothing about itself any more.
  const used = children.map((child, index) => useBetween(before[index]!, processUse(child.pid)));
  const { published, fps } = await simulator.finish((SHUTDOWN_DELAY + 20) * 1_000);
  await waitUntilQuiet(consumer, published);
  const reports = await consumer.finish();
  const sum = (of: (report: ConsumerReport) => number): number => reports.reduce((n, r) => n + of(r), 0);
  const processed = sum((r) => r.nProcessed);
  const missed = published - processed;
  const overruns = sum((r) => r.nOverruns);
  const latency = readLatency(consumer.child);
  return {
    published,
    received: sum((r) => r.nReceived - 1),
    processed,
    missed,
    overruns,
    lossless: missed === 0 && overruns === 0 && sum((r) => r.nMissed + r.nErrors) === 0,
    achievedFps: fps,
    producer: used[0]!,
    consumer: used[1]!,
    ...(latency === undefined ? {} : { latency }),
  };
}

/** Waits for the last frame, or until two reports in a row show no progress; they come once a second. */
export async function waitUntilQuiet(consumer: PvapyConsumer, published: number): Promise<void> {
  let last: readonly ConsumerReport[] = [];
  await consumer.waitForReports((reports) => {
    if (reports.length === 1 && reports[0]?.lastObjectId === published) return true;
    const isNew = reports.every((report, i) => report !== last[i]);
    const quiet = isNew && last.length > 0 && reports.every((r, i) => r.nProcessed === last[i]?.nProcessed);
    if (isNew) last = reports;
    return quiet;
  }, 30_000);
}

/** What the processor `latency` printed at its end. */
export function readLatency(child: Child): Latency | undefined {
  const line = child.lines.find(({ text }) => text.startsWith('LATENCY '));
  return line === undefined ? undefined : JSON.parse(line.text.slice('LATENCY '.length));
}
