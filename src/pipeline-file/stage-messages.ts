/**
 * What `hpc-pipeline` and the commands it starts tell each other, over Node's IPC channel. It imports
 * nothing: commands that run by themselves load nothing else of this room.
 */

/** The environment variable that tells a command that `hpc-pipeline` started it. */
export const STAGE_VARIABLE = 'EPICS_HPC_PIPELINE_STAGE';

/** Counters of one consumer, one channel of a mirror server, or the whole of another stage; since its start. */
export interface MemberFigures {
  /** Consumer id, collector id, number of the channel in the map from 0; 0 for a simulator. */
  readonly id: number;
  /** Connections to input channels that have brought something. */
  readonly connected: number;
  /** Metadata channels that have brought something. */
  readonly metadataConnected: number;
  /** Times its own process died: what it held then is in none of the figures. */
  readonly deaths: number;
  /** Updates that came in, without those that told what a channel held already. */
  readonly received: number;
  /** Of those that told what a channel held: worked on as objects all the same (`--skip-initial-updates 0`). */
  readonly initial: number;
  /** Of those received: left out on purpose (`--skip-initial-updates` of more than 1). */
  readonly skipped: number;
  readonly processed: number;
  /** Failed to be processed. */
  readonly errors: number;
  /** Refused by a queue, or too late for the collector. */
  readonly rejected: number;
  /** Waiting in queues and caches. */
  readonly queued: number;
  /** Ids that never came, as the stage itself found out. */
  readonly missed: number;
  /** Without what was made of `initial` before anybody read the output: its first reader finds that in the channel. */
  readonly published: number;
  readonly publishErrors: number;
}

/** The figures of a member of which nothing is known, or that does nothing. */
export const NO_FIGURES: Omit<MemberFigures, 'id'> = {
  connected: 0,
  metadataConnected: 0,
  deaths: 0,
  received: 0,
  initial: 0,
  skipped: 0,
  processed: 0,
  errors: 0,
  rejected: 0,
  queued: 0,
  missed: 0,
  published: 0,
  publishErrors: 0,
};

export type ToStage =
  /** To a source: publish. */
  | { readonly type: 'go' }
  /** To a source: receive and publish nothing more, but stay; what it has received is worked off. */
  | { readonly type: 'finish' }
  | { readonly type: 'figures'; readonly requestId: number };

export type FromStage =
  /** It serves its channels and searches for those it needs. */
  | { readonly type: 'started' }
  | {
      readonly type: 'figures';
      /** Undefined: the last ones, nothing more will change. */
      readonly requestId: number | undefined;
      readonly members: readonly MemberFigures[];
    }
  /** A source will publish nothing more. */
  | { readonly type: 'finished' };
