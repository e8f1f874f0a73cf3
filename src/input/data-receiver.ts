/** Where a consumer's objects come from. One implementation per input mode. */
import type { Value } from 'epics-pva-ts';
import type { QueueStats } from './object-queue.ts';

/** Told once what came of an object: the error with which its processing failed, if it did. */
export type OutcomeHandler = (error: Error | undefined) => void;

/**
 * Takes one object; called in order, one at a time: a returned promise holds back the next one. It must not throw or
 * reject. The object's receive memory is released afterwards. With processor workers the outcome may be told later.
 */
export type ObjectHandler = (object: Value, outcome?: OutcomeHandler) => void | Promise<void>;

/** Counters of a receiver, since the start or the last reset. */
export interface ReceiverStats {
  /** Objects that arrived, the initial one included. */
  readonly nReceived: number;
  readonly nRejected: number;
  readonly nErrors: number;
  /** Objects that arrived with a sign that others before them were overwritten. */
  readonly nOverruns: number;
  /** Bytes of these objects, as they were received. */
  readonly nBytes: number;
}

export interface DataReceiver {
  start(): void;
  /** Takes nothing more until `resume`; what is queued is processed. */
  pause(): void;
  resume(): void;
  /** Stops reception, then processes what is queued, for at most `drainMs`. */
  stop(drainMs: number): Promise<void>;
  readonly stats: ReceiverStats;
  /** The same since the start, whatever was reset. */
  readonly totals: ReceiverStats;
  /** Could an object arrive now? */
  readonly connected: boolean;
  /** Objects that arrived and wait, in the receiver queue or for their turn. */
  readonly waiting: number;
  /** Undefined without a receiver queue. */
  readonly queueStats: QueueStats | undefined;
  /** The same since the start, whatever was reset. */
  readonly queueTotals: QueueStats | undefined;
  resetStats(): void;
  /** Changes what a `configure` command may change here, which was checked before. */
  configure(settings: ReceiverSettings): void;
}

/** What can be changed while objects flow; what is left out stays. */
export interface ReceiverSettings {
  readonly receiverQueueSize?: number | undefined;
  readonly accumulateObjects?: number | undefined;
  /** In seconds. */
  readonly accumulationTimeout?: number | undefined;
}
