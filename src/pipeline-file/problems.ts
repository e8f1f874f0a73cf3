/** What is wrong in a pipeline file, each with its place, and how it is worded: names that may have been meant, values. */

/** A place in the file; both are counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One mistake in one line. */
export interface Problem extends Position {
  readonly message: string;
}

/** Collects all mistakes of a file, so that nobody has to find them one by one. */
export class Problems {
  private readonly found: Problem[] = [];

  add({ line, column }: Position, message: string): void {
    const oneLine = message.trim().replace(/\s*\n\s*/g, ' ');
    if (!this.found.some((p) => p.line === line && p.message === oneLine))
      this.found.push({ line, column, message: oneLine });
  }

  get any(): boolean {
    return this.found.length > 0;
  }

  /** In the order of the file. */
  get list(): readonly Problem[] {
    return this.found.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }
}

/** Edits (insert, delete, replace, swap of neighbours) that make one name of the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swap =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swap);
    }
  }
  return at(a.length, b.length);
}

/** The known name that was probably meant, or undefined if none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase().replaceAll('_', '-').replace(/^-+/, '');
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = distance(wanted, candidate.toLowerCase());
    if (edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name: candidate, edits };
  }
  return best && best.edits <= Math.max(2, Math.floor(name.length / 3)) ? best.name : undefined;
}

/** `; did you mean 'x'?`, or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearestName(name, known);
  return meant === undefined ? '' : `; did you mean '${meant}'?`;
}

/** A value of the file as it is shown in a mistake: not longer than a line bears. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
