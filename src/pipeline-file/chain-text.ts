/** What is shown of a chain: the table of its stages, a line now and then, the ledger at the end. Pure text. */
import type { Ledger, StageLine } from './ledger.ts';
import type { StageState } from './stage-process.ts';

/** One row of the table. */
export interface ChainRow extends StageLine {
  readonly state: StageState;
  readonly restarts: number;
  /** Objects a second since the view before: published by a source, processed by others. */
  readonly rate: number;
}

const COLUMNS = ['stage', 'state', 'received', 'processed', 'missed', 'queued', 'published', 'objects/s'];

/** Cells in columns, numbers to the right. */
function table(rows: readonly (readonly string[])[], textColumns: number): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i < textColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Objects that a stage has dealt with. */
export function handledBy(line: StageLine): number {
  return line.received === 0 && line.processed === 0 ? line.published : line.processed + line.errors;
}

function stateText({ state, restarts }: ChainRow): string {
  return restarts > 0 ? `${state} (${restarts} restarts)` : state;
}

/** The live table; an empty cell where a simulator has no such figure. */
export function tableText(rows: readonly ChainRow[], seconds: number): string {
  const body = rows.map((row) => {
    const own = (n: number): string =>
      row.received === 0 && row.processed === 0 && row.published > 0 ? '' : String(n);
    return [
      row.name,
      stateText(row),
      own(row.received),
      own(row.processed),
      own(row.missed),
      own(row.queued),
      String(row.published),
      row.rate.toFixed(1),
    ];
  });
  return `${table([COLUMNS, ...body], 2)}\n${seconds.toFixed(0)} s; Ctrl-C ends the chain in order, once more at once`;
}

/** The same on one line, for where there is no terminal. */
export function plainLine(rows: readonly ChainRow[], seconds: number): string {
  const cells = rows.map((row) => {
    const { name, received, processed, missed, published, rate } = row;
    const figures =
      received === 0 && processed === 0 && published > 0
        ? `published=${published}`
        : `received=${received} processed=${processed} missed=${missed}`;
    return `${name}: ${stateText(row)} ${rate.toFixed(0)}/s ${figures}`;
  });
  return `${seconds.toFixed(0)} s | ${cells.join(' | ')}`;
}

const LEDGER = [
  'received',
  'processed',
  'errors',
  'rejected',
  'skipped',
  'queued',
  'missed',
  'published',
] as const;

/** The ledger of a chain that has ended; the last line is the verdict. */
export function ledgerText(name: string, ledger: Ledger): string {
  const { stages, links, lost, verdict, reasons } = ledger;
  // Few chains leave out objects on purpose.
  const columns = LEDGER.filter((column) => column !== 'skipped' || stages.some((s) => s.skipped > 0));
  const rows = stages.map((s) => [s.name, ...columns.map((column) => String(s[column]))]);
  const linkLines = links.map(
    ({ from, to, published, received, lost: missing }) =>
      `${from} -> ${to.join(', ')}: published=${published} received=${received} lost=${missing}`,
  );
  return [
    table([['stage', ...columns], ...rows], 1),
    ...linkLines,
    ...reasons,
    `ledger of ${name}: ${stages.length} stages, ${links.length} links, lost=${lost} ${verdict}`,
  ].join('\n');
}
