/**
 * The client's side of search: one socket on a random port, from which searches leave and to which servers reply.
 *
 * When all destinations are on loopback the socket is bound to 127.0.0.1, so that a client kept to this host can
 * be neither reached from outside nor send there.
 */
import type { Datagram, Endpoint } from '../endpoint.ts';
import { isLoopback } from '../endpoint.ts';
import { type Destination, staysOnLoopback } from './destinations.ts';
import { type UdpCounters, UdpSocket } from './udp.ts';

export interface SearchSocketOptions {
  readonly destinations: readonly Destination[];
  /** Interface addresses in use; if all are loopback, nothing is sent elsewhere. Default all. */
  readonly interfaces?: readonly string[];
  /** A reply. Called once a datagram; must not throw. */
  readonly onDatagram: (datagram: Datagram) => void;
}

export class SearchSocket {
  readonly destinations: readonly Destination[];
  private readonly main: UdpSocket;
  /** A multicast destination's interface and TTL are settings of a socket, so it has its own; else `main`. */
  private readonly senders: ReadonlyMap<Destination, UdpSocket>;
  private readonly loopbackOnly: boolean;

  private constructor(
    main: UdpSocket,
    senders: ReadonlyMap<Destination, UdpSocket>,
    destinations: readonly Destination[],
    loopbackOnly: boolean,
  ) {
    this.main = main;
    this.senders = senders;
    this.destinations = destinations;
    this.loopbackOnly = loopbackOnly;
  }

  /** @throws PvaError as {@link UdpSocket.open} */
  static async open(options: SearchSocketOptions): Promise<SearchSocket> {
    const { destinations, interfaces = ['0.0.0.0'] } = options;
    const loopbackOnly = interfaces.every(isLoopback) || destinations.every(staysOnLoopback);
    const address = loopbackOnly ? '127.0.0.1' : '0.0.0.0';
    const onDatagram = (bytes: Buffer, source: Endpoint): void =>
      options.onDatagram({ bytes, source, local: address, via: loopbackOnly ? 'unicast' : 'wildcard' });
    const opened: UdpSocket[] = [];
    const open = async (o: Parameters<typeof UdpSocket.open>[0]): Promise<UdpSocket> => {
      const socket = await UdpSocket.open(o);
      opened.push(socket);
      return socket;
    };
    try {
      const main = await open({ address, port: 0, onDatagram });
      const senders = new Map<Destination, UdpSocket>();
      for (const d of destinations) {
        if (d.kind !== 'multicast' || (loopbackOnly && !staysOnLoopback(d))) continue;
        const multicast = { ttl: d.ttl ?? 1, ...(d.interface && { interface: d.interface }) };
        senders.set(d, await open({ address, port: 0, multicast, onDatagram }));
      }
      return new SearchSocket(main, senders, destinations, loopbackOnly);
    } catch (error) {
      await Promise.all(opened.map((s) => s.close()));
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
    for (const { counters } of this.senders.values()) {
      total.sent += counters.sent;
      total.received += counters.received;
      total.errors += counters.errors;
      total.lastError ||= counters.lastError;
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
      (this.senders.get(d) ?? this.main).send(d.kind === 'unicast' ? datagrams.unicast : datagrams.group, d);
    }
  }

  /** Frees the port. May be called twice. */
  async close(): Promise<void> {
    await Promise.all([this.main.close(), ...[...this.senders.values()].map((s) => s.close())]);
  }
}
