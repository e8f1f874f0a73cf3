/**
 * Runs the publishing path for a moment before the first frame is due, so that it is compiled by then.
 *
 * At 10,000 frames/s and more, code that the JavaScript engine still interprets is too slow by half: consumers whose
 * queues hold a few milliseconds would lose frames in the first third of a second and none afterwards. Two simulators
 * that nobody else can reach publish to subscribers in this process. These read nothing for a while now and then, so
 * that sockets are full and queues overflow: that must not be new to the engine either when it happens.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Context, Server } from 'epics-pva-ts';
import type { AdSimServer, AdSimServerOptions } from './ad-sim-server.ts';
import type { DataType } from './data-type.ts';
import { FrameCache } from './frame-cache.ts';
import { frameShape, parseColorMode } from './frame-source.ts';
import { GeneratedFrames } from './generated-frames.ts';

/** Frames of a side and a rate, in pixels and frames/s. */
const STREAMS = [
  { side: 96, fps: 20_000 },
  { side: 512, fps: 2000 },
] as const;
/** A subscriber reads what comes in a tenth of a second, then nothing for 40 ms: more than the queue holds comes then. */
const READS_PER_SECOND = 10;
const READS_NOTHING_MS = 40;
const QUEUE_SIZE = 32;
/**
 * They run twice, in seconds, and are closed for the first time after a moment: what is only ever written when something
 * is closed is a constant for V8 until then, and what it had compiled with such constants is thrown away.
 */
const RUNTIMES = [0.02, 0.5] as const;
const N_FRAMES = 2;
/** Of the frames between two reports. */
const REPORTS = 0.1;
/** Connecting takes a few milliseconds; without a connection there is nothing to warm up. */
const CONNECT_MS = 1000;

export interface WarmUpOptions {
  /** What the real frames are made of. */
  readonly dataType: DataType;
  readonly simulator: (options: AdSimServerOptions) => AdSimServer;
  readonly signal: AbortSignal;
  /** Longest time for a subscriber to connect, in ms; default 1000. */
  readonly connectMs?: number;
}

/** Takes about 0.6 s; resolves early when `signal` aborts. Never fails: it is only a matter of speed. */
export async function warmUp(options: WarmUpOptions): Promise<void> {
  for (const runtime of RUNTIMES)
    await Promise.allSettled(STREAMS.map((stream) => publish({ ...options, ...stream, runtime })));
}

interface StreamOptions extends WarmUpOptions {
  readonly side: number;
  readonly fps: number;
  readonly runtime: number;
}

async function publish(options: StreamOptions): Promise<void> {
  const { side, dataType, simulator, signal, fps, runtime, connectMs = CONNECT_MS } = options;
  const shape = frameShape(side, side, parseColorMode(0));
  const source = new GeneratedFrames({ shape, dataType, nFrames: N_FRAMES, cacheSize: N_FRAMES });
  const server = Server.isolated();
  const channelName = `warm-up:${side}`;
  const cache = new FrameCache({ source, cacheSize: N_FRAMES });
  const reporting = { reportPeriod: Math.ceil(fps * runtime * REPORTS), report: () => {} };
  const sim = simulator({ channelName, source, cache, fps, runtime, startDelay: 0, server, ...reporting });
  let context: Context | undefined;
  try {
    await sim.start();
    context = new Context(server.clientConfig());
    if (await subscribe(context, channelName, fps, connectMs)) await sim.publish(signal);
  } finally {
    await Promise.all([context?.close(), sim.close()]);
  }
}

/** Resolves to whether the first update came in time. */
function subscribe(context: Context, channelName: string, fps: number, connectMs: number): Promise<boolean> {
  const updatesRead = fps / READS_PER_SECOND;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), connectMs);
    let n = 0;
    context.monitor(
      channelName,
      { pvRequest: `record[queueSize=${QUEUE_SIZE}]field()` },
      {
        update: (value) => {
          clearTimeout(timer);
          resolve(true);
          value.release();
          return ++n % updatesRead === 0 ? delay(READS_NOTHING_MS) : undefined;
        },
      },
    );
  });
}
