/**
 * PvaPy's own collector and mirror server as peers: start them and know when they are ready. Ours have the same options.
 *
 * What may live here: those two commands; the simulator and the consumer have files of their own.
 */
import { type Child, spawnChild } from './child.ts';
import { type Commands, commandLine, orStop, START_TIMEOUT_MS } from './pvapy-command.ts';
import { Reports } from './pvapy-reports.ts';
import type { PythonDict, PythonValue } from './python-dict.ts';

/** Options of PvaPy's `pvapy-hpc-collector`. */
export interface CollectorOptions {
  /** Input channel, with `*` for the producer's id. */
  readonly inputChannel: string;
  readonly producerIds: readonly number[];
  /** Default: none. */
  readonly outputChannel?: string;
  readonly processorFile?: string;
  readonly processorClass: string;
  /** Length of each producer's queue for the collector. */
  readonly serverQueueSize: number;
  /** Objects it may keep back to sort them. Default: the command's. */
  readonly cacheSize?: number;
}

/** The statistics of a collector, as it last printed them. */
export interface CollectorReport {
  /** Updates received of each producer, with the initial ones; PvaPy calls its groups differently. */
  readonly nReceived: readonly number[];
  /** Objects whose turn had come, and that came too late. */
  readonly nCollected: number;
  readonly nRejected: number;
  /** Gaps in the ids when they were released. */
  readonly nMissed: number;
  readonly nProcessed: number;
  readonly lastObjectId: number;
}

/** A running collector. */
export interface PvapyCollector {
  readonly child: Child;
  /** Ends it and reads the final report. */
  finish(): Promise<CollectorReport>;
}

/** Starts a collector and waits until it has the initial update of every producer, whose channels must be served. */
export async function startPvapyCollector(
  peers: Commands,
  env: NodeJS.ProcessEnv,
  options: CollectorOptions,
): Promise<PvapyCollector> {
  const args = commandLine([
    ['-ic', options.inputChannel],
    ['-pid', options.producerIds.join(',')],
    ['-oc', options.outputChannel],
    ['-pf', options.processorFile],
    ['-pc', options.processorClass],
    ['-sqs', options.serverQueueSize],
    ['-ccs', options.cacheSize],
    ['-rp', 1],
  ]);
  const child = await spawnChild({
    command: peers.bin('pvapy-hpc-collector'),
    args: [...args, '-dc'],
    env,
  });
  const reports = new Reports(child, 1, (dict) =>
    dict['collectorStats'] === undefined ? undefined : ([0, collectorReport(dict)] as const),
  );
  const connected = (all: readonly CollectorReport[]): boolean =>
    all.every(
      ({ nReceived }) => nReceived.length === options.producerIds.length && nReceived.every((n) => n > 0),
    );
  await orStop(child, reports.waitFor(connected, START_TIMEOUT_MS));
  return {
    child,
    finish: async () => {
      // PvaPy's collecting thread may wait for 5 s before it sees the end.
      await child.stop({ graceMs: 15_000 });
      const [report] = reports.newest;
      if (!report) throw child.error('ended without a report');
      return report;
    },
  };
}

function collectorReport(dict: PythonDict): CollectorReport {
  const group = (value: PythonValue | undefined): PythonDict => (value as PythonDict | undefined) ?? {};
  const count = (from: PythonDict, name: string): number => Number(from[name] ?? 0);
  const collector = group(dict['collectorStats']);
  const processor = group(dict['processorStats']);
  // Ours are `producerStats_1`, PvaPy's `producer-1` below `producerStats`.
  const producers = Object.entries({ ...group(dict['producerStats']), ...dict })
    .filter(([name]) => /^(producer-|producerStats_)\d+$/.test(name))
    .map(([, producer]) => group(producer));
  return {
    nReceived: producers.map((producer) => count(group(producer['receiverStats']), 'nReceived')),
    nCollected: count(collector, 'nCollected'),
    nRejected: count(collector, 'nRejected'),
    nMissed: count(collector, 'nMissed'),
    nProcessed: count(processor, 'nProcessed'),
    lastObjectId: count(processor, 'lastObjectId'),
  };
}

/** Starts a mirror server of one channel; the channel exists as soon as the source has sent something. */
export async function startPvapyMirror(
  peers: Commands,
  env: NodeJS.ProcessEnv,
  options: { readonly mirror: string; readonly source: string; readonly serverQueueSize: number },
): Promise<Child> {
  const { mirror, source, serverQueueSize } = options;
  const child = await spawnChild({
    command: peers.bin('pvapy-mirror-server'),
    args: ['-cm', `(${mirror},${source},pva,${serverQueueSize})`],
    env,
  });
  await orStop(child, child.waitForLine(/^Started mirror server/, START_TIMEOUT_MS));
  return child;
}
