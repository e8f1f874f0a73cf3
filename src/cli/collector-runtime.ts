/** From a collector's options to a DataCollector in this process. */
import type { Logging } from '../log.ts';
import { DataCollector, type DataCollectorOptions } from '../pipeline/collector/data-collector.ts';
import { prepareStage, type StageSpec, startOrClose } from './stage-runtime.ts';

export type CollectorSpec = StageSpec &
  Omit<DataCollectorOptions, 'processorClass' | 'logger' | 'onGetStats' | 'onStop'>;

/** Loads, constructs and starts. @throws UserError, PvaError: one line each */
export async function startCollector(
  spec: CollectorSpec,
  events: Required<Pick<DataCollectorOptions, 'onGetStats' | 'onStop'>>,
): Promise<{ stage: DataCollector; logging: Logging }> {
  const { logging, processorClass } = await prepareStage(`collector.${spec.collectorId}`, spec);
  const stage = new DataCollector({ ...spec, processorClass, logger: logging.logger, ...events });
  await startOrClose(stage);
  logging.logger.info(`collecting from ${[...spec.producers.values()].join(', ')}`);
  return { stage, logging };
}
