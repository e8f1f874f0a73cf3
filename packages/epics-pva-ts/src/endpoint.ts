/**
 * Internet endpoints as text: the few facts about IPv4 and IPv6 addresses that discovery rules need.
 * A leaf file like errors.ts: any room may import it, it imports nothing.
 */

/** One end of a datagram or connection; `address` is dotted IPv4 or IPv6 text (with its zone), never a name. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * How a datagram reached a socket, as far as the socket's own address tells:
 *
 * - `unicast`, `broadcast`: bound to an interface's address or to its broadcast address;
 * - `wildcard`: bound to 0.0.0.0, so unicast, broadcast or multicast;
 * - `group`: bound to the local fan-out group 224.0.0.128 and joined on 127.0.0.1 only;
 * - `either`: unicast or group (Windows, where no socket can be bound to a group);
 * - `ipv6`: over IPv6, by unicast or multicast.
 *
 * What reached a multicast group of the configuration counts as `broadcast`: everybody there hears it.
 */
export type ArrivedVia = 'unicast' | 'broadcast' | 'wildcard' | 'group' | 'either' | 'ipv6';

/** A datagram as a socket hands it over. */
export interface Datagram {
  readonly bytes: Buffer;
  readonly source: Endpoint;
  /** The address of the interface it came to, the likeliest one for a wildcard socket; `0.0.0.0` when not known. */
  readonly local: string;
  readonly via: ArrivedVia;
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/** True for dotted IPv4 text (leading zeros refused: programs disagree whether they mean octal). */
export function isIpv4(address: string): boolean {
  return ipv4.test(address);
}

/** True for IPv6 text, with or without a zone (`fe80::1%eth0`). */
export function isIpv6(address: string): boolean {
  const [text = '', zone] = address.split('%');
  if (zone === '' || !/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) || text.includes(':::')) return false;
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  if (dotted !== undefined && !isIpv4(dotted)) return false;
  const halves = text.slice(0, text.length - (dotted?.length ?? 0)).split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half.split(':')).filter((group) => group !== '');
  const count = groups.length + (dotted === undefined ? 0 : 2);
  return groups.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g)) && (halves.length === 2 ? count < 8 : count === 8);
}

/** `::ffff:a.b.c.d`, as sockets of both families print IPv4, as `a.b.c.d`; anything else unchanged. */
export function unmapped(address: string): string {
  const v4 = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return v4 !== undefined && isIpv4(v4) ? v4 : address;
}

/** True for multicast: 224.0.0.0/4, ff00::/8. */
export function isMulticast(address: string): boolean {
  if (!isIpv4(address)) return /^ff[0-9a-f]{2}:/i.test(address);
  const first = firstOctet(address);
  return first >= 224 && first <= 239;
}

/** True for loopback: 127.0.0.0/8, `::1`. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && isIpv4(address));
}

/** True for the addresses that stand for all interfaces, `0.0.0.0` and `::`. */
export function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/**
 * True for one host's address; false for any, 0.0.0.0/8, multicast, 240.0.0.0/4, 255.255.255.255, and IPv6 that
 * stands for IPv4 or nobody.
 */
export function isHostAddress(address: string): boolean {
  if (isIpv4(address)) {
    const first = firstOctet(address);
    return first > 0 && first < 224;
  }
  return isIpv6(address) && address !== '::' && !isMulticast(address) && !/^::ffff:/i.test(address);
}

/** The zone of a link-local address that a datagram came from, added to one that was named in it without zone. */
export function withZoneOf(address: string, source: string): string {
  const zone = source.split('%')[1];
  return zone !== undefined && /^fe[89ab][0-9a-f]:/i.test(address) && !address.includes('%')
    ? `${address}%${zone}`
    : address;
}

function firstOctet(address: string): number {
  return Number(address.slice(0, address.indexOf('.')));
}

/** `address:port`, with brackets around IPv6. */
export function formatEndpoint(e: Endpoint): string {
  return e.address.includes(':') ? `[${e.address}]:${e.port}` : `${e.address}:${e.port}`;
}
