/** ReplayWindow: which numbers of a sequence have come already, whatever their order, in bounded memory. */

/** So far behind the newest number an object may come; consumers that share a stream are never so far apart. */
const WIDTH = 4096n;

export class ReplayWindow {
  private readonly seen = new Set<bigint>();
  private newest = -1n;

  /** True for a number that has not come yet and is not too old to say so. */
  admit(number: bigint): boolean {
    if (number <= this.newest - WIDTH || this.seen.has(number)) return false;
    this.seen.add(number);
    if (number > this.newest) this.newest = number;
    if (this.seen.size > 2 * Number(WIDTH))
      for (const old of this.seen) if (old <= this.newest - WIDTH) this.seen.delete(old);
    return true;
  }
}
