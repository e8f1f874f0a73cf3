/** The statistics of a collector, as it prints and publishes them: pvapy-behaviour.md 2.4, 4.2. */
import type { PublisherStats } from '../../output/data-publisher.ts';
import { type LatencyCounts, latencyFigures } from '../figures/latency-histogram.ts';
import { processResources, type ResourceStats } from '../figures/process-resources.ts';
import type { LatencyStats, RateStats } from '../figures/stage-figures.ts';
import { timeNow } from '../record-time.ts';
import { type RatedSourceStats, sourceGroups, type WindowedSourceStats } from '../source-stats.ts';
import type { StageParts, StageProcessorStats } from '../stage-input.ts';
import type { StageState } from '../stage-status.ts';
import type { CollectorCacheStats } from './cache-counts.ts';

export interface CollectorStats {
  readonly collectorId: number;
  /** Number of this snapshot, from 1. */
  readonly objectId: number;
  /** Seconds since 1970. */
  readonly objectTime: number;
  readonly objectTimestamp: Record<string, unknown>;
  readonly collectorStats: CollectorCacheStats & {
    readonly collectedRate: number;
    readonly rejectedRate: number;
    readonly missedRate: number;
    /** Time in the cache over the last seconds, in s. */
    readonly addedLatencyP50: number;
    readonly addedLatencyP90: number;
    readonly addedLatencyP99: number;
    /** Producers connected now. */
    readonly nConnected: number;
  };
  readonly processorStats: StageProcessorStats;
  readonly rateStats: RateStats;
  readonly latencyStats: LatencyStats;
  readonly state: StageState;
  /** More about the state, such as why no producer is connected. */
  readonly stateMessage: string;
  readonly resourceStats: ResourceStats;
  readonly publisherStats?: PublisherStats & { readonly publishedRate: number; readonly errorRate: number };
  readonly userStats?: Record<string, unknown>;
  /** For each producer, by its id, and for each metadata channel, by its number. */
  readonly [source: `producerStats_${number}` | `metadataStats_${number}`]: RatedSourceStats;
}

/** Every rate is count / receiving time (PvaPy), 0 before the second object. */
export function collectorStats(
  collectorId: number,
  parts: StageParts,
  cache: CollectorCacheStats,
  added: LatencyCounts,
  sources: readonly WindowedSourceStats[],
): CollectorStats {
  const { receivingTime } = parts.processor;
  const rate = (n: number): number => (receivingTime > 0 ? n / receivingTime : 0);
  const { seconds, time } = timeNow();
  const { p50, p90, p99 } = latencyFigures(added);
  return {
    collectorId,
    objectId: parts.snapshot,
    objectTime: seconds,
    objectTimestamp: time,
    collectorStats: {
      ...cache,
      collectedRate: rate(cache.nCollected),
      rejectedRate: rate(cache.nRejected),
      missedRate: rate(cache.nMissed),
      addedLatencyP50: p50,
      addedLatencyP90: p90,
      addedLatencyP99: p99,
      nConnected: sources.filter(({ connected }) => connected).length,
    },
    processorStats: parts.processor,
    rateStats: parts.rates,
    latencyStats: parts.latency,
    state: parts.state,
    stateMessage: parts.stateMessage,
    resourceStats: processResources(),
    ...(parts.publisher && {
      publisherStats: {
        ...parts.publisher,
        publishedRate: rate(parts.publisher.nPublished),
        errorRate: rate(parts.publisher.nErrors),
      },
    }),
    ...(Object.keys(parts.user).length > 0 && { userStats: parts.user }),
    ...sourceGroups('producerStats', sources, rate),
    ...sourceGroups('metadataStats', parts.metadata, rate),
  };
}

/** What is printed: without the members that only make sense on the channel. */
export function printedCollectorStats(stats: CollectorStats): Record<string, unknown> {
  const { objectTimestamp: _time, ...printed } = stats;
  return printed;
}
