/** The statistics of one consumer: gathered from its parts, with the rates PvaPy computes from them. */

import type { ReceiverStats } from '../input/data-receiver.ts';
import type { QueueStats } from '../input/object-queue.ts';
import type { PublisherStats } from '../output/data-publisher.ts';
import { processResources, type ResourceStats } from './figures/process-resources.ts';
import type { LatencyStats, RateStats } from './figures/stage-figures.ts';
import { timeNow } from './record-time.ts';
import { type RatedSourceStats, sourceGroups } from './source-stats.ts';
import type { StageParts, StageProcessorStats } from './stage-input.ts';
import type { StageState } from './stage-status.ts';

export interface ConsumerStats {
  readonly consumerId: number;
  readonly inputChannel: string;
  /** Number of this snapshot, from 1. */
  readonly objectId: number;
  /** Seconds since 1970. */
  readonly objectTime: number;
  readonly objectTimestamp: Record<string, unknown>;
  readonly receiverStats: ReceiverStats & {
    readonly receivedRate: number;
    readonly rejectedRate: number;
    readonly errorRate: number;
    readonly overrunRate: number;
  };
  readonly publisherStats?: PublisherStats & { readonly publishedRate: number; readonly errorRate: number };
  readonly queueStats?: QueueStats;
  readonly processorStats: StageProcessorStats;
  /** Over the last seconds; all other rates are means. */
  readonly rateStats: RateStats;
  readonly latencyStats: LatencyStats;
  readonly state: StageState;
  /** More about the state, such as why the input is disconnected. */
  readonly stateMessage: string;
  readonly resourceStats: ResourceStats;
  readonly userStats?: Record<string, unknown>;
  /** For each metadata channel, by its number. */
  readonly [metadata: `metadataStats_${number}`]: RatedSourceStats;
}

export interface StatsParts extends StageParts {
  readonly consumerId: number;
  readonly inputChannel: string;
  readonly receiver: ReceiverStats;
  readonly queue: QueueStats | undefined;
}

/** Every rate is count / receiving time (PvaPy), 0 before the second object. */
export function consumerStats(p: StatsParts): ConsumerStats {
  const { receivingTime } = p.processor;
  const rate = (n: number): number => (receivingTime > 0 ? n / receivingTime : 0);
  const { seconds, time } = timeNow();
  return {
    consumerId: p.consumerId,
    inputChannel: p.inputChannel,
    objectId: p.snapshot,
    objectTime: seconds,
    objectTimestamp: time,
    receiverStats: {
      ...p.receiver,
      receivedRate: rate(p.receiver.nReceived),
      rejectedRate: rate(p.receiver.nRejected),
      errorRate: rate(p.receiver.nErrors),
      overrunRate: rate(p.receiver.nOverruns),
    },
    ...(p.publisher && {
      publisherStats: {
        ...p.publisher,
        publishedRate: rate(p.publisher.nPublished),
        errorRate: rate(p.publisher.nErrors),
      },
    }),
    ...(p.queue && { queueStats: p.queue }),
    processorStats: p.processor,
    rateStats: p.rates,
    latencyStats: p.latency,
    state: p.state,
    stateMessage: p.stateMessage,
    resourceStats: processResources(),
    ...(Object.keys(p.user).length > 0 && { userStats: p.user }),
    ...sourceGroups('metadataStats', p.metadata, rate),
  };
}

/** What is printed: without the members that only make sense on the channel. */
export function printedStats(stats: ConsumerStats): Record<string, unknown> {
  const { objectTimestamp: _time, ...printed } = stats;
  return printed;
}
