/** Statistics of one channel among several: a collector's producers, and metadata channels (pvapy-behaviour.md 4.1). */
import type { QueueStats } from '../input/object-queue.ts';
import type { SourceRateStats } from './figures/source-rates.ts';

/** Counters since the start or the last reset. */
export interface SourceStats {
  /** Of a metadata channel its number in the list, from 1. */
  readonly producerId: number;
  readonly channel: string;
  /** Is the channel connected now? */
  readonly connected: boolean;
  /** `nReceived` counts every update, `nRejected` those that could not be used. */
  readonly receiverStats: {
    readonly nReceived: number;
    readonly nRejected: number;
    readonly nOverruns: number;
  };
  readonly queueStats?: QueueStats | undefined;
}

/** With the rates of the last seconds. */
export interface WindowedSourceStats extends SourceStats {
  readonly rateStats: SourceRateStats;
}

/** With all rates that are published and printed. */
export interface RatedSourceStats extends WindowedSourceStats {
  readonly receiverStats: SourceStats['receiverStats'] & {
    readonly receivedRate: number;
    readonly rejectedRate: number;
    readonly overrunRate: number;
  };
}

/** `<group>_<producerId>` for each source. */
export function sourceGroups<G extends 'producerStats' | 'metadataStats'>(
  group: G,
  sources: readonly WindowedSourceStats[],
  rate: (count: number) => number,
): Record<`${G}_${number}`, RatedSourceStats> {
  const groups = sources.map(({ producerId, channel, connected, receiverStats, queueStats, rateStats }) => {
    const { nReceived, nRejected, nOverruns } = receiverStats;
    const rated: RatedSourceStats = {
      producerId,
      channel,
      connected,
      receiverStats: {
        ...receiverStats,
        receivedRate: rate(nReceived),
        rejectedRate: rate(nRejected),
        overrunRate: rate(nOverruns),
      },
      ...(queueStats && { queueStats }),
      rateStats,
    };
    return [`${group}_${producerId}`, rated] as const;
  });
  return Object.fromEntries(groups) as Record<`${G}_${number}`, RatedSourceStats>;
}
