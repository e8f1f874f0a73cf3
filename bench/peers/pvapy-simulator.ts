/**
 * PvaPy's own simulator as a peer: start it, know when it is ready, read the numbers it prints. Ours has the same options.
 *
 * What may live here: the traps of that command (pvapy-behaviour.md 9): it waits 10 s before its first frame unless told
 * otherwise, and would take over the screen.
 */
import { type Child, type ChildExit, spawnChild } from './child.ts';
import { type Commands, commandLine, orStop, START_TIMEOUT_MS } from './pvapy-command.ts';

/** Options of PvaPy's `pvapy-ad-sim-server`. */
export interface SimulatorOptions {
  /** Channel name. Default: `pvapy:image`, as the command. */
  readonly channel?: string;
  /** Width and height in pixels. Default: 256. */
  readonly nx?: number;
  readonly ny?: number;
  /** numpy type name. Default: `uint8`. */
  readonly dtype?: string;
  /** Frames a second; 0: as fast as possible. */
  readonly fps: number;
  /** Time from first to last frame, in s. */
  readonly runtime: number;
  /** Number of different frames, generated at the start and then recycled. Default: 10. */
  readonly nFrames?: number;
  /** Time before the first frame, in s: consumers must connect within it. Default: 4. */
  readonly startDelay?: number;
  /** Time it keeps serving after the last frame, in s: consumers must catch up within it. Default: 2. */
  readonly shutdownDelay?: number;
  /** More arguments, as written on the command line. */
  readonly extraArgs?: readonly string[];
}

/** What the simulator says at its end. */
export interface SimulatorResult {
  /** Number of frames published. */
  readonly published: number;
  /** Frames a second it reached from the first to the last frame. */
  readonly fps: number;
  /** Time from the first to the last frame, in s. */
  readonly runtime: number;
}

/** A running `pvapy-ad-sim-server`. */
export interface PvapySimulator {
  readonly child: Child;
  /** Waits for the line that says the last frame was published; the server still runs then. */
  waitForLastFrame(timeoutMs: number): Promise<void>;
  /** Waits for its end and reads the final figures. `stop` before makes it end early, with the same figures. */
  finish(timeoutMs: number): Promise<SimulatorResult>;
  /** Ends it; the figures can still be read with `finish`. */
  stop(): Promise<ChildExit>;
}

/**
 * Starts PvaPy's simulator and waits until its channel exists and its frames are ready. The start delay runs from then.
 *
 * @param env From `peerEnv`.
 */
export async function startPvapySimulator(
  peers: Commands,
  env: NodeJS.ProcessEnv,
  options: SimulatorOptions,
): Promise<PvapySimulator> {
  const nFrames = options.nFrames ?? 10;
  const shutdownDelay = options.shutdownDelay ?? 2;
  const startDelay = betweenPolls(options.startDelay ?? 4, options.runtime);
  const args: [string, string | number | undefined][] = [
    ['-cn', options.channel],
    ['-nx', options.nx],
    ['-ny', options.ny],
    ['-dt', options.dtype],
    ['-fps', options.fps],
    ['-rt', options.runtime],
    ['-nf', nFrames],
    // All frames must fit, or each would be published once only.
    ['-cs', nFrames],
    ['-std', startDelay],
    ['-shd', shutdownDelay],
    // Frames, not seconds: a line for each frame would be what the benchmark measures.
    ['-rp', 0],
  ];
  const child = await spawnChild({
    command: peers.bin('pvapy-ad-sim-server'),
    args: [...commandLine(args), '-dc', ...(options.extraArgs ?? [])],
    env,
  });
  await orStop(child, child.waitForLine(/^Frame producer is done/, START_TIMEOUT_MS));
  return {
    child,
    waitForLastFrame: async (timeoutMs) => {
      await child.waitForLine(/^Server exiting after/, timeoutMs);
    },
    finish: async (timeoutMs) => {
      await child.waitForExit(timeoutMs);
      return parseSimulatorResult(child);
    },
    stop: () => child.stop({ graceMs: shutdownDelay * 1_000 + 5_000 }),
  };
}

/**
 * The start delay, lengthened so that the run ends half-way between two polls of PvaPy's main thread. That thread looks
 * once a second whether delay and runtime are over; when both end on a full second it may stop the publishing thread
 * before that has sent its last frame and said so (adSimServer.py, `main` and `framePublisher`).
 */
function betweenPolls(startDelay: number, runtime: number): number {
  const end = startDelay + runtime;
  const wanted = Math.floor(end) + 0.5;
  return startDelay + (wanted < end ? wanted + 1 : wanted) - end;
}

function parseSimulatorResult(child: Child): SimulatorResult {
  const find = (pattern: RegExp) => {
    const found = child.lines.map((line) => pattern.exec(line.text)).find((match) => match !== null);
    if (found === undefined || found === null) {
      throw child.error(`ended without a line matching ${pattern}`);
    }
    return found;
  };
  const frames = find(/^Published frames:\s+(\d+) @ ([\d.]+) fps/);
  const runtime = find(/^Server runtime: ([\d.]+) seconds/);
  return { published: Number(frames[1]), fps: Number(frames[2]), runtime: Number(runtime[1]) };
}
