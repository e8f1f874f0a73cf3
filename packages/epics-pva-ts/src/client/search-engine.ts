/**
 * SearchEngine: finds the server of each name, over UDP and name servers, and listens to beacons.
 *
 * When to search is connection/search-schedule.ts, how datagrams travel is socket/; this file joins them. The
 * shared UDP port is bound too: for beacons, and because whoever holds it must pass unicast searches on.
 */
import { type ClientConfig, clientConfigFromEnv, parseAddress } from '../config.ts';
import { BeaconTracker } from '../connection/beacon-tracker.ts';
import { forwardedSearch } from '../connection/fan-out.ts';
import { SEARCH_SEQUENCE, searchBatches, searchDatagrams } from '../connection/search-batch.ts';
import { type SearchReason, SearchSchedule } from '../connection/search-schedule.ts';
import type { Datagram, Endpoint } from '../endpoint.ts';
import { Command } from '../frame/command.ts';
import { decodeBeacon } from '../message/beacon.ts';
import { decodeDatagram, decodePayload } from '../message/datagram.ts';
import { decodeSearchResponse, type SearchChannel, type SearchResponse } from '../message/search.ts';
import { resolveDestinations } from '../socket/destinations.ts';
import { SearchSocket } from '../socket/search-socket.ts';
import { UdpListener } from '../socket/udp-listener.ts';
import { ANY_ADDRESS } from '../wire/address.ts';
import type { Log } from './log.ts';

export interface SearchEngineOptions {
  readonly config: ClientConfig;
  readonly log: Log;
  /** A server says it has the name with this number. */
  found(cid: number, server: Endpoint): void;
  /** Sends these names to every ready name server. */
  searchNameServers(channels: readonly SearchChannel[], sequence: number): void;
}

const now = (): number => performance.now();

export class SearchEngine {
  private readonly options: SearchEngineOptions;
  private readonly schedule = new SearchSchedule();
  private readonly beacons = new BeaconTracker();
  private readonly names = new Map<number, string>();
  private socket: SearchSocket | null = null;
  private listener: UdpListener | null = null;
  private opening: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private timerAt = 0;
  private closed = false;

  constructor(options: SearchEngineOptions) {
    this.options = options;
  }

  /** Names being searched for. */
  get size(): number {
    return this.schedule.size;
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
  }

  private async open(): Promise<void> {
    const { config, log } = this.options;
    try {
      const entries = config.addressList.map((text) => parseAddress(text, config.broadcastPort));
      const auto = config.autoAddrList ? config.interfaces : undefined;
      const { destinations, ignored } = await resolveDestinations(entries, auto, config.broadcastPort);
      for (const line of ignored) log('warn', line);
      if (this.closed) return;
      this.socket = await SearchSocket.open({
        destinations,
        interfaces: config.interfaces,
        onDatagram: (d) => this.onReply(d),
      });
      if (this.closed) await this.socket.close();
    } catch (error) {
      log('error', `cannot search over UDP: ${(error as Error).message}`);
    }
    this.plan();
    await this.listen();
  }

  private async listen(): Promise<void> {
    const { config, log } = this.options;
    if (this.closed) return;
    const onLoopback = this.socket?.address === '127.0.0.1';
    try {
      this.listener = await UdpListener.open({
        port: config.broadcastPort,
        interfaces: onLoopback ? ['127.0.0.1'] : config.interfaces,
        onDatagram: (d) => this.onBroadcast(d),
      });
      if (this.closed) await this.listener.close();
    } catch (error) {
      // Beacons only make things faster.
      log('warn', `no beacons: ${(error as Error).message}`);
    }
  }

  private plan(): void {
    const at = this.schedule.nextTime();
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
    const channels: SearchChannel[] = [];
    for (const cid of this.schedule.due(now())) {
      const name = this.names.get(cid);
      if (name !== undefined) channels.push({ cid, name });
    }
    if (channels.length === 0) return;
    if (this.socket) for (const d of searchDatagrams(channels, this.socket.port)) this.socket.send(d);
    for (const batch of searchBatches(channels)) this.options.searchNameServers(batch, SEARCH_SEQUENCE);
  }

  private onReply(datagram: Datagram): void {
    for (const m of decodeDatagram(datagram.bytes)) {
      if (m.command !== Command.SEARCH_RESPONSE || !m.fromServer) continue;
      const response = decodePayload(m, decodeSearchResponse);
      if (response) this.onResponse(response, datagram.source.address);
    }
  }

  /** A reply over UDP, or over TCP from a name server at `from`. */
  onResponse(response: SearchResponse, from: string): void {
    if (!response.found || response.protocol !== 'tcp' || response.serverPort === 0) return;
    const address = response.serverAddress === ANY_ADDRESS ? from : response.serverAddress;
    for (const cid of response.cids) {
      if (!this.names.has(cid)) continue;
      this.options.found(cid, { address, port: response.serverPort });
    }
  }

  private onBroadcast(datagram: Datagram): void {
    const forward = forwardedSearch(datagram);
    if (forward) this.listener?.forwardLocal(forward);
    for (const m of decodeDatagram(datagram.bytes)) {
      if (m.command !== Command.BEACON || !m.fromServer) continue;
      const beacon = decodePayload(m, decodeBeacon);
      if (!beacon) continue;
      const event = this.beacons.onBeacon(beacon, datagram.source, now());
      if (event !== 'known' && event !== 'ignored' && this.schedule.boost(now())) this.plan();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    await this.opening;
    await Promise.all([this.socket?.close(), this.listener?.close()]);
  }
}

/** The configuration of the environment with some entries replaced. */
export function clientConfig(overrides: Partial<ClientConfig> = {}): ClientConfig {
  return { ...clientConfigFromEnv(), ...overrides };
}
