/**
 * One run of a simulator feeding a consumer, in two processes on this machine: PvaPy's, ours, or one of each. The
 * commands have the same options and print the same figures, so one piece of code measures them all.
 *
 * The search for the highest rate is highest-lossless.ts.
 */
import { join } from 'node:path';
import type { LosslessRun } from './highest-lossless.ts';
import { freePorts, peerEnv } from './peers/ports.ts';
import { type ProcessUse, processUse, useBetween } from './peers/process-meter.ts';
import {
  type Commands,
  type ConsumerReport,
  type PvapyConsumer,
  type PvapySimulator,
  startPvapyConsumer,
  startPvapySimulator,
} from './peers/pvapy.ts';
import { repositoryRoot } from './peers/python-env.ts';

/** The commands of one implementation. */
export interface Suite extends Commands {
  readonly name: string;
  /** A processor that passes frames through and prints `LATENCY {json}` at its end. */
  readonly latencyProcessor: { readonly processorFile: string; readonly processorClass: string };
}

/** Ours, as built in this checkout. */
export function ourSuite(): Suite {
  const root = repositoryRoot();
  return {
    name: 'epics-hpc',
    bin: (name) => join(root, 'bin', `${name.replace(/^pvapy-/, '')}.js`),
    latencyProcessor: {
      processorFile: join(root, 'bench', 'processors', 'latency-processor.ts'),
      processorClass: 'LatencyProcessor',
    },
  };
}

/** PvaPy's, from its wheel. */
export function pvapySuite(peers: Commands): Suite {
  return {
    name: 'PvaPy',
    bin: (name) => peers.bin(name),
    latencyProcessor: {
      processorFile: join(repositoryRoot(), 'bench', 'python', 'latency_processor.py'),
      processorClass: 'LatencyProcessor',
    },
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
  /** CPU time while frames were flowing and peak memory, of each process. */
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

/** Time for the consumer to start and connect, in s; Python and numpy take about one. */
const START_DELAY = 6;
/** Time the simulator serves on after its last frame, in s, so that queued frames still arrive. */
const SHUTDOWN_DELAY = 3;

/**
 * Runs a simulator against a consumer with an output channel, on loopback and ports of its own.
 *

 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runPair(
  pair: { readonly simulator: Suite; readonly consumer: Suite },
  options: PeerRunOptions,
): Promise<PeerRun> {
  const dtype = options.dtype ?? 'uint8';
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
    runtime: options.seconds ?? 10,
    startDelay: START_DELAY,
    shutdownDelay: SHUTDOWN_DELAY,
    ...(options.nFrames === undefined ? {} : { nFrames: options.nFrames }),
  });
  let consumer: PvapyConsumer | undefined;
  try {
    consumer = await startPvapyConsumer(pair.consumer, env, {
      inputChannel: 'bench:image',
      outputChannel: '_',
      ...(options.serverQueueSize === undefined ? {} : { serverQueueSize: options.serverQueueSize }),
      ...(options.processor === 'latency' ? pair.consumer.latencyProcessor : {}),
    });
    const run = await observe(simulator, consumer, options.seconds ?? 10);
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
  if (consumer.reports().some((report) => report.nProcessed > 0)) {
    throw consumer.child.error('connected only after the first frame: the machine is too busy to measure');
  }
  const children = [simulator.child, consumer.child] as const;
  const before = children.map((child) => processUse(child.pid));
  await simulator.waitForLastFrame((seconds + START_DELAY) * 1_000 + 30_000);
  // While both still run: a process that has ended says nothing about itself any more.
  const used = children.map((child, index) => useBetween(before[index]!, processUse(child.pid)));
  const { published, fps } = await simulator.finish((SHUTDOWN_DELAY + 20) * 1_000);
  await waitUntilQuiet(consumer, published);
  const report = (await consumer.finish())[0]!;
  const received = report.nReceived - 1;
  const missed = published - report.nProcessed;
  const latency = readLatency(consumer);
  return {
    published,
    received,
    processed: report.nProcessed,
    missed,
    overruns: report.nOverruns,
    lossless: missed === 0 && report.nMissed === 0 && report.nOverruns === 0 && report.nErrors === 0,
    achievedFps: fps,
    producer: used[0]!,
    consumer: used[1]!,
    ...(latency === undefined ? {} : { latency }),
  };
}

/** Waits until the consumer has processed the last frame, or two reports in a row show no progress. */
async function waitUntilQuiet(consumer: PvapyConsumer, published: number): Promise<void> {
  let last: ConsumerReport | undefined;
  await consumer.waitForReports(([report]) => {
    const quiet = last !== undefined && report !== last && report?.nProcessed === last.nProcessed;
    last = report;
    return report?.lastObjectId === published || quiet;
  }, 30_000);
}

function readLatency(consumer: PvapyConsumer): Latency | undefined {
  const line = consumer.child.lines.find(({ text }) => text.startsWith('LATENCY '));
  return line === undefined ? undefined : JSON.parse(line.text.slice('LATENCY '.length));
}
