/**
 * When frames are to be published: an absolute schedule without drift. A pure calculation; the clock is a parameter.
 */
import {
  checkFrameRate,
  checkRamp,
  constantRate,
  type FrameRate,
  type RateRamp,
  rampedRate,
} from './frame-rate.ts';
import { SimError } from './sim-error.ts';

export interface ScheduleOptions {
  /** Frames per second; 0 or less: as fast as possible. */
  fps: number;
  /** Time of frame 0 in milliseconds, on the clock that `due` is called with (`performance.now()`). */
  startTime: number;
  /** What `due` returns when frames go as fast as possible: how many to send before looking around. Default 64. */
  burst?: number;
  /** The rate changes to this one; `fps` is the rate at the start. Default: it does not change. */
  ramp?: RateRamp | undefined;
  /** Frames that are due at the same time, with a pause before the next ones; the mean rate is the same. Default 1. */
  framesPerBurst?: number | undefined;
}

/**
 * Frame n is due at startTime + n / fps, whatever happened before: late frames are sent back to back until the schedule
 * is caught up with (PvaPy, adSimServer.py). With bursts of k frames, frame n is due when the first frame of its burst
 * is, number n - n mod k. Times are in milliseconds.
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
  /** Undefined: as fast as possible. */
  private readonly rate: FrameRate | undefined;
  private readonly burst: number;
  private readonly framesPerBurst: number;
  private taken = 0;

  /**
   * @throws SimError BAD_OPTION if fps is not a number or above 10,000,000; a ramp from or to no rate at all; bursts of
   *   no whole number of frames, or as fast as possible
   */
  constructor(options: ScheduleOptions) {
    const { fps, startTime, burst = 64, ramp, framesPerBurst = 1 } = options;
    checkFrameRate(fps);
    if (ramp) checkRamp(fps, ramp);
    checkBurst(fps, framesPerBurst);
    if (ramp) this.rate = rampedRate(fps, ramp);
    else this.rate = fps > 0 ? constantRate(fps) : undefined;
    this.startTime = startTime;
    this.burst = burst;
    this.framesPerBurst = framesPerBurst;
  }

  /**
   * Number of frames that are due at `now` and not yet taken: the whole backlog. As fast as possible: `burst`, from
   * startTime on.
   */
  due(now: number): number {
    const { rate, startTime, framesPerBurst } = this;
    if (now < startTime) return 0;
    if (!rate) return this.burst;
    // What was calculated may be off by one frame; the times decide, so that due(nextTime()) is never 0.
    let last = Math.floor(rate.framesWithin(now - startTime) / framesPerBurst);
    while (this.timeOfBurst(rate, last + 1) <= now) last += 1;
    while (this.timeOfBurst(rate, last) > now) last -= 1;
    return Math.max(0, (last + 1) * framesPerBurst - this.taken);
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
    const { rate, framesPerBurst } = this;
    return rate ? this.timeOfBurst(rate, Math.floor(this.taken / framesPerBurst)) : this.startTime;
  }

  private timeOfBurst(rate: FrameRate, burst: number): number {
    return this.startTime + rate.timeOf(burst * this.framesPerBurst);
  }
}

function checkBurst(fps: number, framesPerBurst: number): void {
  if (!(Number.isSafeInteger(framesPerBurst) && framesPerBurst >= 1))
    throw new SimError('BAD_OPTION', `bursts of ${framesPerBurst} frames: use a whole number of 1 or more`);
  if (framesPerBurst > 1 && fps <= 0)
    throw new SimError('BAD_OPTION', 'bursts need a frame rate above 0: it is what decides about the pauses');
}
