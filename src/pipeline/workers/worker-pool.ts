/**
 * WorkerPool: one processor in several processes, behind one consumer or collector.
 *
 * Objects are handed out one at a time to whichever worker is idle; results leave in the order of the objects. So many
 * objects are in flight at most; whoever offers more waits. A worker that dies takes its object with it, which counts
 * as an error in its place, and is replaced; one that dies again and again ends the consumer.
 */
import type { TypeDef, Value } from 'epics-pva-ts';
import { UserError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { ObjectWorkers } from '../../processor/processor-runner.ts';
import { Changes } from './changes.ts';
import { Configurations } from './configurations.ts';
import type { SpawnWorker } from './farm.ts';
import { decodeOutput } from './object-bytes.ts';
import { OrderedResults } from './ordered-results.ts';
import { RestartLimit } from './restart-limit.ts';
import { poolFigures, type WorkerCounts } from './worker-figures.ts';
import { type Job, type JobResult, WorkerMember } from './worker-member.ts';
import type { FromWorker, OutputBytes, WorkerSpec } from './worker-messages.ts';

/** What the first constructed worker says of its processor. */
export type Constructed = Extract<FromWorker, { type: 'constructed' }>;

export interface WorkerPoolOptions {
  readonly nWorkers: number;
  /** Objects in flight: with a worker, waiting for one, or waiting for those before them. */
  readonly queueSize: number;
  readonly spec: Omit<WorkerSpec, 'workerId' | 'nWorkers'>;
  readonly spawn: SpawnWorker;
  readonly logger: Logger;
  /** The workers cannot go on; what is in flight has failed. Called once. */
  readonly onFailure: (error: UserError) => void;
}

/** Where results go; set before the first object. */
export interface PoolOutput {
  /** The first object has been prepared. May throw: tried again with the next one, whose error it is. */
  open(output: Value | TypeDef | null): void;
  publish(object: Value): void;
  /** So many objects that were processed are lost all the same. */
  lost(count: number): void;
}

interface Place extends WorkerCounts {
  member: WorkerMember;
}

/** From the request to stop to SIGKILL, in ms. */
const STOP_MS = 5000;

export class WorkerPool implements ObjectWorkers {
  private readonly options: WorkerPoolOptions;
  private readonly places: Place[] = [];
  private readonly limit: RestartLimit;
  private readonly order = new OrderedResults<() => void>((deliver) => deliver());
  /** Objects no worker has yet. */
  private readonly waiting: Job[] = [];
  /** Objects that are with a worker. */
  private readonly begun = new Set<Job>();
  private readonly configurations = new Configurations();
  private output: PoolOutput | undefined;
  private opened = false;
  private declared: OutputBytes | undefined;
  private epoch = 0;
  private started = false;
  private stopping = false;
  private failure: UserError | undefined;
  private space: Promise<void> | undefined;
  private onSpace: (() => void) | undefined;
  private constructed: Constructed | undefined;
  private readonly changes = new Changes();
  private running = false;

  constructor(options: WorkerPoolOptions) {
    this.options = options;
    this.limit = new RestartLimit(options.nWorkers);
  }

  get nWorkers(): number {
    return this.options.nWorkers;
  }

  /** Starts the processes. @throws UserError the first that a processor's constructor threw */
  async open(): Promise<Constructed> {
    for (let workerId = 1; workerId <= this.nWorkers; workerId++) {
      this.places.push({
        member: this.spawn(workerId),
        nProcessed: 0,
        nErrors: 0,
        nRestarts: 0,
        figures: {},
      });
    }
    await this.all((member) => member.state === 'constructed');
    return this.constructed as Constructed;
  }

  /** Has every processor started. @throws UserError the first that a processor's `start` threw */
  async start(output: PoolOutput): Promise<void> {
    this.output = output;
    this.started = true;
    for (const { member } of this.places)
      if (member.state === 'constructed') member.start(this.configurations.all, this.epoch);
    await this.all((member) => member.state === 'idle' || member.state === 'busy');
    this.running = true;
  }

  /** Waits until all workers are so, replacements included. */
  private async all(wanted: (member: WorkerMember) => boolean): Promise<void> {
    while (!this.places.every(({ member }) => wanted(member))) {
      if (this.failure) throw this.failure;
      if (this.stopping) throw new UserError('HPC_WORKERS', 'stopped before the workers had started');
      await this.changes.next();
    }
    if (this.failure) throw this.failure;
  }

  private spawn(workerId: number): WorkerMember {
    const { spec, spawn, logger, nWorkers } = this.options;
    const member = new WorkerMember(
      spawn,
      { ...spec, workerId, nWorkers, name: `${spec.name}.${workerId}` },
      {
        constructed: (message) => {
          this.constructed ??= message;
          logger.info(`worker ${workerId} runs as process ${member.pid}`);
          if (this.started) member.start(this.configurations.all, this.epoch);
          this.changes.happened();
        },
        idle: () => {
          this.handOut();
          this.changes.happened();
        },
        failed: (error) => this.fail(error),
        published: (object) => this.output?.publish(object),
        fault: (error) => logger.error(error, `worker ${workerId}`),
        stats: (epoch, figures) => {
          if (epoch === this.epoch) this.place(workerId).figures = figures;
        },
        lost: (epoch, count) => {
          if (epoch === this.epoch) this.output?.lost(count);
        },
        gone: (why) => this.onGone(workerId, why),
      },
    );
    return member;
  }

  private place(workerId: number): Place {
    return this.places[workerId - 1] as Place;
  }

  private onGone(workerId: number, why: string): void {
    if (this.stopping || this.failure) {
      this.changes.happened();
      return;
    }
    const place = this.place(workerId);
    const { logger } = this.options;
    const text = `worker ${workerId} (process ${place.member.pid}) died: ${why}`;
    if (!this.limit.allows(performance.now())) {
      logger.error(text);
      this.fail(new UserError('HPC_WORKERS', `${this.limit.text}, the last one: ${text}`));
      return;
    }
    place.nRestarts++;
    logger.error(`${text}; restart ${place.nRestarts}`);
    place.member = this.spawn(workerId);
    this.changes.happened();
  }

  /** No more objects are processed: all in flight have failed. */
  private fail(error: UserError): void {
    if (this.failure || this.stopping) return;
    this.failure = error;
    this.abandon(error);
    this.changes.happened();
    // Until then `open` or `start` throws it.
    if (this.running) this.options.onFailure(error);
  }

  private abandon(error: Error): void {
    for (const job of [...this.begun, ...this.waiting.splice(0)]) job.settle({ published: [], error });
  }

  /** See {@link ObjectWorkers}. */
  process(object: Value, done: (error: Error | undefined) => void): void | Promise<void> {
    return this.offer('process', object, done);
  }

  /** See {@link ObjectWorkers}. */
  prepare(object: Value, done: (error: Error | undefined) => void): void | Promise<void> {
    return this.offer('prepare', object, done);
  }

  private offer(
    kind: Job['kind'],
    object: Value,
    done: (error: Error | undefined) => void,
  ): void | Promise<void> {
    const { epoch } = this;
    const place = this.order.take();
    // The memory it was received in is needed until a worker takes it.
    const job: Job = {
      kind,
      object: object.snapshot(),
      settle: (result) => {
        this.begun.delete(job);
        job.object.release();
        place(() => this.deliver(kind, epoch, result, done));
      },
    };
    if (this.failure || this.stopping) {
      job.settle({ published: [], error: this.failure ?? new Error('the workers have stopped') });
      return;
    }
    this.waiting.push(job);
    this.handOut();
    if (this.order.length < this.options.queueSize) return;
    this.space ??= new Promise((resolve) => {
      this.onSpace = resolve;
    });
    return this.space;
  }

  private handOut(): void {
    for (const { member } of this.places) {
      if (member.state !== 'idle') continue;
      const job = this.waiting.shift();
      if (!job) return;
      this.begun.add(job);
      member.work(job);
      // The bytes are on their way.
      job.object.release();
    }
  }

  /** In the order of the objects. */
  private deliver(
    kind: Job['kind'],
    epoch: number,
    result: JobResult,
    done: (error: Error | undefined) => void,
  ): void {
    let { error } = result;
    if (result.output !== undefined) this.declared ??= result.output;
    try {
      if (!this.opened && this.declared !== undefined) {
        this.output?.open(decodeOutput(this.declared));
        this.opened = true;
      }
      for (const object of result.published) this.output?.publish(object);
    } catch (thrown) {
      error ??= thrown as Error;
    }
    // As in processorStats: objects from before a reset do not count.
    const counts = kind === 'process' && epoch === this.epoch && result.workerId !== undefined;
    if (counts) this.place(result.workerId)[error ? 'nErrors' : 'nProcessed']++;
    done(error);
    if (this.order.length >= this.options.queueSize) return;
    this.space = undefined;
    this.onSpace?.();
    if (this.order.length === 0) this.changes.happened();
  }

  /** All workers take a configuration, and those that replace them. @throws Error the first refusal */
  async configure(args: unknown): Promise<void> {
    const members = this.places.map((place) => place.member).filter((member) => member.answers);
    await this.configurations.tell(members, args);
  }

  resetStats(): void {
    this.epoch++;
    for (const place of this.places) {
      place.nProcessed = 0;
      place.nErrors = 0;
      place.figures = {};
      if (place.member.answers) place.member.send({ type: 'reset_stats', epoch: this.epoch });
    }
  }

  /** Objects taken whose results were not delivered. */
  get nInFlight(): number {
    return this.order.length;
  }

  /** What the processors' `getStats` returned last, together, and `workerStats`. */
  get stats(): Record<string, unknown> {
    const all = this.places.map((place) => {
      const { pid, state } = place.member;
      return { ...place, processId: state === 'gone' ? 0 : (pid ?? 0) };
    });
    return poolFigures(all, this.nInFlight);
  }

  /** Waits until all objects are done, for at most `ms`; those that are not have failed, and their workers are killed. */
  async drain(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (this.order.length > 0) {
      const left = end - performance.now();
      if (left <= 0) break;
      await this.changes.next(left);
    }
    const { length } = this.order;
    if (length === 0) return;
    this.stopping = true;
    this.options.logger.error(`workers did not end in time; ${length} object(s) failed`);
    for (const { member } of this.places) if (member.state === 'busy') member.kill();
    this.abandon(new Error('the worker did not end in time'));
  }

  /** Every processor's `stop()`, then the processes end; those that do not are killed. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.changes.happened();
    const members = this.places.map((place) => place.member);
    for (const member of members) {
      if (member.answers) member.send({ type: 'stop' });
      else if (member.state !== 'stopped') member.kill();
    }
    const timer = setTimeout(() => {
      this.options.logger.error(`workers did not stop within ${STOP_MS / 1000} s and were killed`);
      this.kill();
    }, STOP_MS);
    await Promise.all(members.map((member) => member.ended));
    clearTimeout(timer);
  }

  /** Ends all processes at once. */
  kill(): void {
    this.stopping = true;
    for (const { member } of this.places) member.kill();
    this.changes.happened();
  }
}
