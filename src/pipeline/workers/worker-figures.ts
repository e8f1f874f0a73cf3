/**
 * The figures of several workers as those of one processor: numbers are added (counts, and rates because workers work
 * side by side); of everything else the first worker's counts. And the figures of each worker.
 */
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
}

type Figures = Readonly<Record<string, unknown>>;

/** Names of counts (PvaPy's); what is open or in flight has gone with the process. */
const COUNT = /^n(?!.*(?:InFlight|Open)$)[A-Z]/;

/** What a worker leaves whose process has died: its counts stay in the sum. */
export function died({ figures, earlier }: WorkerCounts): Pick<WorkerCounts, 'figures' | 'earlier'> {
  const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';
  const all = Object.entries(figures);
  const counts = all.filter(([name, value]) => isNumber(value) && COUNT.test(name));
  return {
    // Until the next process has told its own.
    figures: Object.fromEntries(all.filter(([, value]) => !isNumber(value))),
    earlier: combineFigures([earlier, Object.fromEntries(counts)]),
  };
}

/** @param all what `getStats` of each worker returned, in the order of the workers */
export function combineFigures(all: readonly Figures[]): Record<string, unknown> {
  const combined: Record<string, unknown> = {};
  for (const figures of all) {
    for (const [name, value] of Object.entries(figures)) combined[name] = added(combined[name], value);
  }
  return combined;
}

function added(before: unknown, value: unknown): unknown {
  if (typeof before === 'number' && typeof value === 'number') return before + value;
  if (typeof before === 'bigint' && typeof value === 'bigint') return before + value;
  return before ?? value;
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
  return {
    workerStats: { nInFlight, nRestarts, ...Object.fromEntries(each) },
    ...combineFigures(all.flatMap(({ figures, earlier }) => [figures, earlier])),
  };
}
