/** Rates between one look at a counter and the next. */

interface Look {
  readonly count: number;
  readonly time: number;
  readonly rate: number;
}

/** Time between two looks at least (ms): over less a rate says nothing. */
const SHORTEST_MS = 400;

export class Rates {
  private readonly looks = new Map<string, Look>();

  /**
   * How many a second since the look before; 0 at the first look, and when the counter was reset.
   *
   * @param key which counter
   * @param now in ms, of any one clock
   */
  of(key: string, count: number, now: number): number {
    const before = this.looks.get(key);
    if (before && now - before.time < SHORTEST_MS) return before.rate;
    const rate = before ? Math.max(0, ((count - before.count) * 1000) / (now - before.time)) : 0;
    this.looks.set(key, { count, time: now, rate });
    return rate;
  }
}
