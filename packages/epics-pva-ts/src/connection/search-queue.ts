/**
 * Names that are due, on their way into datagrams: how many leave at once. No I/O and no clock: times are
 * milliseconds of any monotonic clock.
 *
 * The schedule says which second a name belongs to. Ten thousand names that belong to the same moment (a client that
 * starts, a server that comes back) would leave as one burst that overflows the receivers' socket buffers and is lost
 * in part. So datagrams leave in groups, at most {@link SEARCH_BURST} every {@link SEARCH_INTERVAL} ms: 500 a second
 * to each destination, whatever happens (pvAccessCPP sends at most 10 every 50 ms; PVXS does not limit). A name found
 * while it waits is never sent.
 */
import type { SearchChannel } from '../message/search.ts';
import { searchBatches } from './search-batch.ts';

/** Datagrams that leave together at most. */
export const SEARCH_BURST = 10;
/** Milliseconds between two groups of datagrams. */
export const SEARCH_INTERVAL = 20;

/** Counts of one client's searches; all since it was made. */
export interface SearchQueueCounters {
  /** Names put into searches; a name searched for five times counts five. */
  names: number;
  /** SEARCH messages made; each goes to every destination. */
  datagrams: number;
  /** Most names that ever waited to be sent. */
  peakQueued: number;
}

export class SearchQueue {
  readonly counters: SearchQueueCounters = { names: 0, datagrams: 0, peakQueued: 0 };
  /** A name waits once at most, so there are never more than channels. */
  private readonly waiting = new Map<number, string>();
  private nextAt = Number.NEGATIVE_INFINITY;

  /** Names waiting to be sent. */
  get size(): number {
    return this.waiting.size;
  }

  /** A name is to be searched for as soon as there is room. */
  add(cid: number, name: string): void {
    this.waiting.set(cid, name);
    if (this.waiting.size > this.counters.peakQueued) this.counters.peakQueued = this.waiting.size;
  }

  /** The name is found, or not wanted any more. */
  remove(cid: number): void {
    this.waiting.delete(cid);
  }

  /** The time at which {@link take} has something; infinite when nothing waits. */
  nextTime(): number {
    return this.waiting.size === 0 ? Number.POSITIVE_INFINITY : this.nextAt;
  }

  /** The names of the datagrams that may leave now, those of one datagram together. */
  take(now: number): SearchChannel[][] {
    if (this.waiting.size === 0 || now < this.nextAt) return [];
    this.nextAt = now + SEARCH_INTERVAL;
    const groups: SearchChannel[][] = [];
    for (const group of searchBatches(this.inOrder())) {
      groups.push(group);
      if (groups.length === SEARCH_BURST) break;
    }
    for (const group of groups) for (const { cid } of group) this.waiting.delete(cid);
    for (const group of groups) this.counters.names += group.length;
    this.counters.datagrams += groups.length;
    return groups;
  }

  private *inOrder(): Generator<SearchChannel> {
    for (const [cid, name] of this.waiting) yield { cid, name };
  }
}
