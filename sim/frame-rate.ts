/**
 * Laws of the frame rate: at what time after the start frame n is due. Pure functions; no clock, no state. What a
 * schedule does with them (who is late, what was taken) is in schedule.ts.
 */
import { SimError } from './sim-error.ts';

/** Far above any real rate, and still a period that a clock in milliseconds tells apart. */
const MAX_FPS = 1e7;

/** When frames are due, counted from the start. Both functions grow with their argument and are each other's inverse. */
export interface FrameRate {
  /** Milliseconds after the start at which frame `n` (from 0) is due. */
  timeOf(n: number): number;
  /** Frames that the rate adds up to within `ms` milliseconds: the integral of the rate, no whole number. */
  framesWithin(ms: number): number;
}

/** A frame rate that changes linearly and then stays. */
export interface RateRamp {
  /** Frames per second at the end of the ramp and from there on. */
  readonly to: number;
  /** How long the rate changes, in seconds. */
  readonly seconds: number;
}

/**
 * Frame n is due n / fps after the start.
 *
 * @param fps frames per second, more than 0
 */
export function constantRate(fps: number): FrameRate {
  return {
    timeOf: (n) => (n * 1000) / fps,
    framesWithin: (ms) => (ms * fps) / 1000,
  };
}

/**
 * The rate goes from `fps` to `ramp.to` in a straight line, and stays there. With f the rate at the start, a its change
 * per second and t the time, f t + a t^2 / 2 frames are due within t: frame n is due when that is n. Nothing is added up
 * on the way, so nothing drifts.
 *
 * @param fps frames per second at the start, more than 0
 */
export function rampedRate(fps: number, ramp: RateRamp): FrameRate {
  const { to, seconds } = ramp;
  const acceleration = (to - fps) / seconds;
  /** Frames within the ramp. */
  const nRamp = ((fps + to) / 2) * seconds;
  return {
    timeOf: (n) => {
      if (n >= nRamp) return (seconds + (n - nRamp) / to) * 1000;
      // The root of the quadratic in the form that subtracts nothing: exact for slow ramps and for constant rates, too.
      const rate = Math.sqrt(Math.max(0, fps * fps + 2 * acceleration * n));
      return ((2 * n) / (fps + rate)) * 1000;
    },
    framesWithin: (ms) => {
      const t = ms / 1000;
      return t >= seconds ? nRamp + (t - seconds) * to : t * (fps + (acceleration * t) / 2);
    },
  };
}

/** @throws SimError BAD_OPTION if `fps` is not a number or above 10,000,000 */
export function checkFrameRate(fps: number): void {
  if (fps <= MAX_FPS) return;
  throw new SimError(
    'BAD_OPTION',
    `frame rate ${fps}: use a number up to ${MAX_FPS}, or 0 for as fast as possible`,
  );
}

/** @throws SimError BAD_OPTION if the rate at either end is not above 0 or too high, or the time is not above 0 */
export function checkRamp(fps: number, ramp: RateRamp): void {
  if (!(fps > 0))
    throw new SimError(
      'BAD_OPTION',
      `a ramp from ${fps} frames/s has no beginning: give a frame rate above 0`,
    );
  if (!(ramp.to > 0 && ramp.to <= MAX_FPS))
    throw new SimError('BAD_OPTION', `ramp to ${ramp.to} frames/s: use a number above 0, up to ${MAX_FPS}`);
  if (!(ramp.seconds > 0 && ramp.seconds < Infinity))
    throw new SimError('BAD_OPTION', `ramp within ${ramp.seconds} seconds: use a number above 0`);
}
