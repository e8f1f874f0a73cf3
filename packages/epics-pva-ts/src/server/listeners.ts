/** The TCP ports a server listens on, one for each address of its interface list (pva-protocol.md 5.1). */
import { type ClientConfig, parseAddress, type ServerConfig } from '../config.ts';
import { formatEndpoint, isAny, isIpv6 } from '../endpoint.ts';
import { PvaError } from '../errors.ts';
import { listenAddresses } from '../socket/listen-addresses.ts';
import { type AcceptedSocket, TcpListener } from '../socket/tcp.ts';

export const LOOPBACK = '127.0.0.1';

export class Listeners {
  private readonly config: ServerConfig;
  private readonly accept: (socket: AcceptedSocket) => void;
  private readonly open: TcpListener[] = [];

  constructor(config: ServerConfig, accept: (socket: AcceptedSocket) => void) {
    this.config = config;
    this.accept = accept;
  }

  /** The one port that answers and beacons can name: that of the first interface (PVXS); 0 before `listen`. */
  get port(): number {
    return this.open[0]?.port ?? 0;
  }

  /**
   * A busy port of the first interface is replaced by any free one, and `taken` is told.
   * @throws PvaError when an interface cannot be used; those before it stay open until `close`
   */
  async listen(taken: (port: number) => void): Promise<void> {
    for (const { host, port } of listenHosts(this.config)) {
      const wanted = port || this.port || this.config.tcpPort;
      try {
        await this.add(host, wanted);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || this.open.length > 0)
          throw new PvaError(
            'PVA_LISTEN',
            `cannot listen on TCP ${formatEndpoint({ address: host, port: wanted })}: ${(error as Error).message}`,
          );
        taken(wanted);
        await this.add(host, 0);
      }
    }
  }

  private async add(host: string, port: number): Promise<void> {
    this.open.push(await TcpListener.listen({ host, port, accept: this.accept }));
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map((listener) => listener.close()));
  }
}

/** Where to listen for TCP: the addresses of the interface list, each with the port given behind it (0: none). */
export function listenHosts(config: ServerConfig): { readonly host: string; readonly port: number }[] {
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

/** Configuration of clients on this host that find the server with these ports and no other. */
export function configOfItsClients(
  config: ServerConfig,
  { tcpPort, udpPort }: { readonly tcpPort: number; readonly udpPort: number },
): ClientConfig {
  const reachable = listenHosts(config).map(({ host }) => (isAny(host) ? LOOPBACK : host));
  return {
    addressList: reachable.map((address) => formatEndpoint({ address, port: udpPort })),
    autoAddrList: false,
    broadcastPort: udpPort,
    serverPort: tcpPort,
    interfaces: reachable.map((host) => (isIpv6(host) ? `[${host}]` : host)),
    nameServers: [],
    tcpTimeout: config.tcpTimeout,
  };
}
