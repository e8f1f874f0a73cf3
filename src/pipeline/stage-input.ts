/** What a stage is made with, and what it and its input (one receiver, or a collector's producers) expect of each other. */
import type { ContextOptions, Server, ServerOptions, TypeDef } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import type { PublisherStats } from '../output/data-publisher.ts';
import type { ProcessorStats } from '../processor/processor-counts.ts';
import type { LatencyStats, RateStats, StageCounters } from './figures/stage-figures.ts';
import type { RuntimeSettings, Settable } from './runtime-settings.ts';
import type { WindowedSourceStats } from './source-stats.ts';
import type { StageState } from './stage-status.ts';
import type { InputTotals } from './stage-totals.ts';
import type { StageStats } from './status-record.ts';
import type { ConstructOptions } from './user-code.ts';
import type { WorkerProcessor } from './workers/worker-processor.ts';

export interface StageOptions extends ConstructOptions {
  /** The processor runs in these, opened before; ended with the stage. */
  readonly workers?: WorkerProcessor | undefined;
  /** The id field of status and control channel. */
  readonly idField: 'consumerId' | 'collectorId';
  /** Names of pvAccess channels whose updates the processor can take; none by default. */
  readonly metadataChannels?: readonly string[] | undefined;
  readonly metadataQueueSize: number;
  readonly serverQueueSize: number;
  readonly logger: Logger;
  /** A client asked for it with the control command `stop`. */
  readonly onStop: () => void;
  /** Seconds for working off what is queued when the stage is stopped; default 5. */
  readonly drainTimeout?: number | undefined;
  /** Longest time between two updates of the status channel, in seconds; default 10. */
  readonly statusPeriod?: number | undefined;
  /** The status channel was written. */
  readonly onStatus?: (() => void) | undefined;
  /** The server, not started yet, or what it is made with. */
  readonly server?: Server | ServerOptions;
  readonly client?: ContextOptions;
}

/** Where a stage's objects come from. */
export interface StageInput<S extends StageStats> {
  start(): void;
  /** Takes nothing more until `resume`; what is queued is processed. */
  pause(): void;
  resume(): void;
  /** Stops reception, then has everything processed that is still queued, for at most `drainMs`. */
  stop(drainMs: number): Promise<void>;
  /** The keys of a `configure` command that this stage understands. */
  readonly settable: Settable;
  /** Do these settings, each right by itself, go with each other and with those in force? @throws UserError if not */
  check?(settings: RuntimeSettings): void;
  /** Applies settings that were checked. */
  configure(settings: RuntimeSettings): void;
  resetStats(): void;
  /** Objects received and refused so far. */
  counters(): Pick<StageCounters, 'received' | 'receivedBytes' | 'rejected'>;
  /** Objects that wait here. */
  readonly waiting: number;
  /** Could an object arrive now? */
  readonly connected: boolean;
  /** Looks at the counters of its sources; called every SAMPLE_MS. */
  sample?(): void;
  /** A second has passed. */
  rotate(): void;
  /** All figures of the stage. */
  stats(parts: StageParts): S;
  /** What it did since the start, whatever was reset. */
  totals(): InputTotals;
  /** A client asked for figures with the control command `get_stats`. */
  onGetStats(stats: S): void;
  /** The type of the status channel. */
  statusType(userStats: TypeDef | undefined, nMetadata: number): TypeDef;
}

/** `processorStats` as they are published. */
export interface StageProcessorStats extends ProcessorStats {
  /** Objects received that are not processed yet; at the end, those that never were. */
  readonly nInFlight: number;
}

/** What the stage itself can tell. */
export interface StageParts {
  /** Number of this snapshot, from 1. */
  readonly snapshot: number;
  readonly state: StageState;
  readonly stateMessage: string;
  readonly publisher: PublisherStats | undefined;
  readonly processor: StageProcessorStats;
  readonly rates: RateStats;
  readonly latency: LatencyStats;
  readonly user: Record<string, unknown>;
  readonly metadata: readonly WindowedSourceStats[];
}
