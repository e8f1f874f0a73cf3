/**
 * Runs the way of a frame for a moment while the first one is waited for, so that it is compiled by then. Every room may
 * import this.
 *
 * Measured: in the first third of a second the JavaScript engine's compiler takes as much of the processor as the
 * frames do, and at 10,000 frames/s queues overflow then and never again. Frames go from a server that only this process
 * knows through a consumer or a mirror that nobody else sees.
 *
 * They go along two lanes that differ in all that a real one can differ in: objects, types, processor classes, sizes.
 * Code that has met one of each only is compiled for just that one, and thrown away with the first real frame.
 */

const FRAMES = 10_000;
/**
 * The lanes are opened twice, and closed for the first time after a few frames: what is only ever written when something
 * is closed is a constant for V8 until then, and what it had compiled with such constants is thrown away (45 functions).
 */
const REHEARSAL_FRAMES = 64;
const BURST = 16;
/** All in all: on a machine that is too busy it would not help. */
const MAX_MS = 1200;

/** One way of a frame. */
export interface Lane {
  /** Nothing can be sent now. */
  readonly saturated: boolean;
  /** Frames that have come out; with the first one the lane is open. */
  readonly published: number;
  send(): void;
  close(): Promise<void>;
}

export interface WarmUpOptions {
  /** Asked between the slices: once frames come, they are what the path is compiled with. Told how many have come out. */
  readonly idle: (published: number) => boolean;
  /** Longest time for it, in ms; default 1200. */
  readonly maxMs?: number;
}

/**
 * Takes some 0.7 s, in slices of a millisecond or two between which the real one connects. Never fails: it is only
 * a matter of speed.
 * @param open makes the lane of a number, 0 or 1
 */
export async function warmUpAlong(
  open: (n: number) => Promise<Lane>,
  { idle, maxMs = MAX_MS }: WarmUpOptions,
): Promise<void> {
  const end = performance.now() + maxMs;
  for (const nFrames of [REHEARSAL_FRAMES, FRAMES]) {
    const lanes: Lane[] = [];
    try {
      for (const n of [0, 1]) {
        if (!idle(0)) return;
        lanes.push(await open(n));
      }
      if (!(await run(lanes, nFrames, end, idle))) return;
    } catch {
      // No port, no memory: the real one will say so.
      return;
    } finally {
      await Promise.allSettled(lanes.map((lane) => lane.close()));
    }
  }
}

/** Sends frames along the lanes in turns, a burst each, once they are open. False if there is no time for more. */
async function run(
  lanes: readonly Lane[],
  nFrames: number,
  end: number,
  idle: WarmUpOptions['idle'],
): Promise<boolean> {
  const published = (): number => lanes.reduce((sum, lane) => sum + lane.published, 0);
  for (let i = 0; i < nFrames; ) {
    if (performance.now() >= end || !idle(published())) return false;
    for (const lane of lanes)
      if (lane.published > 0) for (const last = i + BURST; i < last && !lane.saturated; i++) lane.send();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}
