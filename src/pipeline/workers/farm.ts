/**
 * Farm: the processes of a pool, started, watched and ended through worker-farm 1.7.0, whose faults stay in here.
 *
 * worker-farm keeps a place for every call it ever made to a child, hands calls to children that have just died,
 * cannot address a certain child, and knows nothing of order. So it makes one call a child here, which lasts as long
 * as the child works (`maxCallsPerWorker: 1`); objects travel as messages of our own on the same IPC channel, which it
 * lets pass. It swallows a child that cannot be forked: that is seen through `onChild`. Its `end` waits for calls
 * without limit and its SIGKILL may come too late for a process that ends: both are done here.
 * Messages are structured clones (`serialization: 'advanced'`): bytes stay bytes.
 */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import workerFarm from 'worker-farm';
import type { FromWorker, ToWorker, WorkerSpec } from './worker-messages.ts';

/** What a worker process tells the pool. */
export interface WorkerEvents {
  message(message: FromWorker): void;
  /** It is gone, for the reason given; called once. */
  exit(why: string): void;
}

export interface WorkerProcess {
  /** Undefined if it could not be started. */
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  kill(): void;
}

/** Starts a worker. */
export type SpawnWorker = (spec: WorkerSpec, events: WorkerEvents) => WorkerProcess;

/** From the end of its only call to SIGKILL, in ms. */
const FORCED_KILL_MS = 1000;

/** worker-farm's own types leave `onChild` out. */
interface FarmOptions extends workerFarm.FarmOptions {
  readonly onChild: (child: ChildProcess) => void;
}

export class Farm {
  private readonly call: (spec: WorkerSpec, ended: (error: Error | null) => void) => void;
  private readonly children = new Set<ChildProcess>();
  private forked: ChildProcess | undefined;
  /** Why no process can be started any more: worker-farm would mix up the calls after that. */
  private broken: string | undefined;

  /** @param entry CommonJS module that exports `serve(spec, ended)`: worker-farm loads it with `require` */
  constructor(entry: URL) {
    const options: FarmOptions = {
      // The pool says how many there are; a call is a child.
      maxConcurrentWorkers: Number.POSITIVE_INFINITY,
      maxConcurrentCallsPerWorker: 1,
      maxCallsPerWorker: 1,
      maxRetries: 0,
      workerOptions: { serialization: 'advanced' },
      onChild: (child) => {
        this.forked = child;
      },
    };
    Object.assign(options, { forcedKillTime: FORCED_KILL_MS });
    this.call = workerFarm(options, fileURLToPath(entry), ['serve'])['serve'] as unknown as Farm['call'];
  }

  readonly spawn: SpawnWorker = (spec, events) => {
    let gone = false;
    const exit = (why: string): void => {
      if (!gone) events.exit(why);
      gone = true;
    };
    const child = this.fork(spec);
    if (!child) {
      setImmediate(() => exit(`cannot be started: ${this.broken}`));
      return { pid: undefined, send: () => {}, kill: () => {} };
    }
    this.children.add(child);
    child.on('message', (m) => {
      if ((m as { owner?: unknown }).owner !== 'farm' && !gone) events.message(m as FromWorker);
    });
    child.on('error', (error) => {
      if (child.pid === undefined) exit(`cannot be started: ${error.message}`);
    });
    child.once('exit', (code, signal) => {
      this.children.delete(child);
      exit(signal ? `killed by ${signal}` : `exit code ${code}`);
    });
    return {
      pid: child.pid,
      // One that has just died is noticed by its exit, not here.
      send: (message) => {
        if (child.connected) child.send(message, () => {});
      },
      kill: () => {
        child.kill('SIGKILL');
      },
    };
  };

  private fork(spec: WorkerSpec): ChildProcess | undefined {
    this.forked = undefined;
    try {
      // Its end is seen by `exit`, earlier.
      if (this.broken === undefined) this.call(spec, () => {});
    } catch (error) {
      // Without file handles left Node makes a child without an IPC channel, and worker-farm uses it.
      this.broken = (error as Error).message;
      return undefined;
    }
    return this.forked;
  }

  /** Ends all processes at once. */
  kill(): void {
    for (const child of this.children) child.kill('SIGKILL');
  }
}
