/** What surrounds the user's code in a stage: how it is constructed, and how its errors become one line each. */
import { NTNDArray, type Server, Value } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import { childLogger, type Logger } from '../log.ts';
import type { ProcessorClass } from '../processor/load-processor.ts';
import type {
  MetadataQueue,
  ProcessorConfig,
  PvObject,
  UserDataProcessor,
} from '../processor/user-data-processor.ts';
import type { ChannelNames } from './channel-names.ts';
import { Deadline } from './deadline.ts';

/** `pva` monitors the input channel; `pvas` serves it, for puts, and `rpc`, for calls. */
export type InputMode = 'pva' | 'pvas' | 'rpc';

/** `pvas` serves the output channel, `pva` puts into it, `rpc` calls it. */
export type OutputMode = 'pvas' | 'pva' | 'rpc';

export interface ConstructOptions {
  readonly id: number;
  readonly channels: ChannelNames;
  /** How objects come. */
  readonly inputMode: InputMode;
  /** How output is published. */
  readonly outputMode: OutputMode;
  readonly objectIdField: string;
  readonly skipInitialUpdates: number;
  readonly objectIdOffset: number;
  readonly nSequentialUpdates: number;
  readonly fieldRequest: string;
  /** Undefined: objects are counted, nothing is processed. */
  readonly processorClass: ProcessorClass | undefined;
  readonly processorArgs: Readonly<Record<string, unknown>>;
}

/** The structure of what a processor publishes. @throws TypeError for anything else */
export function structureOf(object: PvObject): Value {
  if (object instanceof NTNDArray) return object.value;
  if (object instanceof Value) return object;
  throw new TypeError('a processor publishes an NTNDArray or a Value');
}

/** @throws UserError when the constructor fails or what it makes is no processor */
export function construct(o: ConstructOptions): UserDataProcessor | undefined {
  const Processor = o.processorClass;
  if (!Processor) return undefined;
  const config: ProcessorConfig = {
    ...o.processorArgs,
    processorId: o.id,
    inputChannel: o.channels.inputChannel,
    inputMode: o.inputMode,
    outputChannel: o.channels.outputChannel,
    outputMode: o.outputMode,
    objectIdField: o.objectIdField,
    skipInitialUpdates: o.skipInitialUpdates,
    objectIdOffset: o.objectIdOffset,
    nSequentialUpdates: o.nSequentialUpdates,
    fieldRequest: o.fieldRequest,
  };
  const processor = guard(
    `the constructor of ${Processor.name}`,
    () => new Processor(config),
  ) as UserDataProcessor;
  if (typeof processor.process !== 'function' || typeof processor.getStatsPvaTypes !== 'function')
    throw new UserError('HPC_PROCESSOR_LOAD', `class ${Processor.name} does not extend UserDataProcessor`);
  return processor;
}

/** What a processor knows before any call but its constructor; its counters begin with `resetStats()` (PvaPy). */
export function introduce(
  processor: UserDataProcessor,
  options: ConstructOptions & { readonly logger: Logger },
  server: Server,
  metadata: ReadonlyMap<string, MetadataQueue>,
): void {
  const { channels, id, logger, objectIdField } = options;
  processor.logger = childLogger(logger, processor.constructor.name);
  processor.processorId = id;
  processor.inputChannel = channels.inputChannel;
  processor.outputChannel = channels.outputChannel;
  processor.objectIdField = objectIdField;
  processor.pvaServer = server;
  processor.metadataQueueMap = metadata;
  guard('resetStats', () => processor.resetStats());
}

/** The last call of all: what it throws is logged, and it has `seconds` to come back. */
export async function stopProcessor(
  processor: UserDataProcessor | undefined,
  seconds: number,
  logger: Logger,
): Promise<void> {
  try {
    if (!(await new Deadline(seconds * 1000).allows(async () => processor?.stop())))
      logger.warning(`the processor's stop() did not end within ${seconds} s`);
  } catch (error) {
    logger.error(error as Error, 'the processor failed to stop');
  }
}

/** Runs the user's code; what it throws becomes one line that says where. */
export function guard<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw failure(where, error);
  }
}

/** The same for code that may take its time: the processor's method `where`. */
export async function guardAsync<T>(where: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw failure(`the processor's ${where}()`, error);
  }
}

function failure(where: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new UserError('HPC_PROCESSOR', `${where} failed: ${message}`, { cause: error });
}
