/**
 * ProcessingStage: what a consumer and a collector have in common: a server with output, status and control channel,
 * a client, one processor and what surrounds it. What differs is where objects come from and which figures there are.
 *
 * Start: processor constructed, channels served, processor started, and only then reception, so that no object
 * arrives before `start()`. Stop: reception ends, what is queued is worked off, the processor stops, clients of the
 * output are sent what waits for them, the last statistics are published and stay readable for a moment.
 */
import { Context, type Log, Server, type SharedPV, TypeDef, Value } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import type { OutcomeHandler } from '../input/data-receiver.ts';
import { ProcessorRunner } from '../processor/processor-runner.ts';
import type { UserDataProcessor } from '../processor/user-data-processor.ts';
import { ControlRecord } from './control-record.ts';
import { Deadline } from './deadline.ts';
import type { ObjectLatencies } from './figures/object-latency.ts';
import { latencyStats, type StageCounters, StageFigures } from './figures/stage-figures.ts';
import { runtimeSettings } from './runtime-settings.ts';
import type { StageInput, StageOptions } from './stage-input.ts';
import { StageMetadata } from './stage-metadata.ts';
import { StageOutput } from './stage-output.ts';
import { StageStatus } from './stage-status.ts';
import type { StageTotals } from './stage-totals.ts';
import { type StageStats, StatusRecord, userStatsType } from './status-record.ts';
import { construct, guard, guardAsync, introduce, stopProcessor, structureOf } from './user-code.ts';

/** Working off queues at stop may take this long, in seconds. */
export const DRAIN_TIMEOUT = 5;
/** Clients can read the last values for this long (PvaPy). */
const LINGER_MS = 1000;
/** The status channel is never older than this, in seconds (PvaPy). */
const STATUS_PERIOD = 10;

export class ProcessingStage<S extends StageStats> {
  readonly context: Context;
  private outputContext: Context | undefined;
  private readonly options: StageOptions;
  private readonly log: Log;
  private readonly server: Server;
  private readonly processor: UserDataProcessor | undefined;
  private readonly runner: ProcessorRunner;
  private readonly output: StageOutput | undefined;
  private readonly metadata: StageMetadata;
  private input!: StageInput<S>;
  private status!: StatusRecord;
  private readonly figures = new StageFigures();
  private readonly states: StageStatus;
  private snapshot = 0;
  private stopped = false;
  /** Of the moment of the final statistics: an object that is still processed then is counted once, as not processed. */
  private finalTotals: StageTotals | undefined;
  private paused = false;
  /** What the input channel held after a reconnect, and was skipped. */
  private nHeld = 0;

  /** @throws UserError when the processor cannot be constructed */
  constructor(options: StageOptions) {
    this.options = options;
    const { channels, logger } = options;
    this.processor = options.workers ?? construct(options);
    this.log = (level, message) => logger[level === 'warn' ? 'warning' : level](message);
    const { server } = options;
    this.server = server instanceof Server ? server : new Server({ log: this.log, ...server });
    this.context = new Context({ log: this.log, ...options.client });
    this.runner = new ProcessorRunner({
      processor: this.processor,
      workers: options.workers?.pool,
      objectIdField: options.objectIdField,
      skipInitialUpdates: options.skipInitialUpdates,
      objectIdOffset: options.objectIdOffset,
      nSequentialUpdates: options.nSequentialUpdates,
      firstObject: (object) => this.output?.open(object),
      latency: this.figures.latency,
      logger,
    });
    this.states = new StageStatus({
      period: options.statusPeriod ?? STATUS_PERIOD,
      publish: () => this.updateStatus(),
      tick: () => this.tick(),
    });
    this.metadata = new StageMetadata(options, this.context);
    if (this.processor) {
      introduce(this.processor, options, this.server, this.metadata.queues);
      this.processor.onLoss = (count, beforeReset) => this.runner.lost(count, beforeReset);
    }
    options.workers?.onOutput((type) => this.output?.openAs(type));
    if (channels.outputChannel && this.processor)
      this.output = new StageOutput({
        channel: channels.outputChannel,
        mode: options.outputMode,
        processor: this.processor,
        server: this.server,
        connect: () => this.connectOutput(),
        onPublished: (object) => this.figures.latency.publishedObject(object),
        logger,
      });
  }

  /**
   * A client of its own: reception waits for answers to what is published, and answers on the connection that waits would
   * never be read.
   */
  private connectOutput(): Context {
    this.outputContext = new Context({ log: this.log, ...this.options.client });
    return this.outputContext;
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
    const control = new ControlRecord(
      { [idField]: id },
      {
        configure: (args) => this.configure(args),
        resetStats: () => this.resetStats(),
        getStats: () => input.onGetStats(this.updateStatus()),
        pause: () => this.pause(true),
        resume: () => this.pause(false),
        status: () => this.statusLine(),
        stop: onStop,
      },
    );
    if (channels.statusChannel) this.server.addPV(channels.statusChannel, this.status.pv);
    if (channels.controlChannel) this.server.addPV(channels.controlChannel, control.pv);
  }

  /** Processes one object; see ProcessorRunner. */
  handle(object: Value, outcome?: OutcomeHandler): void | Promise<void> {
    const pending = this.runner.handle(object, outcome);
    return pending ? pending.then(() => this.output?.saturated) : this.output?.saturated;
  }

  /** What the input channel held after a reconnect; see ProcessorRunner. */
  handleHeld(object: Value): void | Promise<void> {
    if (this.runner.isNews(object)) return this.handle(object);
    this.nHeld++;
    return this.runner.skipObject(object);
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

  /** @throws UserError, PvaError when the server or the processor cannot start */
  async start(): Promise<void> {
    this.output?.start();
    await this.server.start();
    this.updateStatus();
    await guardAsync('start', async () => this.processor?.start());
    this.metadata.start();
    this.input.start();
    this.states.start();
    this.inputChanged();
  }

  /** The input was connected or has lost its connection. */
  inputChanged(why?: string): void {
    if (this.stopped) return;
    this.states.set(this.paused ? 'paused' : this.input.connected ? 'running' : 'disconnected', why);
    this.states.soon();
  }

  /** Nothing more is received; it stays, and works off and sends what it has. */
  endReception(): void {
    if (!this.stopped) this.pause(true);
  }

  /** @throws Error when it is too late */
  private pause(paused: boolean): void {
    if (this.stopped) throw new Error('it is being stopped');
    this.paused = paused;
    if (paused) this.input.pause();
    else this.input.resume();
    this.inputChanged();
  }

  private statusLine(): string {
    this.updateStatus();
    const { nProcessed, nMissed, nErrors } = this.runner.stats;
    return `${this.states.state}: ${nProcessed} processed, ${nErrors} errors, ${nMissed} missed, ${this.nInFlight} in flight`;
  }

  private tick(): number {
    const counters = this.counters();
    this.metadata.sample();
    this.input.sample?.();
    if (this.figures.tick(counters)) this.input.rotate();
    const failed = counters.errors + this.runner.stats.nLost + (this.output?.stats.nErrors ?? 0);
    return counters.rejected + counters.missed + failed;
  }

  private counters(): StageCounters {
    const { nProcessed, nMissed, nErrors } = this.runner.stats;
    const { nPublished, nBytes } = this.output?.stats ?? { nPublished: 0, nBytes: 0 };
    return {
      ...this.input.counters(),
      processed: nProcessed,
      missed: nMissed,
      errors: nErrors,
      published: nPublished,
      publishedBytes: nBytes,
    };
  }

  /** No stream has begun, and it has not been asked to stop. One object may be the input's present value. */
  get idle(): boolean {
    return !this.stopped && this.runner.stats.nProcessed <= 1;
  }

  /** The age of objects in the last seconds, to be added to that of other processes. */
  latencies(): ObjectLatencies {
    return this.figures.latency.snapshot();
  }

  /** All or nothing: the framework's own keys are applied when the processor has taken its own. */
  private async configure(args: unknown): Promise<void> {
    const settings = runtimeSettings(args, this.input.settable);
    this.input.check?.(settings);
    await this.processor?.configure(args);
    this.runner.configure(settings);
    this.input.configure(settings);
  }

  private resetStats(): void {
    this.input.resetStats();
    this.metadata.resetStats();
    this.output?.resetStats();
    this.runner.resetStats();
    this.figures.reset();
    this.updateStatus();
  }

  /** Gathers the statistics now. */
  stats(): S {
    return this.input.stats({
      snapshot: this.snapshot,
      state: this.states.state,
      stateMessage: this.states.reason,
      publisher: this.output?.stats,
      processor: { ...this.runner.stats, nInFlight: this.nInFlight },
      rates: this.figures.rates(this.counters()),
      latency: latencyStats(this.latencies()),
      user: this.userStats(),
      metadata: this.metadata.stats,
    });
  }

  /** What it did since the start, whatever was reset. */
  totals(): StageTotals {
    if (this.finalTotals) return this.finalTotals;
    const input = this.input.totals();
    const begun = this.options.inputMode === 'pva' && (input.receiverStats?.nReceived ?? 0) > 0;
    const nInitial = this.nHeld + (begun ? 1 : 0);
    return {
      ...input,
      processorStats: { ...this.runner.totals, nInFlight: this.nInFlight, nInitial },
      ...(this.output && { publisherStats: this.output.totals }),
      nMetadataConnected: this.metadata.nSeen,
    };
  }

  private get nInFlight(): number {
    return this.input.waiting + this.runner.nInProcess;
  }

  private userStats(): Record<string, unknown> {
    // Before start() a processor need not be able to say anything.
    if (this.states.state === 'starting') return {};
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
    this.options.onStatus?.();
    return stats;
  }

  /**
   * Ends in good order: what is queued is worked off and sent to the clients of the output, for at most `drainTimeout`
   * seconds altogether; the final statistics say what was not processed, the totals what was not sent. May be called once.
   */
  async stop(): Promise<S> {
    if (this.stopped) return this.stats();
    this.stopped = true;
    this.states.set('draining');
    this.updateStatus();
    const { logger, drainTimeout = DRAIN_TIMEOUT } = this.options;
    const deadline = new Deadline(drainTimeout * 1000);
    await this.input.stop(deadline.left);
    await this.options.workers?.pool.drain(deadline.left);
    this.metadata.stop();
    this.runner.stop();
    await stopProcessor(this.processor, drainTimeout, logger);
    // It may have published its last result just now (PvaPy stops its publisher behind the processor, too).
    await this.output?.stop(deadline.left);
    this.states.set('stopped');
    this.states.stop();
    const stats = this.updateStatus();
    const totals = this.totals();
    this.finalTotals = totals;
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    if (this.output) this.finalTotals = { ...totals, publisherStats: this.output.finalTotals };
    await this.close();
    return stats;
  }

  /** Closes everything at once. */
  async close(): Promise<void> {
    this.states.stop();
    this.options.workers?.pool.kill();
    await Promise.all([this.context.close(), this.outputContext?.close(), this.server.close()]);
  }
}
