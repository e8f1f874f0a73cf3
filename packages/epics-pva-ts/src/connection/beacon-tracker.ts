/**
 * Which servers are there, as far as beacons tell. No I/O and no clock: times are milliseconds of any monotonic
 * clock. Beacons are a hint to search sooner, never a test whether a server is alive (pva-protocol.md 5.7).
 */
import { type Endpoint, formatEndpoint, withZoneOf } from '../endpoint.ts';
import { BEACON_LOST_AFTER_MS, MAX_BEACON_SERVERS } from '../limits.ts';
import type { Beacon } from '../message/beacon.ts';
import { formatGuid } from '../message/guid.ts';
import { ANY_ADDRESS } from '../wire/address.ts';

/** A server known from its beacons. */
export interface BeaconServer {
  /** Where it accepts connections. */
  readonly endpoint: Endpoint;
  readonly protocol: string;
  readonly guid: Uint8Array;
  /** How often its set of names changed; undefined if only discovery pings were answered. */
  readonly changeCount: number | undefined;
  /** Protocol version of its messages. */
  readonly peerVersion: number;
  /** Where the last beacon or answer came from. */
  readonly source: Endpoint;
}

/** What a beacon and an answer to a discovery ping have in common. */
export type ServerAnnouncement = Pick<Beacon, 'guid' | 'serverAddress' | 'serverPort' | 'protocol'> &
  Partial<Pick<Beacon, 'changeCount'>>;

/**
 * What a beacon says that was not known:
 * - `new`: a server at this address for the first time;
 * - `restarted`: another GUID or version at a known address, so another process;
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
  private readonly lostAfter: number;
  private ignoredCount = 0;

  /** @param lostAfter milliseconds of silence after which a server is forgotten */
  constructor(limit: number = MAX_BEACON_SERVERS, lostAfter: number = BEACON_LOST_AFTER_MS) {
    this.limit = limit;
    this.lostAfter = lostAfter;
  }

  get size(): number {
    return this.servers.size;
  }

  /** Beacons that were not taken because the table was full. */
  get ignored(): number {
    return this.ignoredCount;
  }

  /** The server known at that place, if it is. */
  find(protocol: string, endpoint: Endpoint): BeaconServer | undefined {
    return this.servers.get(keyOf(protocol, endpoint));
  }

  /** The servers seen within the last 360 s. */
  list(): BeaconServer[] {
    return [...this.servers.values()];
  }

  /** Takes note of a beacon, or of an answer to a discovery ping, that came from `source`. */
  onBeacon(beacon: ServerAnnouncement, source: Endpoint, now: number, peerVersion = 2): BeaconEvent {
    if (beacon.serverPort === 0 || !(beacon.protocol === 'tcp' || beacon.protocol === 'tls'))
      return 'ignored';
    const endpoint = endpointOf(beacon, source);
    const key = keyOf(beacon.protocol, endpoint);
    const guidText = formatGuid(beacon.guid);
    const tracked = this.servers.get(key);
    const before = tracked && now - tracked.seen < this.lostAfter ? tracked : undefined;
    if (tracked) {
      this.servers.delete(key);
    } else if (this.servers.size >= this.limit && this.expire(now).length === 0) {
      this.ignoredCount++;
      return 'ignored';
    }
    const { protocol, guid } = beacon;
    const changeCount = beacon.changeCount ?? before?.changeCount;
    this.servers.set(key, {
      endpoint,
      protocol,
      guid,
      changeCount,
      peerVersion,
      source,
      guidText,
      seen: now,
    });
    if (!before) return 'new';
    if (before.guidText !== guidText || before.peerVersion !== peerVersion) return 'restarted';
    return before.changeCount === undefined || before.changeCount === changeCount ? 'known' : 'changed';
  }

  /** The time at which {@link expire} will find the next lost server; infinite when none is known. */
  nextTime(): number {
    for (const first of this.servers.values()) return first.seen + this.lostAfter;
    return Number.POSITIVE_INFINITY;
  }

  /** Forgets the servers not heard of for 360 s and returns them. */
  expire(now: number): BeaconServer[] {
    const lost: BeaconServer[] = [];
    for (const [key, server] of this.servers) {
      if (now - server.seen < this.lostAfter) break;
      this.servers.delete(key);
      lost.push(server);
    }
    return lost;
  }
}

/** Where the server of a beacon accepts connections: "any" is the sender's host. */
export function endpointOf(
  message: { readonly serverAddress: string; readonly serverPort: number },
  source: Endpoint,
): Endpoint {
  const named = message.serverAddress;
  const address = named === ANY_ADDRESS ? source.address : withZoneOf(named, source.address);
  return { address, port: message.serverPort };
}

function keyOf(protocol: string, endpoint: Endpoint): string {
  return `${protocol} ${formatEndpoint(endpoint)}`;
}
