/** UserMpDataProcessor: PvaPy's name for a processor that runs in worker processes, and what such a one may ask. */
import { UserDataProcessor } from './user-data-processor.ts';

/**
 * A processor for `--processor-workers`: it knows which of the workers it is. Any `UserDataProcessor` can run in workers;
 * deriving from this class is for those that share something out, such as a GPU or a file for each worker.
 */
export class UserMpDataProcessor extends UserDataProcessor {
  /** Number of this worker, from 1; 0 in the consumer's own process (`--processor-workers 0`). */
  readonly workerId: number;
  /** Workers of the consumer; 0 in the consumer's own process. */
  readonly nWorkers: number;

  /** `config`: see `ProcessorConfig`. */
  // biome-ignore lint/suspicious/noExplicitAny: users declare what their arguments are
  constructor(config?: any) {
    super(config);
    this.workerId = config?.workerId ?? 0;
    this.nWorkers = config?.nWorkers ?? 0;
  }
}
