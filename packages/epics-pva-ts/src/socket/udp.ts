/**
 * One UDP socket. Datagrams go out and come in; nothing about their contents is known here.
 *
 * Failing to send is an everyday event (a firewall, a network that is down) and the next search follows anyway:
 * errors are counted, never thrown.
 */
import dgram from 'node:dgram';
import { isIP } from 'node:net';
import type { Endpoint } from '../endpoint.ts';
import { formatEndpoint } from '../endpoint.ts';
import { ConfigError, PvaError } from '../errors.ts';

export interface UdpSocketOptions {
  /** IPv4 or IPv6 address to bind to; a multicast group's address receives that group only. */
  readonly address: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Share the port with other processes that share it too (SO_REUSEADDR). Default false. */
  readonly share?: boolean;
  /** Group to receive, on these interfaces: IPv4 addresses, for an IPv6 group `::%name`. */
  readonly join?: { readonly group: string; readonly interfaces: readonly string[] };
  /** How multicast is sent: by that interface (address, or `::%name`). It is looped back to this host. */
  readonly multicast?: { readonly interface?: string; readonly ttl: number };
  readonly onDatagram: (bytes: Buffer, source: Endpoint) => void;
}

/** Counts since the socket was opened. */
export interface UdpCounters {
  sent: number;
  received: number;
  /** Datagrams the system or a rule refused to send, and failures to receive. */
  errors: number;
  /** What the last error said; empty if none. */
  lastError: string;
}

export class UdpSocket {
  readonly counters: UdpCounters = { sent: 0, received: 0, errors: 0, lastError: '' };
  /** What it is bound to. */
  readonly local: Endpoint;
  private readonly socket: dgram.Socket;
  private closing: Promise<void> | undefined;

  private constructor(socket: dgram.Socket, options: UdpSocketOptions) {
    this.socket = socket;
    const { address, port } = socket.address();
    this.local = { address, port };
    socket.on('message', (bytes, { address, port }) => {
      this.counters.received++;
      options.onDatagram(bytes, { address, port });
    });
    socket.on('error', (error) => this.count(error.message));
  }

  /**
   * Opens and binds a socket.
   * @throws PvaError `PVA_PORT_IN_USE` if another program holds the port without sharing it
   * @throws ConfigError if this host does not have the address
   * @throws PvaError `PVA_SOCKET` for other reasons
   */
  static async open(options: UdpSocketOptions): Promise<UdpSocket> {
    const v6 = isIP(options.address) === 6;
    const socket = dgram.createSocket({
      type: v6 ? 'udp6' : 'udp4',
      // IPv4 has sockets of its own.
      ipv6Only: v6,
      reuseAddr: options.share ?? false,
      // Addresses are resolved long before: do not leave the thread for each datagram.
      lookup: (host, _options, done) => {
        const family = isIP(host);
        const fits = family === (v6 ? 6 : 4);
        done(
          fits ? null : new Error(`${host} is no address to send to from ${options.address}`),
          host,
          family,
        );
      },
    });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      if (!v6) socket.setBroadcast(true);
      if (options.join) joinGroup(socket, options.join.group, options.join.interfaces);
      if (options.multicast) {
        socket.setMulticastTTL(options.multicast.ttl);
        socket.setMulticastLoopback(true);
        if (options.multicast.interface) socket.setMulticastInterface(options.multicast.interface);
      }
      return new UdpSocket(socket, options);
    } catch (error) {
      socket.removeAllListeners();
      socket.close();
      throw bindError(error as NodeJS.ErrnoException, options);
    }
  }

  /** Sends a datagram; what goes wrong is counted. The bytes must not change before they are out. */
  send(bytes: Uint8Array, destination: Endpoint): void {
    if (this.closing !== undefined) return;
    try {
      this.socket.send(bytes, destination.port, destination.address, (error) => {
        if (error) this.count(error.message);
        else this.counters.sent++;
      });
    } catch (error) {
      this.count((error as Error).message);
    }
  }

  /** Counts a datagram that was not sent. */
  count(error: string): void {
    this.counters.errors++;
    this.counters.lastError = error;
  }

  /** Frees the port. May be called twice. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => this.socket.close(resolve));
    return this.closing;
  }
}

/** An interface that takes no multicast (a tunnel, one that is down) must not keep the others from it. */
function joinGroup(socket: dgram.Socket, group: string, interfaces: readonly string[]): void {
  let failure: unknown;
  let joined = 0;
  for (const via of interfaces) {
    try {
      socket.addMembership(group, via);
      joined++;
    } catch (error) {
      failure = error;
    }
  }
  if (joined === 0 && failure) throw failure;
}

function bindError(error: NodeJS.ErrnoException, options: UdpSocketOptions): PvaError {
  const where = `UDP ${formatEndpoint(options)}`;
  if (error.code === 'EADDRINUSE')
    return new PvaError(
      'PVA_PORT_IN_USE',
      `${where} is held by a program that does not share it: end that program, or choose another port by ` +
        'EPICS_PVA_BROADCAST_PORT and EPICS_PVAS_BROADCAST_PORT',
      { cause: error },
    );
  if (error.code === 'EADDRNOTAVAIL')
    return new ConfigError(
      `${where}: this host has no such address; correct the interface list ` +
        '(EPICS_PVA_INTF_ADDR_LIST, EPICS_PVAS_INTF_ADDR_LIST)',
    );
  return new PvaError('PVA_SOCKET', `${where} cannot be opened: ${error.message}`, { cause: error });
}
