/** The options of processor workers, checked; apart from what runs them, which is loaded on use. */
import { refuseOption } from './option-checks.ts';

/** Objects in flight for each worker, unless an option says otherwise. */
const IN_FLIGHT_PER_WORKER = 4;
const MAX_WORKERS = 256;

/** Checks the options; a queue size of 0 or less is the default. @throws UserError */
export function workerOptions(o: { readonly processorWorkers: number; readonly workerQueueSize: number }): {
  readonly processorWorkers: number;
  readonly workerQueueSize: number;
} {
  const { processorWorkers, workerQueueSize } = o;
  if (processorWorkers < 0 || processorWorkers > MAX_WORKERS)
    refuseOption('--processor-workers', processorWorkers, `from 0 to ${MAX_WORKERS}`);
  if (workerQueueSize > 0 && workerQueueSize < processorWorkers)
    refuseOption(
      '--worker-queue-size',
      workerQueueSize,
      `at least one for each of ${processorWorkers} workers`,
    );
  return {
    processorWorkers,
    workerQueueSize: workerQueueSize > 0 ? workerQueueSize : IN_FLIGHT_PER_WORKER * processorWorkers,
  };
}
