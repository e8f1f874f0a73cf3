/** From a collector's options to a DataCollector in this process: the processor's class is loaded here. */
import * as pva from 'epics-pva-ts';
import { PROCESSORS } from '../../processors/registry.ts';
import * as hpc from '../index.ts';
import { createLogging, type Logging, type LogLevel } from '../log.ts';
import { DataCollector, type DataCollectorOptions } from '../pipeline/collector/data-collector.ts';
import { loadProcessorClass } from '../processor/load-processor.ts';
import { compileGradually } from './compile-gradually.ts';

export interface CollectorSpec
  extends Omit<DataCollectorOptions, 'processorClass' | 'logger' | 'onGetStats' | 'onStop'> {
  readonly processorFile: string | undefined;
  readonly processorClass: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
}

/** Loads, constructs and starts. @throws UserError, PvaError: one line each */
export async function startCollector(
  spec: CollectorSpec,
  events: Required<Pick<DataCollectorOptions, 'onGetStats' | 'onStop'>>,
): Promise<{ stage: DataCollector; logging: Logging }> {
  const logging = createLogging({
    name: `collector.${spec.collectorId}`,
    ...(spec.logLevel && { level: spec.logLevel }),
    ...(spec.logFile !== undefined && { file: spec.logFile }),
  });
  const processorClass = await loadProcessorClass({
    processorFile: spec.processorFile,
    processorClass: spec.processorClass,
    builtins: PROCESSORS,
    virtualModules: { 'epics-hpc': hpc, 'epics-pva-ts': pva },
  });
  compileGradually();
  const stage = new DataCollector({ ...spec, processorClass, logger: logging.logger, ...events });
  try {
    await stage.start();
  } catch (error) {
    await stage.close();
    throw error;
  }
  return { stage, logging };
}
