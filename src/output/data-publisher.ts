/** Where a consumer's results go. One implementation per output mode. */
import type { TypeDef, Value } from 'epics-pva-ts';

export interface PublisherStats {
  readonly nPublished: number;
  readonly nErrors: number;
  /** Bytes of the objects published, each counted once, however many clients there are. */
  readonly nBytes: number;
}

/** Since the start, whatever was reset. */
export interface PublisherTotals extends PublisherStats {
  /** At the end only: of those published, what a client had asked for and was not sent, as it did not take it. */
  readonly nUnsent?: number;
  /** Of those published: before the channel, if it is served here, had its first monitor. */
  readonly nUnheard?: number;
}

/** Told of each object that was published. */
export type PublishedHandler = (object: Value) => void;

export interface DataPublisher {
  /** The first object has come: type and first value of the output, as the processor has declared it. */
  open(first: Value | TypeDef): void;
  /** Publishes one object; what goes wrong is counted and logged, never thrown at the processor. */
  publish(value: Value): void;
  /** Settles when more may be published; undefined when it may now. */
  readonly saturated: Promise<void> | undefined;
  readonly stats: PublisherStats;
  /** The same since the start, whatever was reset. */
  readonly totals: PublisherTotals;
  resetStats(): void;
  /** Published objects that clients have asked for and not been sent, now; those that count as errors are not among them. */
  readonly nUnsent: number;
  /** Waits for what is on its way, for at most `drainMs`. */
  stop(drainMs: number): Promise<void>;
}
