/**
 * CollectorCache: puts the objects of several producers back in the order of their ids, and knows when an object's
 * turn has come. No clock, no network: time is given.
 *
 * PvaPy's collector holds everything back until its cache is full, so that output comes in bursts (pvapy-behaviour.md
 * 2.3). Here an object leaves as soon as nothing can come before it any more:
 *
 * - its id follows the last one released, and all objects with this id are there; or
 * - every producer has already sent something at least as new, so what is missing will not come; or
 * - the cache is full (see CollectorCacheSettings); or
 * - it has waited for the gap timeout; producers that kept it waiting have no say until they send again.
 *
 * How many objects share an id (tiles of an image): see objects-per-id.ts. A producer whose ids go back behind what was
 * released was restarted: a new numbering begins and no object is lost by it.
 */

import type { LatencyCounts } from '../figures/latency-histogram.ts';
import { CacheCounts, type CollectorCacheStats, type CollectorCacheTotals } from './cache-counts.ts';
import { arrivalOf, type Entry, entryFor, isBefore, oldestEntry, type Producer } from './cache-entry.ts';
import { ObjectsPerId } from './objects-per-id.ts';

export interface CollectorCacheOptions<T> extends CollectorCacheSettings {
  /** Number of producers; they are called 0, 1, ... here. */
  readonly nProducers: number;
  /** Called in order of ids, and of arrival for the same id. Must not throw. */
  readonly release: (object: T) => void;
  /** Memory of an object, in bytes; always the same of one object. */
  readonly sizeOf: (object: T) => number;
}

/** What can be changed while objects flow. */
export interface CollectorCacheSettings {
  /** Objects that may wait as long as the gap timeout; at least 1. */
  readonly cacheSize: number;
  /**
   * Objects held at most; not less than `cacheSize`. As long as there are more than that they wait for a second, and
   * only while they are within a bound of memory; a producer that kept them waiting that long has no say until it
   * sends again.
   */
  readonly cacheLimit: number;
  /** Difference between the ids of successive objects; at least 1. */
  readonly oidOffset: number;
  /** Objects with the same id; 0: learned from the stream. */
  readonly objectsPerId: number;
  /** An object waits no longer than this for those before it, in ms. */
  readonly gapTimeout: number;
}

/** How long objects beyond `cacheSize` wait, in ms, and the memory above which they do not. */
const PATIENCE_MS = 1000;
const PATIENCE_BYTES = 256 * 1024 ** 2;

export class CollectorCache<T> {
  private settings: CollectorCacheSettings;
  private readonly release: (object: T) => void;
  private readonly sizeOf: (object: T) => number;
  private readonly producers: Producer[];
  private readonly counts = new CacheCounts();
  private readonly perId: ObjectsPerId;
  private entries: Entry<T>[] = [];
  private epoch = 0;
  private lastId: number | undefined;
  private bytes = 0;

  constructor(options: CollectorCacheOptions<T>) {
    this.settings = options;
    this.release = options.release;
    this.sizeOf = options.sizeOf;
    this.perId = new ObjectsPerId(options.objectsPerId);
    this.producers = Array.from({ length: options.nProducers }, () => ({
      epoch: 0,
      lastId: Number.NEGATIVE_INFINITY,
      awaited: true,
      behind: 0,
    }));
  }

  /**
   * Takes an object in and releases what may go.
   *
   * @param now ms of any steady clock, the same for all calls.
   * @returns Whether the object was taken; one that comes too late is not.
   */
  insert(producer: number, id: number, object: T, now: number): boolean {
    const p = this.producers[producer] as Producer;
    const epoch = this.epochOf(p, id);
    p.awaited = true;
    p.epoch = epoch;
    p.lastId = id;
    if (this.isLate(epoch, id)) {
      this.counts.count('nRejected');
      this.learnFromLate(epoch, id);
      // It may have missed that the numbering began again, more than once: it cannot be late for ever.
      if (epoch < this.epoch && ++p.behind > this.settings.cacheSize) p.epoch = this.epoch;
      this.releaseReady(now);
      return false;
    }
    p.behind = 0;
    const entry = entryFor(this.entries, epoch, id);
    entry.objects.push(object);
    entry.arrivals.push(now);
    this.counts.inserted();
    this.bytes += this.sizeOf(object);
    this.releaseReady(now);
    this.makeRoom(now);
    return true;
  }

  private makeRoom(now: number): void {
    for (let head = this.entries[0]; head && this.isFull(head, now); head = this.entries[0]) {
      this.releaseHead(now);
      this.releaseReady(now);
    }
  }

  private isFull(head: Entry<T>, now: number): boolean {
    const { cacheSize, cacheLimit } = this.settings;
    const { nCached } = this.counts;
    if (nCached < cacheSize) return false;
    if (nCached >= cacheLimit || this.bytes >= PATIENCE_BYTES) return true;
    if (now - arrivalOf(head) < PATIENCE_MS) return false;
    this.waitNoLonger(head);
    return true;
  }

  /** Who kept this one waiting has no say until it sends again. */
  private waitNoLonger(entry: Entry<T>): void {
    for (const p of this.producers) if (isBefore(p, entry)) p.awaited = false;
  }

  /** Changes settings; a smaller cache lets go at once what does not fit. */
  configure(changes: Partial<CollectorCacheSettings>, now: number): void {
    this.settings = { ...this.settings, ...changes };
    if (changes.objectsPerId !== undefined) this.perId.configure(changes.objectsPerId);
    this.releaseReady(now);
    this.makeRoom(now);
    this.expire(now);
  }

  /** A producer that went away is not waited for; its next object makes it count again. */
  leave(producer: number, now: number): void {
    (this.producers[producer] as Producer).awaited = false;
    this.releaseReady(now);
  }

  /** A producer that is there again is waited for, as all are at first. */
  join(producer: number): void {
    (this.producers[producer] as Producer).awaited = true;
  }

  /** Releases what has waited for too long, and what is before it; who kept it waiting has no say any more. */
  expire(now: number): void {
    for (let late = oldestEntry(this.entries); late && now >= this.deadline(late); ) {
      this.waitNoLonger(late);
      while (this.entries.includes(late)) this.releaseHead(now);
      this.releaseReady(now);
      late = oldestEntry(this.entries);
    }
  }

  /** When `expire` has something to do, in ms of the clock in use; undefined if nothing waits. */
  get nextDeadline(): number | undefined {
    const oldest = oldestEntry(this.entries);
    return oldest && this.deadline(oldest);
  }

  private deadline(entry: Entry<T>): number {
    return arrivalOf(entry) + this.settings.gapTimeout;
  }

  /** Releases everything, in order. */
  flush(now: number): void {
    while (this.entries.length > 0) this.releaseHead(now);
  }

  get stats(): CollectorCacheStats {
    return this.counts.stats;
  }

  get totals(): CollectorCacheTotals {
    return this.counts.totals;
  }

  /** What is in the cache stays there and is counted when it is released. */
  resetStats(): void {
    this.counts.reset();
  }

  /** A second has passed: see LatencyHistogram. */
  rotate(): void {
    this.counts.rotate();
  }

  /** How long objects were in the cache that left it in the last seconds. */
  get addedLatency(): LatencyCounts {
    return this.counts.addedLatency;
  }

  /** The numbering an object belongs to. */
  private epochOf(p: Producer, id: number): number {
    // A producer's first object belongs to what the others send now.
    if (p.lastId === Number.NEGATIVE_INFINITY) return this.epoch;
    const wentBack = id < p.lastId && this.isLate(p.epoch, id);
    return wentBack ? Math.max(p.epoch + 1, this.epoch) : p.epoch;
  }

  private isLate(epoch: number, id: number): boolean {
    return epoch < this.epoch || (epoch === this.epoch && this.lastId !== undefined && id < this.lastId);
  }

  private learnFromLate(epoch: number, id: number): void {
    if (epoch === this.epoch && this.perId.of(id) !== undefined) this.countPerId(id, 1);
  }

  private countPerId(id: number, n: number): void {
    this.counts.count('nIncomplete', this.perId.add(id, n));
  }

  private releaseReady(now: number): void {
    for (let head = this.entries[0]; head && this.isReady(head); head = this.entries[0])
      this.releaseHead(now);
  }

  private isReady(head: Entry<T>): boolean {
    const isLast = head.epoch === this.epoch && head.id === this.lastId;
    const complete = isLast || head.objects.length >= this.perId.expected;
    if (complete && this.isNext(head)) return true;
    for (const p of this.producers) {
      if (!p.awaited) continue;
      if (isBefore(p, head)) return false;
      if (!complete && p.epoch === head.epoch && p.lastId === head.id) return false;
    }
    return true;
  }

  private isNext(head: Entry<T>): boolean {
    const { lastId } = this;
    return lastId !== undefined && head.epoch === this.epoch && head.id <= lastId + this.settings.oidOffset;
  }

  private releaseHead(now: number): void {
    const entry = this.entries.shift() as Entry<T>;
    this.follow(entry);
    this.counts.released(entry.arrivals, now);
    for (const object of entry.objects) {
      this.bytes -= this.sizeOf(object);
      this.release(object);
    }
  }

  /** Takes the entry's id as the last one released. */
  private follow(entry: Entry<T>): void {
    const { oidOffset } = this.settings;
    const another = entry.epoch > this.epoch || entry.id !== this.lastId;
    if (another && this.lastId !== undefined && this.perId.isIncomplete(this.lastId))
      this.counts.count('nIncomplete');
    if (entry.epoch > this.epoch) {
      this.epoch = entry.epoch;
      this.counts.count('nRestarts');
      this.perId.clear();
    } else if (this.lastId !== undefined) {
      const missed = Math.floor((entry.id - this.lastId - oidOffset) / oidOffset);
      if (missed > 0) this.counts.count('nMissed', missed);
    }
    this.lastId = entry.id;
    this.countPerId(entry.id, entry.objects.length);
  }
}
