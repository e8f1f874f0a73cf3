/** One stage (consumer or collector) in this process: from its start, over reports, to its last statistics. */
import type { Logging } from '../log.ts';
import { timerMs } from '../long-timer.ts';
import type { PublisherTotals } from '../output/data-publisher.ts';
import type { StageTotals } from '../pipeline/stage-totals.ts';
import { delay } from './delay.ts';
import { stageFigures } from './member-figures.ts';
import { VIEW_PERIOD_MS } from './stage-view.ts';
import { supervised } from './supervised.ts';

export interface Stage<S> {
  /** Gathers the statistics. */
  stats(): S;
  /** Gathers the statistics and publishes them on the status channel. */
  updateStatus(): S;
  /** What it did since the start, whatever was reset. */
  totals(): StageTotals;
  /** Nothing more is received; it stays, and works off and sends what it has. */
  endReception(): void;
  stop(): Promise<S>;
}

/** A live view. */
export interface Watch<S> {
  show(stats: S): void;
  close(): void;
}

export interface StageRun<S extends object> {
  /** Seconds; 0 or less: until stopped. */
  readonly runtime: number;
  /** Seconds; 0 or less: no reports before the last one. */
  readonly reportPeriod: number;
  readonly signal: AbortSignal;
  /** Of a collector, for the ledger: see stageFigures. */
  readonly skipInitialUpdates?: number;
  readonly print: (stats: S) => void;
  /** Sees the statistics twice a second, in place of the reports before the last one; closed when the run ends. */
  readonly watch?: Watch<S> | undefined;
  /** `onStop` ends the run. */
  readonly start: (onStop: () => void) => Promise<{ stage: Stage<S>; logging: Logging }>;
}

/** Resolves when `signal` aborts, the runtime is over, or `done` is called. */
export function ending(signal: AbortSignal, runtime: number): { promise: Promise<void>; done: () => void } {
  const end = new AbortController();
  const done = (): void => end.abort();
  if (signal.aborted) done();
  signal.addEventListener('abort', done, { once: true });
  return { promise: delay(runtime > 0 ? runtime : Number.POSITIVE_INFINITY, end.signal), done };
}

/** What was received and never processed, because the time to drain was over. */
export function sayNotProcessed(last: { readonly processorStats?: object | undefined }): void {
  const left = (last.processorStats as { readonly nInFlight?: unknown } | undefined)?.nInFlight;
  if (typeof left === 'number' && left > 0) process.stdout.write(`\nNot processed: ${left} object(s)\n`);
}

/** What was published and dropped with the queues of clients, because the time to drain was over. */
export function sayNotSent({ publisherStats }: { readonly publisherStats?: object | undefined }): void {
  const unsent = (publisherStats as PublisherTotals | undefined)?.nUnsent ?? 0;
  if (unsent > 0)
    process.stdout.write(`\nNot sent: ${unsent} object(s) that clients of the output channel did not take\n`);
}

/**
 * @returns What the stage did; undefined when the run ended before the stage had started.
 * @throws what `start` throws
 */
export async function runStage<S extends object>(run: StageRun<S>): Promise<StageTotals | undefined> {
  const { runtime, reportPeriod, signal, print, watch } = run;
  const end = ending(signal, runtime);
  // A processor may take its time to start; nobody has to wait for it to end the command.
  const started = await Promise.race([run.start(end.done), end.promise]);
  if (!started) return undefined;
  const { stage, logging } = started;
  const figures = () => [stageFigures(stage.totals(), run.skipInitialUpdates)];
  supervised?.serve(figures);
  supervised?.onFinish(() => stage.endReception());
  const report = watch ? watch.show : print;
  const timer =
    reportPeriod > 0
      ? setInterval(() => report(stage.updateStatus()), timerMs(reportPeriod * 1000))
      : undefined;
  watch?.show(stage.stats());
  const watchTimer = watch && setInterval(() => watch.show(stage.stats()), VIEW_PERIOD_MS);
  await end.promise;
  clearInterval(timer);
  clearInterval(watchTimer);
  watch?.close();
  const last = await stage.stop();
  await supervised?.final(figures());
  print(last);
  sayNotProcessed(last);
  const totals = stage.totals();
  sayNotSent(totals);
  logging.close();
  return totals;
}
