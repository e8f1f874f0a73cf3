/**
 * Server: serves PVs over pvAccess.
 *
 * ```ts
 * const server = new Server();
 * server.addPV('my:pv', SharedPV.mailbox(NTScalar.create('double', { value: 4.2 })));
 * await server.start();
 * ```
 */
import { type ClientConfig, parseAddress, type ServerConfig, serverConfigFromEnv } from '../config.ts';
import { BeaconSender } from '../connection/beacon-sender.ts';
import type { Credentials } from '../connection/server-connection.ts';
import { UdpResponder } from '../connection/udp-responder.ts';
import { LocalProtocolError, PvaError } from '../errors.ts';
import { newGuid } from '../message/guid.ts';
import { type Destination, LOCAL_GROUP, resolveDestinations } from '../socket/destinations.ts';
import { isBroadcastAddress, isLocalAddress } from '../socket/interfaces.ts';
import { type AcceptedSocket, TcpListener, TcpTransport } from '../socket/tcp.ts';
import { UdpListener } from '../socket/udp-listener.ts';
import { ServerClient } from './server-client.ts';
import { ServerInfoSource } from './server-info.ts';
import { type ServedPV, type Source, StaticSource } from './source.ts';

/** Version of this library, as `pvlist -i` shows it. */
export const VERSION = '0.1.0';

/** What a {@link Server} is made with: configuration entries that replace those of the environment, and `log`. */
export interface ServerOptions extends Partial<ServerConfig> {
  /** What is not an error of one client: a port that was taken, no beacons. Silent by default. */
  readonly log?: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
}

const LOOPBACK = '127.0.0.1';

/** Serves PVs over pvAccess: those added by name, and those of sources. Does nothing on the network before `start`. */
export class Server {
  /** The configuration in force: the environment's with the given entries replaced. */
  readonly config: ServerConfig;
  private readonly log: NonNullable<ServerOptions['log']>;
  private readonly guid = newGuid();
  private readonly pvs = new StaticSource();
  private sources: { order: number; source: Source }[] = [];
  private readonly clients = new Set<ServerClient>();
  private listeners: TcpListener[] = [];
  private udp: UdpListener | null = null;
  private beacons: BeaconSender | null = null;
  private beaconDestinations: Destination[] = [];
  private timer: NodeJS.Timeout | null = null;
  private port = 0;
  private state: 'new' | 'running' | 'closed' = 'new';

  /** @throws ConfigError for `EPICS_PVAS_*` variables that cannot be understood */
  constructor(options: ServerOptions = {}) {
    const { log, ...config } = options;
    this.config = { ...serverConfigFromEnv(), ...config };
    this.log = log ?? (() => {});
    this.addSource(this.pvs, 0);
    this.addSource(new ServerInfoSource(`epics-pva-ts ${VERSION}`, () => this.names()), 1000);
  }

  /** A server that only this host's loopback interface can reach, on free ports: for tests. See `clientConfig`. */
  static isolated(options: ServerOptions = {}): Server {
    return new Server({
      interfaces: [LOOPBACK],
      tcpPort: 0,
      udpPort: 0,
      ignoreAddrs: [],
      beaconDestinations: [],
      autoBeacon: false,
      ...options,
    });
  }

  /** Serves a PV under a name. May be called before and after `start`. @throws Error when the name is taken */
  addPV(name: string, pv: ServedPV): this {
    this.pvs.add(name, pv);
    this.beacons?.changed();
    return this;
  }

  /** Stops serving a name; its clients are disconnected. */
  removePV(name: string): void {
    const pv = this.pvs.remove(name);
    if (!pv) return;
    this.beacons?.changed();
    (pv as { close?: () => void }).close?.();
  }

  /** Adds a source of names, asked in ascending `order`. */
  addSource(source: Source, order = 0): this {
    this.sources.push({ order, source });
    this.sources.sort((a, b) => a.order - b.order);
    return this;
  }

  /** Names of all sources that know theirs. */
  names(): string[] {
    return this.sources.flatMap(({ source }) => source.list?.() ?? []);
  }

  /** TCP port in use; 0 before `start`. */
  get tcpPort(): number {
    return this.port;
  }

  /** UDP port in use; 0 before `start`. */
  get udpPort(): number {
    return this.udp?.port ?? 0;
  }

  /** Clients connected now. */
  get clientCount(): number {
    return this.clients.size;
  }

  /**
   * Listens and answers searches. A busy TCP port is replaced by any free one.
   * @throws PvaError when an interface or the UDP port cannot be used
   */
  async start(): Promise<this> {
    if (this.state !== 'new') throw new LocalProtocolError(`this server is ${this.state}`);
    this.state = 'running';
    try {
      await this.listen();
      await this.openUdp();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.timer = setInterval(() => this.tick(), 1000);
    this.timer.unref();
    this.tick();
    return this;
  }

  private async listen(): Promise<void> {
    const hosts = this.config.interfaces.map((i) => parseAddress(i, 0).host);
    this.port = this.config.tcpPort;
    for (const host of hosts) {
      const open = (port: number): Promise<TcpListener> =>
        TcpListener.listen({ host, port, accept: (socket) => this.accept(socket) });
      let listener: TcpListener;
      try {
        listener = await open(this.port);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || this.listeners.length > 0)
          throw new PvaError(
            'PVA_LISTEN',
            `cannot listen on TCP ${host}:${this.port}: ${(error as Error).message}`,
          );
        this.log('info', `TCP port ${this.port} is taken, using a free one`);
        listener = await open(0);
      }
      this.listeners.push(listener);
      this.port = listener.port;
    }
  }

  private async openUdp(): Promise<void> {
    const responder = new UdpResponder({
      guid: this.guid,
      tcpPort: this.port,
      findNames: (names) => names.map((name) => this.has(name)),
      ignoreAddrs: this.config.ignoreAddrs,
      isLocalAddress,
      isBroadcastAddress,
    });
    this.udp = await UdpListener.open({
      port: this.config.udpPort,
      interfaces: this.config.interfaces.map((i) => parseAddress(i, 0).host),
      onDatagram: (datagram) => {
        const { reply, forward } = responder.handle(datagram);
        if (reply) this.udp?.send(reply.bytes, reply.destination, reply.from);
        if (forward) this.udp?.forwardLocal(forward);
      },
    });
    if (this.udp.localFanOutProblem) this.log('warn', this.udp.localFanOutProblem);
    const entries = this.config.beaconDestinations.map((text) => parseAddress(text, this.udpPort));
    const auto = this.config.autoBeacon ? this.config.interfaces : undefined;
    const { destinations, ignored } = await resolveDestinations(entries, auto, this.udpPort);
    for (const line of ignored) this.log('warn', line);
    this.beaconDestinations = destinations;
    this.beacons = new BeaconSender({ guid: this.guid, tcpPort: this.port, now: performance.now() });
  }

  /** Asked from the UDP socket: a source's mistake must not end the process. */
  private has(name: string): boolean {
    return this.sources.some(({ source }) => {
      try {
        return source.has(name);
      } catch (error) {
        this.log('error', `a source failed to look for '${name}': ${(error as Error).message}`);
        return false;
      }
    });
  }

  private open(name: string, client: Credentials): ServedPV | undefined {
    for (const { source } of this.sources) {
      const pv = source.open(name, client);
      if (pv) return pv;
    }
    return undefined;
  }

  private accept(socket: AcceptedSocket): void {
    let client: ServerClient | null = null;
    const transport = TcpTransport.accepted(socket, {
      closed: (error) =>
        client?.connection.transportClosed(
          error && new PvaError('PVA_SOCKET', `socket error: ${error.message}`),
        ),
    });
    client = new ServerClient(
      {
        guid: this.guid,
        tcpPort: this.port,
        timeout: this.config.tcpTimeout,
        has: (name) => this.has(name),
        open: (name, credentials) => this.open(name, credentials),
        closed: (ended, reason) => {
          this.clients.delete(ended);
          if (reason) this.log('warn', `client ${ended.peer} disconnected: ${reason.message}`);
        },
      },
      transport,
    );
    this.clients.add(client);
    transport.attach(client.connection);
  }

  private tick(): void {
    const now = performance.now();
    for (const client of this.clients) client.connection.tick(now);
    const beacon = this.beacons?.due(now);
    if (!beacon || !this.udp) return;
    for (const d of this.beaconDestinations)
      this.udp.send(d.address === LOCAL_GROUP ? beacon.withAddress(LOOPBACK) : beacon.datagram, d);
    // A unicast beacon reaches one process of a host only, so clients on this host hear it in the local group.
    if (this.config.interfaces.some((i) => i === LOOPBACK || i === '0.0.0.0'))
      this.udp.forwardLocal(beacon.withAddress(LOOPBACK));
  }

  /** Configuration with which a client on this host finds this server and no other. */
  clientConfig(): ClientConfig {
    const hosts = this.config.interfaces.map((i) => parseAddress(i, 0).host);
    const reachable = hosts.map((h) => (h === '0.0.0.0' ? LOOPBACK : h));
    return {
      addressList: reachable.map((h) => `${h}:${this.udpPort}`),
      autoAddrList: false,
      broadcastPort: this.udpPort,
      serverPort: this.port,
      interfaces: reachable,
      nameServers: [],
      tcpTimeout: this.config.tcpTimeout,
    };
  }

  /** Closes all connections and ports. */
  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    if (this.timer) clearInterval(this.timer);
    for (const client of [...this.clients]) client.close();
    await Promise.all([...this.listeners.map((l) => l.close()), this.udp?.close()]);
  }

  /** For `await using`: the same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
