/**
 * The world of one end-to-end test: its own ports on loopback, its own folder, the commands it runs as child
 * processes, and a client that sees what they serve.
 *
 * Two worlds never see each other. Everything a world holds ends with its test, whatever the outcome.
 */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Context, clientConfigFromEnv } from 'epics-pva-ts';
import { it as base, vi } from 'vitest';
import { awakeTimeout } from '../../../bench/peers/awake-timer.ts';
import {
  type Child,
  type ChildExit,
  type ChildOptions,
  describeExit,
  spawnChild,
} from '../../../bench/peers/child.ts';
import { freePorts, peerEnv } from '../../../bench/peers/ports.ts';

/** The folder of this package: commands run there, as a user's after `npm ci`. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

// Real processes on a busy computer take their time; every wait in a test has a shorter bound of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** How a command ended and all that it printed. */
export interface Finished extends ChildExit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Words of a command line as a shell splits it: quotes as in the documents' examples, no escapes outside of them. */
export function words(line: string): string[] {
  const parts = /'([^']*)'|"((?:\\.|[^"\\])*)"|([^\s'"]+)/g;
  return Array.from(line.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"])+/g), ([word]) =>
    word.replaceAll(
      parts,
      (_, single, double, bare) => single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? bare,
    ),
  );
}

/** The line with other values of options: `{ '-rt': '1' }`. An option that is not there is appended. */
export function withOptions(line: string, options: Readonly<Record<string, string | number>>): string {
  const all = words(line);
  for (const [name, value] of Object.entries(options)) {
    const at = all.indexOf(name);
    if (at < 0) all.push(name, String(value));
    else all[at + 1] = String(value);
  }
  return all.map((word) => (/^[\w./:,=+-]+$/.test(word) ? word : `'${word}'`)).join(' ');
}

export class World {
  /** Environment of every command of this world. */
  readonly env: NodeJS.ProcessEnv;
  /** A client that sees this world's servers only. */
  readonly context: Context;
  /** A temporary folder of this world's own. */
  readonly folder: string;
  private readonly children: Child[] = [];
  private readonly others: AsyncDisposable[] = [];

  private constructor(env: NodeJS.ProcessEnv) {
    this.env = env;
    this.context = new Context(clientConfigFromEnv(env));
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'epics-hpc-e2e-')));
  }

  static async create(): Promise<World> {
    const env = peerEnv(await freePorts());
    return new World({ ...env, EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1' });
  }

  /** Starts a command line such as `hpc-consumer --input-channel pvapy:image`. */
  async start(
    line: string,
    env: NodeJS.ProcessEnv = {},
    options: Pick<ChildOptions, 'ipc'> = {},
  ): Promise<Child> {
    const [name = '', ...args] = words(line);
    const child = await spawnChild({
      ...options,
      command: process.execPath,
      args: [join(ROOT, 'bin', `${name}.js`), ...args],
      env: { ...this.env, ...env },
      cwd: ROOT,
      name,
    });
    this.children.push(child);
    return child;
  }

  /** Runs a command line to its end. */
  async run(line: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const child = await this.start(line, env);
    return finished(child, await child.waitForExit(60_000));
  }

  /** Writes a file into this world's folder; its path. */
  file(name: string, text: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Lines of a file that a child writes, without an incomplete last one; none while there is no such file. */
  lines(name: string): string[] {
    try {
      return readFileSync(join(this.folder, name), 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }

  /** Disposed of with this world. */
  own<T extends AsyncDisposable>(other: T): T {
    this.others.push(other);
    return other;
  }

  /** What became of each command so far, and its last lines: for a test that failed. */
  report(): string {
    return this.children
      .map(
        (child) => child.error(child.exit ? `has ended (${describeExit(child.exit)})` : 'is running').message,
      )
      .join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop({ signal: 'SIGKILL' })));
    await this.context.close();
    for (const other of this.others) await other[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a child that has ended printed. */
export function finished(child: Child, exit: ChildExit): Finished {
  const text = (stream: string): string =>
    child.lines
      .filter((line) => line.stream === stream)
      .map((line) => `${line.text}\n`)
      .join('');
  return { ...exit, stdout: text('stdout'), stderr: text('stderr') };
}

const POLL_MS = 20;

/**
 * Waits until `check` returns a value; fails with what it threw last.
 * @param timeoutMs time in which this process runs; default 40 s
 */
export async function until<T>(check: () => T | Promise<T>, timeoutMs = 40_000): Promise<T> {
  let over = false;
  const stopTimer = awakeTimeout(() => {
    over = true;
  }, timeoutMs);
  try {
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (over) throw error;
      }
      await delay(POLL_MS);
    }
  } finally {
    stopTimer();
  }
}

/** `it` with a world: `it('...', async ({ world }) => { ... })`. */
export const it = base.extend<{ world: World }>({
  world: async ({ onTestFailed }, use) => {
    const world = await World.create();
    let report = '';
    // A failure in CI has to explain itself: what is seen in the test's process is an effect only.
    onTestFailed(({ task }) => {
      for (const error of task.result?.errors ?? []) error.message += `\n\n${report}`;
    });
    try {
      await use(world);
    } finally {
      report = world.report();
      await world[Symbol.asyncDispose]();
    }
  },
});
