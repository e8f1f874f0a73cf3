/**
 * When which name is searched for. No I/O and no clock: every method takes the time, in milliseconds of any
 * monotonic clock.
 *
 * The schedule is that of PVXS (pva-protocol.md 5.4): a ring of 30 buckets, one of which comes due every second.
 * A name is first searched 1 ms after it was added (PVXS: 10), so that names added together share datagrams, then after
 * 1, 2, 3 ... 30 seconds more, then every 30. A beacon of a server not seen before has a few names searched for at
 * once; for many it makes the ring turn once at 0.2 s a bucket.
 */
import { SEARCH_BOOST_FEW_MS, SEARCH_BOOST_MS } from '../limits.ts';

/** Buckets of the ring, and with it the longest interval in seconds. */
export const SEARCH_BUCKETS = 30;

/** Programs add their names in one turn of the event loop, and each ms is one of a short command's time. */
const NEW_DELAY = 1;
const BEACON_DELAY = 10;
const TICK = 1000;
const BOOST_TICK = 200;
/** So many names are simply all searched for when a server comes up; it takes a few datagrams. */
const FEW_NAMES = 1000;
/** A bucket this much fuller than the next one passes names on to it. */
const LEVEL = 100;

/**
 * Why a name is to be searched for:
 * - `new`: 1 ms later;
 * - `disconnected`: with the next bucket, within a second: a server that went away leaves many names at once;
 * - `connect-failed`: 10 buckets later: the server answered the search but not the connection;
 * - `refused`: with the last bucket: the server claimed the name and then refused to create the channel.
 */
export type SearchReason = 'new' | 'disconnected' | 'connect-failed' | 'refused';

interface Entry {
  /** Where the name waits. */
  bucket: Set<number>;
  /** Turns of the ring so far, which is the next interval in seconds less one. */
  searches: number;
}

export class SearchSchedule {
  private readonly entries = new Map<number, Entry>();
  private readonly buckets: Set<number>[] = Array.from({ length: SEARCH_BUCKETS }, () => new Set());
  private readonly initial = new Set<number>();
  private initialTime = Number.POSITIVE_INFINITY;
  /** Names to be searched for because of a beacon, and when. */
  private readonly boosted = new Set<number>();
  private boostedTime = Number.POSITIVE_INFINITY;
  /** The bucket that comes due at `tickTime`. */
  private current = 0;
  /** Infinite while no name waits in the ring: an idle client has no timer. */
  private tickTime = Number.POSITIVE_INFINITY;
  private boostTicks = 0;
  private lastBoost = Number.NEGATIVE_INFINITY;
  private boosts = 0;
  private heldOff = 0;

  /** Names being searched for. */
  get size(): number {
    return this.entries.size;
  }

  /** Calls of {@link boost} that made names be searched sooner, and those that came too soon after another. */
  get boostCounts(): { readonly boosts: number; readonly heldOff: number } {
    return { boosts: this.boosts, heldOff: this.heldOff };
  }

  has(cid: number): boolean {
    return this.entries.has(cid);
  }

  /** Begins to search for a name; does nothing if it is being searched for already. */
  add(cid: number, now: number, reason: SearchReason = 'new'): void {
    if (this.entries.has(cid)) return;
    if (reason === 'new') {
      if (this.initial.size === 0) this.initialTime = now + NEW_DELAY;
      this.initial.add(cid);
      this.entries.set(cid, { bucket: this.initial, searches: 0 });
      return;
    }
    const later = reason === 'disconnected' ? 0 : reason === 'connect-failed' ? 10 : SEARCH_BUCKETS - 1;
    const entry: Entry = { bucket: this.initial, searches: 0 };
    this.entries.set(cid, entry);
    this.place(cid, entry, this.current + later, now);
  }

  /** Stops to search for a name: found, or not wanted any more. */
  remove(cid: number): void {
    const entry = this.entries.get(cid);
    if (!entry) return;
    this.entries.delete(cid);
    entry.bucket.delete(cid);
    if (this.entries.size === 0) this.stop();
  }

  /** The time at which {@link due} has something to do; infinite when nothing is searched for. */
  nextTime(): number {
    const initial = this.initial.size > 0 ? this.initialTime : Number.POSITIVE_INFINITY;
    const boosted = this.boosted.size > 0 ? this.boostedTime : Number.POSITIVE_INFINITY;
    return Math.min(initial, boosted, this.tickTime);
  }

  /**
   * The names to search for now. Called late (a suspended process) it goes on from now instead of making up for
   * the seconds missed: a burst of overdue buckets would find nothing that one bucket a second does not.
   */
  due(now: number): number[] {
    const cids: number[] = [];
    if (this.tickTime <= now) this.tick(now, cids);
    if (this.initialTime <= now) this.searchAll(this.initial, now, cids);
    if (this.boostedTime <= now) this.searchAll(this.boosted, now, cids);
    return cids;
  }

  /**
   * A server came up. A few names are searched for at once, at most every second; for many the ring turns once at
   * 0.2 s a bucket, at most every 30 s (PVXS).
   * @returns whether that makes a difference
   */
  boost(now: number): boolean {
    if (this.entries.size === 0) return false;
    if (this.entries.size <= FEW_NAMES) return this.boostFew(now);
    if (this.tickTime === Number.POSITIVE_INFINITY || now - this.lastBoost < SEARCH_BOOST_MS) {
      this.heldOff++;
      return false;
    }
    this.boosts++;
    this.lastBoost = now;
    this.boostTicks = SEARCH_BUCKETS;
    this.tickTime = Math.min(this.tickTime, now);
    return true;
  }

  /** Within a second of the last time it is put off to the end of that second. */
  private boostFew(now: number): boolean {
    // Names just added are searched for sooner.
    if (this.initial.size === this.entries.size) return false;
    this.boosts++;
    const time = Math.max(now + BEACON_DELAY, this.lastBoost + SEARCH_BOOST_FEW_MS);
    this.boostedTime = this.boosted.size > 0 ? Math.min(this.boostedTime, time) : time;
    this.lastBoost = this.boostedTime;
    for (const [cid, entry] of this.entries) {
      if (entry.bucket === this.initial) continue;
      entry.bucket.delete(cid);
      entry.bucket = this.boosted;
      this.boosted.add(cid);
    }
    return true;
  }

  private searchAll(waiting: Set<number>, now: number, cids: number[]): void {
    // A bucket that is about to come due would search these names a second time at once.
    const soon = this.tickTime - now < TICK / 2 ? 1 : 0;
    for (const cid of [...waiting]) {
      cids.push(cid);
      waiting.delete(cid);
      this.place(cid, this.entries.get(cid) as Entry, this.current + soon, now);
    }
  }

  private tick(now: number, cids: number[]): void {
    const index = this.current;
    const boosted = this.boostTicks > 0;
    if (boosted) this.boostTicks--;
    const interval = boosted ? BOOST_TICK : TICK;
    this.tickTime += interval;
    if (this.tickTime <= now) this.tickTime = now + interval;
    this.current = (index + 1) % SEARCH_BUCKETS;
    const bucket = this.buckets[index] as Set<number>;
    if (bucket.size === 0) return;
    // Names of this bucket may return to it: replace the set instead of growing it while it is read.
    this.buckets[index] = new Set();
    for (const cid of bucket) {
      cids.push(cid);
      const entry = this.entries.get(cid) as Entry;
      if (!boosted) entry.searches = Math.min(SEARCH_BUCKETS, entry.searches + 1);
      this.place(cid, entry, index + (boosted ? SEARCH_BUCKETS : entry.searches), now);
    }
  }

  /**
   * Puts a name into a bucket, or a later one if many are there: no second may bring a flood of datagrams.
   * PVXS looks one bucket ahead; looking further spreads 100,000 names in one revolution instead of ten.
   */
  private place(cid: number, entry: Entry, wanted: number, now: number): void {
    if (this.tickTime === Number.POSITIVE_INFINITY) this.tickTime = now + TICK;
    let index = wanted % SEARCH_BUCKETS;
    for (let moved = 0; moved < SEARCH_BUCKETS - 1; moved++) {
      const next = (index + 1) % SEARCH_BUCKETS;
      if ((this.buckets[index] as Set<number>).size - (this.buckets[next] as Set<number>).size <= LEVEL)
        break;
      index = next;
    }
    entry.bucket = this.buckets[index] as Set<number>;
    entry.bucket.add(cid);
  }

  private stop(): void {
    this.tickTime = Number.POSITIVE_INFINITY;
    this.boostTicks = 0;
  }
}
