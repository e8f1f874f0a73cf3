/**
 * PvaPy's own consumer as a peer: start it, know when it is connected, read its reports. Ours has the same options.
 *
 * What may live here: that command, which would take over the screen and reports only at a period (pvapy-behaviour.md
 * 1.10).
 */
import { type Child, spawnChild } from './child.ts';
import { type Commands, commandLine, orStop, START_TIMEOUT_MS } from './pvapy-command.ts';
import { Reports } from './pvapy-reports.ts';
import type { PythonDict, PythonValue } from './python-dict.ts';

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
  // The combined statistics of several consumers, printed last, carry no id.
  const reports = new Reports(child, options.nConsumers ?? 1, (dict) =>
    dict['consumerId'] === undefined
      ? undefined
      : ([Number(dict['consumerId']), consumerReport(dict)] as const),
  );
  const ready = (all: readonly ConsumerReport[]): boolean =>
    options.readyWith === 'first report' || all.every((report) => report.nReceived > 0);
  await orStop(child, reports.waitFor(ready, START_TIMEOUT_MS));
  return {
    child,
    reports: () => reports.newest,
    waitForReports: (done, timeoutMs) => reports.waitFor(done, timeoutMs),
    finish: async () => {
      // Each child of a multi-consumer run answers once a second, and the parent sleeps a second after them.
      await child.stop({ graceMs: 10_000 });
      return reports.newest;
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
