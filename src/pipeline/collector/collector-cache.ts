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
 * How many objects share an id (tiles of an image): see objects-per-id.ts. A producer whose ids go back is out of order
 * (PvaPy's collector sorts such streams, too) or was restarted: see numbering.ts. By a new numbering no object is lost.
 */

import type { LatencyCounts } from '../figures/latency-histogram.ts';
import { CacheCounts, type CollectorCacheStats, type CollectorCacheTotals } from './cache-counts.ts';
import { arrivalOf, type Entry, entryFor, isBefore, oldestEntry, type Producer } from './cache-entry.ts';
import { Numbering } from './numbering.ts';
import { ObjectsPerId } from './objects-per-id.ts';

export interface CollectorCacheOptions<T> extends CollectorCacheSettings {
  /** Number of producers; they are called 0, 1, ... here. */
  readonly nProducers: number;
  /** Called in order of ids, and of arrival for the same id. Must not throw. */
  readonly release: (object: T) => void;
  /** Called with an object that was taken and turns out to be too late. Must not throw. */
  readonly refuse?: (object: T) => void;
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
  private readonly refuse: ((object: T) => void) | undefined;
  private readonly sizeOf: (object: T) => number;
  private readonly producers: Producer[];
  private readonly counts = new CacheCounts();
  private readonly perId: ObjectsPerId;
  private readonly numbering: Numbering<T>;
  private entries: Entry<T>[] = [];
  private bytes = 0;

  constructor(options: CollectorCacheOptions<T>) {
    this.settings = options;
    this.release = options.release;
    this.refuse = options.refuse;
    this.sizeOf = options.sizeOf;
    this.perId = new ObjectsPerId(options.objectsPerId);
    this.producers = Array.from({ length: options.nProducers }, () => ({
      epoch: 0,
      lastId: Number.NEGATIVE_INFINITY,
      awaited: true,
      behind: 0,
      disordered: false,
      renewed: false,
    }));
    this.numbering = new Numbering(this.producers, this.perId);
  }

  /**
   * Takes an object in and releases what may go.
   *
   * @param now ms of any steady clock, the same for all calls.
   * @returns Whether the object was taken; one that comes too late is not.
   */
  insert(producer: number, id: number, object: T, now: number): boolean {
    const p = this.producers[producer] as Producer;
    p.awaited = true;
    if (id < p.lastId || (id === p.lastId && this.numbering.suspect)) {
      if (this.isSuspect(p, id)) {
        this.suspect(p, id, object, now);
        return true;
      }
    } else if (this.numbering.suspect && id > p.lastId) this.refuseSuspect(p);
    // A producer's first object belongs to what the others send now.
    if (p.lastId === Number.NEGATIVE_INFINITY) p.epoch = Math.max(p.epoch, this.numbering.epoch);
    if (id > p.lastId) p.lastId = id;
    p.renewed = false;
    const taken = this.take(p, id, object, now);
    this.releaseReady(now);
    if (taken) this.makeRoom(now);
    return taken;
  }

  private take(p: Producer, id: number, object: T, now: number): boolean {
    if (this.numbering.isLate(p.epoch, id)) {
      this.counts.count('nRejected');
      this.learnFromLate(p.epoch, id);
      // It may have missed that the numbering began again, more than once: it cannot be late for ever.
      if (p.epoch < this.numbering.epoch && ++p.behind > this.settings.cacheSize)
        p.epoch = this.numbering.epoch;
      return false;
    }
    p.behind = 0;
    this.enter(p.epoch, id, object, now);
    this.counts.inserted();
    this.bytes += this.sizeOf(object);
    return true;
  }

  private enter(epoch: number, id: number, object: T, arrival: number): void {
    const entry = entryFor(this.entries, epoch, id);
    entry.objects.push(object);
    entry.arrivals.push(arrival);
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
    const p = this.producers[producer] as Producer;
    p.awaited = false;
    p.renewed = true;
    this.releaseReady(now);
  }

  /** A producer that is there again is waited for, as all are at first. */
  join(producer: number): void {
    const p = this.producers[producer] as Producer;
    p.awaited = true;
    p.renewed = true;
  }

  /** Releases what has waited for too long, and what is before it; who kept it waiting has no say any more. */
  expire(now: number): void {
    // No other object has told what it means: its numbering began again, unless others go on with the old one.
    const { suspect } = this.numbering;
    if (suspect && now >= suspect.arrival + this.settings.gapTimeout) {
      if (suspect.lastId === this.numbering.lastId) this.beginAgain();
      else this.refuseSuspect(suspect.producer);
    }
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
    const { suspect } = this.numbering;
    if (!suspect) return oldest && this.deadline(oldest);
    const first = oldest ? Math.min(arrivalOf(oldest), suspect.arrival) : suspect.arrival;
    return first + this.settings.gapTimeout;
  }

  private deadline(entry: Entry<T>): number {
    return arrivalOf(entry) + this.settings.gapTimeout;
  }

  /** Releases everything, in order. */
  flush(now: number): void {
    this.beginAgain();
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

  /** An id that is not greater than one before from this producer; whether it is unclear what it means. */
  private isSuspect(p: Producer, id: number): boolean {
    const { numbering } = this;
    const meaning = numbering.meaningOf(p, id, this.settings);
    if (meaning === 'repeated' && !numbering.isProven(p, id)) return true;
    if (meaning !== 'disordered') this.beginAgain(p);
    else if (id < p.lastId) p.disordered = true;
    return false;
  }

  private suspect(p: Producer, id: number, object: T, now: number): void {
    this.refuseSuspect(p);
    const { lastId } = this.numbering;
    this.numbering.suspect = { producer: p, id, object, arrival: now, lastId };
    this.counts.inserted();
    this.bytes += this.sizeOf(object);
  }

  /** The producer of the suspect, and this one, begin a new numbering. */
  private beginAgain(p?: Producer): void {
    const { numbering } = this;
    const { suspect } = numbering;
    numbering.suspect = undefined;
    if (p) numbering.beginAgain(p);
    if (!suspect) return;
    const { producer, id, object, arrival } = suspect;
    if (producer !== p) numbering.beginAgain(producer);
    producer.lastId = id;
    this.enter(producer.epoch, id, object, arrival);
  }

  /** The producer's suspect, if there is one, was late: its numbering goes on. */
  private refuseSuspect(p: Producer): void {
    const { suspect } = this.numbering;
    if (suspect?.producer !== p) return;
    this.numbering.suspect = undefined;
    p.disordered = true;
    this.bytes -= this.sizeOf(suspect.object);
    this.counts.refused();
    this.learnFromLate(p.epoch, suspect.id);
    this.refuse?.(suspect.object);
  }

  private learnFromLate(epoch: number, id: number): void {
    if (epoch === this.numbering.epoch && this.perId.of(id) !== undefined) this.countPerId(id, 1);
  }

  private countPerId(id: number, n: number): void {
    this.counts.count('nIncomplete', this.perId.add(id, n));
  }

  private releaseReady(now: number): void {
    for (let head = this.entries[0]; head && this.isReady(head); head = this.entries[0])
      this.releaseHead(now);
  }

  private isReady(head: Entry<T>): boolean {
    const { epoch, lastId } = this.numbering;
    const isLast = head.epoch === epoch && head.id === lastId;
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
    const { lastId, epoch } = this.numbering;
    return lastId !== undefined && head.epoch === epoch && head.id <= lastId + this.settings.oidOffset;
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
    const { numbering } = this;
    const { lastId } = numbering;
    const another = entry.epoch > numbering.epoch || entry.id !== lastId;
    if (another && lastId !== undefined && this.perId.isIncomplete(lastId)) this.counts.count('nIncomplete');
    if (entry.epoch > numbering.epoch) {
      this.counts.count('nRestarts');
      this.perId.clear();
    }
    const missed = numbering.follow(entry, this.settings);
    if (missed > 0) this.counts.count('nMissed', missed);
    this.countPerId(entry.id, entry.objects.length);
  }
}
