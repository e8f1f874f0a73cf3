/**
 * Client and server configuration, and how the EPICS_PVA_* and EPICS_PVAS_* environment variables become one.
 *
 * Variables, defaults and precedence are those of PVXS (pva-protocol.md 5.10), with one difference on purpose: PVXS
 * logs a value it cannot read and goes on with the default; here it is a {@link ConfigError}, because a typing
 * error that silently becomes "search the whole site" costs a beam time.
 */
import { isIpv4 } from './endpoint.ts';
import { ConfigError } from './errors.ts';
import { TCP_TIMEOUT_SECONDS } from './limits.ts';

/** UDP port of searches and beacons unless configured. */
const DEFAULT_BROADCAST_PORT = 5076;
/** TCP port of servers unless configured. */
const DEFAULT_SERVER_PORT = 5075;

/** What a client needs to know of its network. */
export interface ClientConfig {
  /** Where searches go: `host[:port][,ttl][@interface]`, unicast, broadcast or multicast. */
  addressList: string[];
  /** Search the broadcast address of every interface too. Default true. */
  autoAddrList: boolean;
  /** UDP port of searches and of the beacons listened to. Default 5076. */
  broadcastPort: number;
  /** TCP port of name servers given without one. Default 5075. */
  serverPort: number;
  /**
   * Interfaces used: addresses or names; `0.0.0.0` is all of them. A multicast group (`224.0.1.1@eth0`,
   * `[ff02::42]@eth0`) is joined, to hear beacons sent there.
   */
  interfaces: string[];
  /** Servers searched over TCP, `host[:port]`; names are resolved again for each connection. */
  nameServers: string[];
  /** Seconds without a received byte after which a connection is closed. Default 40, at least 2. */
  tcpTimeout: number;
}

/** What a server needs to know of its network. */
export interface ServerConfig {
  /**
   * Interfaces served: addresses or names; `0.0.0.0` is all of them. A port behind one is its TCP port. A multicast
   * group (`224.0.1.1@eth0`, `[ff02::42]@eth0`) is joined, to hear searches sent there.
   */
  interfaces: string[];
  /** Searches from these hosts (`host`: from any port; `host:port`) are not answered. */
  ignoreAddrs: string[];
  /** TCP port; any free one if it is taken, or 0. Default 5075. */
  tcpPort: number;
  /** UDP port of searches and beacons; 0 is any free one. Default 5076. */
  udpPort: number;
  /** Where beacons go: `host[:port][,ttl][@interface]`. */
  beaconDestinations: string[];
  /** Send beacons to the broadcast address of every interface too. Default true. */
  autoBeacon: boolean;
  /** Seconds without a received byte after which a connection is closed. Default 40, at least 2. */
  tcpTimeout: number;
}

/** The form of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One entry of an address list. */
export interface AddressEntry {
  /** Name, IPv4 or IPv6 text without brackets. */
  readonly host: string;
  readonly port: number;
  /** Hops of multicast. */
  readonly ttl?: number;
  /** Address or name of the interface that multicast leaves by. */
  readonly interface?: string;
}

/**
 * Reads `host[:port][,ttl][@interface]`, IPv6 in brackets, as PVXS does; port 0 is `defaultPort`.
 * @throws ConfigError naming the text
 */
export function parseAddress(text: string, defaultPort: number): AddressEntry {
  const wrong = (why: string): never => {
    throw new ConfigError(`"${text}" is not an address of the form host[:port][,ttl][@interface]: ${why}`);
  };
  const m = /^(?:\[([^\]]*)\]|([^[\],@:]*))(?::([^,@:]*))?(?:,([^,@]*))?(?:@([^@,]*))?$/.exec(text);
  if (!m) return wrong((text.match(/:/g)?.length ?? 0) > 1 ? 'IPv6 needs brackets' : 'malformed');
  const [, v6, name, portText, ttlText, iface] = m;
  const host = v6 ?? name ?? '';
  if (v6 !== undefined) {
    if (!/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%[\w.-]+)?$/.test(v6)) wrong(`"${v6}" is not an IPv6 address`);
  } else if (/^[\d.]+$/.test(host) ? !isIpv4(host) : !/^[\w.-]+$/.test(host)) {
    wrong(host === '' ? 'the host is missing' : `"${host}" is neither an IPv4 address nor a host name`);
  }
  let port = 0;
  if (portText !== undefined) {
    port = wholeNumber(portText, 65535) ?? wrong(`"${portText}" is not a port (0 to 65535)`);
  }
  let ttl: number | undefined;
  if (ttlText !== undefined) ttl = wholeNumber(ttlText, 255) ?? wrong(`"${ttlText}" is not a TTL (0 to 255)`);
  if (iface === '') wrong('the interface is missing');
  return {
    host,
    port: port === 0 ? defaultPort : port,
    ...(ttl !== undefined && { ttl }),
    ...(iface !== undefined && { interface: iface }),
  };
}

/**
 * The client configuration EPICS_PVA_* describes.
 * @throws ConfigError naming variable and text
 */
export function clientConfigFromEnv(env: Environment = process.env): ClientConfig {
  const read = new VariableReader(env);
  const broadcastPort = read.port(['EPICS_PVA_BROADCAST_PORT'], DEFAULT_BROADCAST_PORT, 1);
  return {
    addressList: read.addresses(['EPICS_PVA_ADDR_LIST'], broadcastPort),
    autoAddrList: read.bool(['EPICS_PVA_AUTO_ADDR_LIST'], true),
    broadcastPort,
    // 0 means "any free port" to servers that share the variable; nobody can be searched there.
    serverPort:
      read.port(['EPICS_PVA_SERVER_PORT', 'EPICS_PVAS_SERVER_PORT'], DEFAULT_SERVER_PORT, 0) ||
      DEFAULT_SERVER_PORT,
    interfaces: read.interfaces(['EPICS_PVA_INTF_ADDR_LIST']),
    nameServers: read.addresses(['EPICS_PVA_NAME_SERVERS'], DEFAULT_SERVER_PORT),
    tcpTimeout: read.timeout(['EPICS_PVA_CONN_TMO']),
  };
}

/**
 * The server configuration EPICS_PVAS_* describes; where one is unset, its EPICS_PVA_* counterpart counts.
 * @throws ConfigError naming variable and text
 */
export function serverConfigFromEnv(env: Environment = process.env): ServerConfig {
  const read = new VariableReader(env);
  const udpPort = read.port(
    ['EPICS_PVAS_BROADCAST_PORT', 'EPICS_PVA_BROADCAST_PORT'],
    DEFAULT_BROADCAST_PORT,
    0,
  );
  return {
    interfaces: read.interfaces(['EPICS_PVAS_INTF_ADDR_LIST']),
    ignoreAddrs: read.addresses(['EPICS_PVAS_IGNORE_ADDR_LIST'], 0),
    tcpPort: read.port(['EPICS_PVAS_SERVER_PORT', 'EPICS_PVA_SERVER_PORT'], DEFAULT_SERVER_PORT, 0),
    udpPort,
    beaconDestinations: read.addresses(['EPICS_PVAS_BEACON_ADDR_LIST', 'EPICS_PVA_ADDR_LIST'], udpPort),
    autoBeacon: read.bool(['EPICS_PVAS_AUTO_BEACON_ADDR_LIST', 'EPICS_PVA_AUTO_ADDR_LIST'], true),
    tcpTimeout: read.timeout(['EPICS_PVA_CONN_TMO']),
  };
}

/** Takes the first variable of a list that is set and not empty. */
class VariableReader {
  private readonly env: Environment;

  constructor(env: Environment) {
    this.env = env;
  }

  private first(names: readonly string[]): { name: string; text: string } | undefined {
    for (const name of names) {
      const text = this.env[name]?.trim();
      if (text) return { name, text };
    }
    return undefined;
  }

  port(names: readonly string[], otherwise: number, least: 0 | 1): number {
    const v = this.first(names);
    if (!v) return otherwise;
    const n = wholeNumber(v.text, 65535);
    if (n === undefined || n < least)
      throw new ConfigError(`${v.name}="${v.text}" is not a port: give a number from ${least} to 65535`);
    return n;
  }

  bool(names: readonly string[], otherwise: boolean): boolean {
    const v = this.first(names);
    if (!v) return otherwise;
    const text = v.text.toUpperCase();
    if (text === 'YES' || text === '1' || text === 'TRUE') return true;
    if (text === 'NO' || text === '0' || text === 'FALSE') return false;
    throw new ConfigError(`${v.name}="${v.text}" is neither YES nor NO`);
  }

  /** CONN_TMO x 4/3, because peers use it both as echo period and as limit (PVXS); 0 is the default. */
  timeout(names: readonly string[]): number {
    const v = this.first(names);
    if (!v) return TCP_TIMEOUT_SECONDS;
    const n = Number(v.text);
    if (!Number.isFinite(n) || n < 0)
      throw new ConfigError(`${v.name}="${v.text}" is not a time: give seconds, for example 30`);
    return n === 0 ? TCP_TIMEOUT_SECONDS : Math.max(2, (n * 4) / 3);
  }

  addresses(names: readonly string[], defaultPort: number): string[] {
    const v = this.first(names);
    if (!v) return [];
    const entries = [...new Set(v.text.split(/\s+/))];
    for (const entry of entries) {
      try {
        parseAddress(entry, defaultPort);
      } catch (error) {
        throw new ConfigError(`${v.name}: ${(error as Error).message}`);
      }
    }
    return entries;
  }

  interfaces(names: readonly string[]): string[] {
    const list = this.addresses(names, 0);
    return list.length > 0 ? list : ['0.0.0.0'];
  }
}

/** Decimal text as a number from 0 to `most`, else undefined. */
function wholeNumber(text: string, most: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const n = Number(text);
  return n <= most ? n : undefined;
}
