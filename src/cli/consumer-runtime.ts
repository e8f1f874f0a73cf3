/** From the plain data of a ConsumerSpec to a DataConsumer in this process. */
import type { Logging } from '../log.ts';
import type { ConsumerSpec } from '../pipeline/consumer-spec.ts';
import type { ConsumerStats } from '../pipeline/consumer-stats.ts';
import { DataConsumer } from '../pipeline/data-consumer.ts';
import { warmUp } from '../pipeline/warm-up.ts';
import { prepareStage, startOrClose } from './stage-runtime.ts';

export interface ConsumerEvents {
  onGetStats(stats: ConsumerStats): void;
  onStop(): void;
  onStatus?(): void;
}

export interface RunningConsumer {
  readonly consumer: DataConsumer;
  readonly logging: Logging;
}

/** Loads, constructs and starts. @throws UserError, PvaError: one line each */
export async function startConsumer(spec: ConsumerSpec, events: ConsumerEvents): Promise<RunningConsumer> {
  const { logging, processorClass } = await prepareStage(`consumer.${spec.consumerId}`, spec);
  if (spec.warmUp) await warmUp(logging.logger, spec.receiverQueueSize);
  const consumer = new DataConsumer({
    ...spec,
    processorClass,
    logger: logging.logger,
    onGetStats: events.onGetStats,
    onStop: events.onStop,
    onStatus: events.onStatus,
  });
  await startOrClose(consumer);
  logging.logger.info(`monitoring ${spec.channels.inputChannel} with request '${spec.pvRequest}'`);
  return { consumer, logging };
}
