/** A command at a pseudo-terminal of its own (made by `script` of util-linux), and what a user sees there. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import { guardGroup, releaseGroup } from '../../../bench/peers/reaper.ts';
import { TestTerminal } from '../../view/terminal.ts';
import { ROOT, until, type World, words } from './world.ts';

/** Full screens that are remembered. */
const MOST_SCREENS = 1000;

export class AtTerminal {
  readonly terminal: TestTerminal;
  /** Was the alternate screen ever shown? */
  wasFull = false;
  /** Exit code of the command; above 128 a signal ended it. */
  readonly exited: Promise<number>;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly pid: number;
  /** What the full screen has shown, the last of it, also while it was drawn. */
  private readonly screens: string[] = [];

  private constructor(child: ChildProcessWithoutNullStreams, pid: number, columns: number, rows: number) {
    this.child = child;
    this.pid = pid;
    this.terminal = new TestTerminal(columns, rows);
    guardGroup(pid);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      // One code at a time: a screen that is left at once is seen, too.
      for (const [i, part] of text.split('\x1b').entries()) {
        this.terminal.write(i === 0 ? part : `\x1b${part}`);
        this.wasFull ||= this.terminal.full;
        if (this.terminal.full) this.remember(this.text);
      }
    });
    this.exited = Promise.all([once(child, 'exit'), once(child.stdout, 'end')]).then(
      ([[code]]) => code as number,
    );
  }

  /** Starts a command line; its words must need no quoting but '...'. */
  static start(world: World, line: string, columns = 120, rows = 30, type = 'xterm'): AtTerminal {
    const [name = '', ...args] = words(line);
    const command = [process.execPath, join(ROOT, 'bin', `${name}.js`), ...args].map((word) => `'${word}'`);
    const inTerminal = `stty cols ${columns} rows ${rows} -echo; exec ${command.join(' ')}`;
    const child = spawn('script', ['-qfec', inTerminal, '/dev/null'], {
      cwd: ROOT,
      env: { ...world.env, HPC_TEST_FOLDER: world.folder, TERM: type, SHELL: '/bin/sh' },
      detached: true,
    });
    if (child.pid === undefined) throw new Error('script (util-linux) cannot be started');
    return world.own(new AtTerminal(child, child.pid, columns, rows));
  }

  /** What is on the screen now. */
  get text(): string {
    return this.terminal.lines.join('\n');
  }

  /** Waits until the screen shows this, and not amid a frame (`?2026`) that may have come half. */
  async shows(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return until(() => {
      if (this.terminal.modes.has('?2026')) throw new Error('a frame is being drawn');
      const found = pattern.exec(this.text);
      if (!found) throw new Error(`not on the screen: ${pattern}; but\n${this.text}`);
      return found;
    }, timeoutMs);
  }

  /** Waits until the full screen shows this or has shown it: for what may be over before anybody looks. */
  async showed(pattern: RegExp): Promise<void> {
    await until(() => {
      if (!this.screens.some((text) => pattern.test(text)))
        throw new Error(`never on the screen: ${pattern}; now\n${this.text}`);
    });
  }

  private remember(text: string): void {
    if (text === this.screens.at(-1)) return;
    this.screens.push(text);
    if (this.screens.length > MOST_SCREENS) this.screens.shift();
  }

  /** Presses keys, such as `\x03` for Ctrl-C. */
  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    releaseGroup(this.pid);
    await this.exited;
  }
}

/** The terminal is as it was: the main screen, wrapping, with a cursor. */
export function expectGivenBack(at: AtTerminal): void {
  expect(at.terminal.full).toBe(false);
  expect([...at.terminal.modes].sort()).toEqual(['?25', '?7']);
}
