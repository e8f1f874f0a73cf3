/**
 * ProcessingStage: what a consumer and a collector have in common: a server with output, status and control channel,
 * a client, one processor and what surrounds it. What differs is where objects come from and which figures there are.
 *
 * Start: processor constructed, channels served, processor started, and only then reception, so that no object
 * arrives before `start()`. Stop: reception ends, what is queued is worked off, the processor stops, the last
 * statistics are published and stay readable for a moment.
 */
import {
  Context,
  type ContextOptions,
  Server,
  type ServerOptions,
  SharedPV,
  TypeDef,
  Value,
} from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import { MetadataChannel } from '../input/metadata-channel.ts';
import { childLogger, type Logger } from '../log.ts';
import { ClientPublisher } from '../output/client-publisher.ts';
import type { DataPublisher, PublisherStats } from '../output/data-publisher.ts';
import { ServerPublisher } from '../output/server-publisher.ts';
import { ProcessorRunner, type ProcessorStats } from '../processor/processor-runner.ts';
import type { PvObject, UserDataProcessor } from '../processor/user-data-processor.ts';
import { ControlRecord } from './control-record.ts';
import { metadataStats, type SourceStats } from './source-stats.ts';
import { type StageStats, StatusRecord, userStatsType } from './status-record.ts';
import { type ConstructOptions, construct, guard, guardAsync, structureOf } from './user-code.ts';
import type { WorkerProcessor } from './workers/worker-processor.ts';

/** `pvas` serves the output channel, `pva` puts into it, `rpc` calls it. */
export type OutputMode = 'pvas' | 'pva' | 'rpc';

export interface StageOptions extends ConstructOptions {
  /** The processor runs in these, opened before; ended with the stage. */
  readonly workers?: WorkerProcessor | undefined;
  /** The id field of status and control channel. */
  readonly idField: 'consumerId' | 'collectorId';
  /** Names of pvAccess channels whose updates the processor can take; none by default. */
  readonly metadataChannels?: readonly string[] | undefined;
  readonly metadataQueueSize: number;
  readonly serverQueueSize: number;
  /** How output is published. */
  readonly outputMode: OutputMode;
  readonly logger: Logger;
  /** A client asked for it with the control command `stop`. */
  readonly onStop: () => void;
  readonly server?: ServerOptions;
  readonly client?: ContextOptions;
}

/** Where a stage's objects come from. */
export interface StageInput<S extends StageStats> {
  start(): void;
  /** Stops reception, then has everything processed that is still queued, for at most `drainMs`. */
  stop(drainMs: number): Promise<void>;
  configure(args: unknown): void;
  resetStats(): void;
  /** All figures of the stage. */
  stats(parts: StageParts): S;
  /** A client asked for figures with the control command `get_stats`. */
  onGetStats(stats: S): void;
  /** The type of the status channel. */
  statusType(userStats: TypeDef | undefined, nMetadata: number): TypeDef;
}

/** What the stage itself can tell. */
export interface StageParts {
  /** Number of this snapshot, from 1. */
  readonly snapshot: number;
  readonly publisher: PublisherStats | undefined;
  readonly processor: ProcessorStats;
  readonly user: Record<string, unknown>;
  readonly metadata: readonly SourceStats[];
}

/** Working off queues at stop may take this long. */
const DRAIN_MS = 5000;
/** Clients can read the last values for this long (PvaPy). */
const LINGER_MS = 1000;
/** The status channel is never older than this. */
const STATUS_PERIOD_MS = 10_000;

export class ProcessingStage<S extends StageStats> {
  readonly context: Context;
  private readonly options: StageOptions;
  private readonly server: Server;
  private readonly processor: UserDataProcessor | undefined;
  private readonly runner: ProcessorRunner;
  private readonly publisher: DataPublisher | undefined;
  private readonly metadata: readonly MetadataChannel[];
  private input!: StageInput<S>;
  private status!: StatusRecord;
  private statusTimer: NodeJS.Timeout | undefined;
  private snapshot = 0;
  private stopped = false;

  /** @throws UserError when the processor cannot be constructed */
  constructor(options: StageOptions) {
    this.options = options;
    const { channels, logger } = options;
    this.processor = options.workers ?? construct(options);
    const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string): void =>
      logger[level === 'warn' ? 'warning' : level](message);
    this.server = new Server({ log, ...options.server });
    this.context = new Context({ log, ...options.client });
    this.runner = new ProcessorRunner({
      processor: this.processor,
      workers: options.workers?.pool,
      objectIdField: options.objectIdField,
      skipInitialUpdates: options.skipInitialUpdates,
      objectIdOffset: options.objectIdOffset,
      nSequentialUpdates: options.nSequentialUpdates,
      firstObject: (object) => this.openOutput(object),
      logger,
    });
    this.metadata = (options.metadataChannels ?? []).map((channel, i) => {
      const { metadataQueueSize: queueSize, serverQueueSize } = options;
      return new MetadataChannel({
        provider: this.context,
        id: i + 1,
        channel,
        queueSize,
        serverQueueSize,
        logger,
      });
    });
    if (this.processor) this.introduce(this.processor);
    options.workers?.onOutput((type) => this.openOutputAs(type));
    if (channels.outputChannel && this.processor) this.publisher = this.makePublisher(channels.outputChannel);
  }

  private makePublisher(channel: string): DataPublisher {
    const { outputMode, logger } = this.options;
    if (outputMode !== 'pvas')
      return new ClientPublisher({ mode: outputMode, context: this.context, channel, logger });
    const pv = SharedPV.readonly();
    this.server.addPV(channel, pv);
    return new ServerPublisher(pv, logger);
  }

  /**
   * Says where objects come from; once, before `start`.
   * @throws UserError when the processor declares impossible statistics
   */
  connect(input: StageInput<S>): void {
    const { channels, idField, id, logger, onStop } = this.options;
    this.input = input;
    const declared = guard('getStatsPvaTypes', () => this.processor?.getStatsPvaTypes() ?? {});
    const userType = userStatsType(declared);
    const type = input.statusType(userType, this.metadata.length);
    this.status = new StatusRecord({
      type,
      userType,
      ids: { [idField]: id },
      warn: (m) => logger.warning(m),
    });
    const control = new ControlRecord(idField, id, {
      configure: (args) => this.configure(args),
      resetStats: () => this.resetStats(),
      getStats: () => input.onGetStats(this.updateStatus()),
      stop: onStop,
    });
    if (channels.statusChannel) this.server.addPV(channels.statusChannel, this.status.pv);
    if (channels.controlChannel) this.server.addPV(channels.controlChannel, control.pv);
  }

  /** Processes one object; see ProcessorRunner. */
  handle(object: Value): void | Promise<void> {
    const pending = this.runner.handle(object);
    const saturated = this.publisher?.saturated;
    if (!saturated) return pending;
    return pending ? pending.then(() => saturated) : saturated;
  }

  /** What the input channel held after a reconnect; see ProcessorRunner. */
  handleHeld(object: Value): void | Promise<void> {
    if (!this.runner.isNews(object)) return this.runner.skipObject(object);
    return this.handle(object);
  }

  /** An initial update: the next stage can connect before the first object is there. */
  skip(object: Value): void {
    void this.runner.skipObject(object);
  }

  /** Serves a PV of the input under the name of the input channel. */
  serveInput(pv: SharedPV): void {
    this.server.addPV(this.options.channels.inputChannel, pv);
  }

  /** What the processor takes when this stage hosts its input. @throws UserError when it does not say */
  inputType(): Value {
    const declared = guard('getInputPvObjectType', () => this.processor?.getInputPvObjectType() ?? null);
    if (declared === null)
      throw new UserError(
        'HPC_PROCESSOR',
        'input mode pvas: the processor must say by getInputPvObjectType() what can be put into the input channel',
      );
    return declared instanceof TypeDef ? Value.create(declared) : structureOf(declared);
  }

  /** What a processor knows before any call but its constructor; its counters begin with `resetStats()` (PvaPy). */
  private introduce(processor: UserDataProcessor): void {
    const { channels, id, logger, objectIdField } = this.options;
    processor.logger = childLogger(logger, processor.constructor.name);
    processor.processorId = id;
    processor.inputChannel = channels.inputChannel;
    processor.outputChannel = channels.outputChannel;
    processor.objectIdField = objectIdField;
    processor.pvaServer = this.server;
    processor.metadataQueueMap = new Map(this.metadata.map((m) => [m.channel, m]));
    guard('resetStats', () => processor.resetStats());
  }

  /** @throws UserError, PvaError when the server or the processor cannot start */
  async start(): Promise<void> {
    const { processor, publisher } = this;
    if (processor && publisher)
      processor.dataPublisher = { publish: (object) => publisher.publish(structureOf(object)) };
    await this.server.start();
    await guardAsync('start', async () => processor?.start());
    for (const channel of this.metadata) channel.start();
    this.input.start();
    this.updateStatus();
    this.statusTimer = setInterval(() => this.updateStatus(), STATUS_PERIOD_MS);
  }

  /** The first object decides the type of the output channel. */
  private openOutput(object: PvObject): void {
    const { publisher, processor } = this;
    if (publisher && processor) this.openOutputAs(processor.getOutputPvObjectType(object));
  }

  private openOutputAs(type: PvObject | TypeDef | null): void {
    const { publisher, processor } = this;
    if (!publisher || !processor) return;
    if (type !== null && type !== undefined) {
      publisher.open(type instanceof TypeDef ? type : structureOf(type));
      return;
    }
    // No output, now or later (PvaPy).
    processor.dataPublisher = undefined;
    this.server.removePV(this.options.channels.outputChannel as string);
  }

  private async configure(args: unknown): Promise<void> {
    this.runner.configure(args);
    this.input.configure(args);
    await this.processor?.configure(args);
  }

  private resetStats(): void {
    this.input.resetStats();
    for (const channel of this.metadata) channel.resetStats();
    this.publisher?.resetStats();
    this.runner.resetStats();
    this.updateStatus();
  }

  /** Gathers the statistics now. */
  stats(): S {
    return this.input.stats({
      snapshot: this.snapshot,
      publisher: this.publisher?.stats,
      processor: this.runner.stats,
      user: this.userStats(),
      metadata: this.metadata.map(metadataStats),
    });
  }

  private userStats(): Record<string, unknown> {
    try {
      return this.processor?.getStats() ?? {};
    } catch (error) {
      this.options.logger.error(error as Error, 'getStats failed');
      return {};
    }
  }

  /** Gathers the statistics and publishes them on the status channel. */
  updateStatus(): S {
    this.snapshot++;
    const stats = this.stats();
    this.status.update(stats);
    return stats;
  }

  /** Ends in good order; the final statistics. May be called once. */
  async stop(): Promise<S> {
    if (this.stopped) return this.stats();
    this.stopped = true;
    clearInterval(this.statusTimer);
    const end = performance.now() + DRAIN_MS;
    await this.input.stop(DRAIN_MS);
    await this.options.workers?.pool.drain(end - performance.now());
    for (const channel of this.metadata) channel.stop();
    await this.publisher?.stop(DRAIN_MS);
    this.runner.stop();
    try {
      await this.processor?.stop();
    } catch (error) {
      this.options.logger.error(error as Error, 'the processor failed to stop');
    }
    const stats = this.updateStatus();
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    await this.close();
    return stats;
  }

  /** Closes everything at once. */
  async close(): Promise<void> {
    clearInterval(this.statusTimer);
    this.options.workers?.pool.kill();
    await Promise.all([this.context.close(), this.server.close()]);
  }
}
