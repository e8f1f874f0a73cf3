/**
 * Runs the way of a frame for a moment while the consumer waits for its first one, so that it is compiled by then.
 *
 * Measured: in the first third of a second the JavaScript engine's compiler takes as much of the processor as the
 * frames do, and at 10,000 frames/s queues overflow then and never again. Frames go from a server that only this process
 * knows through receiver, processor and publisher, in the consumer's own modes.
 *
 * They go along two lanes that differ in all that a real consumer can differ in: objects, types, processor classes, sizes.
 * Code that has met one of each only is compiled for just that one, and thrown away with the first real frame.
 */
import { Context, Server } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import { type Lane, type LaneOptions, openLane } from './warm-up-lane.ts';

const FRAMES = 4000;
const BURST = 16;
/** All in all: on a machine that is too busy it would not help. */
const MAX_MS = 600;

export interface WarmUpOptions extends Omit<LaneOptions, 'server' | 'connect'> {
  /** Asked between the slices: once frames come, they are what the path is compiled with. Told how many have come out. */
  readonly idle: (published: number) => boolean;
  /** Longest time for it, in ms; default 600. */
  readonly maxMs?: number;
}

/**
 * Takes some 0.3 s, in slices of a millisecond or two between which the consumer connects. Never fails: it is only
 * a matter of speed.
 */
export async function warmUp(options: WarmUpOptions): Promise<void> {
  const nothing = (): void => {};
  const silent = { info: nothing, warning: nothing, error: nothing, debug: nothing };
  const logger = { ...options.logger, ...silent } as Logger;
  const server = Server.isolated();
  const contexts: Context[] = [];
  const connect = (): Context => {
    const context = new Context(server.clientConfig());
    contexts.push(context);
    return context;
  };
  const lanes: Lane[] = [];
  try {
    await server.start();
    for (const n of [0, 1]) lanes.push(openLane(n, { ...options, server, connect, logger }));
    await run(lanes, options.idle, options.maxMs ?? MAX_MS);
  } catch {
    // No port, no memory: the real consumer will say so.
  } finally {
    await Promise.allSettled(lanes.map((lane) => lane.close()));
    await Promise.allSettled([...contexts.map((context) => context.close()), server.close()]);
  }
}

/** Sends frames along the lanes in turns, a burst each, once they are open. */
async function run(lanes: readonly Lane[], idle: WarmUpOptions['idle'], maxMs: number): Promise<void> {
  const end = performance.now() + maxMs;
  const published = (): number => lanes.reduce((sum, lane) => sum + lane.published, 0);
  for (let i = 0; i < FRAMES && performance.now() < end && idle(published()); ) {
    for (const lane of lanes)
      if (lane.connected) for (const last = i + BURST; i < last && !lane.saturated; i++) lane.send();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
