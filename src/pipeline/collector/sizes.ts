/** Sizes a collector derives from what the user asked for (pvapy-behaviour.md 2.2). */

/** @param requested below 0: 10 objects for each producer; never less than one each */
export function cacheSizeFor(requested: number, nProducers: number): number {
  return requested < 0 ? 10 * nProducers : Math.max(requested, nProducers);
}

/** @param requested 0 or less as for a consumer; otherwise at least ten times the cache */
export function receiverQueueSizeFor(requested: number, cacheSize: number): number {
  return requested <= 0 ? requested : Math.max(requested, 10 * cacheSize);
}
