/**
 * How a server is found: answers searches over UDP, sends beacons. What to answer is connection/udp-responder.ts, how
 * datagrams travel is socket/; this file joins them with the server's configuration.
 */
import { parseAddress, type ServerConfig } from '../config.ts';
import { BeaconSender } from '../connection/beacon-sender.ts';
import { UdpResponder } from '../connection/udp-responder.ts';
import { formatEndpoint, isAny, isIpv6, isLoopback } from '../endpoint.ts';
import { type Destination, LOCAL_GROUP, resolveDestinations } from '../socket/destinations.ts';
import { isBroadcastAddress, isLocalAddress } from '../socket/interfaces.ts';
import { groupsOf, listenAddresses } from '../socket/listen-addresses.ts';
import { openMulticastSenders } from '../socket/multicast-senders.ts';
import { type Lookup, resolveHost } from '../socket/resolve.ts';
import type { UdpSocket } from '../socket/udp.ts';
import { UdpListener } from '../socket/udp-listener.ts';

export interface ServerDiscoveryOptions {
  readonly config: ServerConfig;
  readonly guid: Uint8Array;
  /** Announced in answers and beacons. */
  readonly tcpPort: number;
  readonly lookup?: Lookup | undefined;
  has(name: string): boolean;
  log(level: 'warn', message: string): void;
}

const LOOPBACK = '127.0.0.1';

export class ServerDiscovery {
  readonly beacons: BeaconSender;
  private readonly listener: UdpListener;
  private readonly responder: UdpResponder;
  private readonly destinations: readonly Destination[];
  /** For multicast destinations. */
  private readonly senders: ReadonlyMap<Destination, UdpSocket>;
  private readonly onLoopback: boolean;

  private constructor(
    listener: UdpListener,
    responder: UdpResponder,
    beacons: BeaconSender,
    destinations: readonly Destination[],
    senders: ReadonlyMap<Destination, UdpSocket>,
    onLoopback: boolean,
  ) {
    this.listener = listener;
    this.responder = responder;
    this.beacons = beacons;
    this.destinations = destinations;
    this.senders = senders;
    this.onLoopback = onLoopback;
  }

  /** @throws PvaError or ConfigError when an interface or the UDP port cannot be used */
  static async open(options: ServerDiscoveryOptions): Promise<ServerDiscovery> {
    const { config, guid, tcpPort, log } = options;
    const responder = new UdpResponder({
      guid,
      tcpPort,
      findNames: (names) => names.map((name) => options.has(name)),
      ignoreAddrs: await ignoredSources(options),
      isLocalAddress,
      isBroadcastAddress,
    });
    const listener: UdpListener = await UdpListener.open({
      port: config.udpPort,
      interfaces: config.interfaces,
      groups: config.autoBeacon ? groupsOf(config.beaconDestinations) : [],
      onDatagram: (datagram) => {
        const { reply, forward } = responder.handle(datagram, performance.now());
        if (reply) listener.send(reply.bytes, reply.destination, reply.from);
        if (forward) listener.forwardLocal(forward);
      },
    });
    try {
      if (listener.localFanOutProblem) log('warn', listener.localFanOutProblem);
      const entries = config.beaconDestinations.map((text) => parseAddress(text, listener.port));
      const { v4, v6 } = listenAddresses(config.interfaces);
      const auto = config.autoBeacon ? v4 : undefined;
      const resolved = await resolveDestinations(entries, auto, listener.port, options.lookup);
      for (const line of resolved.ignored) log('warn', line);
      const senders = await openMulticastSenders(resolved.destinations, (d) => {
        if (d.address === LOCAL_GROUP) return undefined;
        const own = isIpv6(d.address) ? v6 : v4;
        return own.find(isAny) ?? own.find((a) => a === d.interface) ?? own[0];
      });
      const beacons = new BeaconSender({ guid, tcpPort, now: performance.now() });
      const onLoopback = v4.some((a) => isAny(a) || isLoopback(a));
      return new ServerDiscovery(listener, responder, beacons, resolved.destinations, senders, onLoopback);
    } catch (error) {
      await listener.close();
      throw error;
    }
  }

  /** UDP port in use. */
  get port(): number {
    return this.listener.port;
  }

  /** Searches that came by several ways and were answered once. */
  get duplicateSearches(): number {
    return this.responder.duplicates;
  }

  /** To be called about once a second: sends beacons when they are due. */
  tick(now: number): void {
    const beacon = this.beacons.due(now);
    if (!beacon) return;
    for (const d of this.destinations) {
      const sender = this.senders.get(d);
      if (sender) sender.send(beacon.datagram, d);
      else this.listener.send(d.address === LOCAL_GROUP ? beacon.withAddress(LOOPBACK) : beacon.datagram, d);
    }
    // A unicast beacon reaches one process of a host only, so clients on this host hear it in the local group.
    if (this.onLoopback) this.listener.forwardLocal(beacon.withAddress(LOOPBACK));
  }

  async close(): Promise<void> {
    await Promise.all([this.listener.close(), ...[...this.senders.values()].map((s) => s.close())]);
  }
}

/** The ignore list with names resolved: `address`, or `address:port` where a port is given (PVXS). */
async function ignoredSources({ config, lookup, log }: ServerDiscoveryOptions): Promise<string[]> {
  const sources: string[] = [];
  for (const text of config.ignoreAddrs) {
    const { host, port } = parseAddress(text, 0);
    const addresses = await resolveHost(host, lookup);
    if (addresses.length === 0) log('warn', `ignore list entry "${text}" is left out: no such host`);
    for (const address of addresses) sources.push(port === 0 ? address : formatEndpoint({ address, port }));
  }
  return sources;
}
