/**
 * Server: serves PVs over pvAccess.
 *
 * ```ts
 * const server = new Server();
 * server.addPV('my:pv', SharedPV.mailbox(NTScalar.create('double', 4.2)));
 * await server.start();
 * ```
 */
import { type ClientConfig, parseAddress, type ServerConfig, serverConfigFromEnv } from '../config.ts';
import type { BeaconSender } from '../connection/beacon-sender.ts';
import type { Credentials } from '../connection/server-connection.ts';
import { formatEndpoint, isAny, isIpv6 } from '../endpoint.ts';
import { LocalProtocolError, PvaError } from '../errors.ts';
import { formatGuid, newGuid } from '../message/guid.ts';
import { listenAddresses } from '../socket/listen-addresses.ts';
import type { Lookup } from '../socket/resolve.ts';
import { type AcceptedSocket, TcpListener, TcpTransport } from '../socket/tcp.ts';
import { ServerClient } from './server-client.ts';
import { ServerDiscovery } from './server-discovery.ts';
import { ServerInfoSource } from './server-info.ts';
import { type ServedPV, type Source, StaticSource } from './source.ts';

/** Version of this library, as `pvlist -i` shows it. */
export const VERSION = '0.1.0';

export interface ServerOptions extends Partial<ServerConfig> {
  /** What is not an error of one client: a port that was taken, no beacons. Silent by default. */
  readonly log?: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** Resolves the host names of address lists; default the operating system's resolver. */
  readonly lookup?: Lookup;
}

const LOOPBACK = '127.0.0.1';

export class Server {
  /** The configuration in force: the environment's with the given entries replaced. */
  readonly config: ServerConfig;
  private readonly log: NonNullable<ServerOptions['log']>;
  private readonly lookup: Lookup | undefined;
  private readonly guidBytes = newGuid();
  private readonly pvs = new StaticSource();
  private sources: { order: number; source: Source }[] = [];
  private readonly clients = new Set<ServerClient>();
  private listeners: TcpListener[] = [];
  private udp: ServerDiscovery | null = null;
  private beacons: BeaconSender | null = null;
  private timer: NodeJS.Timeout | null = null;
  private port = 0;
  private state: 'new' | 'running' | 'closed' = 'new';

  /** @throws ConfigError for `EPICS_PVAS_*` variables that cannot be understood */
  constructor(options: ServerOptions = {}) {
    const { log, lookup, ...config } = options;
    this.config = { ...serverConfigFromEnv(), ...config };
    this.log = log ?? (() => {});
    this.lookup = lookup;
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

  /** By which this server is known in search answers and beacons: 24 hexadecimal digits, new for every Server. */
  get guid(): string {
    return formatGuid(this.guidBytes);
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
    this.port = this.config.tcpPort;
    for (const { host, port } of listenHosts(this.config)) {
      const open = (tcpPort: number): Promise<TcpListener> =>
        TcpListener.listen({ host, port: tcpPort, accept: (socket) => this.accept(socket) });
      const wanted = port || this.port;
      let listener: TcpListener;
      try {
        listener = await open(wanted);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || this.listeners.length > 0)
          throw new PvaError(
            'PVA_LISTEN',
            `cannot listen on TCP ${formatEndpoint({ address: host, port: wanted })}: ${(error as Error).message}`,
          );
        this.log('info', `TCP port ${wanted} is taken, using a free one`);
        listener = await open(0);
      }
      this.listeners.push(listener);
      // Answers and beacons can name one port only: that of the first interface (PVXS).
      if (this.listeners.length === 1) this.port = listener.port;
    }
  }

  private async openUdp(): Promise<void> {
    this.udp = await ServerDiscovery.open({
      config: this.config,
      guid: this.guidBytes,
      tcpPort: this.port,
      lookup: this.lookup,
      has: (name) => this.has(name),
      log: this.log,
    });
    this.beacons = this.udp.beacons;
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
        guid: this.guidBytes,
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
    this.udp?.tick(now);
  }

  /** Configuration with which a client on this host finds this server and no other. */
  clientConfig(): ClientConfig {
    const hosts = listenHosts(this.config).map(({ host }) => host);
    const reachable = hosts.map((h) => (isAny(h) ? LOOPBACK : h));
    return {
      addressList: reachable.map((address) => formatEndpoint({ address, port: this.udpPort })),
      autoAddrList: false,
      broadcastPort: this.udpPort,
      serverPort: this.port,
      interfaces: reachable.map((h) => (isIpv6(h) ? `[${h}]` : h)),
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Where to listen for TCP: the addresses of the interface list, each with the port given behind it (0: none). */
function listenHosts(config: ServerConfig): { readonly host: string; readonly port: number }[] {
  const { v4, v6, all } = listenAddresses(config.interfaces);
  const ports = new Map(
    config.interfaces.map((text) => {
      const { host, port } = parseAddress(text, 0);
      return [host, port];
    }),
  );
  // One socket listens on all interfaces of both families.
  const hosts = all ? v4 : [...v4, ...v6];
  return hosts.map((host) => ({ host, port: ports.get(host) ?? (isAny(host) ? ports.get('::') : 0) ?? 0 }));
}
