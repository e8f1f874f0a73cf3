/** Sizes a collector derives from what the user asked for (pvapy-behaviour.md 2.2). */

import type { CollectorCacheSettings } from './collector-cache.ts';

/**
 * @param requested Below 0: 10 objects for each producer, as PvaPy, and up to 1000 of each while nothing is lost by
 *   waiting (see CollectorCacheSettings): 10 are 80 ms of four producers at 500 objects a second, no more than a busy
 *   computer keeps one of their processes waiting. Otherwise this is the limit; never less than one each.
 */
export function cacheSizeFor(
  requested: number,
  nProducers: number,
): Pick<CollectorCacheSettings, 'cacheSize' | 'cacheLimit'> {
  if (requested < 0) return { cacheSize: 10 * nProducers, cacheLimit: 1000 * nProducers };
  const cacheSize = Math.max(requested, nProducers);
  return { cacheSize, cacheLimit: cacheSize };
}

/** @param requested 0 or less as for a consumer; otherwise at least ten times the cache */
export function receiverQueueSizeFor(requested: number, cacheSize: number): number {
  return requested <= 0 ? requested : Math.max(requested, 10 * cacheSize);
}
