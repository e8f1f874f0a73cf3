/**
 * Counts: counters of a part of a stage, twice: since the last reset, for the status channel (PvaPy's users expect
 * `reset_stats` to set them to 0), and since the start, for the ledger and `--fail-on-loss`, which a reset must neither
 * unbalance nor make forget a loss. Every room may import this.
 */
export class Counts<K extends string> {
  /** Since the last reset. */
  readonly current: Record<K, number>;
  /** Since the start. */
  readonly totals: Record<K, number>;
  private readonly names: readonly K[];
  private resets = 0;

  constructor(...names: readonly K[]) {
    this.names = names;
    this.current = wideZeros(names);
    this.totals = wideZeros(names);
  }

  /** Number of the present count, to be remembered with what is begun in it. */
  get epoch(): number {
    return this.resets;
  }

  /** @param epoch when what is counted was begun; what was begun before the last reset is in the totals only */
  count(name: K, by = 1, epoch: number = this.resets): void {
    this.totals[name] += by;
    if (epoch === this.resets) this.current[name] += by;
  }

  reset(): void {
    this.resets++;
    for (const name of this.names) this.current[name] = 0;
  }
}

/** Kept as doubles from the start: bytes pass 2^31 in seconds, and V8 would compile anew (epics-pva-ts, kept-kinds.ts). */
function wideZeros<K extends string>(names: readonly K[]): Record<K, number> {
  const zeros = Object.fromEntries(names.map((name) => [name, Number.NaN])) as Record<K, number>;
  for (const name of names) zeros[name] = 0;
  return zeros;
}
