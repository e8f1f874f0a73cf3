/** What the parent of a process group and its children tell each other (structured clone over Node's IPC channel). */
import type { UserErrorCode } from '../errors.ts';
import type { ConsumerSpec } from './consumer-spec.ts';
import type { ConsumerStats } from './consumer-stats.ts';
import type { ObjectLatencies } from './figures/object-latency.ts';
import type { StageTotals } from './stage-totals.ts';

export type ToChild =
  | { readonly type: 'start'; readonly spec: ConsumerSpec }
  /** `publish`: on the status channel, too. */
  | { readonly type: 'get_stats'; readonly requestId: number; readonly publish: boolean }
  /** Receive nothing more, and stay. */
  | { readonly type: 'end_reception' }
  | { readonly type: 'stop' };

/** How often a child tells its figures unasked, in ms: what it did since then is lost when it is killed. */
export const FIGURES_PERIOD_MS = 1000;

/** The figures of a consumer at one moment. */
export interface Told {
  readonly stats: ConsumerStats;
  /** The counters since the start, whatever was reset. */
  readonly totals: StageTotals;
  /** Left out in answers: these are large. */
  readonly latencies?: ObjectLatencies;
}

export type FromChild =
  /** The consumer runs. */
  | { readonly type: 'ready' }
  /** It cannot start, for a reason that a restart would not mend: one line for the user. */
  | {
      readonly type: 'failed';
      readonly line: string;
      readonly code: UserErrorCode;
      readonly exitCode: number;
    }
  | ({ readonly type: 'stats'; readonly requestId: number } & Told)
  /** Unasked: every second, and when something has changed. */
  | ({ readonly type: 'figures' } & Told)
  /** A client asked for statistics by the control channel: print them. */
  | { readonly type: 'report'; readonly stats: ConsumerStats }
  /** The consumer has ended in good order. */
  | ({ readonly type: 'stopped' } & Told);
