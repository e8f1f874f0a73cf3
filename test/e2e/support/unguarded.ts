/**
 * A command that is started as a shell starts it: what it leaves behind when it ends stays, so that a test can see
 * whether it leaves something behind. Only the end of the test, or of the test's process, sweeps up.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { awakeTimeout } from '../../../bench/peers/awake-timer.ts';
import { guardGroup, releaseGroup } from '../../../bench/peers/reaper.ts';
import { ROOT, until, type World, words } from './world.ts';

/** After the end of a command, the time its pipes get to deliver what they still hold. */
const DRAIN_MS = 1_000;

export class Unguarded {
  private readonly child: ChildProcessWithoutNullStreams;
  /** Process id, and id of the process group that it and its children form. */
  readonly pid: number;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  stdout = '';
  stderr = '';

  private constructor(child: ChildProcessWithoutNullStreams, pid: number) {
    this.child = child;
    this.pid = pid;
    guardGroup(pid);
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.exited = this.watchEnd();
  }

  /** Its output is complete then, unless what it has left behind keeps the pipes open. */
  private async watchEnd(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    const closed = once(this.child, 'close');
    const [code, signal] = (await once(this.child, 'exit')) as [number | null, string | null];
    let stopTimer = (): void => {};
    const drained = new Promise<void>((resolve) => {
      stopTimer = awakeTimeout(resolve, DRAIN_MS);
    });
    await Promise.race([closed, drained]);
    stopTimer();
    return { code, signal };
  }

  static start(world: World, line: string): Unguarded {
    const [name = '', ...args] = words(line);
    const child = spawn(process.execPath, [join(ROOT, 'bin', `${name}.js`), ...args], {
      cwd: ROOT,
      env: { ...world.env, HPC_TEST_FOLDER: world.folder },
      detached: true,
    });
    if (child.pid === undefined) throw new Error(`${name} cannot be started`);
    return world.own(new Unguarded(child, child.pid));
  }

  /** Waits for text in either output. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return until(() => {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (!found) throw new Error(`not printed: ${pattern}; but\n${this.stdout}${this.stderr}`);
      return found;
    });
  }

  /** Process ids of these consumers, from the log (`--log-level info`). */
  async consumerPids(ids: readonly number[]): Promise<number[]> {
    const all: number[] = [];
    for (const id of ids) {
      const [, pid] = await this.printed(
        new RegExp(`INFO hpc-consumer: consumer ${id} runs as process (\\d+)`),
      );
      all.push(Number(pid));
    }
    return all;
  }

  /** To the command alone, as `kill` does. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** To the command and its children, as a terminal does on Ctrl-C. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Waits until neither the command nor any child of it is there. */
  async nothingLeft(): Promise<void> {
    await until(() => {
      if (exists(-this.pid)) throw new Error(`processes of group ${this.pid} are left`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    releaseGroup(this.pid);
    await this.exited;
  }
}

/** Is there a process with this id, or in this group if negative? */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
