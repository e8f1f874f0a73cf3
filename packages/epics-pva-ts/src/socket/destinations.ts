/**
 * Address lists to the places datagrams are sent to. Host names are looked up here, once, when a client or server
 * starts.
 */
import { lookup } from 'node:dns/promises';
import { isIpv4, isLoopback, isMulticast } from '../endpoint.ts';
import { broadcastAddresses, isBroadcastAddress, listInterfaces } from './interfaces.ts';

/** Multicast group of the local fan-out, joined on the loopback interface only. */
export const LOCAL_GROUP = '224.0.0.128';

/** Where a datagram is sent to. */
export interface Destination {
  /** IPv4. */
  readonly address: string;
  readonly port: number;
  readonly kind: 'unicast' | 'broadcast' | 'multicast';
  /** Multicast: hops, 1 if not given. */
  readonly ttl?: number;
  /** Multicast: address of the interface it leaves by; the system chooses if not given. */
  readonly interface?: string;
}

/** An entry as `parseAddress` of config.ts returns it. */
export interface DestinationEntry {
  readonly host: string;
  readonly port: number;
  readonly ttl?: number;
  readonly interface?: string;
}

export interface ResolvedDestinations {
  readonly destinations: Destination[];
  /** One line for each entry left out: unknown host, IPv6, unknown interface. */
  readonly ignored: string[];
}

/**
 * Resolves an address list. Entries that cannot be used are left out and reported, because one host that is off
 * must not keep a client from all others.
 * @param autoInterfaces if given, the broadcast addresses of these interfaces (`0.0.0.0`: of all) are added
 * @param autoPort port of the broadcasts added
 */
export async function resolveDestinations(
  entries: readonly DestinationEntry[],
  autoInterfaces?: readonly string[],
  autoPort = 5076,
): Promise<ResolvedDestinations> {
  const ignored: string[] = [];
  const found = new Map<string, Destination>();
  const add = (d: Destination): void => {
    found.set(`${d.address}:${d.port}@${d.interface ?? ''}`, d);
  };
  const resolved = await Promise.all(entries.map((entry) => resolveHost(entry.host)));
  entries.forEach((entry, i) => {
    const address = resolved[i];
    if (address === undefined) {
      const why = entry.host.includes(':') ? 'searches use IPv4 only' : 'no such host';
      ignored.push(`address list entry "${entry.host}" is left out: ${why}`);
      return;
    }
    if (!isMulticast(address)) {
      add({ address, port: entry.port, kind: isBroadcastAddress(address) ? 'broadcast' : 'unicast' });
      return;
    }
    const via = entry.interface;
    const known = listInterfaces().find((x) => x.name === via || x.address === via);
    if (via !== undefined && !known) {
      ignored.push(`address list entry "${entry.host}" is left out: this host has no interface "${via}"`);
      return;
    }
    add({
      address,
      port: entry.port,
      kind: 'multicast',
      ttl: entry.ttl ?? 1,
      ...(known && { interface: known.address }),
    });
  });
  if (autoInterfaces)
    for (const address of broadcastAddresses(autoInterfaces))
      add({ address, port: autoPort, kind: 'broadcast' });
  return { destinations: [...found.values()], ignored };
}

async function resolveHost(host: string): Promise<string | undefined> {
  if (isIpv4(host)) return host;
  if (host.includes(':')) return undefined;
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch {
    return undefined;
  }
}

/** True if a datagram sent there stays on this host. */
export function staysOnLoopback(d: Destination): boolean {
  return d.kind === 'multicast'
    ? d.interface !== undefined && isLoopback(d.interface)
    : isLoopback(d.address);
}
