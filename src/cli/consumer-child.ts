/**
 * A child process of `hpc-consumer`: one consumer, told what to do by its parent (pipeline/process-messages.ts).
 * Ctrl-C and the end of its terminal (SIGHUP) reach it too, but the parent decides; SIGTERM ends this consumer in good
 * order.
 */
import type { UserError } from '../errors.ts';
import type { DataConsumer } from '../pipeline/data-consumer.ts';
import { endWithParent } from '../pipeline/orphan-guard.ts';
import { FIGURES_PERIOD_MS, type FromChild, type ToChild, type Told } from '../pipeline/process-messages.ts';
import { endOnUncaught, failureOf } from './child-failure.ts';
import { type RunningConsumer, startConsumer } from './consumer-runtime.ts';

/** In front of what this process says about itself. */
let program = 'hpc-consumer';
let running: RunningConsumer | undefined;
let stopping = false;
/** Why it stops, if it cannot go on. */
let failure: UserError | undefined;

function tell(message: FromChild, then: () => void = () => {}): void {
  if (process.connected) process.send?.(message, then);
  else then();
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (!running) process.exit(0);
  const { consumer, logging } = running;
  const stats = await consumer.stop();
  logging.close();
  if (failure) fail(failure);
  else tell({ type: 'stopped', ...told(consumer, stats) }, () => process.exit(0));
}

function fail(error: unknown): void {
  const failed = failureOf(error, 'HPC_CONSUMER');
  tell({ type: 'failed', ...failed }, () => process.exit(failed.exitCode));
}

function told(consumer: DataConsumer, stats = consumer.stats()): Told {
  return { stats, totals: consumer.totals(), latencies: consumer.latencies() };
}

function tellFigures(): void {
  if (running) tell({ type: 'figures', ...told(running.consumer) });
}

async function start(message: Extract<ToChild, { type: 'start' }>): Promise<void> {
  program = `consumer.${message.spec.consumerId}`;
  try {
    running = await startConsumer(message.spec, {
      onGetStats: (stats) => tell({ type: 'report', stats }),
      onStop: () => void stop(),
      onFailure: (error) => {
        failure = error;
        void stop();
      },
      onStatus: tellFigures,
    });
    tell({ type: 'ready' });
    setInterval(tellFigures, FIGURES_PERIOD_MS);
  } catch (error) {
    fail(error);
  }
}

process.on('message', (m) => {
  const message = m as ToChild;
  if (message.type === 'start') void start(message);
  else if (message.type === 'stop') void stop();
  else if (message.type === 'end_reception') running?.consumer.endReception();
  else if (running) {
    const { consumer } = running;
    const stats = message.publish ? consumer.updateStatus() : consumer.stats();
    tell({ type: 'stats', requestId: message.requestId, stats, totals: consumer.totals() });
  }
});
endOnUncaught(() => program);
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('SIGTERM', () => void stop());
endWithParent(() => process.exit(1));
