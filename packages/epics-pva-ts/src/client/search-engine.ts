/**
 * SearchEngine: finds the server of each name, over UDP and name servers, and listens to beacons.
 *
 * When to search is connection/search-schedule.ts, how fast connection/search-queue.ts, how datagrams travel is
 * socket/; this file joins them. The shared UDP port is bound too: for beacons, and because whoever holds it must pass
 * unicast searches on.
 */
import { type AddressEntry, type ClientConfig, clientConfigFromEnv, parseAddress } from '../config.ts';
import { BeaconTracker, endpointOf, type ServerAnnouncement } from '../connection/beacon-tracker.ts';
import { forwardedSearch } from '../connection/fan-out.ts';
import { discoveryPing, SEARCH_SEQUENCE, searchDatagrams } from '../connection/search-batch.ts';
import { SearchQueue } from '../connection/search-queue.ts';
import { type SearchReason, SearchSchedule } from '../connection/search-schedule.ts';
import type { Datagram, Endpoint } from '../endpoint.ts';
import { withZoneOf } from '../endpoint.ts';
import { Command } from '../frame/command.ts';
import { decodeBeacon } from '../message/beacon.ts';
import { decodeDatagram, decodePayload } from '../message/datagram.ts';
import { formatGuid } from '../message/guid.ts';
import { decodeSearchResponse, type SearchChannel, type SearchResponse } from '../message/search.ts';
import { resolveDestinations } from '../socket/destinations.ts';
import { groupsOf, type ListenAddresses, listenAddresses } from '../socket/listen-addresses.ts';
import type { Lookup } from '../socket/resolve.ts';
import { SearchSocket } from '../socket/search-socket.ts';
import { UdpListener } from '../socket/udp-listener.ts';
import { ANY_ADDRESS } from '../wire/address.ts';
import { type DiscoveredServer, type DiscoverOptions, Discovery } from './discovery.ts';
import type { Log } from './log.ts';

export interface SearchEngineOptions {
  readonly config: ClientConfig;
  readonly log: Log;
  readonly lookup?: Lookup | undefined;
  /** A server says it has the name with this number. */
  found(cid: number, server: Endpoint, guid: Uint8Array): void;
  /** Sends these names to every ready name server. */
  searchNameServers(channels: readonly SearchChannel[], sequence: number): void;
  /** A beacon says that another process than before is at this address. */
  restarted?(server: Endpoint): void;
}

/** What searching did since the Context was made. */
export interface SearchStats {
  /** Names being searched for now. */
  readonly searching: number;
  /** Of these, names due that wait for room to be sent. */
  readonly queued: number;
  /** Names put into searches, repetitions included. */
  readonly names: number;
  /** SEARCH messages made; each went to every destination and name server. At most 500 in a second. */
  readonly datagrams: number;
  /** Times a server's beacon made names be searched sooner. */
  readonly boosts: number;
  /** Times a server's beacon would have done so, but came too soon after another. */
  readonly boostsHeldOff: number;
  /** Servers known by their beacons. */
  readonly servers: number;
  /** Beacons not taken because the table of servers was full. */
  readonly beaconsIgnored: number;
  /** UDP datagrams that could not be sent or received. */
  readonly udpErrors: number;
}

/** Sockets that could not be opened are tried again after this time. */
const RETRY_MS = 5000;

const now = (): number => performance.now();

export class SearchEngine {
  private readonly options: SearchEngineOptions;
  private readonly destinations: readonly AddressEntry[];
  private readonly interfaces: ListenAddresses;
  private readonly schedule = new SearchSchedule();
  private readonly queue = new SearchQueue();
  private readonly beacons = new BeaconTracker();
  private readonly discoveries = new Set<Discovery>();
  private readonly names = new Map<number, string>();
  private ignoredGuids: ReadonlySet<string> = new Set();
  private socket: SearchSocket | null = null;
  private listener: UdpListener | null = null;
  private opening: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private timerAt = 0;
  private closed = false;
  /** When to open the sockets again that could not be opened. */
  private retryAt = Number.POSITIVE_INFINITY;

  /** @throws ConfigError for lists that cannot be understood, or that name an interface this host does not have */
  constructor(options: SearchEngineOptions) {
    this.options = options;
    const { addressList, broadcastPort, interfaces } = options.config;
    this.destinations = addressList.map((text) => parseAddress(text, broadcastPort));
    this.interfaces = listenAddresses(interfaces);
  }

  get stats(): SearchStats {
    const { names, datagrams } = this.queue.counters;
    const { boosts, heldOff } = this.schedule.boostCounts;
    return {
      searching: this.schedule.size,
      queued: this.queue.size,
      names,
      datagrams,
      boosts,
      boostsHeldOff: heldOff,
      servers: this.beacons.size,
      beaconsIgnored: this.beacons.ignored,
      udpErrors: (this.socket?.counters.errors ?? 0) + (this.listener?.counters.errors ?? 0),
    };
  }

  /** Names searched for now. Those of a given server are not among them. */
  get missing(): SearchChannel[] {
    return Array.from(this.names, ([cid, name]) => ({ cid, name }));
  }

  add(cid: number, name: string, reason: SearchReason = 'new'): void {
    if (this.closed) return;
    this.names.set(cid, name);
    this.schedule.add(cid, now(), reason);
    this.opening ??= this.open();
    this.plan();
  }

  remove(cid: number): void {
    this.names.delete(cid);
    this.schedule.remove(cid);
    this.queue.remove(cid);
  }

  hurryUp(): void {
    if (this.schedule.boost(now())) this.plan();
  }

  ignoreServerGuids(guids: Iterable<string>): void {
    this.ignoredGuids = new Set([...guids].map((guid) => guid.toLowerCase()));
  }

  /** Reports servers from now on, those known by their beacons first. */
  discover(report: (server: DiscoveredServer) => void, options: DiscoverOptions): Discovery {
    this.opening ??= this.open();
    const discovery = new Discovery(report, options, {
      ping: () => void this.ping(),
      ended: (ended) => this.discoveries.delete(ended),
    });
    this.discoveries.add(discovery);
    for (const { endpoint, source, peerVersion, ...server } of this.beacons.list()) {
      const { changeCount: _, ...rest } = server;
      const announcement = { ...rest, serverAddress: endpoint.address, serverPort: endpoint.port };
      discovery.heard(announcement, source, now(), peerVersion);
    }
    return discovery;
  }

  private async ping(): Promise<void> {
    await this.opening;
    if (!this.closed) this.socket?.send(discoveryPing(this.socket.port));
  }

  /** To be called about once a second: forgets servers that sent no beacon for long. */
  tick(time: number): void {
    this.beacons.expire(time);
    if (time >= this.retryAt) {
      this.retryAt = Number.POSITIVE_INFINITY;
      this.opening = this.open();
    }
    for (const discovery of this.discoveries) discovery.tick(time);
  }

  private async open(): Promise<void> {
    const { config, log, lookup } = this.options;
    try {
      const { v4, v6 } = this.interfaces;
      const auto = config.autoAddrList ? v4 : undefined;
      const found = await resolveDestinations(this.destinations, auto, config.broadcastPort, lookup);
      for (const line of found.ignored) log('warn', line);
      if (this.closed) return;
      this.socket = await SearchSocket.open({
        destinations: found.destinations,
        interfaces: [...v4, ...v6],
        onDatagram: (d) => this.onReply(d),
      });
      if (this.closed) await this.socket.close();
    } catch (error) {
      log(
        'error',
        `cannot search over UDP: ${(error as Error).message}; trying again in ${RETRY_MS / 1000} s`,
      );
      this.retryAt = now() + RETRY_MS;
    }
    this.plan();
    if (!this.listener) await this.listen();
  }

  private async listen(): Promise<void> {
    const { config, log } = this.options;
    if (this.closed) return;
    try {
      const onLoopback = this.interfaces.names6 ? ['127.0.0.1', '[::1]'] : ['127.0.0.1'];
      this.listener = await UdpListener.open({
        port: config.broadcastPort,
        interfaces: this.socket?.loopbackOnly ? onLoopback : config.interfaces,
        onlyNamedIpv6: true,
        groups: config.autoAddrList ? groupsOf(config.addressList) : [],
        onDatagram: (d) => this.onBroadcast(d),
      });
      if (this.closed) await this.listener.close();
    } catch (error) {
      // Beacons only make things faster.
      log('warn', `no beacons: ${(error as Error).message}`);
    }
  }

  private plan(): void {
    const at = Math.min(this.schedule.nextTime(), this.queue.nextTime());
    if (this.closed || !this.ready() || at === Number.POSITIVE_INFINITY) return;
    if (this.timer) {
      if (this.timerAt <= at) return;
      clearTimeout(this.timer);
    }
    this.timerAt = at;
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.search();
        this.plan();
      },
      Math.max(0, at - now()),
    );
  }

  private ready(): boolean {
    return this.socket !== null || this.options.config.nameServers.length > 0;
  }

  private search(): void {
    const time = now();
    for (const cid of this.schedule.due(time)) {
      const name = this.names.get(cid);
      if (name !== undefined) this.queue.add(cid, name);
    }
    for (const channels of this.queue.take(time)) {
      if (this.socket) for (const d of searchDatagrams(channels, this.socket.port)) this.socket.send(d);
      this.options.searchNameServers(channels, SEARCH_SEQUENCE);
    }
  }

  private onReply(datagram: Datagram): void {
    for (const m of decodeDatagram(datagram.bytes)) {
      if (m.command !== Command.SEARCH_RESPONSE || !m.fromServer) continue;
      const response = decodePayload(m, decodeSearchResponse);
      if (!response) continue;
      this.onResponse(response, { address: datagram.source.address, port: 0 });
      // An answer to a discovery ping says what a beacon would.
      if (!response.found && response.cids.length === 0 && this.discoveries.size > 0)
        this.onServer(response, datagram.source, m.version);
    }
  }

  /**
   * A reply over UDP, or over TCP from a name server. An address "any" is the sender's host, and over TCP a port 0 is
   * the connection's (PVXS).
   * @param from where it came from; port 0 for UDP
   */
  onResponse(response: SearchResponse, from: Endpoint): void {
    const port = response.serverPort || from.port;
    if (!response.found || response.protocol !== 'tcp' || port === 0) return;
    if (this.ignoredGuids.size > 0 && this.ignoredGuids.has(formatGuid(response.guid))) return;
    const named = response.serverAddress;
    const address = named === ANY_ADDRESS ? from.address : withZoneOf(named, from.address);
    for (const cid of response.cids) this.options.found(cid, { address, port }, response.guid);
  }

  private onBroadcast(datagram: Datagram): void {
    const forward = forwardedSearch(datagram);
    if (forward) this.listener?.forwardLocal(forward);
    for (const m of decodeDatagram(datagram.bytes)) {
      if (m.command !== Command.BEACON || !m.fromServer) continue;
      const beacon = decodePayload(m, decodeBeacon);
      if (beacon) this.onServer(beacon, datagram.source, m.version);
    }
  }

  private onServer(announcement: ServerAnnouncement, source: Endpoint, version: number): void {
    const time = now();
    const event = this.beacons.onBeacon(announcement, source, time, version);
    for (const discovery of this.discoveries) discovery.heard(announcement, source, time, version);
    if (event === 'known' || event === 'ignored') return;
    if (event === 'restarted') this.options.restarted?.(endpointOf(announcement, source));
    if (this.schedule.boost(time)) this.plan();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    for (const discovery of this.discoveries) discovery.close();
    await this.opening;
    await Promise.all([this.socket?.close(), this.listener?.close()]);
  }
}

/** The configuration of the environment with some entries replaced. */
export function clientConfig(overrides: Partial<ClientConfig> = {}): ClientConfig {
  return { ...clientConfigFromEnv(), ...overrides };
}
