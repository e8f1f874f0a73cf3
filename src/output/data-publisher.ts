/** Where a consumer's results go. One implementation per output mode. */
import type { Value } from 'epics-pva-ts';

export interface PublisherStats {
  readonly nPublished: number;
  readonly nErrors: number;
}

export interface DataPublisher {
  /** Publishes one object; what goes wrong is counted and logged, never thrown at the processor. */
  publish(value: Value): void;
  readonly stats: PublisherStats;
  resetStats(): void;
}
