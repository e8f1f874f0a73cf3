/** The live view on a terminal: what is on it, how often it is drawn, and that it is always given back. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KEPT_LINES } from '../../src/view/captured-output.ts';
import { type Host, LiveView } from '../../src/view/live-view.ts';
import { TestTerminal } from './terminal.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Standard output or error of a process at a terminal. */
class TestStream extends EventEmitter {
  isTTY = true;
  private readonly host: TestHost;

  constructor(host: TestHost) {
    super();
    this.host = host;
  }

  get columns(): number {
    return this.host.terminal.columns;
  }

  get rows(): number {
    return this.host.terminal.rows;
  }

  write(text: string): boolean {
    this.host.writes.push(text);
    this.host.terminal.write(text);
    return true;
  }
}

/** A process at a terminal. */
class TestHost extends EventEmitter {
  readonly terminal: TestTerminal;
  /** What was written to the terminal, write by write. */
  readonly writes: string[] = [];
  readonly env: NodeJS.ProcessEnv = { TERM: 'xterm' };
  readonly pid = 17;
  readonly killed: unknown[] = [];
  readonly stdout: TestStream = new TestStream(this);
  readonly stderr: TestStream = new TestStream(this);

  constructor(columns = 40, rows = 10) {
    super();
    this.terminal = new TestTerminal(columns, rows);
  }

  kill(pid: number, signal: string): true {
    this.killed.push([pid, signal]);
    return true;
  }
}

function open(host: TestHost): LiveView {
  const view = LiveView.open(host as unknown as Host);
  if (!view) throw new Error('no view');
  return view;
}

const model = (n: number) => ({ title: 'title', sections: [`first ${n}`, 'second'] });

describe('a live view', () => {
  it('shows the model on the alternate screen, and after it the terminal as it was', () => {
    const host = new TestHost();
    host.stdout.write('before\n');
    const view = open(host);
    view.show(model(1));
    expect(host.terminal.full).toBe(true);
    expect([...host.terminal.modes]).not.toContain('?25');
    expect(host.terminal.lines).toEqual(['title', '', 'first 1', '', 'second']);
    view.close();
    expect(host.terminal.full).toBe(false);
    expect([...host.terminal.modes].sort()).toEqual(['?25', '?7']);
    expect(host.terminal.lines).toEqual(['before']);
    // Nothing is left that would still react.
    expect(host.eventNames()).toEqual([]);
    expect(host.stdout.eventNames()).toEqual([]);
    host.stdout.write('after\n');
    view.show(model(2));
    vi.advanceTimersByTime(1000);
    expect(host.terminal.lines).toEqual(['before', 'after']);
  });

  it('is drawn four times a second at most, the last model always, and only lines that have changed', () => {
    const host = new TestHost();
    const view = open(host);
    view.show(model(0));
    const before = host.writes.length;
    for (let i = 1; i <= 100; i++) {
      view.show(model(i));
      vi.advanceTimersByTime(10);
    }
    expect(host.writes.length - before).toBe(4);
    expect(host.writes.at(-1)).toBe('\x1b[3;1H\x1b[2Kfirst 100');
    vi.advanceTimersByTime(1000);
    expect(host.writes.length - before).toBe(4);
    expect(host.terminal.lines).toEqual(['title', '', 'first 100', '', 'second']);
    view.close();
  });

  it('follows the size of the terminal', () => {
    const host = new TestHost();
    const view = open(host);
    view.show(model(1));
    host.terminal.columns = 4;
    host.terminal.rows = 3;
    host.stdout.emit('resize');
    vi.advanceTimersByTime(250);
    expect(host.terminal.lines).toEqual(['titl', '', '...']);
    host.terminal.columns = 40;
    host.terminal.rows = 10;
    host.stdout.emit('resize');
    vi.advanceTimersByTime(250);
    expect(host.terminal.lines).toEqual(['title', '', 'first 1', '', 'second']);
    view.close();
  });

  it('is drawn whole now and then: what somebody else wrote over it goes away', () => {
    const host = new TestHost();
    const view = open(host);
    view.show(model(1));
    host.terminal.write('\x1b[5;1Hdisturbed');
    for (let s = 0; s < 12; s++) {
      vi.advanceTimersByTime(500);
      view.show(model(1));
    }
    vi.advanceTimersByTime(250);
    expect(host.terminal.lines).toEqual(['title', '', 'first 1', '', 'second']);
    view.close();
  });

  it('shows what the program prints, and prints it all, in order, when the terminal is free', () => {
    const host = new TestHost(40, 20);
    const view = open(host);
    view.show(model(1));
    host.stdout.write('one\ntwo\nunfin');
    host.stderr.write('an error\n');
    vi.advanceTimersByTime(250);
    expect(host.terminal.lines.slice(5)).toEqual(['', 'Log', 'one', 'two', 'an error']);
    host.stdout.write('ished\n\nlast');
    view.close();
    expect(host.terminal.lines).toEqual(['one', 'two', 'an error', 'unfinished', '', 'last']);
  });

  it('keeps a bounded number of lines, and says how many it has not kept', () => {
    const host = new TestHost(40, 20);
    const view = open(host);
    for (let i = 1; i <= KEPT_LINES + 30; i++) host.stdout.write(`line ${i}\n`);
    view.close();
    expect(host.terminal.lines).toHaveLength(KEPT_LINES + 1);
    expect(host.terminal.lines.slice(0, 2)).toEqual(['... 30 earlier lines are not kept', 'line 31']);
    expect(host.terminal.lines.at(-1)).toBe(`line ${KEPT_LINES + 30}`);
  });

  it('calls back whoever waits for what is written', async () => {
    vi.useRealTimers();
    const host = new TestHost();
    const view = open(host);
    const write = host.stdout.write as unknown as NodeJS.WriteStream['write'];
    await new Promise<void>((resolve) => void write('a', () => resolve()));
    await new Promise<void>((resolve) => void write('b', 'utf8', () => resolve()));
    view.close();
    expect(host.terminal.lines).toEqual(['ab']);
  });

  it('leaves a standard error alone that is not on the terminal', () => {
    const host = new TestHost();
    host.stderr.isTTY = false;
    const { write } = host.stderr;
    const view = open(host);
    expect(host.stderr.write).toBe(write);
    view.close();
  });

  it('is not there without a terminal, nor on one that cannot', () => {
    const file = new TestHost();
    file.stdout.isTTY = false;
    expect(LiveView.open(file as unknown as Host)).toBeUndefined();
    const dumb = new TestHost();
    dumb.env['TERM'] = 'dumb';
    expect(LiveView.open(dumb as unknown as Host)).toBeUndefined();
    expect([...file.writes, ...dumb.writes]).toEqual([]);
  });
});

describe('the terminal is given back', () => {
  it('when the process ends, whatever the reason, with the last words behind', () => {
    const host = new TestHost();
    open(host).show(model(1));
    host.stderr.write('program: error: what happened\n');
    host.emit('exit');
    expect(host.terminal.full).toBe(false);
    expect(host.terminal.lines).toEqual(['program: error: what happened']);
  });

  it('while the process is stopped (Ctrl-Z), and taken again when it goes on', () => {
    const host = new TestHost();
    const view = open(host);
    view.show(model(1));
    host.stdout.write('printed\n');
    host.emit('SIGTSTP');
    expect(host.killed).toEqual([[17, 'SIGSTOP']]);
    expect(host.terminal.full).toBe(false);
    expect(host.terminal.lines).toEqual(['printed']);
    host.emit('SIGCONT');
    vi.advanceTimersByTime(250);
    expect(host.terminal.full).toBe(true);
    expect(host.terminal.lines).toEqual(['title', '', 'first 1', '', 'second']);
    view.close();
  });

  it('before the process is ended with a core dump (SIGQUIT)', () => {
    const host = new TestHost();
    open(host).show(model(1));
    host.emit('SIGQUIT');
    expect(host.terminal.full).toBe(false);
    expect(host.killed).toEqual([[17, 'SIGQUIT']]);
    expect(host.eventNames()).toEqual([]);
  });
});
