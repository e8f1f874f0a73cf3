/**
 * Interface lists to what a process listens on: addresses of both families and multicast groups.
 *
 * As in PVXS (pva-protocol.md 5.10): `0.0.0.0`, `[::]` and an empty list are all interfaces of both families; a
 * multicast group is joined on the interface behind its `@`, else on all; a group with an interface adds that
 * interface to the list, a group alone adds all of them.
 */
import { isAny, isIpv4, isIpv6, isMulticast } from '../endpoint.ts';
import { ConfigError } from '../errors.ts';
import {
  interfaceAddresses,
  listInterfaces,
  listInterfaces6,
  type NetworkInterface,
  type NetworkInterface6,
} from './interfaces.ts';

/** A multicast group to receive. */
export interface GroupMembership {
  readonly group: string;
  /** As {@link UdpSocketOptions.join} wants them: IPv4 addresses of interfaces, or `::%name`. */
  readonly interfaces: readonly string[];
}

/** What an interface list stands for. */
export interface ListenAddresses {
  /** IPv4 addresses; `0.0.0.0` stands alone. */
  readonly v4: readonly string[];
  /** IPv6 addresses; `::` stands alone. */
  readonly v6: readonly string[];
  /** All interfaces are meant, so `::` is wanted only if the host has IPv6. */
  readonly all: boolean;
  /** The list has an IPv6 address. */
  readonly names6: boolean;
  readonly groups: readonly GroupMembership[];
}

/** The interfaces of a host. */
export interface HostInterfaces {
  readonly v4: readonly NetworkInterface[];
  readonly v6: readonly NetworkInterface6[];
}

const thisHost = (): HostInterfaces => ({ v4: listInterfaces(), v6: listInterfaces6() });

/**
 * Reads an interface list: addresses, names of interfaces, groups; ports and hops are dropped.
 * @throws ConfigError for what is neither address nor interface of this host
 */
export function listenAddresses(list: readonly string[], host: HostInterfaces = thisHost()): ListenAddresses {
  const v6 = new Set<string>();
  const plain: string[] = [];
  const groups: { readonly address: string; readonly via: string | undefined }[] = [];
  for (const entry of list) {
    const { address, via } = splitEntry(entry);
    if (isMulticast(address)) {
      groups.push({ address, via });
      if (via === undefined) plain.push('0.0.0.0');
      else if (isIpv6(address)) for (const i of host.v6) if (i.name === via) v6.add(zoned(i));
      if (via !== undefined && isIpv4(address)) plain.push(via);
    } else if (isIpv6(address)) v6.add(address);
    else plain.push(entry);
  }
  if (v6.has('::')) plain.push('0.0.0.0');
  const v4 = plain.length > 0 || list.length === 0 ? interfaceAddresses(plain, host.v4) : [];
  const all = v4.some(isAny);
  return {
    v4,
    v6: all ? ['::'] : [...v6],
    all,
    names6: v6.size > 0,
    groups: groups.map(({ address, via }) => ({
      group: address,
      interfaces: membership(address, via, host),
    })),
  };
}

/**
 * The groups among the entries of an address list: what is sent there is to be heard too (PVXS, for
 * EPICS_PVA_ADDR_LIST and EPICS_PVAS_BEACON_ADDR_LIST when their automatic entries are wanted).
 */
export function groupsOf(list: readonly string[], host: HostInterfaces = thisHost()): GroupMembership[] {
  const groups: GroupMembership[] = [];
  for (const entry of list) {
    const { address, via } = splitEntry(entry);
    if (!isMulticast(address)) continue;
    try {
      groups.push({ group: address, interfaces: membership(address, via, host) });
    } catch {
      // The entry is reported and left out as a destination.
    }
  }
  return groups;
}

/** Where to join: the interface named by address or name, else every one that leads outside. */
function membership(group: string, via: string | undefined, host: HostInterfaces): string[] {
  const candidates: { name: string; address: string; loopback: boolean; join: string }[] = isIpv6(group)
    ? host.v6.map((i) => ({ ...i, join: `::%${i.name}` }))
    : host.v4.map((i) => ({ ...i, join: i.address }));
  const named = candidates.filter((i) => i.name === via || i.address === via);
  if (via !== undefined && named.length === 0)
    throw new ConfigError(`"${group}@${via}" in an interface list: this host has no interface "${via}"`);
  const external = candidates.filter((i) => !i.loopback);
  const chosen = via !== undefined ? named.slice(0, 1) : external.length > 0 ? external : candidates;
  return [...new Set(chosen.map((i) => i.join))];
}

function splitEntry(entry: string): { address: string; via: string | undefined } {
  const [head = '', via] = entry.split('@');
  const address = head.startsWith('[')
    ? head.slice(1, head.indexOf(']'))
    : isIpv6(head)
      ? head
      : (/^[^:,]*/.exec(head)?.[0] ?? '');
  return { address, via };
}

/** A link-local address means something on one interface only. */
function zoned(i: NetworkInterface6): string {
  return /^fe[89ab][0-9a-f]:/i.test(i.address) ? `${i.address}%${i.name}` : i.address;
}
