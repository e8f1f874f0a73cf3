/**
 * Discovery: which servers there are, as `Context.discover` reports it. What a beacon or an answer to a ping means is
 * connection/beacon-tracker.ts; sending pings is the search engine's.
 */

import {
  type BeaconServer,
  BeaconTracker,
  endpointOf,
  type ServerAnnouncement,
} from '../connection/beacon-tracker.ts';
import { callUser } from '../connection/surface.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { ConfigError } from '../errors.ts';
import { BEACON_LOST_AFTER_MS } from '../limits.ts';
import { formatGuid } from '../message/guid.ts';

/** A server that appeared or is gone. */
export interface DiscoveredServer {
  /**
   * `online`: heard of for the first time, or another process at the same address (after an `offline` of the one
   * before); `offline`: replaced, or not heard of for {@link DiscoverOptions.lostAfter} seconds.
   */
  readonly event: 'online' | 'offline';
  /** Of the server's process, 24 hexadecimal digits; a restart changes it. */
  readonly guid: string;
  /** Where it accepts connections, `address:port`. */
  readonly server: string;
  /** `tcp`, or `tls` of servers that offer it. */
  readonly protocol: string;
  /** `address:port` the last message about it came from. */
  readonly peer: string;
  /** Protocol version of its messages. */
  readonly peerVersion: number;
  /** When it was noticed, by the clock of this computer. */
  readonly time: Date;
}

/** How servers are looked for, and when they count as gone. */
export interface DiscoverOptions {
  /** Ask all servers of the address lists to answer, three times within half a second (as pvlist). Default true. */
  readonly ping?: boolean;
  /** Seconds after which to ask again, over and over; 0: only at the start. Default 0. */
  readonly pingInterval?: number;
  /**
   * Seconds of silence after which a server is reported `offline`. Default 360, two of the longest beacon periods
   * (PVXS). Less makes sense only with a `pingInterval` shorter than it: servers send beacons every 180 s.
   */
  readonly lostAfter?: number;
}

/** Pings at the start and the pauses between them, in ms (pvAccessCPP pvlist). */
const START_PINGS = 3;
const START_PAUSE_MS = 250;

/** What the search engine does for a Discovery. */
export interface DiscoveryHost {
  ping(): void;
  ended(discovery: Discovery): void;
}

/** One running discovery; `close()` ends it. Reports nothing after that. */
export class Discovery {
  private readonly report: (server: DiscoveredServer) => void;
  private readonly host: DiscoveryHost;
  private readonly tracker: BeaconTracker;
  private readonly pingMs: number;
  private timer: NodeJS.Timeout | undefined;
  private pings = 0;
  private closed = false;

  /** @throws ConfigError for times that are not positive numbers */
  constructor(report: (server: DiscoveredServer) => void, options: DiscoverOptions, host: DiscoveryHost) {
    const { ping = true, pingInterval = 0, lostAfter = BEACON_LOST_AFTER_MS / 1000 } = options;
    if (!(lostAfter > 0) || !(pingInterval >= 0))
      throw new ConfigError('discover: lostAfter takes seconds above 0, pingInterval seconds from 0');
    this.report = report;
    this.host = host;
    this.tracker = new BeaconTracker(undefined, lostAfter * 1000);
    this.pingMs = pingInterval * 1000;
    if (ping) this.ping();
  }

  /** The servers known now. */
  servers(): DiscoveredServer[] {
    return this.tracker.list().map((server) => describe('online', server));
  }

  private readonly ping = (): void => {
    this.pings++;
    this.host.ping();
    const pause = this.pings < START_PINGS ? START_PAUSE_MS : this.pingMs;
    if (pause > 0) this.timer = setTimeout(this.ping, pause);
  };

  /** A beacon or an answer to a ping came. */
  heard(announcement: ServerAnnouncement, source: Endpoint, now: number, peerVersion: number): void {
    const before = this.tracker.find(announcement.protocol, endpointOf(announcement, source));
    const event = this.tracker.onBeacon(announcement, source, now, peerVersion);
    if (event !== 'new' && event !== 'restarted') return;
    if (before) this.tell('offline', before);
    const server = this.tracker.find(announcement.protocol, endpointOf(announcement, source));
    if (server) this.tell('online', server);
  }

  /** Reports who was silent too long; to be called about once a second. */
  tick(now: number): void {
    for (const server of this.tracker.expire(now)) this.tell('offline', server);
  }

  private tell(event: 'online' | 'offline', server: BeaconServer): void {
    if (!this.closed) callUser(() => this.report(describe(event, server)));
  }

  /** Ends it. May be called twice, and from the callback. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    this.host.ended(this);
  }
}

function describe(event: 'online' | 'offline', server: BeaconServer): DiscoveredServer {
  return {
    event,
    guid: formatGuid(server.guid),
    server: formatEndpoint(server.endpoint),
    protocol: server.protocol,
    peer: formatEndpoint(server.source),
    peerVersion: server.peerVersion,
    time: new Date(),
  };
}
