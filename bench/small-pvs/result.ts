/** What every benchmark of small PVs gives: figures, the goal they are held against, and how they are printed. */

/** One figure of one implementation. */
export interface Figure {
  /** What was measured, e.g. `client CPU, 1000 PVs x 10 Hz`. */
  readonly what: string;
  readonly unit: string;
  /** Ours, and PVXS's (through p4p) where there is a peer: medians. */
  readonly ours: number;
  readonly peer?: number | undefined;
  /** What ours is to reach, and whether less or more of it is better. */
  readonly goal?: number;
  readonly better: 'less' | 'more';
  /** All single measurements and whatever else is worth keeping, for the JSON file. */
  readonly runs?: unknown;
}

/** How much better ours is than the peer: above 1 is better, whichever way the figure counts. */
export function ratio({ ours, peer, better }: Figure): number | undefined {
  if (peer === undefined) return undefined;
  return better === 'less' ? peer / ours : ours / peer;
}

export function reached({ ours, goal, better }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return better === 'less' ? ours < goal : ours >= goal;
}

function number(v: number | undefined): string {
  if (v === undefined || Number.isNaN(v)) return '-';
  return Math.abs(v) >= 1000 ? v.toFixed(0) : v.toPrecision(3);
}

const TITLES = ['what', 'unit', 'ours', 'PVXS', 'ratio', 'goal', ''];

/** The figures as a table. `ratio` above 1 means that ours is better. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((f) => {
    const met = reached(f);
    const goal = f.goal === undefined ? '-' : `${f.better === 'less' ? '<' : '>='} ${f.goal}`;
    const verdict = met === undefined ? '' : met ? 'reached' : 'MISSED';
    return [f.what, f.unit, number(f.ours), number(f.peer), number(ratio(f)), goal, verdict];
  });
  const widths = TITLES.map((t, i) => Math.max(t.length, ...rows.map((r) => (r[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (i === 0 || i === 6 ? c.padEnd(widths[i] as number) : c.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return [TITLES, ...rows].map(line).join('\n');
}
