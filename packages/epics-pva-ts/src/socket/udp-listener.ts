/**
 * The shared UDP port of a host (5076): searches for servers, beacons for clients.
 *
 * Every process binds it with SO_REUSEADDR. Linux then gives a broadcast to all of them but a unicast datagram to one
 * only, the one bound to the most specific address and among these the last; that one passes searches on by
 * {@link UdpListener.forwardLocal} (pva-protocol.md 5.5; what to pass on is decided in connection/fan-out.ts).
 *
 * Sockets, so that the address a datagram was sent to is known though Node does not tell it:
 * - one on each interface's address, unicast, and one on its broadcast address; or one on 0.0.0.0 for all;
 * - one on each IPv6 address, or one on :: for all if this host has IPv6;
 * - one on each multicast group of the configuration;
 * - one on 224.0.0.128, joined on 127.0.0.1: what other processes pass on. Bound to the group it receives nothing
 *   else, so a process kept to 127.0.0.1 is reachable by nobody outside and yet by every process of this host;
 * - one on a random port of 127.0.0.1, from which this process passes on: what comes from it is its own copy.
 *
 * Windows cannot bind to a group or a broadcast address; there the sockets on the interfaces receive these as well,
 * and the first loopback one joins the group.
 */
import type { ArrivedVia, Datagram, Endpoint } from '../endpoint.ts';
import { isAny, isIpv6, isLoopback } from '../endpoint.ts';
import { LOCAL_GROUP } from './destinations.ts';
import { interfaceOf, likelyLocalAddress, listInterfaces } from './interfaces.ts';
import { type GroupMembership, listenAddresses } from './listen-addresses.ts';
import { type UdpCounters, UdpSocket } from './udp.ts';

export interface UdpListenerOptions {
  /** 0 is any free port. */
  readonly port: number;
  /** Addresses or names of the interfaces to listen on, and groups; empty or `0.0.0.0` is all interfaces. */
  readonly interfaces: readonly string[];
  /**
   * Listen on IPv6 only if the list has an IPv6 address. For who can do without: on one port the last process gets
   * what others, which may not pass it on, are waiting for.
   */
  readonly onlyNamedIpv6?: boolean;
  /** More groups to receive. */
  readonly groups?: readonly GroupMembership[];
  /** Called once a datagram; must not throw. */
  readonly onDatagram: (datagram: Datagram) => void;
}

const groupsCanBeBound = process.platform !== 'win32';
const LOOPBACK = '127.0.0.1';
const ANY = '0.0.0.0';
const LOCAL: GroupMembership = { group: LOCAL_GROUP, interfaces: [LOOPBACK] };

export class UdpListener {
  readonly port: number;
  /** The addresses listened on. */
  readonly addresses: readonly string[];
  private readonly sockets: UdpSocket[] = [];
  /** Those replies can be sent from, by address. */
  private readonly senders = new Map<string, UdpSocket>();
  private readonly onDatagram: (datagram: Datagram) => void;
  private forwarder: UdpSocket | undefined;
  private fanOutProblem = '';

  private constructor(port: number, addresses: readonly string[], options: UdpListenerOptions) {
    this.port = port;
    this.addresses = addresses;
    this.onDatagram = options.onDatagram;
  }

  /**
   * Binds the port on all interfaces named.
   * @throws PvaError `PVA_PORT_IN_USE` if another program holds the port without sharing it
   * @throws ConfigError if an interface is not there
   */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const wanted = listenAddresses(options.interfaces);
    const v6 = options.onlyNamedIpv6 && !wanted.names6 ? [] : wanted.v6;
    const addresses = [...wanted.v4, ...v6.filter((a) => !isAny(a))];
    const port = options.port || (await freePort(addresses[0] ?? LOOPBACK));
    const listener = new UdpListener(port, addresses, options);
    try {
      for (const address of wanted.v4) await listener.listen(address);
      await listener.listen6(v6, wanted.all);
      for (const group of merged([...wanted.groups, ...(options.groups ?? [])])) await listener.join(group);
      await listener.openFanOut();
      return listener;
    } catch (error) {
      await listener.close();
      throw error;
    }
  }

  /** Why searches are not exchanged with other processes of this host; empty if they are. */
  get localFanOutProblem(): string {
    return this.fanOutProblem;
  }

  /** Counts of all sockets together. */
  get counters(): UdpCounters {
    const total: UdpCounters = { sent: 0, received: 0, errors: 0, lastError: '' };
    for (const { counters } of this.sockets) {
      total.sent += counters.sent;
      total.received += counters.received;
      total.errors += counters.errors;
      total.lastError ||= counters.lastError;
    }
    return total;
  }

  /**
   * Sends a reply, from the address `from` if this process listens there, else from where the routes lead. A
   * process that listens on loopback only sends nothing elsewhere.
   */
  send(bytes: Uint8Array, destination: Endpoint, from: string = ANY): void {
    const asked = isIpv6(from) === isIpv6(destination.address) ? this.senders.get(from) : undefined;
    const sender = asked ?? this.senderTo(destination.address);
    if (sender && !(isLoopback(sender.local.address) && !isLoopback(destination.address)))
      sender.send(bytes, destination);
    else
      this.sockets[0]?.count(`nothing is sent from ${this.addresses.join(', ')} to ${destination.address}`);
  }

  /** Sends a datagram to every process of this host that shares the port. */
  forwardLocal(bytes: Uint8Array): void {
    this.forwarder?.send(bytes, { address: LOCAL_GROUP, port: this.port });
  }

  /** Frees the port. May be called twice. */
  async close(): Promise<void> {
    await Promise.all(this.sockets.map((s) => s.close()));
  }

  private async listen(address: string): Promise<void> {
    const onAny = address === ANY;
    const joins = !groupsCanBeBound && (onAny || address === LOOPBACK);
    const via = onAny ? 'wildcard' : 'unicast';
    const socket = await this.open(
      address,
      joins ? 'either' : via,
      onAny ? undefined : address,
      joins ? LOCAL : undefined,
    );
    this.senders.set(address, socket);
    const broadcast = onAny ? undefined : interfaceOf(address)?.broadcast;
    if (broadcast && groupsCanBeBound) await this.open(broadcast, 'broadcast', address);
  }

  /** All interfaces is meant for both families, but not every host has both. */
  private async listen6(addresses: readonly string[], all: boolean): Promise<void> {
    for (const address of addresses) {
      try {
        this.senders.set(address, await this.open(address, 'ipv6', address));
      } catch (error) {
        if (!all) throw error;
      }
    }
  }

  /** What comes to a group everybody there hears: it is answered and not passed on, like a broadcast. */
  private async join({ group, interfaces }: GroupMembership): Promise<void> {
    if (interfaces.length === 0 || group === LOCAL_GROUP) return;
    const any = isIpv6(group) ? '::' : ANY;
    const bindTo = groupsCanBeBound ? withZone(group, interfaces) : any;
    const local = isIpv6(group) ? '::' : interfaces.length === 1 ? (interfaces[0] as string) : undefined;
    await this.open(bindTo, isIpv6(group) ? 'ipv6' : 'broadcast', local, { group, interfaces });
  }

  /** Without multicast on loopback (some containers) everything else still works, so that is not an error. */
  private async openFanOut(): Promise<void> {
    try {
      if (groupsCanBeBound) await this.open(LOCAL_GROUP, 'group', ANY, LOCAL);
      this.forwarder = await UdpSocket.open({
        address: LOOPBACK,
        port: 0,
        multicast: { interface: LOOPBACK, ttl: 1 },
        onDatagram: () => {},
      });
      this.sockets.push(this.forwarder);
    } catch (error) {
      this.fanOutProblem = (error as Error).message;
    }
  }

  /** @param local the address of this host that datagrams come to; undefined if it has to be guessed */
  private async open(
    address: string,
    via: ArrivedVia,
    local: string | undefined,
    join?: GroupMembership,
  ): Promise<UdpSocket> {
    const socket = await UdpSocket.open({
      address,
      port: this.port,
      share: true,
      ...(join && { join }),
      onDatagram: (bytes, source) => {
        if (this.isForwarder(source)) return;
        // PVXS ignores what is passed on without the address it was sent to, unless it serves all interfaces.
        this.onDatagram({ bytes, source, local: local ?? likelyLocalAddress(source.address), via });
      },
    });
    this.sockets.push(socket);
    return socket;
  }

  /** True for this process's own copy of what it passed on. */
  private isForwarder(source: Endpoint): boolean {
    const own = this.forwarder?.local;
    return own !== undefined && source.port === own.port && source.address === own.address;
  }

  private senderTo(destination: string): UdpSocket | undefined {
    if (isIpv6(destination)) {
      const six = [...this.senders.keys()].filter(isIpv6);
      const near = six.find((a) => a === '::') ?? six.find((a) => isLoopback(a) === isLoopback(destination));
      return near === undefined ? undefined : this.senders.get(near);
    }
    const wildcard = this.senders.get(ANY);
    if (wildcard) return wildcard;
    if (isLoopback(destination)) {
      const local = [...this.senders.keys()].find(isLoopback);
      if (local) return this.senders.get(local);
    }
    const network = interfaceOf(
      destination,
      listInterfaces().filter((i) => this.senders.has(i.address)),
    );
    if (network) return this.senders.get(network.address);
    const remote = [...this.senders.keys()].find((a) => !isLoopback(a) && !isIpv6(a));
    return remote === undefined ? undefined : this.senders.get(remote);
  }
}

/**
 * A port nobody uses. The system may give several sharing sockets the same port for 0, so the port is taken by
 * a socket that does not share, and opened again.
 */
async function freePort(address: string): Promise<number> {
  const probe = await UdpSocket.open({ address, port: 0, onDatagram: () => {} });
  await probe.close();
  return probe.local.port;
}

/** Each group once, with all its interfaces. */
function merged(groups: readonly GroupMembership[]): GroupMembership[] {
  const byGroup = new Map<string, GroupMembership>();
  for (const { group, interfaces } of groups) {
    const known = byGroup.get(group)?.interfaces ?? [];
    byGroup.set(group, { group, interfaces: [...new Set([...known, ...interfaces])] });
  }
  return [...byGroup.values()];
}

/** A link-local group can only be bound to together with its interface. */
function withZone(group: string, interfaces: readonly string[]): string {
  const linkLocal = /^ff[0-9a-f][12]:/i.test(group) && !group.includes('%');
  return linkLocal && interfaces.length === 1
    ? `${group}${interfaces[0]?.slice(2)}`
    : linkLocal
      ? '::'
      : group;
}
