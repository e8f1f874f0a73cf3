/**
 * The network interfaces of this host: their addresses, their broadcast addresses (IPv4), and whether an address is
 * one of them.
 *
 * Node does not tell an interface's broadcast address; it is computed from the netmask, which is what every system
 * configures unless told otherwise. Loopback has none here, though Linux would take 127.255.255.255.
 */
import os from 'node:os';
import { isIpv4, isLoopback, isMulticast } from '../endpoint.ts';
import { ConfigError } from '../errors.ts';

/** One IPv4 address of an interface; an interface can have several. */
export interface NetworkInterface {
  /** For example `eth0`. */
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  /** Missing for loopback and for networks of one or two addresses. */
  readonly broadcast?: string;
  readonly loopback: boolean;
}

/** The form of `os.networkInterfaces()`. */
export type SystemInterfaces = ReturnType<typeof os.networkInterfaces>;

/** All IPv4 addresses of this host. */
export function listInterfaces(system: SystemInterfaces = os.networkInterfaces()): NetworkInterface[] {
  const list: NetworkInterface[] = [];
  for (const [name, addresses] of Object.entries(system)) {
    for (const { address, netmask, family, internal } of addresses ?? []) {
      if (family !== 'IPv4') continue;
      const broadcast = internal ? undefined : broadcastOf(address, netmask);
      list.push({ name, address, netmask, loopback: internal, ...(broadcast && { broadcast }) });
    }
  }
  return list;
}

/** One IPv6 address of an interface. */
export interface NetworkInterface6 {
  readonly name: string;
  readonly address: string;
  readonly loopback: boolean;
}

/** All IPv6 addresses of this host. */
export function listInterfaces6(system: SystemInterfaces = os.networkInterfaces()): NetworkInterface6[] {
  return Object.entries(system).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter((a) => a.family === 'IPv6')
      .map((a) => ({ name, address: a.address, loopback: a.internal })),
  );
}

/** The network's highest address; undefined for /31 and /32, which have no broadcast. */
function broadcastOf(address: string, netmask: string): string | undefined {
  const mask = toNumber(netmask);
  if (mask >= 0xfffffffe) return undefined;
  const n = (toNumber(address) | ~mask) >>> 0;
  return [n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff].join('.');
}

function toNumber(address: string): number {
  return address.split('.').reduce((n, part) => ((n << 8) | Number(part)) >>> 0, 0);
}

/** The interface that has this address or, if none has, whose network it is in. */
export function interfaceOf(
  address: string,
  interfaces: readonly NetworkInterface[] = listInterfaces(),
): NetworkInterface | undefined {
  const n = toNumber(address);
  return (
    interfaces.find((i) => i.address === address) ??
    interfaces.find((i) => ((n ^ toNumber(i.address)) & toNumber(i.netmask)) === 0)
  );
}

/**
 * The addresses an interface list names: IPv4 addresses as they are, interface names replaced by their addresses,
 * a port or anything behind the host dropped, IPv6 left out. Any (`0.0.0.0`, or an empty list) stands alone.
 * @throws ConfigError for what is neither address nor interface
 */
export function interfaceAddresses(
  list: readonly string[],
  interfaces: readonly NetworkInterface[] = listInterfaces(),
): string[] {
  const addresses = new Set<string>();
  for (const entry of list) {
    if (entry.startsWith('[') || entry.indexOf(':') !== entry.lastIndexOf(':')) continue;
    const host = /^[^:,@]*/.exec(entry)?.[0] as string;
    if (isIpv4(host) && !isMulticast(host)) {
      addresses.add(host);
      continue;
    }
    const named = interfaces.filter((i) => i.name === host || (host === 'localhost' && i.loopback));
    if (named.length === 0)
      throw new ConfigError(
        `"${entry}" in the interface list is no interface of this host; it has ${describe(interfaces)}`,
      );
    for (const i of named) addresses.add(i.address);
  }
  if (addresses.has('0.0.0.0') || list.length === 0) return ['0.0.0.0'];
  return [...addresses];
}

function describe(interfaces: readonly NetworkInterface[]): string {
  return interfaces.map((i) => `${i.address} (${i.name})`).join(', ') || 'none';
}

/** The broadcast addresses of these interface addresses, of all interfaces for `0.0.0.0`: the automatic list. */
export function broadcastAddresses(
  addresses: readonly string[] = ['0.0.0.0'],
  interfaces: readonly NetworkInterface[] = listInterfaces(),
): string[] {
  const all = addresses.includes('0.0.0.0');
  const found = new Set<string>();
  for (const i of interfaces)
    if (i.broadcast && (all || addresses.includes(i.address))) found.add(i.broadcast);
  return [...found];
}

/** How long an answer of the system counts: interfaces come and go, datagrams come faster. */
const SNAPSHOT_MS = 10_000;
let snapshot:
  | { time: number; list: NetworkInterface[]; addresses: Set<string>; broadcasts: Set<string> }
  | undefined;

function current(): NonNullable<typeof snapshot> {
  const time = performance.now();
  if (!snapshot || time - snapshot.time > SNAPSHOT_MS) {
    const list = listInterfaces();
    const addresses = new Set([...list, ...listInterfaces6()].map((i) => i.address));
    snapshot = { time, list, addresses, broadcasts: new Set(list.flatMap((i) => i.broadcast ?? [])) };
  }
  return snapshot;
}

/** True for loopback and the addresses of this host's interfaces, as of the last 10 s. */
export function isLocalAddress(address: string): boolean {
  return isLoopback(address) || current().addresses.has(address.split('%')[0] as string);
}

/** True for the broadcast addresses of this host's networks, as of the last 10 s, and 255.255.255.255. */
export function isBroadcastAddress(address: string): boolean {
  return address === '255.255.255.255' || current().broadcasts.has(address);
}

/**
 * The address of this host that a datagram from `source` most likely was sent to, when the socket cannot tell: of
 * the interface in the same network, or of the only one that leads outside; `0.0.0.0` if there are several.
 */
export function likelyLocalAddress(
  source: string,
  interfaces: readonly NetworkInterface[] = current().list,
): string {
  const near = interfaceOf(source, interfaces);
  if (near) return near.address;
  const outside = interfaces.filter((i) => !i.loopback);
  return outside.length === 1 ? (outside[0] as NetworkInterface).address : '0.0.0.0';
}
