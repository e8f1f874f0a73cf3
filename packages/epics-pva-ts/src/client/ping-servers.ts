/**
 * pingServers: which servers are there, asked once. A SEARCH without names that must be answered goes to the
 * configured addresses (pva-protocol.md 5.6), as EPICS base's pvlist does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientConfig, parseAddress } from '../config.ts';
import { discoveryPing } from '../connection/search-batch.ts';
import { type Datagram, formatEndpoint } from '../endpoint.ts';
import { Command } from '../frame/command.ts';
import { decodeDatagram, decodePayload } from '../message/datagram.ts';
import { formatGuid } from '../message/guid.ts';
import { decodeSearchResponse } from '../message/search.ts';
import { resolveDestinations } from '../socket/destinations.ts';
import { SearchSocket } from '../socket/search-socket.ts';
import { ANY_ADDRESS } from '../wire/address.ts';
import { type Log, noLog } from './log.ts';
import { clientConfig } from './search-engine.ts';

/** A server that answered. */
export interface PingedServer {
  /** 24 hex digits in lower case. */
  readonly guid: string;
  /** Protocol version of its messages: 1 for pvAccessCPP, 2 for PVXS. */
  readonly version: number;
  /** `tcp`, or `tls` for servers that offer both. */
  readonly protocol: string;
  /** `address:port`, one for each way it was reached. */
  readonly addresses: readonly string[];
}

export interface PingOptions extends Partial<ClientConfig> {
  /** Longest time in all, in seconds, while answers keep coming. Default 3. */
  readonly timeout?: number;
  /** Ends it with what has come so far. */
  readonly signal?: AbortSignal;
  readonly log?: Log;
}

/** As EPICS base pvlist.cpp: asked three times, each until nothing has come for this time, in ms. */
const PINGS = 3;
const QUIET_MS = 250;
/** Whoever answers with ever new GUIDs must not fill the memory. */
const MAX_SERVERS = 10_000;
const MAX_ADDRESSES = 100;

class Answers {
  private readonly servers = new Map<string, PingedServer & { readonly addresses: string[] }>();
  lastAt = 0;

  add({ bytes, source }: Datagram): void {
    for (const m of decodeDatagram(bytes)) {
      if (m.command !== Command.SEARCH_RESPONSE || !m.fromServer) continue;
      const response = decodePayload(m, decodeSearchResponse);
      if (!response || response.serverPort === 0) continue;
      this.lastAt = performance.now();
      const { serverAddress, serverPort: port, protocol } = response;
      const address = serverAddress === ANY_ADDRESS ? source.address : serverAddress;
      this.addServer(formatGuid(response.guid), m.version, protocol, formatEndpoint({ address, port }));
    }
  }

  private addServer(guid: string, version: number, protocol: string, address: string): void {
    const known = this.servers.get(guid);
    if (!known) {
      if (this.servers.size < MAX_SERVERS)
        this.servers.set(guid, { guid, version, protocol, addresses: [address] });
    } else if (!known.addresses.includes(address) && known.addresses.length < MAX_ADDRESSES)
      known.addresses.push(address);
  }

  list(): PingedServer[] {
    return [...this.servers.values()].sort((a, b) => (a.guid < b.guid ? -1 : 1));
  }
}

/**
 * Asks all servers of the configuration (that of the environment, where no other is given) to answer, and resolves to
 * those that did, in the order of their GUIDs, 0.75 s after the start or later.
 * @throws ConfigError; PvaError if no socket can be had
 */
export async function pingServers(options: PingOptions = {}): Promise<PingedServer[]> {
  const { timeout = 3, signal, log = noLog, ...overrides } = options;
  const config = clientConfig(overrides);
  const entries = config.addressList.map((text) => parseAddress(text, config.broadcastPort));
  const auto = config.autoAddrList ? config.interfaces : undefined;
  const { destinations, ignored } = await resolveDestinations(entries, auto, config.broadcastPort);
  for (const line of ignored) log('warn', line);
  const answers = new Answers();
  const socket = await SearchSocket.open({
    destinations,
    interfaces: config.interfaces,
    onDatagram: (datagram) => answers.add(datagram),
  });
  const end = performance.now() + timeout * 1000;
  try {
    for (let n = 0; n < PINGS && performance.now() < end; n++) {
      socket.send(discoveryPing(socket.port));
      answers.lastAt = performance.now();
      for (let left = QUIET_MS; left > 0; left = Math.min(answers.lastAt + QUIET_MS, end) - performance.now())
        await delay(Math.max(1, left), undefined, { signal });
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    await socket.close();
  }
  if (socket.counters.errors > 0) log('warn', `a search could not be sent: ${socket.counters.lastError}`);
  return answers.list();
}
