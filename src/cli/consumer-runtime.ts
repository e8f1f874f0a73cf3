/** From the plain data of a ConsumerSpec to a DataConsumer in this process: the processor's class is loaded here. */
import * as pva from 'epics-pva-ts';
import { PROCESSORS } from '../../processors/registry.ts';
import * as hpc from '../index.ts';
import { createLogging, type Logging } from '../log.ts';
import type { ConsumerSpec } from '../pipeline/consumer-spec.ts';
import type { ConsumerStats } from '../pipeline/consumer-stats.ts';
import { DataConsumer } from '../pipeline/data-consumer.ts';
import { warmUp } from '../pipeline/warm-up.ts';
import { loadProcessorClass } from '../processor/load-processor.ts';
import { compileGradually } from './compile-gradually.ts';

export interface ConsumerEvents {
  onGetStats(stats: ConsumerStats): void;
  onStop(): void;
}

export interface RunningConsumer {
  readonly consumer: DataConsumer;
  readonly logging: Logging;
}

/** Loads, constructs and starts. @throws UserError, PvaError: one line each */
export async function startConsumer(spec: ConsumerSpec, events: ConsumerEvents): Promise<RunningConsumer> {
  const logging = createLogging({
    name: `consumer.${spec.consumerId}`,
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
  if (spec.warmUp) await warmUp(logging.logger, spec.receiverQueueSize);
  const consumer = new DataConsumer({
    ...spec,
    processorClass,
    logger: logging.logger,
    onGetStats: events.onGetStats,
    onStop: events.onStop,
  });
  try {
    await consumer.start();
  } catch (error) {
    await consumer.close();
    throw error;
  }
  logging.logger.info(`monitoring ${spec.channels.inputChannel} with request '${spec.pvRequest}'`);
  return { consumer, logging };
}
