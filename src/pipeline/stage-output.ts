/**
 * StageOutput: the output channel of a stage, served by it or by the next one. The first object decides about its type,
 * or that there is none.
 */
import { type Context, type Server, SharedPV, TypeDef } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import { ClientPublisher } from '../output/client-publisher.ts';
import type {
  DataPublisher,
  PublishedHandler,
  PublisherStats,
  PublisherTotals,
} from '../output/data-publisher.ts';
import { ServerPublisher } from '../output/server-publisher.ts';
import type { PvObject, UserDataProcessor } from '../processor/user-data-processor.ts';
import { type OutputMode, structureOf } from './user-code.ts';

const LEAST_ANSWER_MS = 1000;

export interface StageOutputOptions {
  readonly channel: string;
  readonly mode: OutputMode;
  /** Whose objects are published. */
  readonly processor: UserDataProcessor;
  /** Serves the channel in mode `pvas`. */
  readonly server: Server;
  /** Reaches the next stage in the other modes. Called once at most. */
  readonly connect: () => Context;
  readonly onPublished: PublishedHandler;
  readonly logger: Logger;
}

export class StageOutput {
  private readonly options: StageOutputOptions;
  private readonly publisher: DataPublisher;

  constructor(options: StageOutputOptions) {
    this.options = options;
    const { mode, channel, server, connect, onPublished, logger } = options;
    if (mode === 'pvas') {
      const pv = SharedPV.readonly();
      server.addPV(channel, pv);
      this.publisher = new ServerPublisher({ pv, server, channel, onPublished, logger });
    } else this.publisher = new ClientPublisher({ mode, context: connect(), channel, onPublished, logger });
  }

  /** From here on the processor can publish. */
  start(): void {
    const { publisher } = this;
    this.options.processor.dataPublisher = { publish: (object) => publisher.publish(structureOf(object)) };
  }

  /** The processor has not published yet, and says what it makes of its first object. */
  open(first: PvObject): void {
    this.openAs(this.options.processor.getOutputPvObjectType(first));
  }

  openAs(type: PvObject | TypeDef | null): void {
    if (type !== null && type !== undefined) {
      this.publisher.open(type instanceof TypeDef ? type : structureOf(type));
      return;
    }
    // No output, now or later (PvaPy).
    const { processor, server, channel } = this.options;
    processor.dataPublisher = undefined;
    server.removePV(channel);
  }

  /** See {@link DataPublisher}. */
  get saturated(): Promise<void> | undefined {
    return this.publisher.saturated;
  }

  get stats(): PublisherStats {
    return this.publisher.stats;
  }

  /** Since the start, whatever was reset. */
  get totals(): PublisherTotals {
    return this.publisher.totals;
  }

  resetStats(): void {
    this.publisher.resetStats();
  }

  /** What was published is sent, or acknowledged, or counted as an error; for at most `drainMs`. */
  stop(drainMs: number): Promise<void> {
    // What was put or called last gets the chance of an answer.
    const isServed = this.options.mode === 'pvas';
    return this.publisher.stop(isServed ? drainMs : Math.max(drainMs, LEAST_ANSWER_MS));
  }

  /** The last totals, with what clients were not sent. */
  get finalTotals(): PublisherTotals {
    const { totals, nUnsent } = this.publisher;
    return { ...totals, nUnsent };
  }
}
