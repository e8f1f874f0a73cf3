/** `--processor-workers`: from the options to workers that have constructed their processors. Loaded on use. */
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ConstructOptions } from '../pipeline/user-code.ts';
import { Farm } from '../pipeline/workers/farm.ts';
import { WorkerPool } from '../pipeline/workers/worker-pool.ts';
import { WorkerProcessor } from '../pipeline/workers/worker-processor.ts';
import { childEntry } from './child-entry.ts';
import type { StageSpec } from './stage-runtime.ts';

/** Options of a stage that runs its processor in workers. */
export interface WorkersSpec extends StageSpec {
  /** 0: none. */
  readonly processorWorkers: number;
  /** Objects in flight. */
  readonly workerQueueSize: number;
  readonly metadataChannels?: readonly string[] | undefined;
}

/** @param onFailure the workers, once started, cannot go on @throws UserError when they cannot be constructed */
export async function openWorkers(
  name: string,
  o: WorkersSpec,
  construct: Omit<ConstructOptions, 'processorClass'>,
  logger: Logger,
  onFailure: (error: UserError) => void,
): Promise<WorkerProcessor> {
  if (o.processorFile === undefined && o.processorClass === undefined)
    throw new UserError(
      'HPC_BAD_ARGUMENT',
      '--processor-workers: there is no processor; give a class or a file',
    );
  if ((o.metadataChannels ?? []).length > 0)
    throw new UserError(
      'HPC_BAD_ARGUMENT',
      '--processor-workers: metadata channels do not reach processor workers; leave out --metadata-channels or the workers',
    );
  const farm = new Farm(childEntry('processor-worker-child'));
  process.once('exit', () => farm.kill());
  const { id, channels, objectIdField, skipInitialUpdates, objectIdOffset } = construct;
  const pool = new WorkerPool({
    nWorkers: o.processorWorkers,
    queueSize: o.workerQueueSize,
    spec: {
      id,
      channels,
      inputMode: construct.inputMode,
      outputMode: construct.outputMode,
      objectIdField,
      skipInitialUpdates,
      objectIdOffset,
      nSequentialUpdates: construct.nSequentialUpdates,
      fieldRequest: construct.fieldRequest,
      processorArgs: construct.processorArgs,
      processorFile: o.processorFile,
      processorClass: o.processorClass,
      logLevel: o.logLevel,
      logFile: o.logFile,
      name: `${name}.worker`,
    },
    spawn: farm.spawn,
    logger,
    onFailure,
  });
  try {
    return new WorkerProcessor(pool, await pool.open());
  } catch (error) {
    farm.kill();
    throw error;
  }
}
