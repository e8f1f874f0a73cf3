/**
 * ServerPublisher: output mode `pvas`, a PV on the consumer's own server.
 *
 * The channel can be found from the start and gets its type with the first object, so that the next stage of a
 * chain is connected before the first result. An object of another type (the source has changed) opens it anew.
 */
import { type SharedPV, type TypeDef, Value } from 'epics-pva-ts';
import { Counts } from '../counts.ts';
import type { Logger } from '../log.ts';
import { objectBytes } from '../object-bytes.ts';
import { type ReportingServer, sendQueued, unsentOf } from '../unsent-updates.ts';
import type { DataPublisher, PublishedHandler, PublisherStats, PublisherTotals } from './data-publisher.ts';

export interface ServerPublisherOptions {
  /** Where results go; it need not be open. */
  readonly pv: SharedPV;
  /** Serves the PV ... */
  readonly server: ReportingServer;
  /** ... by this name. */
  readonly channel: string;
  readonly onPublished?: PublishedHandler;
  readonly logger: Logger;
}

export class ServerPublisher implements DataPublisher {
  private readonly options: ServerPublisherOptions;
  private readonly pv: SharedPV;
  private readonly logger: Logger;
  private readonly onPublished: PublishedHandler;
  /** Has anybody been sent what was published? */
  private heard = false;
  private nUnheard = 0;
  private readonly counts = new Counts('nPublished', 'nErrors', 'nBytes');

  constructor(options: ServerPublisherOptions) {
    this.options = options;
    this.pv = options.pv;
    this.logger = options.logger;
    this.onPublished = options.onPublished ?? (() => {});
  }

  /** Gives the channel its type and first value, unless something was published already. */
  open(first: Value | TypeDef): void {
    if (!this.pv.isOpen) this.pv.open(first instanceof Value ? first.clone() : first);
  }

  publish(value: Value): void {
    try {
      if (!this.pv.serves(value.type)) this.reopen(value);
      this.pv.post(value);
      if (!this.heard) this.listen();
      this.counts.count('nPublished');
      this.counts.count('nBytes', objectBytes(value));
      this.onPublished(value);
    } catch (error) {
      this.counts.count('nErrors');
      this.logger.error(error as Error, 'publishing failed');
    }
  }

  private listen(): void {
    this.heard = this.pv.subscriberCount > 0;
    if (!this.heard) this.nUnheard++;
  }

  private reopen(value: Value): void {
    if (this.pv.isOpen) {
      this.logger.warning(
        `output type changes to ${value.id}: clients of the output channel are reconnected`,
      );
      this.pv.close();
    }
    this.pv.open(value.clone());
  }

  /** Clients that are slow lose updates in their queues; they hold nobody back. */
  get saturated(): undefined {
    return undefined;
  }

  get nUnsent(): number {
    const { server, channel } = this.options;
    return unsentOf(server, channel).updates;
  }

  /** Clients are sent what waits in their queues: the server drops these when it closes. */
  async stop(drainMs: number): Promise<void> {
    const { server, channel } = this.options;
    await sendQueued(server, drainMs, channel);
  }

  get stats(): PublisherStats {
    return { ...this.counts.current };
  }

  get totals(): PublisherTotals {
    return { ...this.counts.totals, nUnheard: this.nUnheard };
  }

  resetStats(): void {
    this.counts.reset();
  }
}
