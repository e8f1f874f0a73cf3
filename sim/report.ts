/**
 * The text that the simulator prints: at the start, while it runs, at the end. Pure functions from numbers to lines,
 * in the format of PvaPy's simulator (adSimServer.py) so that scripts which read those lines keep working.
 */
import type { FrameCache } from './frame-cache.ts';
import { type FrameSource, frameBytes } from './frame-source.ts';

/** PvaPy's megabyte. */
const BYTES_IN_MEGABYTE = 1_000_000;

/** What was published so far. Times are those of publishing, in seconds of any one clock. */
export interface Progress {
  /** Frames published. */
  readonly nPublished: number;
  /** Time of the first frame. */
  readonly firstTime: number;
  /** Time of the last frame. */
  readonly lastTime: number;
}

/** Why the simulator ended. */
export type ExitReason = 'runtime' | 'all-published' | 'interrupted';

/** Seconds between the first and the last frame; 0 before the second frame. */
function runtimeOf(progress: Progress): number {
  return progress.nPublished > 1 ? progress.lastTime - progress.firstTime : 0;
}

/** Frames per second from the first to the last frame, (n - 1) / runtime; 0 before the second frame. */
export function frameRateOf(progress: Progress): number {
  const runtime = runtimeOf(progress);
  return runtime > 0 ? (progress.nPublished - 1) / runtime : 0;
}

/**
 * Lines for the start: what is streamed, how it is cached, and the data rate to expect.
 *
 * @param fps frames per second; 0 or less: as fast as possible
 */
export function startLines(source: FrameSource, cache: FrameCache, fps: number): string[] {
  const { nFrames, dataType, shape } = source;
  const bytes = frameBytes(source);
  // Compressed frames differ in size: the first one stands for all, as in PvaPy.
  const size = source.codec === undefined ? bytes : source.frame(0).byteLength;
  return [
    ...source.description(),
    `Number of input frames: ${nFrames} (size: ${shape.nx}x${shape.ny}, ${bytes}B, type: ${dataType.name}, ` +
      `compressor: ${source.codec ?? 'none'}, compressed size: ${size}B)`,
    `Frame cache type: ${cacheText(cache)} (cache size: ${cache.cacheSize})`,
    fps > 0
      ? `Expected data rate: ${dataRate(size * fps)} (uncompressed: ${dataRate(bytes * fps)})`
      : 'Expected data rate: as fast as possible',
  ];
}

function cacheText(cache: FrameCache): string {
  if (cache.kind === 'once') return 'queue, each frame is published once';
  return 'all frames, recycled until the runtime is over';
}

/**
 * The line of one report.
 *
 * @param id uniqueId of the last published frame
 * @param time when it was published, seconds since 1970
 */
export function reportLine(id: number, time: number, progress: Progress): string {
  const rate = `${frameRateOf(progress).toFixed(4)}fps`;
  const runtime = `${runtimeOf(progress).toFixed(3)}s`;
  return `Published frame id ${aligned(id)} @ ${time.toFixed(3)}s (frame rate: ${rate}; runtime: ${runtime})`;
}

/** The line that says why the simulator ends. */
export function exitLine(reason: ExitReason, progress: Progress): string {
  const runtime = runtimeOf(progress).toFixed(3);
  switch (reason) {
    case 'runtime':
      return `Server exiting after reaching runtime of ${runtime} seconds`;
    case 'all-published':
      return `Server exiting after publishing ${progress.nPublished} frames`;
    case 'interrupted':
      return `Server was interrupted after ${runtime} seconds, exiting...`;
  }
}

/**
 * The lines at the very end: runtime, frames with their mean rate, data rate. Unlike PvaPy's they are right for colour
 * frames (all three planes count) and when nothing was published (zeros).
 *
 * @param sent bytes that a frame took on average, where frames are compressed: the rate of both is told
 */
export function summaryLines(source: FrameSource, progress: Progress, sent?: number): string[] {
  const fps = frameRateOf(progress);
  const rate = dataRate(frameBytes(source) * fps);
  return [
    `Server runtime: ${runtimeOf(progress).toFixed(4)} seconds`,
    `Published frames: ${aligned(progress.nPublished)} @ ${fps.toFixed(4)} fps`,
    sent === undefined ? `Data rate: ${rate}` : `Data rate: ${dataRate(sent * fps)} (uncompressed: ${rate})`,
  ];
}

function aligned(n: number): string {
  return String(n).padStart(6);
}

function dataRate(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? '0.0MBps' : `${(bytesPerSecond / BYTES_IN_MEGABYTE).toFixed(4)}MBps`;
}
