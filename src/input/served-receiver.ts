/**
 * ServedReceiver: input modes `pvas` and `rpc`, a PV of this process that producers put into or call.
 *
 * A producer is answered when its object was processed, or queued if there is a receiver queue: so it sees back
 * pressure, and is told when its object was refused. (PvaPy acknowledges puts before processing and hands over the
 * record itself, in which a later put may already stand: pvapy-behaviour.md 6.3.)
 *
 * If processing fails, a caller (`rpc`) is answered with the error. A put has succeeded all the same: the channel has
 * its value, which others see, and PvaPy tells nobody either.
 */
import { SharedPV, struct, Value } from 'epics-pva-ts';
import { Counts } from '../counts.ts';
import { objectBytes } from '../object-bytes.ts';
import type { DataReceiver, ReceiverSettings, ReceiverStats } from './data-receiver.ts';
import type { QueueStats } from './object-queue.ts';
import { ObjectWorker, type ObjectWorkerOptions } from './object-worker.ts';

interface Taken {
  /** False: the queue is full. */
  readonly taken: boolean;
  /** Resolves when the object was processed or queued, to the error if processing failed. For objects taken only. */
  readonly failure: Promise<Error | undefined>;
}

/** What an RPC is answered with (PvaPy rpcDataReceiver.py). */
const DONE = struct('', { status: 'int' });
const REFUSED = struct('', { status: 'int', errorMessage: 'string' });

const FULL = 'the receiver queue is full';
const STOPPED = 'this consumer is not processing';
const PAUSED = 'this consumer is paused';
/**
 * Objects that may wait for their turn. Consumers of this suite send 32 at most before they are answered; others may give
 * up what is not answered in time, and send more.
 */
const MOST_WAITING = 1000;
/** After so many ms of processing the event loop has a turn: for answers, and for the peer that asks if we are alive. */
const TURN_MS = 5;
const CROWDED = `${MOST_WAITING} objects wait for their turn already`;

export interface ServedReceiverOptions extends ObjectWorkerOptions {
  readonly mode: 'pvas' | 'rpc';
  /** For puts: type and first value of the channel. */
  readonly initial?: Value | undefined;
}

export class ServedReceiver implements DataReceiver {
  /** To be served under the name of the input channel. */
  readonly pv: SharedPV;
  private readonly worker: ObjectWorker;
  private accepting = false;
  private paused = false;
  private readonly counts = new Counts('nReceived', 'nRejected', 'nErrors', 'nBytes');
  private last: Promise<void> = Promise.resolve();
  /** Objects that wait for those before them. */
  private nWaiting = 0;
  /** How long the processor had the event loop for itself, in ms. */
  private busyMs = 0;

  constructor(options: ServedReceiverOptions) {
    this.worker = new ObjectWorker(options);
    this.pv = new SharedPV(
      options.mode === 'pvas'
        ? { onPut: (pv, value) => this.onPut(pv, value) }
        : { onRpc: (_pv, argument) => this.onRpc(argument) },
    );
    if (options.initial) this.pv.open(options.initial);
  }

  start(): void {
    this.accepting = true;
  }

  /** Producers are refused, and what they send is counted. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  private refuseIfClosed(): void {
    if (!this.accepting) throw new Error(STOPPED);
    if (this.paused) this.refuse(PAUSED);
  }

  private refuseIfCrowded(): void {
    if (this.nWaiting >= MOST_WAITING) this.refuse(CROWDED);
  }

  private refuse(why: string): never {
    this.counts.count('nReceived');
    this.counts.count('nRejected');
    throw new Error(why);
  }

  /** A put of some fields changes these; the processor is given the whole. What is taken is released when it was processed. */
  private async onPut(pv: SharedPV, value: Value): Promise<void> {
    this.refuseIfClosed();
    this.refuseIfCrowded();
    this.counts.count('nBytes', value.messageBytes);
    pv.post(value);
    const { taken } = await this.take(value.marks.get(0) ? value : pv.fetch());
    if (!taken) throw new Error(FULL);
  }

  private async onRpc(argument: Value | null): Promise<Value> {
    this.refuseIfClosed();
    if (argument === null) {
      this.counts.count('nErrors');
      return Value.create(REFUSED, { status: -1, errorMessage: 'the call has no argument' });
    }
    this.refuseIfCrowded();
    this.counts.count('nBytes', objectBytes(argument));
    const { taken, failure } = await this.take(argument);
    if (!taken) return Value.create(REFUSED, { status: -1, errorMessage: FULL });
    const error = await failure;
    if (error) throw new Error(oneLine(error));
    return Value.create(DONE, { status: 0 });
  }

  /** Several producers take turns: one object at a time is handled. */
  private take(value: Value): Promise<Taken> {
    const { counts } = this;
    counts.count('nReceived');
    const { epoch } = counts;
    this.nWaiting++;
    const result = this.last.then(async (): Promise<Taken> => {
      if (this.busyMs > TURN_MS && this.accepting) await this.giveTurn();
      this.nWaiting--;
      // Whoever still waited for a turn when the stage was stopped is told so.
      if (!this.accepting) throw new Error(STOPPED);
      let settle: (error: Error | undefined) => void = () => {};
      const failure = new Promise<Error | undefined>((resolve) => {
        settle = resolve;
      });
      const begin = performance.now();
      const taken = this.worker.offer(value, (error) => {
        if (error) counts.count('nErrors', 1, epoch);
        settle(error);
      });
      this.busyMs += performance.now() - begin;
      if (typeof taken === 'boolean') return { taken, failure };
      await taken;
      return { taken: true, failure };
    });
    const rejected = (): void => counts.count('nRejected', 1, epoch);
    this.last = result.then(({ taken }) => {
      if (!taken) rejected();
    }, rejected);
    return result;
  }

  private async giveTurn(): Promise<void> {
    this.busyMs = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }

  async stop(drainMs: number): Promise<void> {
    this.accepting = false;
    await this.worker.stop(drainMs);
    // Whoever waited for a turn is told so now, and counted: that takes no turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }

  get stats(): ReceiverStats {
    return { nOverruns: 0, ...this.counts.current };
  }

  get totals(): ReceiverStats {
    return { nOverruns: 0, ...this.counts.totals };
  }

  /** Whoever wants to may send. */
  get connected(): boolean {
    return this.accepting;
  }

  get waiting(): number {
    return this.nWaiting + this.worker.queueLength;
  }

  get queueStats(): QueueStats | undefined {
    return this.worker.queueStats;
  }

  get queueTotals(): QueueStats | undefined {
    return this.worker.queueTotals;
  }

  resetStats(): void {
    this.counts.reset();
    this.worker.resetStats();
  }

  configure(settings: ReceiverSettings): void {
    this.worker.configure(settings);
  }
}

/** What an error says, as a status message: without line breaks, and never empty. */
function oneLine({ name, message }: Error): string {
  return message.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim() || name;
}
