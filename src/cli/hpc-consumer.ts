/** The command `hpc-consumer`: one consumer in this process, or several in child processes. */
import { UserError } from '../errors.ts';
import { metadataQueueSize, parseMetadataChannels } from '../input/metadata-channel.ts';
import { batchObstacle } from '../input/object-worker.ts';
import { monitorRequest } from '../input/request-string.ts';
import { createLogging, parseLogLevel } from '../log.ts';
import { timerMs } from '../long-timer.ts';
import { allChannelNames } from '../pipeline/channel-names.ts';
import { consumerIds } from '../pipeline/consumer-ids.ts';
import type { ConsumerSpec } from '../pipeline/consumer-spec.ts';
import { type ConsumerStats, printedStats } from '../pipeline/consumer-stats.ts';
import { objectIdSteps, offsetByHand } from '../pipeline/object-id-offset.ts';
import { ProcessGroup } from '../pipeline/process-group.ts';
import { filterReport, formatReport, parseReportStats } from '../pipeline/report.ts';
import { SystemStatus, systemStatusName } from '../pipeline/system-status.ts';
import { VERSION } from '../version.ts';
import type { LiveView } from '../view/live-view.ts';
import { Rates } from '../view/rates.ts';
import { parseArguments } from './argparse.ts';
import { childEntry } from './child-entry.ts';
import { startConsumer } from './consumer-runtime.ts';
import { failOnLoss, type LossCounters } from './fail-on-loss.ts';
import { type HpcConsumerOptions, hpcConsumerCommand } from './hpc-consumer-options.ts';
import { stageFigures } from './member-figures.ts';
import { checkStageTimes, refuseOption } from './option-checks.ts';
import { runMain } from './run-main.ts';
import { ending, runStage, sayNotProcessed, sayNotSent, type Watch } from './run-stage.ts';
import { type ConsumerLine, consumersView, openView, VIEW_PERIOD_MS } from './stage-view.ts';
import { supervised } from './supervised.ts';
import { workerOptions } from './worker-options.ts';

/** The options as one spec per consumer. @throws UserError */
function consumerSpecs(o: HpcConsumerOptions): ConsumerSpec[] {
  const ids = consumerIds(o);
  const servesInput = o.inputMode !== 'pva';
  const channels = allChannelNames(o, ids, { servesInput, servesOutput: o.outputMode === 'pvas' });
  if (!(o.accumulationTimeout > 0))
    refuseOption('--accumulation-timeout', o.accumulationTimeout, 'more than 0 seconds');
  const obstacle = batchObstacle(o.accumulateObjects, o.receiverQueueSize);
  if (obstacle)
    throw new UserError(
      'HPC_BAD_ARGUMENT',
      `--accumulate-objects: ${obstacle}; make the queue longer (--receiver-queue-size) or the batch smaller`,
    );
  checkStageTimes(o);
  const metadata = parseMetadataChannels(o.metadataChannels ?? '');
  const workers = workerOptions(o);
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
    // Whoever asks for a server queue cares about every frame; a stage that is fed holds up the one before it.
    warmUp: o.serverQueueSize > 0 || servesInput,
    drainTimeout: o.drainTimeout,
    statusPeriod: o.statusPeriod,
    processorFile: o.processorFile,
    processorClass: o.processorClass,
    processorArgs,
    ...workers,
    logLevel: o.logLevel === undefined ? undefined : parseLogLevel(o.logLevel),
    logFile: o.logFile,
  }));
}

type Print = (stats: Record<string, unknown>) => void;

function watchOn(view: LiveView, { inputChannel }: HpcConsumerOptions): Watch<readonly ConsumerLine[]> {
  const [rates, began] = [new Rates(), performance.now()];
  return {
    show: (lines) => {
      const now = performance.now();
      view.show(consumersView(`hpc-consumer   ${inputChannel}`, (now - began) / 1000, lines, rates, now));
    },
    close: view.close,
  };
}

/** @param watch sees the statistics twice a second, in place of the reports before the last ones; closed when the run ends */
async function runGroup(
  specs: ConsumerSpec[],
  o: HpcConsumerOptions,
  signal: AbortSignal,
  print: Print,
  watch: Watch<readonly ConsumerLine[]> | undefined,
  systemChannel: string | undefined,
): Promise<LossCounters> {
  const end = ending(signal, o.runtime);
  const [first] = specs;
  const logging = createLogging({
    name: 'hpc-consumer',
    ...(first?.logLevel && { level: first.logLevel }),
    ...(first?.logFile !== undefined && { file: first.logFile }),
  });
  let failure: UserError | undefined;
  let system: SystemStatus | undefined;
  const show = (all: readonly ConsumerStats[]): void =>
    watch?.show(
      [...group.states].map(([id, state]) => ({ id, state, stats: all.find((s) => s.consumerId === id) })),
    );
  const group = new ProcessGroup({
    entry: childEntry('consumer-child'),
    specs,
    logger: logging.logger,
    onReport: (stats) => print(printedStats(stats)),
    onChange: () => {
      system?.changed();
      // At once: a state that is over before the next look would never be seen.
      show(group.lastStats());
    },
    drainTimeout: o.drainTimeout,
    onEnd: (error) => {
      failure = error;
      end.done();
    },
    // Past the live view, children would write onto the terminal.
    onOutput: watch && ((text, stream) => void process[stream].write(text)),
  });
  const report = (all: readonly ConsumerStats[]): void => {
    for (const stats of all) print(printedStats(stats));
  };
  let asking = false;
  const ask = async (publish: boolean): Promise<void> => {
    // A consumer that is slow to answer must not bring reports out of order.
    if (asking) return;
    asking = true;
    (watch ? show : report)(await group.stats(publish));
    asking = false;
  };
  if (systemChannel !== undefined) {
    const { logger } = logging;
    const stats = () => group.systemStats();
    system = new SystemStatus({ channel: systemChannel, period: o.statusPeriod, stats, logger });
    await system.start();
  }
  group.start();
  supervised?.serve(async () => {
    await group.stats();
    return group.consumerTotals().map((totals) => stageFigures(totals));
  });
  supervised?.onFinish(() => group.endReception());
  const timer =
    o.reportPeriod > 0 ? setInterval(() => void ask(true), timerMs(o.reportPeriod * 1000)) : undefined;
  show([]);
  const watchTimer = watch && setInterval(() => void ask(false), VIEW_PERIOD_MS);
  process.once('exit', () => group.kill());
  await end.promise;
  clearInterval(timer);
  clearInterval(watchTimer);
  watch?.close();
  await group.stop();
  await supervised?.final(group.consumerTotals().map((totals) => stageFigures(totals)));
  if (failure) throw failure;
  const all = group.lastStats();
  report(all);
  const combined = group.systemStats();
  await system?.close();
  const { nRestarts, nLostInRestarts, unreportedTime } = combined;
  if (nRestarts > 0) process.stdout.write(`Restarted consumers: ${nRestarts}\n`);
  if (unreportedTime > 0)
    process.stdout.write(
      `Not known: what consumers that died did in ${unreportedTime.toFixed(3)} s since their last reports, when they held ${nLostInRestarts} object(s)\n`,
    );
  process.stdout.write('\nCombined System Stats:\n');
  print({ ...combined });
  sayNotProcessed(combined);
  const totals = group.totals();
  sayNotSent(totals);
  logging.close();
  return totals;
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const o = parseArguments(hpcConsumerCommand, argv, VERSION);
  const specs = consumerSpecs(o);
  const groups = parseReportStats(o.reportStats);
  const print: Print = (stats) => {
    process.stdout.write(`\n${formatReport(filterReport(stats, groups))}\n`);
  };
  const [only] = specs;
  const view = openView(o);
  const watch = view && watchOn(view, o);
  let totals: LossCounters | undefined;
  let failure: UserError | undefined;
  const { systemStatusChannel: system } = o;
  const channels = specs.map((spec) => spec.channels);
  const systemChannel = system === undefined ? undefined : systemStatusName(system, channels);
  if (specs.length === 1 && only && systemChannel === undefined)
    totals = await runStage<ConsumerStats>({
      runtime: o.runtime,
      reportPeriod: o.reportPeriod,
      signal,
      print: (stats) => print(printedStats(stats)),
      watch: watch && {
        show: (stats) => watch.show([{ id: stats.consumerId, state: 'running', stats }]),
        close: watch.close,
      },
      start: async (onStop) => {
        const onGetStats = (stats: ConsumerStats): void => print(printedStats(stats));
        const onFailure = (error: UserError): void => {
          failure = error;
          onStop();
        };
        const { consumer, logging } = await startConsumer(only, { onGetStats, onStop, onFailure });
        return { stage: consumer, logging };
      },
    });
  else totals = await runGroup(specs, o, signal, print, watch, systemChannel);
  if (failure) throw failure;
  if (o.failOnLoss && totals) failOnLoss('hpc-consumer', totals);
}

void runMain('hpc-consumer', async ({ argv, signal }) => main(argv, signal));
