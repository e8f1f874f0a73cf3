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
  /** Runs at a rate before it counts as lossy: on a busy machine one run may lose a frame by accident. Default: 2. */
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
  if (ladder.some((rate, index) => rate <= (ladder[index - 1] ?? 0))) {
    throw new Error(`the ladder of rates must ascend from above 0: ${ladder.join(', ')}`);
  }
  const attempts = options.attempts ?? 2;
  const runs: { rate: number; run: R }[] = [];
  let best: R | undefined;
  let low = 0;
  let high = ladder.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const rate = ladder[middle] ?? 0;
    let reached = false;
    for (let attempt = 1; attempt <= attempts && !reached; attempt += 1) {
      const result = await run(rate);
      runs.push({ rate, run: result });
      if (result.lossless && (best === undefined || result.achievedFps > best.achievedFps)) {
        best = result;
      }
      if (result.lossless && result.achievedFps < KEPT_UP * rate) {
        // No accident: the producer's own limit. Trying again would not change it.
        break;
      }
      reached = result.lossless;
    }
    if (reached) {
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return { best, runs };
}
