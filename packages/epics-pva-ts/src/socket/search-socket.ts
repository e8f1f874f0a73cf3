/**
 * The client's side of search: one port, from which searches leave and to which servers reply, over IPv4 and, when
 * an address list has such destinations, IPv6.
 *
 * When all destinations are on loopback the sockets are bound to 127.0.0.1 and ::1, so that a client kept to this
 * host can be neither reached from outside nor send there.
 */
import type { Datagram, Endpoint } from '../endpoint.ts';
import { isIpv6, isLoopback } from '../endpoint.ts';
import { PvaError } from '../errors.ts';
import { type Destination, staysOnLoopback } from './destinations.ts';
import { openMulticastSenders } from './multicast-senders.ts';
import { type UdpCounters, UdpSocket } from './udp.ts';

export interface SearchSocketOptions {
  readonly destinations: readonly Destination[];
  /** Interface addresses in use; if all are loopback, nothing is sent elsewhere. Default all. */
  readonly interfaces?: readonly string[];
  /** A reply. Called once a datagram; must not throw. */
  readonly onDatagram: (datagram: Datagram) => void;
}

/** A search names one port to reply to, so both families must have it; another one is tried if they cannot. */
const PORT_ATTEMPTS = 8;

export class SearchSocket {
  readonly destinations: readonly Destination[];
  private readonly main: UdpSocket;
  private readonly main6: UdpSocket | undefined;
  private readonly senders: ReadonlyMap<Destination, UdpSocket>;
  /** Kept to loopback: nothing is sent elsewhere. */
  readonly loopbackOnly: boolean;

  private constructor(
    main: UdpSocket,
    main6: UdpSocket | undefined,
    senders: ReadonlyMap<Destination, UdpSocket>,
    destinations: readonly Destination[],
    loopbackOnly: boolean,
  ) {
    this.main = main;
    this.main6 = main6;
    this.senders = senders;
    this.destinations = destinations;
    this.loopbackOnly = loopbackOnly;
  }

  /** @throws PvaError as {@link UdpSocket.open} */
  static async open(options: SearchSocketOptions): Promise<SearchSocket> {
    const { destinations, interfaces = ['0.0.0.0'] } = options;
    const loopbackOnly = interfaces.every(isLoopback) || destinations.every(staysOnLoopback);
    const v4 = loopbackOnly ? '127.0.0.1' : '0.0.0.0';
    const v6 = loopbackOnly ? '::1' : '::';
    const receive = (local: string) => (bytes: Buffer, source: Endpoint) => {
      const via = local.includes(':') ? 'ipv6' : loopbackOnly ? 'unicast' : 'wildcard';
      options.onDatagram({ bytes, source, local, via });
    };
    const [main, main6] = destinations.some((d) => isIpv6(d.address))
      ? await openBoth(v4, v6, receive)
      : [await UdpSocket.open({ address: v4, port: 0, onDatagram: receive(v4) }), undefined];
    try {
      const bindTo = (d: Destination): string | undefined => {
        if (loopbackOnly && !staysOnLoopback(d)) return undefined;
        return isIpv6(d.address) ? v6 : v4;
      };
      const senders = await openMulticastSenders(destinations, bindTo, receive(v4));
      return new SearchSocket(main, main6, senders, destinations, loopbackOnly);
    } catch (error) {
      await Promise.all([main.close(), main6?.close()]);
      throw error;
    }
  }

  /** The port to name in searches as the one to reply to. */
  get port(): number {
    return this.main.local.port;
  }

  /** The address bound to: `127.0.0.1` if kept to loopback, else `0.0.0.0`. */
  get address(): string {
    return this.main.local.address;
  }

  /** Counts of all sockets together. */
  get counters(): UdpCounters {
    const total = { ...this.main.counters };
    for (const socket of [this.main6, ...this.senders.values()]) {
      if (!socket) continue;
      total.sent += socket.counters.sent;
      total.received += socket.counters.received;
      total.errors += socket.counters.errors;
      total.lastError ||= socket.counters.lastError;
    }
    return total;
  }

  /** Sends a search everywhere: the one datagram to unicast addresses, the other to the rest. */
  send(datagrams: { readonly unicast: Uint8Array; readonly group: Uint8Array }): void {
    for (const d of this.destinations) {
      if (this.loopbackOnly && !staysOnLoopback(d)) {
        this.main.count(`${d.address} is not on loopback, to which this client is kept`);
        continue;
      }
      const socket = this.senders.get(d) ?? (isIpv6(d.address) ? this.main6 : this.main);
      if (socket) socket.send(d.kind === 'unicast' ? datagrams.unicast : datagrams.group, d);
      else this.main.count(`${d.address}: this host has no IPv6`);
    }
  }

  /** Frees the port. May be called twice. */
  async close(): Promise<void> {
    await Promise.all([this.main, this.main6, ...this.senders.values()].map((s) => s?.close()));
  }
}

/** Sockets of both families on one port; a host without IPv6 has the first alone. */
async function openBoth(
  v4: string,
  v6: string,
  receive: (local: string) => (bytes: Buffer, source: Endpoint) => void,
): Promise<[UdpSocket, UdpSocket | undefined]> {
  for (let attempt = 1; ; attempt++) {
    const main = await UdpSocket.open({ address: v4, port: 0, onDatagram: receive(v4) });
    try {
      return [main, await UdpSocket.open({ address: v6, port: main.local.port, onDatagram: receive(v6) })];
    } catch (error) {
      const taken = PvaError.isPvaError(error) && error.code === 'PVA_PORT_IN_USE';
      if (!taken || attempt === PORT_ATTEMPTS) return [main, undefined];
      await main.close();
    }
  }
}
