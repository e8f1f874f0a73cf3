/**
 * The search for the highest rate at which no frame is lost, the same for every implementation that is measured.
 *
 * What may live here: the search alone. What one run is comes as a function.
 */

/** What the search must know of a run. */
export interface LosslessRun {
  /** Whether every frame published was processed. */
  readonly lossless: boolean;
  /** Frames a second that the producer really published. */
  readonly achievedFps: number;
}

/** What the search found. */
export interface LosslessSearch<R> {
  /** The lossless run with the most frames a second; undefined when every rate lost frames. */
  readonly best: R | undefined;
  /** Every run made, in order. */
  readonly runs: readonly { readonly rate: number; readonly run: R }[];
}

/** Settings of the search. */
export interface SearchOptions {
  /**
   * Runs at a rate before it counts as too high: on a busy machine one may lose a frame, or come too late, by accident.
   * Default: 2.
   */
  readonly attempts?: number;
}

/** A producer that publishes less than this share of the rate asked for has reached its own limit. */
const KEPT_UP = 0.97;

/**
 * Finds the highest rate of a ladder at which no frame is lost, by bisection: about log2(n) rates are tried.
 * A rate that the producer cannot keep up with counts as too high, but its run may still be the best: the producer's limit
 * is a result, too.
 *
 * @param run Does one run at a rate, in frames a second.
 * @param ladder The rates to choose from, ascending.
 * @throws Error when the ladder is not ascending; whatever `run` throws.
 */
export async function highestLossless<R extends LosslessRun>(
  run: (rate: number) => Promise<R>,
  ladder: readonly number[],
  options: SearchOptions = {},
): Promise<LosslessSearch<R>> {
  const search = new Search(run, ladder, options);
  let low = 0;
  let high = ladder.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (await search.reaches(middle)) low = middle + 1;
    else high = middle - 1;
  }
  return search;
}

/**
 * The same by climbing up or down from a rate near the limit, for rounds after the first: some three rates are tried.
 *
 * @param from Index in the ladder to begin at; one outside counts as the nearest inside.
 */
export async function climbLossless<R extends LosslessRun>(
  run: (rate: number) => Promise<R>,
  ladder: readonly number[],
  from: number,
  options: SearchOptions = {},
): Promise<LosslessSearch<R>> {
  const search = new Search(run, ladder, options);
  let index = Math.max(0, Math.min(ladder.length - 1, from));
  if (await search.reaches(index)) {
    do index += 1;
    while (index < ladder.length && (await search.reaches(index)));
  } else {
    // A producer's limit is a lossless run, too: nothing below it is better.
    while (search.best === undefined && index > 0) await search.reaches(--index);
  }
  return search;
}

class Search<R extends LosslessRun> implements LosslessSearch<R> {
  best: R | undefined;
  readonly runs: { rate: number; run: R }[] = [];
  private readonly run: (rate: number) => Promise<R>;
  private readonly ladder: readonly number[];
  private readonly attempts: number;

  constructor(run: (rate: number) => Promise<R>, ladder: readonly number[], { attempts = 2 }: SearchOptions) {
    if (ladder.some((rate, index) => rate <= (ladder[index - 1] ?? 0))) {
      throw new Error(`the ladder of rates must ascend from above 0: ${ladder.join(', ')}`);
    }
    this.run = run;
    this.ladder = ladder;
    this.attempts = attempts;
  }

  /** Whether a rate of the ladder is kept up without loss. */
  async reaches(index: number): Promise<boolean> {
    const rate = this.ladder[index] ?? 0;
    for (let attempt = 1; attempt <= this.attempts; attempt += 1) {
      const result = await this.run(rate);
      this.runs.push({ rate, run: result });
      if (!result.lossless) continue;
      if (this.best === undefined || result.achievedFps > this.best.achievedFps) this.best = result;
      if (result.achievedFps >= KEPT_UP * rate) return true;
    }
    return false;
  }
}
