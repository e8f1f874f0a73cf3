/**
 * The time of day in one cheap reading, finer than a millisecond: a monotonic clock and its distance from the wall
 * clock. The distance is looked at now and then, not with every object.
 */

export class WallClock {
  private offset: number;
  private readonly monotonic: () => number;
  private readonly wall: () => number;

  constructor(
    monotonic: () => number = () => performance.now(),
    wall: () => number = Date.now,
    origin: number = performance.timeOrigin,
  ) {
    this.monotonic = monotonic;
    this.wall = wall;
    this.offset = origin;
    this.adjust();
  }

  /** Milliseconds since 1970, with a fraction. */
  now(): number {
    return this.monotonic() + this.offset;
  }

  /** Follows the wall clock, which shows whole milliseconds: afterwards both agree to one. */
  adjust(): void {
    const now = this.now();
    const millisecond = this.wall();
    if (now < millisecond) this.offset += millisecond - now;
    // Reading the two clocks takes its time: this one may be a moment behind the wall clock read after it.
    else if (now >= millisecond + 1) this.offset -= now - (millisecond + 0.999);
  }
}
