/**
 * The processes of the benchmark of small PVs: a server and a client, of ours or of PVXS (through p4p), which are told
 * what to do line by line. What may live here: starting them, and one measured run between two of them.
 */
import { join } from 'node:path';
import { type Child, spawnChild } from '../peers/child.ts';
import { freePorts, peerEnv } from '../peers/ports.ts';
import { type ProcessUse, processUse, useBetween } from '../peers/process-meter.ts';
import { type Peers, repositoryRoot } from '../peers/python-env.ts';

/** One implementation: the programs of both roles. */
export interface Implementation {
  readonly name: string;
  readonly server: readonly string[];
  readonly client: readonly string[];
  /** The server can post every PV by a timer of its own (`each`). */
  readonly ownTimers: boolean;
}

export function ours(): Implementation {
  const at = (file: string): string => join(repositoryRoot(), 'dist', 'bench', 'small-pvs', file);
  return {
    name: 'epics-pva-ts',
    server: [process.execPath, at('serve.js')],
    client: [process.execPath, at('watch.js')],
    ownTimers: true,
  };
}

export function pvxs(peers: Peers): Implementation {
  const at = (file: string): string => join(repositoryRoot(), 'bench', 'python', file);
  return {
    name: 'p4p (PVXS)',
    server: [peers.python, at('small_pvs_server.py')],
    client: [peers.python, at('small_pvs_client.py')],
    ownTimers: false,
  };
}

/** Who talks to whom about what. */
export interface PairOptions {
  readonly server: Implementation;
  readonly client: Implementation;
  /** Number of PVs. */
  readonly pvs: number;
  /** pvRequest text of the monitors. */
  readonly request: string;
}

/** What the client counted. */
export interface Counts {
  readonly received: number;
  /** Updates that never came: squashed in a queue that was full. */
  readonly gaps: number;
  readonly overruns: number;
}

/** One run of updates. */
export interface UpdateRun extends Counts {
  readonly posted: number;
  readonly seconds: number;
  /** Updates a second that the server really posted. */
  readonly rate: number;
  readonly lossless: boolean;
  /** CPU time of each process in shares of a core. */
  readonly serverCpu: number;
  readonly clientCpu: number;
  readonly clientPeakRss: number;
}

const START_MS = 60_000;
/** How long the last updates may take to arrive. */
const DRAIN_MS = 5_000;

/** A server and a client that monitors its PVs, both running. */
export class Pair {
  readonly server: Child;
  readonly client: Child;

  private constructor(server: Child, client: Child) {
    this.server = server;
    this.client = client;
  }

  /** Starts both and waits until every monitor has its first value. */
  static async start({ server, client, pvs, request }: PairOptions): Promise<Pair> {
    const env = peerEnv(await freePorts());
    const start = (role: string, [command, ...args]: readonly string[], more: readonly string[]) =>
      spawnChild({
        command: command as string,
        args: [...args, 'small:', String(pvs), ...more],
        env,
        name: role,
      });
    const serving = await start(`server of ${server.name}`, server.server, []);
    try {
      await serving.waitForLine(/^READY$/, START_MS);
      const watching = await start(`client of ${client.name}`, client.client, [request]);
      const pair = new Pair(serving, watching);
      try {
        await watching.waitForLine(/^CONNECTED$/, START_MS);
      } catch (error) {
        await watching.stop();
        throw error;
      }
      return pair;
    } catch (error) {
      await serving.stop();
      throw error;
    }
  }

  /** Has `rate` updates a second posted for `seconds`, in all, one PV after the other, and waits for the last of them. */
  update(rate: number, seconds: number): Promise<UpdateRun> {
    return this.measured(`post ${rate} ${seconds}`, seconds);
  }

  /** The same with a timer of its own for each PV, which posts it `hz` times a second. */
  updateEach(hz: number, seconds: number): Promise<UpdateRun> {
    return this.measured(`each ${hz} ${seconds}`, seconds);
  }

  private async measured(command: string, seconds: number): Promise<UpdateRun> {
    await ask(this.client, 'reset', /^RESET$/);
    const before = this.use();
    const [, text] = await ask(this.server, command, /^POSTED (.*)$/, (seconds + 60) * 4_000);
    const after = this.use();
    const { posted, seconds: took } = JSON.parse(text as string) as { posted: number; seconds: number };
    const counts = await this.drained(posted);
    const cpu = (role: 'server' | 'client'): number =>
      useBetween(before[role], after[role]).cpuSeconds / took;
    return {
      ...counts,
      posted,
      seconds: took,
      rate: posted / took,
      lossless: counts.received === posted,
      serverCpu: cpu('server'),
      clientCpu: cpu('client'),
      clientPeakRss: after.client.peakRss,
    };
  }

  private use(): { server: ProcessUse; client: ProcessUse } {
    return { server: processUse(this.server.pid), client: processUse(this.client.pid) };
  }

  /** The counts once all has arrived or nothing more comes. */
  private async drained(posted: number): Promise<Counts> {
    const deadline = performance.now() + DRAIN_MS;
    for (let last = -1; ; ) {
      const [, text] = await ask(this.client, 'report', /^REPORT (.*)$/, 30_000);
      const counts = JSON.parse(text as string) as Counts;
      if (counts.received + counts.gaps >= posted) return counts;
      if (counts.received === last && performance.now() > deadline) return counts;
      last = counts.received;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Has PV 0 read `times` times, one after the other. */
  async get(times: number): Promise<{ readonly p50: number; readonly p99: number }> {
    const [, text] = await ask(this.client, `get ${times}`, /^GOT (.*)$/, 120_000);
    return JSON.parse(text as string) as { p50: number; p99: number };
  }

  async stop(): Promise<void> {
    for (const child of [this.client, this.server]) child.endInput();
    await Promise.all(
      [this.client, this.server].map((child) => child.waitForExit(3_000).catch(() => child.stop())),
    );
  }
}

function ask(child: Child, line: string, answer: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
  const since = child.lineCount;
  child.writeLine(line);
  return child.waitForLine(answer, timeoutMs, since);
}
