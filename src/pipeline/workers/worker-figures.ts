/**
 * The figures of several workers as those of one processor: numbers are added (counts, and rates because workers work
 * side by side); of everything else the first worker's counts. And the figures of each worker.
 */
import { struct, type TypeDef, type TypeSpec } from 'epics-pva-ts';

/** What the pool knows of each worker. */
export interface WorkerFigures {
  /** Process id; 0 while there is none. */
  readonly processId: number;
  readonly nProcessed: number;
  readonly nErrors: number;
  /** Times its process was replaced. */
  readonly nRestarts: number;
}

type Figures = Readonly<Record<string, unknown>>;

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
export const workerName = (workerId: number): string => `worker_${workerId}`;

/** The structure of `workerStats` on the status channel. */
export function workerStatsType(nWorkers: number): TypeDef {
  const each = struct('', { processId: 'uint', nProcessed: 'uint', nErrors: 'uint', nRestarts: 'uint' });
  const members = Array.from({ length: nWorkers }, (_, i): [string, TypeSpec] => [workerName(i + 1), each]);
  return struct('', [['nInFlight', 'uint'], ['nRestarts', 'uint'], ...members]);
}
