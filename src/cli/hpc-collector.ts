/** The command `hpc-collector`: the objects of several producers, in the order of their ids, through one processor. */
import type { UserError } from '../errors.ts';
import { metadataQueueSize, parseMetadataChannels } from '../input/metadata-channel.ts';
import { monitorRequest } from '../input/request-string.ts';
import { parseLogLevel } from '../log.ts';
import { collectorChannelNames } from '../pipeline/channel-names.ts';
import { type CollectorStats, printedCollectorStats } from '../pipeline/collector/collector-stats.ts';
import { cacheSizeFor, receiverQueueSizeFor } from '../pipeline/collector/sizes.ts';
import { MAX_ID, producerIds } from '../pipeline/consumer-ids.ts';
import { offsetByHand } from '../pipeline/object-id-offset.ts';
import { filterReport, formatReport, parseReportStats } from '../pipeline/report.ts';
import { VERSION } from '../version.ts';
import type { LiveView } from '../view/live-view.ts';
import { Rates } from '../view/rates.ts';
import { parseArguments } from './argparse.ts';
import { type CollectorSpec, startCollector } from './collector-runtime.ts';
import { failOnLoss } from './fail-on-loss.ts';
import { type HpcCollectorOptions, hpcCollectorCommand } from './hpc-collector-options.ts';
import { checkStageTimes, refuseOption } from './option-checks.ts';
import { runMain } from './run-main.ts';
import { runStage, type Watch } from './run-stage.ts';
import { collectorView, openView } from './stage-view.ts';
import { workerOptions } from './worker-options.ts';

/** @throws UserError */
function collectorSpec(o: HpcCollectorOptions): CollectorSpec {
  if (o.collectorId < 0 || o.collectorId > MAX_ID)
    refuseOption('--collector-id', o.collectorId, `from 0 to ${MAX_ID}`);
  const ids = producerIds(o.producerIdList);
  const { producers, ...channels } = collectorChannelNames(o, o.collectorId, ids);
  if (o.oidOffset < 1) refuseOption('--oid-offset', o.oidOffset, 'at least 1');
  if (o.objectsPerId < 0) refuseOption('--objects-per-id', o.objectsPerId, 'at least 0');
  if (!(o.gapTimeout > 0)) refuseOption('--gap-timeout', o.gapTimeout, 'more than 0 seconds');
  checkStageTimes(o);
  const cache = cacheSizeFor(o.collectorCacheSize, ids.length);
  return {
    collectorId: o.collectorId,
    channels,
    producers,
    pvRequest: monitorRequest({
      serverQueueSize: o.serverQueueSize,
      distributor: { pluginName: 'pydistributor' },
      fieldRequest: o.fieldRequest,
      oidField: o.oidField,
    }),
    receiverQueueSize: receiverQueueSizeFor(o.receiverQueueSize, cache.cacheSize),
    serverQueueSize: o.serverQueueSize,
    metadataChannels: parseMetadataChannels(o.metadataChannels ?? ''),
    metadataQueueSize: metadataQueueSize(o.receiverQueueSize),
    ...cache,
    objectsPerId: o.objectsPerId,
    gapTimeout: o.gapTimeout,
    objectIdField: o.oidField,
    objectIdOffset: offsetByHand(o.oidOffset === 1 ? 0 : o.oidOffset, o.processorArgs ?? {}) || o.oidOffset,
    skipInitialUpdates: o.skipInitialUpdates,
    fieldRequest: o.fieldRequest,
    outputMode: 'pvas',
    drainTimeout: o.drainTimeout,
    statusPeriod: o.statusPeriod,
    processorFile: o.processorFile,
    processorClass: o.processorClass,
    processorArgs: o.processorArgs ?? {},
    ...workerOptions(o),
    logLevel: o.logLevel === undefined ? undefined : parseLogLevel(o.logLevel),
    logFile: o.logFile,
  };
}

function watchOn(view: LiveView, { inputChannel }: HpcCollectorOptions): Watch<CollectorStats> {
  const [rates, began] = [new Rates(), performance.now()];
  return {
    show: (stats) => {
      const now = performance.now();
      view.show(collectorView(`hpc-collector   ${inputChannel}`, (now - began) / 1000, stats, rates, now));
    },
    close: view.close,
  };
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const o = parseArguments(hpcCollectorCommand, argv, VERSION);
  const spec = collectorSpec(o);
  const groups = parseReportStats(o.reportStats);
  const print = (stats: CollectorStats): void => {
    process.stdout.write(`\n${formatReport(filterReport(printedCollectorStats(stats), groups))}\n`);
  };
  let failure: UserError | undefined;
  const view = openView(o);
  const totals = await runStage<CollectorStats>({
    runtime: o.runtime,
    reportPeriod: o.reportPeriod,
    signal,
    skipInitialUpdates: o.skipInitialUpdates,
    print,
    watch: view && watchOn(view, o),
    start: (onStop) => {
      const onFailure = (error: UserError): void => {
        failure = error;
        onStop();
      };
      return startCollector(spec, { onGetStats: print, onStop }, onFailure);
    },
  });
  if (failure) throw failure;
  if (o.failOnLoss && totals) failOnLoss('hpc-collector', totals);
}

void runMain('hpc-collector', async ({ argv, signal }) => main(argv, signal));
