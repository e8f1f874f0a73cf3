/**
 * What the runs of this folder share: a simulator whose first frame comes when all stages behind it are connected, or
 * the run is repeated with more time for that, and the end of every process that a run has started.
 *
 * What may live here: that set-up; which stages there are, and what is measured, is the business of the runs.
 */
import type { Suite } from '../pair-run.ts';
import { freePorts, peerEnv } from '../peers/ports.ts';
import { type PvapySimulator, type SimulatorResult, startPvapySimulator } from '../peers/pvapy-simulator.ts';

/** Name of the simulator's channel. */
export const INPUT = 'bench:image';

/** What the simulator sends. */
export interface StreamOptions {
  /** Pixels in x and in y, of uint8. */
  readonly size: number;
  /** Frames a second. */
  readonly fps: number;
  readonly seconds: number;
}

/** In s. */
export interface StreamTimes {
  /** For the stages to start and connect; doubled when it was too short, up to `longestStartDelay`. */
  readonly startDelay: number;
  readonly longestStartDelay: number;
  /** For what is queued when the last frame has been published. */
  readonly shutdownDelay: number;
}

const BEFORE_MS = 500;

interface Running {
  stop(): Promise<unknown>;
}

/** One try of a run, on loopback and ports of its own. */
export class StreamRun {
  readonly env: NodeJS.ProcessEnv;
  private readonly stream: StreamOptions;
  private readonly startDelay: number;
  private readonly shutdownDelay: number;
  private readonly running: Running[] = [];
  private simulator: PvapySimulator | undefined;
  private firstFrame = Number.POSITIVE_INFINITY;

  constructor(env: NodeJS.ProcessEnv, stream: StreamOptions, startDelay: number, shutdownDelay: number) {
    this.env = env;
    this.stream = stream;
    this.startDelay = startDelay;
    this.shutdownDelay = shutdownDelay;
  }

  /** Stopped at the end of the run, whatever its outcome. */
  own<T extends Running>(process: T): T {
    this.running.push(process);
    return process;
  }

  /** Starts the simulator; the time for the stages to connect runs from now on. */
  async simulate(suite: Suite, extraArgs: readonly string[] = []): Promise<void> {
    const { size, fps, seconds } = this.stream;
    this.simulator = this.own(
      await startPvapySimulator(suite, this.env, {
        channel: INPUT,
        nx: size,
        ny: size,
        fps,
        runtime: seconds,
        startDelay: this.startDelay,
        shutdownDelay: this.shutdownDelay,
        extraArgs,
      }),
    );
    this.firstFrame = performance.now() + this.startDelay * 1_000;
  }

  /** Whether the first frame is still to come. */
  get inTime(): boolean {
    return performance.now() <= this.firstFrame;
  }

  /** Waits until the first frame is about to come: what the stages do when they start is done by then. */
  async beforeFirstFrame(): Promise<void> {
    const ms = this.firstFrame - BEFORE_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
  }

  /** Waits until the last frame is published; the simulator still serves then. */
  async lastFrame(): Promise<void> {
    await this.simulator?.waitForLastFrame((this.startDelay + this.stream.seconds) * 1_000 + 30_000);
  }

  /** What the simulator says when it has ended. */
  async published(): Promise<SimulatorResult> {
    if (!this.simulator) throw new Error('no simulator was started');
    return this.simulator.finish((this.shutdownDelay + 20) * 1_000);
  }

  async end(): Promise<void> {
    await Promise.all(this.running.map((process) => process.stop()));
  }
}

/**
 * Does a run, again with more time when its stages connected too late.
 *
 * @param observe Starts the stages and measures; undefined when they were not `inTime`.
 * @param what For the error: what was not in time.
 * @throws Error when a process does not start, connect or end in time, with what it printed.
 */
export async function runStream<R>(
  stream: StreamOptions,
  { startDelay, longestStartDelay, shutdownDelay }: StreamTimes,
  observe: (run: StreamRun) => Promise<R | undefined>,
  what: string,
): Promise<R> {
  for (let delay = startDelay; delay <= longestStartDelay; delay *= 2) {
    const run = new StreamRun(peerEnv(await freePorts()), stream, delay, shutdownDelay);
    try {
      const result = await observe(run);
      if (result !== undefined) return result;
    } finally {
      await run.end();
    }
  }
  throw new Error(`${what} before the first frame: the machine is too busy to measure`);
}
