/**
 * The same search, come by several ways: a client that sends to two interfaces of a host, to a broadcast address and
 * to the host itself, or past a forwarder and directly, asks once and is to be answered once. No I/O and no clock.
 */
import type { Endpoint } from '../endpoint.ts';
import { SearchOffset } from '../message/search.ts';

/** Copies arrive together; no client repeats itself this fast (the quickest, pvAccessCPP, waits 100 ms). */
const WINDOW_MS = 20;
/** Searches remembered. */
const LIMIT = 16;

interface Recent {
  readonly client: string;
  readonly payload: Buffer;
  readonly at: number;
}

export class RecentSearches {
  private readonly ring: Recent[] = [];
  private next = 0;
  private duplicateCount = 0;

  /** Searches that were not answered because their copy had been. */
  get duplicates(): number {
    return this.duplicateCount;
  }

  /** True if this client sent the same SEARCH a moment ago; takes note of it otherwise. Keeps a view of `payload`. */
  isDuplicate(client: Endpoint, payload: Buffer, now: number): boolean {
    const key = `${client.address} ${client.port}`;
    for (const before of this.ring) {
      if (now - before.at > WINDOW_MS || before.client !== key || !sameQuestion(before.payload, payload))
        continue;
      this.duplicateCount++;
      return true;
    }
    this.ring[this.next] = { client: key, payload, at: now };
    this.next = (this.next + 1) % LIMIT;
    return false;
  }
}

/** Flags and reply address differ between copies: who passes a search on changes them. */
function sameQuestion(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false;
  const names = SearchOffset.REPLY_PORT + 2;
  return a.compare(b, names, b.length, names, a.length) === 0 && a.compare(b, 0, 4, 0, 4) === 0;
}
