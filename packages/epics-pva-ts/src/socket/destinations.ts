/**
 * Address lists to the places datagrams are sent to. Host names are looked up here, once, when a client or server
 * starts.
 */
import { isIpv6, isLoopback, isMulticast } from '../endpoint.ts';
import { broadcastAddresses, isBroadcastAddress, listInterfaces, listInterfaces6 } from './interfaces.ts';
import { type Lookup, resolveHost } from './resolve.ts';

/** Multicast group of the local fan-out, joined on the loopback interface only. */
export const LOCAL_GROUP = '224.0.0.128';

/** Where a datagram is sent to. */
export interface Destination {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly port: number;
  readonly kind: 'unicast' | 'broadcast' | 'multicast';
  /** Multicast: hops, 1 if not given. */
  readonly ttl?: number;
  /** Multicast: the interface it leaves by, its address or for IPv6 `::%name`; the system chooses if not given. */
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
  /** One line for each entry left out: unknown host, unknown interface. */
  readonly ignored: string[];
}

/**
 * Resolves an address list. Entries that cannot be used are left out and reported, because one host that is off
 * must not keep a client from all others. What is there twice is kept once, with the larger number of hops (PVXS).
 * @param autoInterfaces if given, the broadcast addresses of these interfaces (`0.0.0.0`: of all) are added
 * @param autoPort port of the broadcasts added
 */
export async function resolveDestinations(
  entries: readonly DestinationEntry[],
  autoInterfaces?: readonly string[],
  autoPort = 5076,
  lookup?: Lookup,
): Promise<ResolvedDestinations> {
  const ignored: string[] = [];
  const found = new Map<string, Destination>();
  const add = (d: Destination): void => {
    const key = `${d.address} ${d.port} ${d.interface ?? ''}`;
    if ((found.get(key)?.ttl ?? -1) < (d.ttl ?? 0)) found.set(key, d);
  };
  const resolved = await Promise.all(entries.map((entry) => resolveHost(entry.host, lookup)));
  entries.forEach((entry, i) => {
    const leaveOut = (why: string): void => {
      ignored.push(`address list entry "${entry.host}" is left out: ${why}`);
    };
    const address = resolved[i]?.[0];
    if (address === undefined) {
      leaveOut('no such host');
      return;
    }
    if (!isMulticast(address)) {
      add({ address, port: entry.port, kind: isBroadcastAddress(address) ? 'broadcast' : 'unicast' });
      return;
    }
    const via = multicastInterface(address, entry.interface);
    if (entry.interface !== undefined && via === undefined) {
      leaveOut(`this host has no interface "${entry.interface}"`);
      return;
    }
    add({
      address,
      port: entry.port,
      kind: 'multicast',
      ttl: entry.ttl ?? 1,
      ...(via !== undefined && { interface: via }),
    });
  });
  if (autoInterfaces)
    for (const address of broadcastAddresses(autoInterfaces))
      add({ address, port: autoPort, kind: 'broadcast' });
  return { destinations: [...found.values()], ignored };
}

/** How a socket is told which interface multicast to `group` leaves by; undefined if this host does not have it. */
function multicastInterface(group: string, via: string | undefined): string | undefined {
  const named = via ?? group.split('%')[1];
  if (named === undefined) return undefined;
  if (!isIpv6(group)) return listInterfaces().find((x) => x.name === named || x.address === named)?.address;
  const known = listInterfaces6().find((x) => x.name === named || x.address === named);
  return known && `::%${known.name}`;
}

/** True if a datagram sent there stays on this host. */
export function staysOnLoopback(d: Destination): boolean {
  if (d.kind !== 'multicast') return isLoopback(d.address);
  if (d.interface === undefined) return false;
  if (!d.interface.startsWith('::%')) return isLoopback(d.interface);
  const name = d.interface.slice(3);
  return listInterfaces6().some((x) => x.name === name && x.loopback);
}
