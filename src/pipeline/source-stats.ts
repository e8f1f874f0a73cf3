/** Statistics of one channel among several: a collector's producers, and metadata channels (pvapy-behaviour.md 4.1). */
import type { ChannelProvider } from '../channel-provider.ts';
import { MetadataChannel } from '../input/metadata-channel.ts';
import type { QueueStats } from '../input/object-queue.ts';
import type { Logger } from '../log.ts';

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

/** With the rates that are published and printed. */
export interface RatedSourceStats extends SourceStats {
  readonly receiverStats: SourceStats['receiverStats'] & {
    readonly receivedRate: number;
    readonly rejectedRate: number;
    readonly overrunRate: number;
  };
}

export interface MetadataOptions {
  /** Names of pvAccess channels; none by default. */
  readonly metadataChannels?: readonly string[] | undefined;
  readonly metadataQueueSize: number;
  readonly serverQueueSize: number;
  readonly logger: Logger;
}

/** The metadata channels of a stage, numbered from 1. */
export function metadataChannels(options: MetadataOptions, provider: ChannelProvider): MetadataChannel[] {
  const { metadataQueueSize: queueSize, serverQueueSize, logger } = options;
  return (options.metadataChannels ?? []).map(
    (channel, i) => new MetadataChannel({ provider, id: i + 1, channel, queueSize, serverQueueSize, logger }),
  );
}

export function metadataStats(channel: MetadataChannel): SourceStats {
  const { nReceived, nOverruns, connected, queue } = channel.stats;
  return {
    producerId: channel.id,
    channel: channel.channel,
    connected,
    receiverStats: { nReceived, nRejected: queue.nRejected, nOverruns },
    queueStats: queue,
  };
}

/** `<group>_<producerId>` for each source. */
export function sourceGroups<G extends 'producerStats' | 'metadataStats'>(
  group: G,
  sources: readonly SourceStats[],
  rate: (count: number) => number,
): Record<`${G}_${number}`, RatedSourceStats> {
  const groups = sources.map(({ producerId, channel, connected, receiverStats, queueStats }) => {
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
    };
    return [`${group}_${producerId}`, rated] as const;
  });
  return Object.fromEntries(groups) as Record<`${G}_${number}`, RatedSourceStats>;
}
