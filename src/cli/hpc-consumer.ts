/** The command `hpc-consumer`: one consumer in this process, or several in child processes. */
import { UserError } from '../errors.ts';
import { metadataQueueSize, parseMetadataChannels } from '../input/metadata-channel.ts';
import { monitorRequest } from '../input/request-string.ts';
import { createLogging, parseLogLevel } from '../log.ts';
import { allChannelNames } from '../pipeline/channel-names.ts';
import { consumerIds } from '../pipeline/consumer-ids.ts';
import type { ConsumerSpec } from '../pipeline/consumer-spec.ts';
import { type ConsumerStats, printedStats } from '../pipeline/consumer-stats.ts';
import { objectIdSteps, offsetByHand } from '../pipeline/object-id-offset.ts';
import { ProcessGroup } from '../pipeline/process-group.ts';
import { filterReport, formatReport, parseReportStats } from '../pipeline/report.ts';
import { type CombinableStats, combineStats } from '../pipeline/stats-combine.ts';
import { VERSION } from '../version.ts';
import { parseArguments } from './argparse.ts';
import { startConsumer } from './consumer-runtime.ts';
import { failOnLoss } from './fail-on-loss.ts';
import { type HpcConsumerOptions, hpcConsumerCommand } from './hpc-consumer-options.ts';
import { runMain } from './run-main.ts';
import { ending, runStage } from './run-stage.ts';

/** The options as one spec per consumer. @throws UserError */
export function consumerSpecs(o: HpcConsumerOptions): ConsumerSpec[] {
  const ids = consumerIds(o);
  const servesInput = o.inputMode !== 'pva';
  const channels = allChannelNames(o, ids, { servesInput, servesOutput: o.outputMode === 'pvas' });
  if (!(o.accumulationTimeout > 0))
    throw new UserError(
      'HPC_BAD_ARGUMENT',
      `--accumulation-timeout: ${o.accumulationTimeout} is not more than 0 seconds`,
    );
  const metadata = parseMetadataChannels(o.metadataChannels ?? '');
  const processorArgs = o.processorArgs ?? {};
  const oidOffset = offsetByHand(o.oidOffset, processorArgs);
  const steps = objectIdSteps({ ...o, oidOffset, nConsumers: ids.length });
  const pvRequest = monitorRequest({
    serverQueueSize: o.serverQueueSize,
    distributor: {
      pluginName: o.distributorPluginName,
      group: o.distributorGroup,
      set: o.distributorSet,
      trigger: o.distributorTrigger,
      updates: o.distributorUpdates,
    },
    fieldRequest: o.fieldRequest,
    oidField: o.oidField,
  });
  return ids.map((consumerId) => ({
    consumerId,
    channels: channels.get(consumerId) as ConsumerSpec['channels'],
    pvRequest,
    inputMode: o.inputMode,
    outputMode: o.outputMode,
    receiverQueueSize: o.receiverQueueSize,
    serverQueueSize: o.serverQueueSize,
    metadataChannels: metadata,
    metadataQueueSize: metadataQueueSize(o.receiverQueueSize),
    accumulateObjects: o.accumulateObjects,
    accumulationTimeout: o.accumulationTimeout,
    objectIdField: o.oidField,
    // Who puts or calls sends objects only; a channel that is monitored begins with what it held before.
    skipInitialUpdates: o.skipInitialUpdates ?? (servesInput ? 0 : 1),
    objectIdOffset: steps.oidOffset,
    nSequentialUpdates: steps.nSequentialUpdates,
    fieldRequest: o.fieldRequest,
    // Whoever asks for a server queue cares about every frame.
    warmUp: o.serverQueueSize > 0 && !servesInput,
    processorFile: o.processorFile,
    processorClass: o.processorClass,
    processorArgs,
    logLevel: o.logLevel === undefined ? undefined : parseLogLevel(o.logLevel),
    logFile: o.logFile,
  }));
}

type Print = (stats: Record<string, unknown>) => void;

async function runGroup(
  specs: ConsumerSpec[],
  o: HpcConsumerOptions,
  signal: AbortSignal,
  print: Print,
): Promise<CombinableStats> {
  const end = ending(signal, o.runtime);
  const [first] = specs;
  const logging = createLogging({
    name: 'hpc-consumer',
    ...(first?.logLevel && { level: first.logLevel }),
    ...(first?.logFile !== undefined && { file: first.logFile }),
  });
  let failure: UserError | undefined;
  const group = new ProcessGroup({
    entry: new URL('./consumer-child.js', import.meta.url),
    specs,
    logger: logging.logger,
    onReport: (stats) => print(printedStats(stats)),
    onEnd: (error) => {
      failure = error;
      end.done();
    },
  });
  const report = (all: readonly ConsumerStats[]): void => {
    for (const stats of all) print(printedStats(stats));
  };
  let asking = false;
  const ask = async (): Promise<void> => {
    // A consumer that is slow to answer must not bring reports out of order.
    if (asking) return;
    asking = true;
    report(await group.stats());
    asking = false;
  };
  group.start();
  const timer = o.reportPeriod > 0 ? setInterval(() => void ask(), o.reportPeriod * 1000) : undefined;
  process.once('exit', () => group.kill());
  await end.promise;
  end.clear();
  clearInterval(timer);
  await group.stop();
  if (failure) throw failure;
  const all = group.lastStats();
  report(all);
  if (group.nRestarts > 0) process.stdout.write(`Restarted consumers: ${group.nRestarts}\n`);
  process.stdout.write('\nCombined System Stats:\n');
  const combined = combineStats(all);
  print({ ...combined });
  logging.close();
  return combined;
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const o = parseArguments(hpcConsumerCommand, argv, VERSION);
  const specs = consumerSpecs(o);
  const groups = parseReportStats(o.reportStats);
  const print: Print = (stats) => {
    process.stdout.write(`\n${formatReport(filterReport(stats, groups))}\n`);
  };
  const [only] = specs;
  let last: CombinableStats | undefined;
  if (specs.length === 1 && only)
    last = await runStage<ConsumerStats>({
      runtime: o.runtime,
      reportPeriod: o.reportPeriod,
      signal,
      print: (stats) => print(printedStats(stats)),
      start: async (onStop) => {
        const onGetStats = (stats: ConsumerStats): void => print(printedStats(stats));
        const { consumer, logging } = await startConsumer(only, { onGetStats, onStop });
        return { stage: consumer, logging };
      },
    });
  else last = await runGroup(specs, o, signal, print);
  if (o.failOnLoss && last) failOnLoss('hpc-consumer', last);
}

await runMain('hpc-consumer', async ({ argv, signal }) => main(argv, signal));
