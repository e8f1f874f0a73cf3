/** WorkerMember: one worker of the pool in one life: its state, the object it works on, the answers it owes. */
import type { Value } from 'epics-pva-ts';
import { UserError } from '../../errors.ts';
import type { SpawnWorker, WorkerProcess } from './farm.ts';
import { errorFrom, ObjectDecoder, ObjectEncoder } from './object-bytes.ts';
import type { FromWorker, ObjectBytes, OutputBytes, ToWorker, WorkerSpec } from './worker-messages.ts';

/** What came of an object. */
export interface JobResult {
  /** Number of the worker; undefined if none had it. */
  readonly workerId?: number;
  readonly output?: OutputBytes | undefined;
  readonly published: readonly Value[];
  readonly error?: Error | undefined;
}

/** An object for a worker. */
export interface Job {
  readonly kind: 'process' | 'prepare';
  readonly object: Value;
  /** Exactly once; later calls do nothing. */
  readonly settle: (result: JobResult) => void;
}

/** `constructing`: no message yet; `idle` and `busy`: started; `gone`: the process has ended. */
export type MemberState = 'constructing' | 'constructed' | 'starting' | 'idle' | 'busy' | 'stopped' | 'gone';

export interface MemberEvents {
  constructed(message: Extract<FromWorker, { type: 'constructed' }>): void;
  /** For the first time, or again after an object. */
  idle(): void;
  /** It refuses to work, for a reason that another one would not mend. */
  failed(error: UserError): void;
  published(object: Value): void;
  /** It sent what cannot be read. */
  fault(error: Error): void;
  stats(epoch: number, stats: Readonly<Record<string, unknown>>): void;
  /** The processor has reported so many objects as lost. */
  lost(epoch: number, count: number): void;
  /** The process has ended: its object was settled as an error. */
  gone(why: string): void;
}

export class WorkerMember {
  readonly workerId: number;
  state: MemberState = 'constructing';
  private readonly process: WorkerProcess;
  private readonly events: MemberEvents;
  private readonly encoder = new ObjectEncoder();
  private readonly decoder = new ObjectDecoder();
  private readonly configuring = new Map<number, (error: Error | undefined) => void>();
  private job: Job | undefined;
  private readonly onGone: () => void;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;

  constructor(spawn: SpawnWorker, spec: WorkerSpec, events: MemberEvents) {
    this.workerId = spec.workerId;
    this.events = events;
    let onGone = (): void => {};
    this.ended = new Promise((resolve) => {
      onGone = resolve;
    });
    this.onGone = onGone;
    this.process = spawn(spec, {
      message: (message) => this.onMessage(message),
      exit: (why) => this.onExit(why),
    });
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Does it answer? Not before it was constructed, and not when it is about to end. */
  get answers(): boolean {
    return this.state === 'starting' || this.state === 'idle' || this.state === 'busy';
  }

  private onMessage(m: FromWorker): void {
    switch (m.type) {
      case 'constructed':
        this.state = 'constructed';
        this.events.constructed(m);
        break;
      case 'failed':
        this.events.failed(new UserError(m.code, m.line, { exitCode: m.exitCode }));
        break;
      case 'started':
        this.becomeIdle();
        break;
      case 'result':
        this.onResult(m);
        break;
      case 'published':
        this.onPublished(m.object);
        break;
      case 'configured':
        this.configuring.get(m.requestId)?.(m.error && errorFrom(m.error));
        this.configuring.delete(m.requestId);
        break;
      case 'stats':
        this.events.stats(m.epoch, m.stats);
        break;
      case 'lost':
        this.events.lost(m.epoch, m.count);
        break;
      case 'stopped':
        this.state = 'stopped';
        break;
    }
  }

  private onPublished(bytes: ObjectBytes): void {
    try {
      this.events.published(this.decoder.decode(bytes));
    } catch (error) {
      this.events.fault(error as Error);
    }
  }

  private onResult(m: Extract<FromWorker, { type: 'result' }>): void {
    const { job, workerId } = this;
    this.job = undefined;
    let error = m.error && errorFrom(m.error);
    const published: Value[] = [];
    try {
      for (const bytes of m.published) published.push(this.decoder.decode(bytes));
    } catch (thrown) {
      error ??= thrown as Error;
    }
    job?.settle({ workerId, output: m.output, published, error });
    this.becomeIdle();
  }

  private becomeIdle(): void {
    this.state = 'idle';
    this.events.idle();
  }

  private onExit(why: string): void {
    this.state = 'gone';
    const { job, workerId } = this;
    this.job = undefined;
    const error = new Error(`worker ${workerId} (process ${this.pid}) died: ${why}`);
    job?.settle({ workerId, published: [], error });
    for (const answer of this.configuring.values()) answer(error);
    this.configuring.clear();
    this.onGone();
    this.events.gone(why);
  }

  /** Hands an object to this worker, which is idle; an object that cannot be sent is settled as an error. */
  work(job: Job): void {
    let object: ReturnType<ObjectEncoder['encode']>;
    try {
      object = this.encoder.encode(job.object);
    } catch (error) {
      job.settle({ published: [], error: error as Error });
      this.becomeIdle();
      return;
    }
    this.state = 'busy';
    this.job = job;
    this.send({ type: job.kind, object });
  }

  start(configure: readonly unknown[], epoch: number): void {
    this.state = 'starting';
    this.send({ type: 'start', configure, epoch });
  }

  /** Resolves to what the processor's `configure` threw, if anything. */
  configure(requestId: number, args: unknown): Promise<Error | undefined> {
    return new Promise((resolve) => {
      this.configuring.set(requestId, resolve);
      this.send({ type: 'configure', requestId, args });
    });
  }

  send(message: ToWorker): void {
    this.process.send(message);
  }

  kill(): void {
    if (this.state !== 'gone') this.process.kill();
  }
}
