/**
 * When frames are to be published: an absolute schedule without drift. A pure calculation; the clock is a parameter.
 */
import { SimError } from './sim-error.ts';

/** Far above any real rate, and still a period that a clock in milliseconds tells apart. */
const MAX_FPS = 1e7;

export interface ScheduleOptions {
  /** Frames per second; 0 or less: as fast as possible. */
  fps: number;
  /** Time of frame 0 in milliseconds, on the clock that `due` is called with (`performance.now()`). */
  startTime: number;
  /** What `due` returns when frames go as fast as possible: how many to send before looking around. Default 64. */
  burst?: number;
}

/**
 * Frame n is due at startTime + n / fps, whatever happened before: late frames are sent back to back until the schedule
 * is caught up with (PvaPy, adSimServer.py). Times are in milliseconds.
 *
 * ```
 * const n = Math.min(schedule.due(performance.now()), limitOfOneTurn);
 * // publish n frames
 * schedule.take(n);
 * // come back at schedule.nextTime()
 * ```
 */
export class Schedule {
  readonly startTime: number;
  private readonly fps: number;
  private readonly burst: number;
  private taken = 0;

  /** @throws SimError BAD_OPTION if fps is not a number or above 10,000,000. */
  constructor(options: ScheduleOptions) {
    if (!(options.fps <= MAX_FPS)) {
      throw new SimError(
        'BAD_OPTION',
        `frame rate ${options.fps}: use a number up to ${MAX_FPS}, or 0 for as fast as possible`,
      );
    }
    this.fps = options.fps;
    this.startTime = options.startTime;
    this.burst = options.burst ?? 64;
  }

  /**
   * Number of frames that are due at `now` and not yet taken: the whole backlog. As fast as possible: `burst`, from
   * startTime on.
   */
  due(now: number): number {
    if (now < this.startTime) return 0;
    if (this.fps <= 0) return this.burst;
    // The division may be off by one frame; timeOf decides, so that due(nextTime()) is never 0.
    let last = Math.floor(((now - this.startTime) * this.fps) / 1000);
    while (this.timeOf(last + 1) <= now) last += 1;
    while (this.timeOf(last) > now) last -= 1;
    return Math.max(0, last + 1 - this.taken);
  }

  /** Notes that `n` frames were sent. */
  take(n: number): void {
    this.taken += n;
  }

  /** Frames taken so far. */
  get nTaken(): number {
    return this.taken;
  }

  /** When the next frame not yet taken is due; it may have passed. As fast as possible: startTime. */
  nextTime(): number {
    return this.fps <= 0 ? this.startTime : this.timeOf(this.taken);
  }

  private timeOf(n: number): number {
    return this.startTime + (n * 1000) / this.fps;
  }
}
