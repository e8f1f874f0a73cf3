/** What every benchmark gives: figures, the goal they are held against, and how they are printed. */

/** One figure of one implementation. */
export interface Figure {
  /** What was measured, e.g. `client CPU, 1000 PVs x 10 Hz`. */
  readonly what: string;
  readonly unit: string;
  /** Ours, and the peer's where there is one: medians. */
  readonly ours: number;
  readonly peer?: number | undefined;
  /** The single measurements of both, of which the table shows the least and the greatest. */
  readonly oursEach?: readonly number[];
  readonly peerEach?: readonly number[];
  /** What ours is to reach, and whether less or more of it is better. */
  readonly goal?: number;
  /** What the ratio to the peer is to reach. */
  readonly ratioGoal?: number;
  readonly better: 'less' | 'more';
  /** All single measurements and whatever else is worth keeping, for the JSON file. */
  readonly runs?: unknown;
}

/** How much better ours is than the peer: above 1 is better, whichever way the figure counts. */
export function ratio({ ours, peer, better }: Figure): number | undefined {
  if (peer === undefined) return undefined;
  return better === 'less' ? peer / ours : ours / peer;
}

/** Undefined when there is no goal, or no peer to reach it beside. */
export function reached(figure: Figure): boolean | undefined {
  const { ours, goal, ratioGoal, better } = figure;
  const compared = ratio(figure);
  const verdicts = [
    goal === undefined ? undefined : better === 'less' ? ours < goal : ours >= goal,
    ratioGoal === undefined || compared === undefined ? undefined : compared >= ratioGoal,
  ].filter((verdict) => verdict !== undefined);
  return verdicts.length === 0 ? undefined : verdicts.every(Boolean);
}

/** The middle one; the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

function number(v: number | undefined): string {
  if (v === undefined || Number.isNaN(v)) return '-';
  return Math.abs(v) >= 1000 ? v.toFixed(0) : v.toPrecision(3);
}

function spread(each: readonly number[] | undefined): string {
  if (!each || each.length < 2) return '';
  return ` [${number(Math.min(...each))}..${number(Math.max(...each))}]`;
}

function goalText({ goal, ratioGoal, better }: Figure): string {
  const texts = [
    goal === undefined ? undefined : `${better === 'less' ? '<' : '>='} ${number(goal)}`,
    ratioGoal === undefined ? undefined : `ratio >= ${number(ratioGoal)}`,
  ].filter((text) => text !== undefined);
  return texts.length === 0 ? '-' : texts.join(', ');
}

/** The figures as a table, `peer` naming whom ours is compared with. `ratio` above 1 means that ours is better. */
export function table(figures: readonly Figure[], peer: string): string {
  const TITLES = ['what', 'unit', 'ours', peer, 'ratio', 'goal', ''];
  const rows = figures.map((f) => {
    const met = reached(f);
    const verdict = met === undefined ? '' : met ? 'reached' : 'MISSED';
    const ours = number(f.ours) + spread(f.oursEach);
    return [
      f.what,
      f.unit,
      ours,
      number(f.peer) + spread(f.peerEach),
      number(ratio(f)),
      goalText(f),
      verdict,
    ];
  });
  const widths = TITLES.map((t, i) => Math.max(t.length, ...rows.map((r) => (r[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (i === 0 || i === 6 ? c.padEnd(widths[i] as number) : c.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return [TITLES, ...rows].map(line).join('\n');
}
