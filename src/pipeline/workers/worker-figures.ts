/**
 * The figures of several workers as those of one processor, by their names (docs/how-to/processor-workers.md): counts,
 * rates and times spent are added, because workers work side by side; of points in time the latest counts; of everything else
 * the one of the worker whose figures changed last. And the figures of each worker.
 */
import { isDeepStrictEqual } from 'node:util';
import { struct, type TypeDef, type TypeSpec } from 'epics-pva-ts';

/** What the pool knows of each worker. */
export interface WorkerCounts {
  nProcessed: number;
  nErrors: number;
  /** Times its process was replaced. */
  nRestarts: number;
  /** What its `getStats` returned last. */
  figures: Figures;
  /** What remains of those of its processes before. */
  earlier: Figures;
  /** When these figures were others than before, among all the workers' reports; 0 before the first. */
  changed: number;
}

type Figures = Readonly<Record<string, unknown>>;

/** Names of counts (PvaPy's `nSomething`), totals and bytes. */
const COUNT = /^(?:n|total)[A-Z]|[bB]ytes/;
/** Names of rates (of a second: `dataStorageRateMBps` is one) and of time spent, as `processingTime`. */
const RATE_OR_SPENT = /(?:^r|R)ate(?![a-z])|PerSecond$|[pP]rocessingTime$/;
/** Names of points in time, such as `lastFrameProcessedTime`. */
const TIME = /[tT]ime(?:[sS]tamp)?$/;
/** Has gone with a process that died. */
const PRESENT = /(?:InFlight|Open)$/;

/** What a worker leaves whose process has died: its counts stay in the sum. */
export function died({ figures, earlier }: WorkerCounts): Pick<WorkerCounts, 'figures' | 'earlier'> {
  const all = Object.entries(figures);
  const counts = all.filter(([name, value]) => isNumber(value) && COUNT.test(name) && !PRESENT.test(name));
  return {
    // Until the next process has told its own.
    figures: Object.fromEntries(all.filter(([, value]) => !isNumber(value))),
    earlier: combineFigures([earlier, Object.fromEntries(counts)]),
  };
}

/** Does a worker say what it said before? */
export function sameFigures(a: Figures, b: Figures): boolean {
  return isDeepStrictEqual(a, b);
}

/** @param all what `getStats` of each worker returned; those that changed last come last */
export function combineFigures(all: readonly Figures[]): Record<string, unknown> {
  const combined: Record<string, unknown> = {};
  for (const figures of all)
    for (const [name, value] of Object.entries(figures))
      combined[name] = together(name, combined[name], value);
  return combined;
}

function together(name: string, before: unknown, value: unknown): unknown {
  if (isNumber(before) && typeof before === typeof value) {
    if (COUNT.test(name) || RATE_OR_SPENT.test(name)) return (before as number) + (value as number);
    if (TIME.test(name)) return before > (value as number) ? before : value;
  }
  return value;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** The name of a worker's own figures. */
const workerName = (workerId: number): string => `worker_${workerId}`;

/** The structure of `workerStats` on the status channel. */
export function workerStatsType(nWorkers: number): TypeDef {
  const each = struct('', { processId: 'uint', nProcessed: 'uint', nErrors: 'uint', nRestarts: 'uint' });
  const members = Array.from({ length: nWorkers }, (_, i): [string, TypeSpec] => [workerName(i + 1), each]);
  return struct('', [['nInFlight', 'uint'], ['nRestarts', 'uint'], ...members]);
}

/** `workerStats`, and what the workers' `getStats` returned, together; a process id of 0 is that of one that has ended. */
export function poolFigures(
  all: readonly (WorkerCounts & { readonly processId: number })[],
  nInFlight: number,
): Record<string, unknown> {
  const each = all.map(({ processId, nProcessed, nErrors, nRestarts }, i): [string, object] => {
    return [workerName(i + 1), { processId, nProcessed, nErrors, nRestarts }];
  });
  const nRestarts = all.reduce((n, worker) => n + worker.nRestarts, 0);
  const byChange = [...all].sort((a, b) => a.changed - b.changed);
  return {
    workerStats: { nInFlight, nRestarts, ...Object.fromEntries(each) },
    ...combineFigures(byChange.flatMap(({ figures, earlier }) => [earlier, figures])),
  };
}
