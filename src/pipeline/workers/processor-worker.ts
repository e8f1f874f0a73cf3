/**
 * ProcessorWorker: the user's processor in a worker process, between the messages of worker-messages.ts.
 *
 * It is constructed, started, configured, reset and stopped as in a consumer's own process. One object is processed at
 * a time; what is published meanwhile goes back with its result, so that the consumer can keep the order.
 */
import { NTNDArray, serializeType } from 'epics-pva-ts';
import { UserError } from '../../errors.ts';
import { childLogger, type Logger } from '../../log.ts';
import type { ProcessorClass } from '../../processor/load-processor.ts';
import type { PvObject, UserDataProcessor } from '../../processor/user-data-processor.ts';
import { userStatsType } from '../status-record.ts';
import { construct, guard, guardAsync } from '../user-code.ts';
import { encodeOutput, errorText, ObjectDecoder, ObjectEncoder } from './object-bytes.ts';
import type {
  ErrorText,
  FromWorker,
  ObjectBytes,
  OutputBytes,
  ToWorker,
  WorkerSpec,
} from './worker-messages.ts';

export interface ProcessorWorkerOptions {
  readonly spec: WorkerSpec;
  readonly processorClass: ProcessorClass;
  readonly logger: Logger;
  readonly send: (message: FromWorker) => void;
  /** The processor's `start()` failed. */
  readonly onFailed: (error: unknown) => void;
  /** The processor has stopped; nothing more will be sent. */
  readonly onStopped: () => void;
}

/** Figures are sent so long after an object at the latest, in ms. */
const STATS_DELAY_MS = 100;
/** And this often without objects. */
const STATS_PERIOD_MS = 1000;

export class ProcessorWorker {
  private readonly options: ProcessorWorkerOptions;
  private readonly processor: UserDataProcessor;
  private readonly decoder = new ObjectDecoder();
  private readonly encoder = new ObjectEncoder();
  /** What the object in process has published; undefined between objects. */
  private published: ObjectBytes[] | undefined;
  private prepared: boolean;
  private epoch = 0;
  /** What has been begun, in order. */
  private work: Promise<void> = Promise.resolve();
  private soon: NodeJS.Timeout | undefined;
  private periodic: NodeJS.Timeout | undefined;
  private warned = false;

  /** @throws UserError when the processor cannot be constructed or declares impossible statistics */
  constructor(options: ProcessorWorkerOptions) {
    this.options = options;
    const { spec, processorClass, logger } = options;
    const { workerId, nWorkers } = spec;
    refuseUnshared(processorClass, nWorkers);
    this.prepared = !spec.channels.outputChannel;
    const processor = construct({
      ...spec,
      processorClass,
      processorArgs: { ...spec.processorArgs, workerId, nWorkers },
    }) as UserDataProcessor;
    this.processor = processor;
    processor.logger = childLogger(logger, processor.constructor.name);
    processor.processorId = spec.id;
    processor.inputChannel = spec.channels.inputChannel;
    processor.outputChannel = spec.channels.outputChannel;
    processor.objectIdField = spec.objectIdField;
    processor.onLoss = (count) => options.send({ type: 'lost', epoch: this.epoch, count });
    notHere(processor, 'pvaServer', 'a PV of its own');
    notHere(processor, 'metadataQueueMap', 'metadata channels');
    guard('resetStats', () => processor.resetStats());
    const declared = userStatsType(guard('getStatsPvaTypes', () => processor.getStatsPvaTypes()));
    const inputType = encodeOutput(guard('getInputPvObjectType', () => processor.getInputPvObjectType()));
    options.send({ type: 'constructed', statsType: declared && serializeType(declared), inputType });
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case 'process':
      case 'prepare':
        this.after(() => this.process(message.type, message.object));
        break;
      case 'start':
        this.after(() => this.start(message.configure, message.epoch));
        break;
      case 'configure':
        // As in a consumer's own process it does not wait for an object that is being processed.
        void this.configure(message.requestId, message.args);
        break;
      case 'reset_stats':
        this.epoch = message.epoch;
        this.report('resetStats', () => this.processor.resetStats());
        this.sendStats();
        break;
      case 'stop':
        this.after(() => this.stop());
        break;
    }
  }

  private after(next: () => Promise<void>): void {
    this.work = this.work.then(next);
  }

  private async start(configure: readonly unknown[], epoch: number): Promise<void> {
    const { processor } = this;
    const { spec, send, logger } = this.options;
    this.epoch = epoch;
    if (spec.channels.outputChannel) processor.dataPublisher = { publish: (object) => this.publish(object) };
    try {
      await guardAsync('start', async () => processor.start());
    } catch (error) {
      this.options.onFailed(error);
      return;
    }
    for (const args of configure) {
      try {
        await processor.configure(args);
      } catch (error) {
        logger.error(error as Error, 'an earlier configuration was refused by the new worker');
      }
    }
    this.periodic = setInterval(() => this.sendStats(), STATS_PERIOD_MS);
    send({ type: 'started' });
    this.sendStats();
  }

  private async process(kind: 'process' | 'prepare', bytes: ObjectBytes): Promise<void> {
    const published: ObjectBytes[] = [];
    this.published = published;
    let output: OutputBytes | undefined;
    let error: ErrorText | undefined;
    try {
      const value = this.decoder.decode(bytes);
      const object = NTNDArray.is(value) ? new NTNDArray(value) : value;
      output = this.prepared ? undefined : this.prepare(object);
      if (kind === 'process') await this.processor.process(object);
    } catch (thrown) {
      error = errorText(thrown);
    }
    this.published = undefined;
    this.options.send({ type: 'result', output, published, error });
    this.soon ??= setTimeout(() => this.sendStats(), STATS_DELAY_MS);
  }

  private prepare(object: PvObject): OutputBytes {
    let output: OutputBytes;
    try {
      output = encodeOutput(this.processor.getOutputPvObjectType(object));
    } catch (cause) {
      const { name, message } = errorText(cause);
      throw new Error(`preparing the output channel failed: ${name}: ${message}`, { cause });
    }
    // No output, now or later (PvaPy).
    if (output === null) this.processor.dataPublisher = undefined;
    this.prepared = true;
    return output;
  }

  private publish(object: PvObject): void {
    const bytes = this.encoder.encode(object);
    if (this.published) this.published.push(bytes);
    else this.options.send({ type: 'published', object: bytes });
  }

  private async configure(requestId: number, args: unknown): Promise<void> {
    let error: ErrorText | undefined;
    try {
      await this.processor.configure(args);
    } catch (thrown) {
      error = errorText(thrown);
    }
    this.options.send({ type: 'configured', requestId, error });
    this.sendStats();
  }

  private sendStats(): void {
    clearTimeout(this.soon);
    this.soon = undefined;
    this.report('getStats', () => {
      const stats = cloneable(this.processor.getStats());
      this.options.send({ type: 'stats', epoch: this.epoch, stats });
    });
  }

  /** Runs the user's code; an error is logged once. */
  private report(where: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!this.warned) this.options.logger.error(error as Error, `${where} failed`);
      this.warned = true;
    }
  }

  private async stop(): Promise<void> {
    clearInterval(this.periodic);
    try {
      await this.processor.stop();
    } catch (error) {
      this.options.logger.error(error as Error, 'the processor failed to stop');
    }
    this.sendStats();
    this.options.send({ type: 'stopped' });
    this.options.onStopped();
  }
}

/** @throws UserError when the class needs every object itself, and there are others */
function refuseUnshared(processorClass: ProcessorClass, nWorkers: number): void {
  if (processorClass.workers !== false || nWorkers < 2) return;
  throw new UserError(
    'HPC_BAD_ARGUMENT',
    `--processor-workers: ${processorClass.name || 'the class'} needs every object itself and cannot share them with other workers; leave the option out, or give 1`,
  );
}

/** What a worker does not have says so when it is touched. */
function notHere(processor: UserDataProcessor, name: 'pvaServer' | 'metadataQueueMap', what: string): void {
  Object.defineProperty(processor, name, {
    configurable: true,
    enumerable: false,
    get(): never {
      throw new Error(
        `${name} is not available in a processor worker; ${what} needs --processor-workers 0, or a processor of its own`,
      );
    },
  });
}

/** Figures that are plain data; functions and objects of classes stay behind. */
function cloneable(stats: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(stats)) {
    try {
      plain[name] = structuredClone(value);
    } catch {
      plain[name] = String(value);
    }
  }
  return plain;
}
