/**
 * WorkerPool: one processor in several processes, behind one consumer or collector.
 *
 * Objects are handed out one at a time to whichever worker is idle; results leave in the order of the objects. So many
 * objects are in flight at most; whoever offers more waits. A worker that dies takes its object with it, which counts
 * as an error in its place, and is replaced (worker-places.ts).
 */
import type { TypeDef, Value } from 'epics-pva-ts';
import type { ObjectWorkers } from '../../processor/processor-runner.ts';
import { Changes } from './changes.ts';
import { decodeOutput } from './object-bytes.ts';
import { OrderedResults } from './ordered-results.ts';
import type { Job, JobResult } from './worker-member.ts';
import type { OutputBytes } from './worker-messages.ts';
import { type Constructed, WorkerPlaces, type WorkerPlacesOptions } from './worker-places.ts';

export interface WorkerPoolOptions extends WorkerPlacesOptions {
  /** Objects in flight: with a worker, waiting for one, or waiting for those before them. */
  readonly queueSize: number;
}

/** Where results go; set before the first object. */
export interface PoolOutput {
  /** The first object has been prepared. May throw: tried again with the next one, whose error it is. */
  open(output: Value | TypeDef | null): void;
  publish(object: Value): void;
  /** So many objects that were processed are lost all the same; said before the last reset, or since. */
  lost(count: number, beforeReset: boolean): void;
}

export class WorkerPool implements ObjectWorkers {
  private readonly options: WorkerPoolOptions;
  private readonly changes = new Changes();
  private readonly places: WorkerPlaces;
  private readonly order = new OrderedResults<() => void>((deliver) => deliver());
  /** Objects no worker has yet. */
  private readonly waiting: Job[] = [];
  /** Objects that are with a worker. */
  private readonly begun = new Set<Job>();
  private output: PoolOutput | undefined;
  private opened = false;
  private declared: OutputBytes | undefined;
  private space: Promise<void> | undefined;
  private onSpace: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.options = options;
    this.places = new WorkerPlaces(
      options,
      {
        idle: () => this.handOut(),
        published: (object) => this.output?.publish(object),
        lost: (count, beforeReset) => this.output?.lost(count, beforeReset),
        failed: (error) => this.abandon(error),
      },
      this.changes,
    );
  }

  get nWorkers(): number {
    return this.options.nWorkers;
  }

  /** Starts the processes. @throws UserError the first that a processor's constructor threw */
  open(): Promise<Constructed> {
    return this.places.open();
  }

  /** Has every processor started. @throws UserError the first that a processor's `start` threw */
  start(output: PoolOutput): Promise<void> {
    this.output = output;
    return this.places.start();
  }

  /** All in flight have failed. */
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
    const { epoch, end } = this.places;
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
    if (end) {
      job.settle({ published: [], error: end });
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
    while (this.waiting.length > 0) {
      const member = this.places.idle;
      if (!member) return;
      const job = this.waiting.shift() as Job;
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
    const counts = kind === 'process' && epoch === this.places.epoch && result.workerId !== undefined;
    if (counts) this.places.count(result.workerId, error !== undefined);
    done(error);
    if (this.order.length >= this.options.queueSize) return;
    this.space = undefined;
    this.onSpace?.();
    if (this.order.length === 0) this.changes.happened();
  }

  /** All workers take a configuration, and those that replace them. @throws Error the first refusal */
  configure(args: unknown): Promise<void> {
    return this.places.configure(args);
  }

  resetStats(): void {
    this.places.resetStats();
  }

  /** Objects taken whose results were not delivered. */
  get nInFlight(): number {
    return this.order.length;
  }

  /** What the processors' `getStats` returned last, together, and `workerStats`. */
  get stats(): Record<string, unknown> {
    return this.places.stats(this.nInFlight);
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
    this.options.logger.error(`workers did not end in time; ${length} object(s) failed`);
    this.places.giveUp();
    this.abandon(new Error('the worker did not end in time'));
  }

  /** Every processor's `stop()`, then the processes end; those that do not are killed. */
  stop(): Promise<void> {
    return this.places.stop();
  }

  /** Ends all processes at once. */
  kill(): void {
    this.places.kill();
  }
}
