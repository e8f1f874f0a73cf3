/**
 * Server: serves PVs over pvAccess.
 *
 * ```ts
 * const server = new Server();
 * server.addPV('my:pv', SharedPV.mailbox(NTScalar.create('double', 4.2)));
 * await server.start();
 * ```
 */
import { type ClientConfig, type ServerConfig, serverConfigFromEnv } from '../config.ts';
import type { BeaconSender } from '../connection/beacon-sender.ts';
import { lossReport } from '../connection/loss-report.ts';
import type { Credentials } from '../connection/server-connection.ts';
import { LocalProtocolError, PvaError } from '../errors.ts';
import type { AccessRights } from '../message/acl-change.ts';
import { formatGuid, newGuid } from '../message/guid.ts';
import type { Lookup } from '../socket/resolve.ts';
import { type AcceptedSocket, TcpTransport } from '../socket/tcp.ts';
import type { AccessSecurity } from './access-security.ts';
import type { TrappedWrite } from './guarded-pv.ts';
import { addRefusals, DEFAULT_LIMITS, noRefusals, type ServerLimits } from './limits.ts';
import { configOfItsClients, Listeners, LOOPBACK } from './listeners.ts';
import type { ServerReport } from './report.ts';
import { ServedChannels } from './served-channels.ts';
import { ServerClient } from './server-client.ts';
import { ServerDiscovery } from './server-discovery.ts';
import { ServerInfoSource } from './server-info.ts';
import { type ServedPV, type Source, StaticSource } from './source.ts';

/** Version of this library, as `pvlist -i` shows it. */
export const VERSION = '0.1.0';

/** What a {@link Server} is made with: configuration entries that replace those of the environment, and `log`. */
export interface ServerOptions extends Partial<ServerConfig> {
  /** What is not an error of one client: a port that was taken, no beacons. Silent by default. */
  readonly log?: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** Resolves the host names of address lists; default the operating system's resolver. */
  readonly lookup?: Lookup;
  /** Who may read and write what; without it everybody may everything. See `setAccessSecurity`. */
  readonly accessSecurity?: AccessSecurity;
  /** What one client may have; those not given are the defaults. */
  readonly limits?: Partial<ServerLimits>;
  /** Told of every put and RPC that a rule with TRAPWRITE allows, before it is carried out. */
  readonly onTrapWrite?: (write: TrappedWrite) => void;
  /** Payload bytes above which a message is sent in segments; default 2^31-1, the most that every peer can read. */
  readonly maxSegment?: number;
  /**
   * What a client may do with a channel beside reading; undefined: everything. See {@link Server.accessChanged}. With
   * `accessSecurity` both must allow it.
   */
  readonly accessRights?: (name: string, client: Credentials) => AccessRights | undefined;
}

/** Where a server's own sources stand among others: its PVs, and the channel `server` (PVXS). */
const OWN_PVS_ORDER = 0;
const SERVER_CHANNEL_ORDER = -1;

/** Serves PVs over pvAccess: those added by name, and those of sources. Does nothing on the network before `start`. */
export class Server {
  /** The configuration in force: the environment's with the given entries replaced. */
  readonly config: ServerConfig;
  private readonly log: NonNullable<ServerOptions['log']>;
  private readonly lookup: Lookup | undefined;
  private readonly guidBytes = newGuid();
  private readonly maxSegment: number | undefined;
  private readonly accessRights: NonNullable<ServerOptions['accessRights']>;
  private readonly pvs = new StaticSource();
  private readonly channels: ServedChannels;
  private readonly accessSecurity: AccessSecurity | undefined;
  private readonly limits: ServerLimits;
  /** Of all clients that came; `refused` of those that are gone. */
  private counters = { accepted: 0, closed: 0, failed: 0, refused: noRefusals() };
  private readonly clients = new Set<ServerClient>();
  private readonly listeners: Listeners;
  private udp: ServerDiscovery | null = null;
  private beacons: BeaconSender | null = null;
  private timer: NodeJS.Timeout | null = null;
  private state: 'new' | 'running' | 'closed' = 'new';
  private opening: Promise<void> | undefined;

  /** @throws ConfigError for `EPICS_PVAS_*` variables that cannot be understood */
  constructor(options: ServerOptions = {}) {
    const { log, lookup, accessSecurity, accessRights, limits, maxSegment, onTrapWrite, ...config } = options;
    this.maxSegment = maxSegment;
    this.accessRights = accessRights ?? (() => undefined);
    this.config = { ...serverConfigFromEnv(), ...config };
    this.log = log ?? (() => {});
    this.lookup = lookup;
    this.accessSecurity = accessSecurity;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.listeners = new Listeners(this.config, (socket) => this.accept(socket));
    this.channels = new ServedChannels({
      problem: (message) => this.log('error', message),
      changed: () => this.beacons?.changed(),
      onTrapWrite,
    });
    this.channels.addSource(this.pvs, OWN_PVS_ORDER);
    const info = new ServerInfoSource(`epics-pva-ts ${VERSION}`, () => this.names());
    this.channels.addSource(info, SERVER_CHANNEL_ORDER, true);
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
    return this;
  }

  /** Stops serving a name that `addPV` gave; its clients' channels are destroyed. The PV itself keeps its value. */
  removePV(name: string): void {
    this.pvs.remove(name);
  }

  /**
   * Adds a source of names, before or after `start`. Sources are asked in ascending `order`, those of one order as they
   * were added. The PVs of `addPV` have order 0, the channel `server` has -1 (PVXS).
   * @throws Error when the source is there already
   */
  addSource(source: Source, order = 0): this {
    this.channels.addSource(source, order);
    return this;
  }

  /** Takes a source away and destroys the channels that came from it; false when it is not there. */
  removeSource(source: Source): boolean {
    return this.channels.removeSource(source);
  }

  /** All sources in the order they are asked, the server's own among them. */
  get sources(): readonly {
    /** The source. */
    readonly source: Source;
    /** Where it stands; smaller numbers are asked first. */
    readonly order: number;
  }[] {
    return this.channels.sources;
  }

  /**
   * Destroys all channels of a name: their clients are told and search for it again. For sources whose names go
   * without `watch`.
   * @returns how many there were
   */
  disconnect(name: string): number {
    return this.channels.disconnectName(name);
  }

  /** The option `accessRights` would answer differently now: clients are held to it, and told (ACL_CHANGE). */
  accessChanged(): void {
    for (const client of this.clients) client.updateRights();
  }

  /** Names of all sources that know theirs, each once, sorted. */
  names(): string[] {
    return this.channels.names();
  }

  /**
   * Puts other access rules in force, or none (null), also for channels that exist: monitors of clients that may no
   * longer read end with an error. To read a changed file again:
   * `await server.setAccessSecurity(await AccessSecurity.fromFile(path))`; a file with an error leaves the rules as
   * they are.
   */
  async setAccessSecurity(security: AccessSecurity | null): Promise<void> {
    for (const line of security?.warnings ?? []) this.log('warn', line);
    for (const line of (await security?.resolveHosts()) ?? []) this.log('warn', line);
    this.channels.setAccessSecurity(security);
  }

  /** By which this server is known in search answers and beacons: 24 hexadecimal digits, new for every Server. */
  get guid(): string {
    return formatGuid(this.guidBytes);
  }

  /** TCP port in use; 0 before `start`. */
  get tcpPort(): number {
    return this.listeners.port;
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
   * Who is connected, with which channels and monitors, and what went through them (PVXS's `Server::report`).
   * @param options `reset`: counters begin anew; PVXS does so unless told not to
   */
  report(options: { readonly reset?: boolean } = {}): ServerReport {
    const { reset = false } = options;
    const { accepted, closed, failed, refused: gone } = this.counters;
    const refused = { ...gone };
    const connections = Array.from(this.clients, (client) => client.report(reset));
    for (const connection of connections) addRefusals(refused, connection.refused);
    if (reset) this.counters = { accepted: 0, closed: 0, failed: 0, refused: noRefusals() };
    return { connections, accepted, closed, failed, refused };
  }

  /**
   * Listens and answers searches. A busy TCP port is replaced by any free one.
   * @throws PvaError when an interface or the UDP port cannot be used
   */
  async start(): Promise<this> {
    if (this.state !== 'new') throw new LocalProtocolError(`this server is ${this.state}`);
    this.state = 'running';
    this.opening = this.open();
    try {
      await this.opening;
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.isClosed) throw new LocalProtocolError('this server was closed while it started');
    this.timer = setInterval(() => this.tick(), 1000);
    this.timer.unref();
    this.tick();
    return this;
  }

  private async open(): Promise<void> {
    if (this.accessSecurity) await this.setAccessSecurity(this.accessSecurity);
    await this.listeners.listen((port) => this.log('info', `TCP port ${port} is taken, using a free one`));
    await this.openUdp();
  }

  private get isClosed(): boolean {
    return this.state === 'closed';
  }

  private async openUdp(): Promise<void> {
    this.udp = await ServerDiscovery.open({
      config: this.config,
      guid: this.guidBytes,
      tcpPort: this.tcpPort,
      lookup: this.lookup,
      has: (name) => this.channels.has(name),
      log: this.log,
    });
    this.beacons = this.udp.beacons;
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
        tcpPort: this.tcpPort,
        timeout: this.config.tcpTimeout,
        limits: this.limits,
        has: (name) => this.channels.has(name),
        open: (name, credentials) => this.channels.open(name, credentials),
        maxSegment: this.maxSegment,
        rights: this.accessRights,
        notice: (text) => this.log('info', text),
        closed: (ended, reason) => {
          this.clients.delete(ended);
          this.counters[reason ? 'failed' : 'closed']++;
          addRefusals(this.counters.refused, ended.report(false).refused);
          if (reason) this.log(...lossReport(`client ${ended.peer} disconnected`, reason));
        },
      },
      transport,
    );
    this.clients.add(client);
    this.counters.accepted++;
    transport.attach(client.connection);
  }

  private tick(): void {
    const now = performance.now();
    for (const client of this.clients) client.connection.tick(now);
    this.udp?.tick(now);
  }

  /** Configuration with which a client on this host finds this server and no other. */
  clientConfig(): ClientConfig {
    return configOfItsClients(this.config, { tcpPort: this.tcpPort, udpPort: this.udpPort });
  }

  /** Closes all connections and ports; a start that is under way fails. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.state = 'closed';
    // What is still being opened has to be closed, too.
    await this.opening?.catch(() => {});
    if (this.timer) clearInterval(this.timer);
    for (const client of [...this.clients]) client.close();
    await Promise.all([this.listeners.close(), this.udp?.close()]);
  }

  /** For `await using`: the same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
