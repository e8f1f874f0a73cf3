/**
 * Which servers are there, as far as beacons tell. No I/O and no clock: times are milliseconds of any monotonic
 * clock. Beacons are a hint to search sooner, never a test whether a server is alive (pva-protocol.md 5.7).
 */
import type { Endpoint } from '../endpoint.ts';
import { formatEndpoint } from '../endpoint.ts';
import { BEACON_LOST_AFTER_MS, MAX_BEACON_SERVERS } from '../limits.ts';
import type { Beacon } from '../message/beacon.ts';
import { formatGuid } from '../message/guid.ts';
import { ANY_ADDRESS } from '../wire/address.ts';

/** A server is forgotten after two of the longest beacon periods. */
export const BEACON_LOST_AFTER: number = BEACON_LOST_AFTER_MS;

/** A server known from its beacons. */
export interface BeaconServer {
  /** Where it accepts connections. */
  readonly endpoint: Endpoint;
  readonly protocol: string;
  readonly guid: Uint8Array;
  readonly changeCount: number;
}

/**
 * What a beacon says that was not known:
 * - `new`: a server at this address for the first time;
 * - `restarted`: another GUID at a known address, so another process;
 * - `changed`: its set of names changed;
 * - `known`: nothing;
 * - `ignored`: the table is full, or the beacon names no port or an unknown protocol.
 *
 * The first three are reasons to boost the search.
 */
export type BeaconEvent = 'new' | 'restarted' | 'changed' | 'known' | 'ignored';

interface Tracked extends BeaconServer {
  readonly guidText: string;
  readonly seen: number;
}

export class BeaconTracker {
  /** In the order last seen: the first entry is the one to expire next. */
  private readonly servers = new Map<string, Tracked>();
  private readonly limit: number;
  private ignoredCount = 0;

  constructor(limit: number = MAX_BEACON_SERVERS) {
    this.limit = limit;
  }

  get size(): number {
    return this.servers.size;
  }

  /** Beacons that were not taken because the table was full. */
  get ignored(): number {
    return this.ignoredCount;
  }

  /** The servers seen within the last 360 s. */
  list(): BeaconServer[] {
    return [...this.servers.values()];
  }

  /** Takes note of a beacon that came from `source`. */
  onBeacon(beacon: Beacon, source: Endpoint, now: number): BeaconEvent {
    if (beacon.serverPort === 0 || !(beacon.protocol === 'tcp' || beacon.protocol === 'tls'))
      return 'ignored';
    const address = beacon.serverAddress === ANY_ADDRESS ? source.address : beacon.serverAddress;
    const endpoint = { address, port: beacon.serverPort };
    const key = `${beacon.protocol} ${formatEndpoint(endpoint)}`;
    const guidText = formatGuid(beacon.guid);
    const tracked = this.servers.get(key);
    const before = tracked && now - tracked.seen < BEACON_LOST_AFTER ? tracked : undefined;
    if (tracked) {
      this.servers.delete(key);
    } else if (this.servers.size >= this.limit && this.expire(now).length === 0) {
      this.ignoredCount++;
      return 'ignored';
    }
    const { protocol, guid, changeCount } = beacon;
    this.servers.set(key, { endpoint, protocol, guid, changeCount, guidText, seen: now });
    if (!before) return 'new';
    if (before.guidText !== guidText) return 'restarted';
    return before.changeCount === changeCount ? 'known' : 'changed';
  }

  /** The time at which {@link expire} will find the next lost server; infinite when none is known. */
  nextTime(): number {
    for (const first of this.servers.values()) return first.seen + BEACON_LOST_AFTER;
    return Number.POSITIVE_INFINITY;
  }

  /** Forgets the servers not heard of for 360 s and returns them. */
  expire(now: number): BeaconServer[] {
    const lost: BeaconServer[] = [];
    for (const [key, server] of this.servers) {
      if (now - server.seen < BEACON_LOST_AFTER) break;
      this.servers.delete(key);
      lost.push(server);
    }
    return lost;
  }
}
