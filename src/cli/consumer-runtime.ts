/** From the plain data of a ConsumerSpec to a DataConsumer in this process. */
import type { UserError } from '../errors.ts';
import type { Logging } from '../log.ts';
import type { ConsumerSpec } from '../pipeline/consumer-spec.ts';
import type { ConsumerStats } from '../pipeline/consumer-stats.ts';
import { DataConsumer } from '../pipeline/data-consumer.ts';
import { warmUp } from '../pipeline/warm-up.ts';
import { warmUpSoon } from './engine-flags.ts';
import { here, prepareStage, startOrClose, workersOf } from './stage-runtime.ts';

export interface ConsumerEvents {
  onGetStats(stats: ConsumerStats): void;
  onStop(): void;
  /** Its processor workers cannot go on. */
  onFailure(error: UserError): void;
  onStatus?(): void;
}

export interface RunningConsumer {
  readonly consumer: DataConsumer;
  readonly logging: Logging;
}

/** Loads, constructs and starts. @throws UserError, PvaError: one line each */
export async function startConsumer(spec: ConsumerSpec, events: ConsumerEvents): Promise<RunningConsumer> {
  const name = `consumer.${spec.consumerId}`;
  const { logging, processorClass } = await prepareStage(name, here(spec));
  const construct = { ...spec, id: spec.consumerId };
  const workers = await workersOf(name, spec, construct, logging.logger, events.onFailure);
  const consumer = new DataConsumer({
    ...spec,
    processorClass,
    workers,
    logger: logging.logger,
    onGetStats: events.onGetStats,
    onStop: events.onStop,
    onStatus: events.onStatus,
  });
  await startOrClose(consumer);
  logging.logger.info(`monitoring ${spec.channels.inputChannel} with request '${spec.pvRequest}'`);
  if (spec.warmUp) warmUpSoon(() => warmUp({ ...spec, idle: () => consumer.idle }));
  return { consumer, logging };
}
