/**
 * PvaPy's own collector and mirror server as peers: start them and know when they are ready. Ours have the same options.
 *
 * What may live here: those two commands; simulator and consumer are in pvapy.ts.
 */
import { type Child, spawnChild } from './child.ts';
import { type Commands, commandLine, orStop, START_TIMEOUT_MS } from './pvapy.ts';
import { type PythonDict, PythonDictCollector, type PythonValue } from './python-dict.ts';

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
  report(): CollectorReport | undefined;
  /** Waits until a report satisfies `done`. Reports come once a second. */
  waitForReport(done: (report: CollectorReport) => boolean, timeoutMs: number): Promise<void>;
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
  const collector = watch(child);
  const connected = ({ nReceived }: CollectorReport): boolean =>
    nReceived.length === options.producerIds.length && nReceived.every((n) => n > 0);
  await orStop(child, collector.waitForReport(connected, START_TIMEOUT_MS));
  return collector;
}

function watch(child: Child): PvapyCollector {
  let newest: CollectorReport | undefined;
  const waiting = new Set<() => void>();
  const dicts = new PythonDictCollector();
  child.onLine(({ stream, text }) => {
    const dict = stream === 'stdout' ? dicts.push(text) : undefined;
    if (dict?.['collectorStats'] === undefined) return;
    newest = collectorReport(dict);
    for (const look of waiting) look();
  });
  return {
    child,
    report: () => newest,
    waitForReport: (done, timeoutMs) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => {
          clearTimeout(timer);
          waiting.delete(look);
          if (error) reject(error);
          else resolve();
        };
        const look = (): void => {
          if (newest && done(newest)) end();
        };
        const timer = setTimeout(
          () => end(child.error(`printed no report as awaited within ${timeoutMs} ms`)),
          timeoutMs,
        );
        waiting.add(look);
        void child.exited.then(() => end(child.error('ended without a report as awaited')));
        look();
      }),
    finish: async () => {
      // PvaPy's collecting thread may wait for 5 s before it sees the end.
      await child.stop({ graceMs: 15_000 });
      if (!newest) throw child.error('ended without a report');
      return newest;
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
