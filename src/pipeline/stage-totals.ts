/**
 * What a stage has done since its start, whatever was reset: what the ledger of `hpc-pipeline` and `--fail-on-loss`
 * read. The groups and names are those of its statistics (consumer-stats.ts, collector-stats.ts).
 */
import type { ReceiverStats } from '../input/data-receiver.ts';
import type { QueueStats } from '../input/object-queue.ts';
import type { PublisherTotals } from '../output/data-publisher.ts';
import type { ProcessorTotals } from '../processor/processor-counts.ts';
import type { CollectorCacheTotals } from './collector/cache-counts.ts';
import type { SourceStats } from './source-stats.ts';

/** What the input can tell. */
export interface InputTotals {
  readonly consumerId?: number;
  readonly collectorId?: number;
  readonly receiverStats?: ReceiverStats;
  readonly queueStats?: QueueStats | undefined;
  readonly collectorStats?: CollectorCacheTotals;
  readonly [producer: `producerStats_${number}`]: SourceStats;
}

export interface StageTotals extends InputTotals {
  readonly processorStats: ProcessorTotals & {
    /** Objects received that are not processed yet; at the end, those that never were. */
    readonly nInFlight: number;
    /** Of the updates a consumer's monitor received: what its channel held when it was connected or resumed, and no news. */
    readonly nInitial: number;
  };
  readonly publisherStats?: PublisherTotals | undefined;
  /** Metadata channels that have sent something. */
  readonly nMetadataConnected: number;
}
