/**
 * A worker process of `--processor-workers`: loads the processor's class and serves the pool
 * (pipeline/workers/worker-messages.ts) until it is told to stop or its consumer is gone.
 */
import { UserError } from '../errors.ts';
import { endWithParent } from '../pipeline/orphan-guard.ts';
import { ProcessorWorker } from '../pipeline/workers/processor-worker.ts';
import type { FromWorker, ToWorker, WorkerSpec } from '../pipeline/workers/worker-messages.ts';
import { endOnUncaught, failureOf } from './child-failure.ts';
import { prepareStage } from './stage-runtime.ts';

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, () => {});
}

function fail(error: unknown): void {
  tell({ type: 'failed', ...failureOf(error, 'HPC_WORKERS') });
}

/** The consumer decides when a worker ends; one that nobody needs any more is told so, or killed. */
function guardProcess(name: string): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  endOnUncaught(() => name);
  endWithParent(() => process.exit(1));
}

/** @param ended called when the processor has stopped, after which worker-farm ends this process */
export async function serve(given: unknown, ended: (error: Error | null) => void): Promise<void> {
  const spec = given as WorkerSpec;
  guardProcess(spec.name);
  try {
    const { logging, processorClass } = await prepareStage(spec.name, spec);
    if (!processorClass) throw new UserError('HPC_BAD_ARGUMENT', 'there is no processor for the workers');
    const worker = new ProcessorWorker({
      spec,
      processorClass,
      logger: logging.logger,
      send: tell,
      onFailed: fail,
      onStopped: () => {
        logging.close();
        ended(null);
      },
    });
    process.on('message', (message: ToWorker | { owner: 'farm' }) => {
      if (!('owner' in message)) worker.handle(message);
    });
  } catch (error) {
    fail(error);
  }
}
