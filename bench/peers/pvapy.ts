/**
 * PvaPy's own simulator and consumer as peers: start them, know when they are ready, read the numbers they print.
 *
 * What may live here: the traps of those two commands (pvapy-behaviour.md 1.10, 9): the simulator waits 10 s before its
 * first frame unless told otherwise; the consumer reports only at a period; both would take over the screen.
 */
import { type Child, type ChildExit, spawnChild } from './child.ts';
import { type PythonDict, PythonDictCollector, type PythonValue } from './python-dict.ts';
import type { Peers } from './python-env.ts';

/** Where the commands `pvapy-...` are; ours have the same options and output, under a `bin` of their own. */
export type Commands = Pick<Peers, 'bin'>;

/** Options of PvaPy's `pvapy-ad-sim-server`. */
export interface SimulatorOptions {
  /** Channel name. Default: `pvapy:image`, as the command. */
  readonly channel?: string;
  /** Width and height in pixels. Default: 256. */
  readonly nx?: number;
  readonly ny?: number;
  /** numpy type name. Default: `uint8`. */
  readonly dtype?: string;
  /** Frames a second; 0: as fast as possible. */
  readonly fps: number;
  /** Time from first to last frame, in s. */
  readonly runtime: number;
  /** Number of different frames, generated at the start and then recycled. Default: 10. */
  readonly nFrames?: number;
  /** Time before the first frame, in s: consumers must connect within it. Default: 4. */
  readonly startDelay?: number;
  /** Time it keeps serving after the last frame, in s: consumers must catch up within it. Default: 2. */
  readonly shutdownDelay?: number;
  /** More arguments, as written on the command line. */
  readonly extraArgs?: readonly string[];
}

/** What the simulator says at its end. */
export interface SimulatorResult {
  /** Number of frames published. */
  readonly published: number;
  /** Frames a second it reached from the first to the last frame. */
  readonly fps: number;
  /** Time from the first to the last frame, in s. */
  readonly runtime: number;
}

/** A running `pvapy-ad-sim-server`. */
export interface PvapySimulator {
  readonly child: Child;
  /** Waits for the line that says the last frame was published; the server still runs then. */
  waitForLastFrame(timeoutMs: number): Promise<void>;
  /** Waits for its end and reads the final figures. `stop` before makes it end early, with the same figures. */
  finish(timeoutMs: number): Promise<SimulatorResult>;
  /** Ends it; the figures can still be read with `finish`. */
  stop(): Promise<ChildExit>;
}

/** Time for start-up: importing numpy and generating frames. */
export const START_TIMEOUT_MS = 60_000;

/**
 * Starts PvaPy's simulator and waits until its channel exists and its frames are ready. The start delay runs from then.
 *
 * @param env From `peerEnv`.
 */
export async function startPvapySimulator(
  peers: Commands,
  env: NodeJS.ProcessEnv,
  options: SimulatorOptions,
): Promise<PvapySimulator> {
  const nFrames = options.nFrames ?? 10;
  const shutdownDelay = options.shutdownDelay ?? 2;
  const startDelay = betweenPolls(options.startDelay ?? 4, options.runtime);
  const args: [string, string | number | undefined][] = [
    ['-cn', options.channel],
    ['-nx', options.nx],
    ['-ny', options.ny],
    ['-dt', options.dtype],
    ['-fps', options.fps],
    ['-rt', options.runtime],
    ['-nf', nFrames],
    // All frames must fit, or each would be published once only.
    ['-cs', nFrames],
    ['-std', startDelay],
    ['-shd', shutdownDelay],
    // Frames, not seconds: a line for each frame would be what the benchmark measures.
    ['-rp', 0],
  ];
  const child = await spawnChild({
    command: peers.bin('pvapy-ad-sim-server'),
    args: [...commandLine(args), '-dc', ...(options.extraArgs ?? [])],
    env,
  });
  await orStop(child, child.waitForLine(/^Frame producer is done/, START_TIMEOUT_MS));
  return {
    child,
    waitForLastFrame: async (timeoutMs) => {
      await child.waitForLine(/^Server exiting after/, timeoutMs);
    },
    finish: async (timeoutMs) => {
      await child.waitForExit(timeoutMs);
      return parseSimulatorResult(child);
    },
    stop: () => child.stop({ graceMs: shutdownDelay * 1_000 + 5_000 }),
  };
}

/**
 * The start delay, lengthened so that the run ends half-way between two polls of PvaPy's main thread. That thread looks
 * once a second whether delay and runtime are over; when both end on a full second it may stop the publishing thread
 * before that has sent its last frame and said so (adSimServer.py, `main` and `framePublisher`).
 */
function betweenPolls(startDelay: number, runtime: number): number {
  const end = startDelay + runtime;
  const wanted = Math.floor(end) + 0.5;
  return startDelay + (wanted < end ? wanted + 1 : wanted) - end;
}

function parseSimulatorResult(child: Child): SimulatorResult {
  const find = (pattern: RegExp) => {
    const found = child.lines.map((line) => pattern.exec(line.text)).find((match) => match !== null);
    if (found === undefined || found === null) {
      throw child.error(`ended without a line matching ${pattern}`);
    }
    return found;
  };
  const frames = find(/^Published frames:\s+(\d+) @ ([\d.]+) fps/);
  const runtime = find(/^Server runtime: ([\d.]+) seconds/);
  return { published: Number(frames[1]), fps: Number(frames[2]), runtime: Number(runtime[1]) };
}

/** Options of PvaPy's `pvapy-hpc-consumer`. */
export interface ConsumerOptions {
  /** Input channel. */
  readonly inputChannel: string;
  /** Output channel, for example `_`. Default: none. */
  readonly outputChannel?: string;
  readonly statusChannel?: string;
  readonly controlChannel?: string;
  /** First consumer id. Default: 1. */
  readonly consumerId?: number;
  /** Number of consumers, each in a process of its own. Default: 1. */
  readonly nConsumers?: number;
  /** File and class of the processor. Default: PvaPy's pass-through processor, which publishes every object. */
  readonly processorFile?: string;
  readonly processorClass?: string;
  readonly processorArgs?: string;
  /** Length of the server's queue for this client; 0: the server's default. */
  readonly serverQueueSize?: number;
  /** Length of the receiver's queue. Default: none, the processor runs in the receive callback. */
  readonly receiverQueueSize?: number;
  readonly distributorGroup?: string;
  readonly distributorSet?: string;
  readonly distributorTrigger?: string;
  readonly distributorUpdates?: number;
  /** Expected difference between ids, when the consumer cannot know it. */
  readonly oidOffset?: number;
  /** How input arrives: `pva`, `pvas` or `rpc`. Default: `pva`. */
  readonly inputMode?: string;
  /** How output is published: `pvas`, `pva` or `rpc`. Default: `pvas`. */
  readonly outputMode?: string;
  /** First updates that are not processed. Default: the command's. */
  readonly skipInitialUpdates?: number;
  /** Comma list of `pva://name`. Default: none. */
  readonly metadataChannels?: string;
  /** Objects the receiver's queue collects before they are processed. Default: none. */
  readonly accumulateObjects?: number;
  /**
   * What {@link startPvapyConsumer} waits for: a consumer that serves its input has no initial update, but is ready with
   * its first report. Default: `initial update`.
   */
  readonly readyWith?: 'initial update' | 'first report';
  /** More arguments, as written on the command line. */
  readonly extraArgs?: readonly string[];
}

/** The statistics of one consumer, as it last printed them. */
export interface ConsumerReport {
  readonly consumerId: number;
  /** Updates received, **including the initial one**, which the consumer skips by default. */
  readonly nReceived: number;
  /** Updates whose overrun bits were set: not the number of frames lost. */
  readonly nOverruns: number;
  readonly nProcessed: number;
  /** Gaps in the ids, each counted with its width. */
  readonly nMissed: number;
  /** Calls of the processor that threw. */
  readonly nErrors: number;
  readonly firstObjectId: number;
  readonly lastObjectId: number;
  readonly nPublished: number;
  /** Of the receiver queue; 0 without one. */
  readonly nQueued: number;
  readonly nRejected: number;
  /** What the processor's own `getStats` gave. */
  readonly userStats: PythonDict;
  /** Everything it printed, without units. */
  readonly all: PythonDict;
}

/** A running `pvapy-hpc-consumer`, with one or several consumers. */
export interface PvapyConsumer {
  readonly child: Child;
  /** The newest report of each consumer, in order of ids. */
  reports(): ConsumerReport[];
  /** Waits until the newest reports, one of every consumer, satisfy `done`. Reports come once a second. */
  waitForReports(done: (reports: ConsumerReport[]) => boolean, timeoutMs: number): Promise<ConsumerReport[]>;
  /** Ends it and reads the final reports. */
  finish(): Promise<ConsumerReport[]>;
}

/**
 * Starts PvaPy's consumer and waits until each of its consumers has received the initial update, so that a frame
 * published from now on is received or counted as lost.
 *
 * @param env From `peerEnv`; the channel's server must already run in that group, unless the consumer serves its input.
 */
export async function startPvapyConsumer(
  peers: Commands,
  env: NodeJS.ProcessEnv,
  options: ConsumerOptions,
): Promise<PvapyConsumer> {
  const processorClass = options.processorClass ?? 'pvapy.hpc.userDataProcessor.UserDataProcessor';
  const args: [string, string | number | undefined][] = [
    ['-ic', options.inputChannel],
    ['-im', options.inputMode],
    ['-oc', options.outputChannel],
    ['-om', options.outputMode],
    ['-sc', options.statusChannel],
    ['-cc', options.controlChannel],
    ['-id', options.consumerId],
    ['-nc', options.nConsumers],
    ['-pf', options.processorFile],
    ['-pc', processorClass],
    ['-pa', options.processorArgs],
    ['-sqs', options.serverQueueSize],
    ['-rqs', options.receiverQueueSize],
    ['-ao', options.accumulateObjects],
    ['-mc', options.metadataChannels],
    ['-siu', options.skipInitialUpdates],
    ['-dg', options.distributorGroup],
    ['-ds', options.distributorSet],
    ['-dt', options.distributorTrigger],
    ['-du', options.distributorUpdates],
    ['-oo', options.oidOffset],
    ['-rp', 1],
  ];
  const child = await spawnChild({
    command: peers.bin('pvapy-hpc-consumer'),
    args: [...commandLine(args), '-dc', ...(options.extraArgs ?? [])],
    env,
  });
  const consumer = watchReports(child, options.nConsumers ?? 1);
  await orStop(
    child,
    consumer.waitForReports(
      (reports) => options.readyWith === 'first report' || reports.every((report) => report.nReceived > 0),
      START_TIMEOUT_MS,
    ),
  );
  return consumer;
}

function watchReports(child: Child, nConsumers: number): PvapyConsumer {
  const newest = new Map<number, ConsumerReport>();
  const waiting = new Set<() => void>();
  const collector = new PythonDictCollector();
  child.onLine(({ stream, text }) => {
    const dict = stream === 'stdout' ? collector.push(text) : undefined;
    // The combined statistics of several consumers, printed last, carry no id.
    if (dict?.['consumerId'] !== undefined) {
      const report = consumerReport(dict);
      newest.set(report.consumerId, report);
      for (const look of waiting) {
        look();
      }
    }
  });
  const reports = () => [...newest.values()].sort((a, b) => a.consumerId - b.consumerId);
  return {
    child,
    reports,
    waitForReports: (done, timeoutMs) =>
      new Promise((resolve, reject) => {
        const settle = (error?: Error) => {
          clearTimeout(timer);
          waiting.delete(look);
          if (error === undefined) {
            resolve(reports());
          } else {
            reject(error);
          }
        };
        const look = () => {
          if (newest.size === nConsumers && done(reports())) {
            settle();
          }
        };
        const timer = setTimeout(
          () => settle(child.error(`printed no report as awaited within ${timeoutMs} ms`)),
          timeoutMs,
        );
        waiting.add(look);
        void child.exited.then(() => settle(child.error('ended without a report as awaited')));
        look();
      }),
    finish: async () => {
      // Each child of a multi-consumer run answers once a second, and the parent sleeps a second after them.
      await child.stop({ graceMs: 10_000 });
      return reports();
    },
  };
}

function consumerReport(dict: PythonDict): ConsumerReport {
  const count = (group: string, name: string) => {
    const value: PythonValue | undefined = (dict[group] as PythonDict | undefined)?.[name];
    return typeof value === 'number' ? value : 0;
  };
  return {
    consumerId: Number(dict['consumerId']),
    nReceived: count('receiverStats', 'nReceived'),
    nOverruns: count('receiverStats', 'nOverruns'),
    nProcessed: count('processorStats', 'nProcessed'),
    nMissed: count('processorStats', 'nMissed'),
    nErrors: count('processorStats', 'nErrors'),
    firstObjectId: count('processorStats', 'firstObjectId'),
    lastObjectId: count('processorStats', 'lastObjectId'),
    nPublished: count('publisherStats', 'nPublished'),
    nQueued: count('queueStats', 'nQueued'),
    nRejected: count('queueStats', 'nRejected'),
    userStats: (dict['userStats'] as PythonDict | undefined) ?? {},
    all: dict,
  };
}

/** Options and their values as arguments, without those that have no value. */
export function commandLine(args: readonly [string, string | number | undefined][]): string[] {
  return args.flatMap(([option, value]) => (value === undefined ? [] : [option, String(value)]));
}

/** A peer that does not become ready is ended before the error goes on. */
export async function orStop(child: Child, ready: Promise<unknown>): Promise<void> {
  try {
    await ready;
  } catch (error) {
    await child.stop({ graceMs: 1_000 });
    throw error;
  }
}
