/**
 * Runs the tools (pvget and its kin) as child processes, byte for byte as a shell sees them, against a server in
 * the test's own process on loopback.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Server } from 'epics-pva-ts';
import { pvtoolsPVs } from './pvtools-pvs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export type Tool = 'pvget' | 'pvput' | 'pvmonitor' | 'pvinfo' | 'pvlist' | 'pvcall';

/** How a tool ended and every byte it printed. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server on loopback, on ports of its own; give `udpPort` to come back on the same one. */
export async function servePVs(udpPort = 0, pvs = pvtoolsPVs()): Promise<Server> {
  const server = Server.isolated({ udpPort });
  for (const [name, pv] of pvs) server.addPV(name, pv);
  return server.start();
}

/** The environment in which a tool finds this server and no other, in a time zone that is not UTC. */
export function environment(server: Server): NodeJS.ProcessEnv {
  const { addressList, broadcastPort } = server.clientConfig();
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(EPICS_|NODE_OPTIONS|FORCE_COLOR)/.test(name),
  );
  return {
    ...Object.fromEntries(clean),
    EPICS_PVA_ADDR_LIST: addressList.join(' '),
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_BROADCAST_PORT: String(broadcastPort),
    EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
    TZ: 'America/Chicago',
  };
}

/** A tool that runs, with what it has printed so far. */
export class RunningTool implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;
  private readonly waiting = new Set<() => void>();

  constructor(tool: Tool, argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.process = spawn(process.execPath, [`${ROOT}bin/${tool}.js`, ...argv], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 25_000,
      killSignal: 'SIGKILL',
    });
    this.ended = once(this.process, 'close');
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.wake();
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.wake();
    });
    this.process.on('close', () => this.wake());
  }

  private wake(): void {
    for (const look of [...this.waiting]) look();
  }

  /** Resolves when standard output is exactly `text` or holds what it describes; fails if the tool ends before. */
  async printed(text: string | RegExp): Promise<void> {
    const there = (): boolean => (typeof text === 'string' ? this.stdout === text : text.test(this.stdout));
    while (!there()) {
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`ended without printing ${text}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.waiting.delete(look);
          resolve();
        };
        this.waiting.add(look);
      });
    }
  }

  async finished(): Promise<Finished> {
    await this.ended;
    return { code: this.process.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** As Ctrl-C does. */
  interrupt(): Promise<Finished> {
    this.process.kill('SIGINT');
    return this.finished();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs a tool to its end. */
export async function runTool(server: Server, tool: Tool, ...argv: string[]): Promise<Finished> {
  await using running = new RunningTool(tool, argv, environment(server));
  return await running.finished();
}
