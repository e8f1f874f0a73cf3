/**
 * One child process of a test or of the benchmark: its lines, its end, and the certainty that it ends.
 *
 * What may live here: starting, watching and stopping a process, nothing about what the process is. Every wait has a
 * bound and fails with what the process said so far, so that a failure in CI explains itself.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { awakeTimeout } from './awake-timer.ts';
import { guardGroup, releaseGroup } from './reaper.ts';

/** How a process is started. */
export interface ChildOptions {
  /** Program: a path, or a name found on PATH. */
  readonly command: string;
  /** Its arguments. Default: none. */
  readonly args?: readonly string[];
  /** The whole environment, for example from `peerEnv`. Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Working directory. Default: that of this process. */
  readonly cwd?: string;
  /** Name used in error messages. Default: the program's file name. */
  readonly name?: string;
  /** Whether there is an IPC channel to it, for `send`: it must be a Node program. Default: false. */
  readonly ipc?: boolean;
}

/** One line of output. */
export interface ChildLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** How a process ended. */
export interface ChildExit {
  /** Exit code, `null` when a signal ended it. */
  readonly code: number | null;
  /** Signal that ended it, `null` when it ended by itself. */
  readonly signal: NodeJS.Signals | null;
  /** True when `stop` had to use SIGKILL because the process did not end in time. */
  readonly killed: boolean;
}

/** How a process is stopped. */
export interface StopOptions {
  /** The polite signal, sent to the process alone. Default: SIGINT. */
  readonly signal?: NodeJS.Signals;
  /** Time it gets to end before SIGKILL, in ms. Default: 20,000. */
  readonly graceMs?: number;
}

/** Lines kept for error messages and for `waitForLine`; older ones are dropped. */
const KEPT_LINES = 5_000;
/** Lines shown in an error message, and characters of each. */
const SHOWN_LINES = 40;
const SHOWN_CHARACTERS = 300;
/** After the end of a process, the time its pipes get to deliver what they still hold. */
const DRAIN_MS = 1_000;

/** A running child process; see {@link spawnChild}. */
export class Child {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process has ended and its output is complete; never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #listeners = new Set<(line: ChildLine) => void>();
  #lines: ChildLine[] = [];
  #dropped = 0;
  #exit: ChildExit | undefined;
  #killed = false;

  constructor(name: string, child: ChildProcessWithoutNullStreams, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#process = child;
    guardGroup(pid);
    for (const stream of ['stdout', 'stderr'] as const) {
      createInterface({ input: child[stream] }).on('line', (text) => this.#onLine({ stream, text }));
    }
    // A process that ended while we write to it closes the pipe; its end is reported by `exited`, not by this error.
    child.stdin.on('error', () => {});
    this.exited = this.#watchEnd();
  }

  /** The lines kept so far, oldest first, both streams in order of arrival. */
  get lines(): readonly ChildLine[] {
    return this.#lines;
  }

  /** Number of lines received so far; a position for `waitForLine`'s `since`. */
  get lineCount(): number {
    return this.#dropped + this.#lines.length;
  }

  /** How it ended, once it has and its output is complete. */
  get exit(): ChildExit | undefined {
    return this.#exit;
  }

  /** True while the process runs. */
  get running(): boolean {
    return this.#exit === undefined;
  }

  /**
   * Calls `listener` for each line that arrives from now on.
   *
   * @returns A function that ends this.
   */
  onLine(listener: (line: ChildLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits for the first line that matches, in either stream; lines already received count.
   *
   * @param pattern What to look for, without the `g` and `y` flags.
   * @param timeoutMs Bound of the wait.
   * @param since Position (`lineCount` at some earlier moment) of the first line that counts. Default: all lines kept.
   * @returns The match.
   * @throws Error with the output so far when time runs out or the process ends without such a line.
   */
  waitForLine(pattern: RegExp, timeoutMs: number, since = 0): Promise<RegExpExecArray> {
    for (const line of this.#lines.slice(Math.max(0, since - this.#dropped))) {
      const match = pattern.exec(line.text);
      if (match !== null) {
        return Promise.resolve(match);
      }
    }
    return new Promise((resolve, reject) => {
      const finish = () => {
        stopTimer();
        stopListening();
      };
      const stopListening = this.onLine((line) => {
        const match = pattern.exec(line.text);
        if (match !== null) {
          finish();
          resolve(match);
        }
      });
      const stopTimer = awakeTimeout(() => {
        finish();
        reject(this.error(`printed no line matching ${pattern} within ${timeoutMs} ms`));
      }, timeoutMs);
      void this.exited.then((exit) => {
        finish();
        reject(this.error(`ended (${describeExit(exit)}) without a line matching ${pattern}`));
      });
    });
  }

  /**
   * Waits for the process to end by itself.
   *
   * @param timeoutMs Bound of the wait; the process runs on when it is exceeded.
   * @throws Error with the output so far when time runs out.
   */
  waitForExit(timeoutMs: number): Promise<ChildExit> {
    return this.#within(timeoutMs, `did not end within ${timeoutMs} ms`);
  }

  /** Writes one line to the standard input of the process. */
  writeLine(text: string): void {
    this.#process.stdin.write(`${text}\n`);
  }

  /** Ends the standard input of the process. */
  endInput(): void {
    this.#process.stdin.end();
  }

  /** Sends a message to a Node program that was started with `ipc`. */
  send(message: object): void {
    this.#process.send?.(message);
  }

  /** Sends a signal to the process alone, not to its children. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /**
   * Ends the process: politely first, with SIGKILL after a bound, together with every process it started.
   * Does nothing when it has ended already.
   */
  async stop(options: StopOptions = {}): Promise<ChildExit> {
    if (this.running) {
      this.signal(options.signal ?? 'SIGINT');
    }
    try {
      return await this.#within(options.graceMs ?? 20_000, '');
    } catch {
      this.#killed = true;
      releaseGroup(this.pid);
      return this.exited;
    }
  }

  /** An error that names the process, says `what`, and shows the last lines it printed. */
  error(what: string): Error {
    const shown = this.#lines
      .slice(-SHOWN_LINES)
      .map((line) => `  ${line.stream}: ${line.text.slice(0, SHOWN_CHARACTERS)}`);
    const output = shown.length === 0 ? 'It printed nothing.' : `Its last lines:\n${shown.join('\n')}`;
    return new Error(`${this.name} (process ${this.pid}) ${what}. ${output}`);
  }

  async #within(timeoutMs: number, what: string): Promise<ChildExit> {
    let stopTimer = (): void => {};
    const tooLate = new Promise<never>((_, reject) => {
      stopTimer = awakeTimeout(() => reject(this.error(what)), timeoutMs);
    });
    try {
      return await Promise.race([this.exited, tooLate]);
    } finally {
      stopTimer();
    }
  }

  async #watchEnd(): Promise<ChildExit> {
    const closed = once(this.#process, 'close');
    const [code, signal] = (await once(this.#process, 'exit')) as [number | null, NodeJS.Signals | null];
    // What the process started and left behind would keep its pipes open, and would survive it.
    releaseGroup(this.pid);
    let stopTimer = (): void => {};
    const drained = new Promise<void>((resolve) => {
      stopTimer = awakeTimeout(resolve, DRAIN_MS);
    });
    await Promise.race([closed, drained]);
    stopTimer();
    this.#exit = { code, signal, killed: this.#killed };
    return this.#exit;
  }

  #onLine(line: ChildLine): void {
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT_LINES) {
      this.#lines = this.#lines.slice(-KEPT_LINES);
      this.#dropped += KEPT_LINES + 1;
    }
    for (const listener of this.#listeners) {
      listener(line);
    }
  }
}

/** `exit code 1`, `signal SIGTERM`. */
export function describeExit(exit: ChildExit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

/**
 * Starts a process in a group of its own, so that a Ctrl-C in the terminal reaches only us and a stop reaches all of it.
 * Neither it nor anything it starts survives this process.
 *
 * @throws Error when the program cannot be started.
 */
export async function spawnChild(options: ChildOptions): Promise<Child> {
  const name = options.name ?? basename(options.command);
  const child = spawn(options.command, options.args ?? [], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])],
    detached: true,
  }) as ChildProcessWithoutNullStreams;
  if (child.pid === undefined) {
    const [cause] = (await once(child, 'error')) as [Error];
    throw new Error(`${name} cannot be started: ${cause.message}`);
  }
  return new Child(name, child, child.pid);
}
