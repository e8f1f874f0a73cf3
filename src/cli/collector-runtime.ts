/** From a collector's options to a DataCollector in this process. */
import type { UserError } from '../errors.ts';
import type { Logging } from '../log.ts';
import { DataCollector, type DataCollectorOptions } from '../pipeline/collector/data-collector.ts';
import { here, prepareStage, startOrClose, workersOf } from './stage-runtime.ts';
import type { WorkersSpec } from './stage-workers.ts';

export type CollectorSpec = WorkersSpec &
  Omit<DataCollectorOptions, 'processorClass' | 'workers' | 'logger' | 'onGetStats' | 'onStop'>;

/** Loads, constructs and starts. @throws UserError, PvaError: one line each */
export async function startCollector(
  spec: CollectorSpec,
  events: Required<Pick<DataCollectorOptions, 'onGetStats' | 'onStop'>>,
  onFailure: (error: UserError) => void,
): Promise<{ stage: DataCollector; logging: Logging }> {
  const name = `collector.${spec.collectorId}`;
  const { logging, processorClass } = await prepareStage(name, here(spec));
  const construct = { ...spec, id: spec.collectorId, inputMode: 'pva', nSequentialUpdates: 1 } as const;
  const workers = await workersOf(name, spec, construct, logging.logger, onFailure);
  const stage = new DataCollector({ ...spec, processorClass, workers, logger: logging.logger, ...events });
  await startOrClose(stage);
  logging.logger.info(`collecting from ${[...spec.producers.values()].join(', ')}`);
  return { stage, logging };
}
