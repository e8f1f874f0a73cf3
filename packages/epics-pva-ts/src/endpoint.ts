/**
 * Internet endpoints as text: the few facts about IPv4 addresses that discovery rules need.
 * A leaf file like errors.ts: any room may import it, it imports nothing.
 */

/** One end of a datagram or connection; `address` is dotted IPv4 or IPv6 text, never a name. */
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
 * - `either`: unicast or group (Windows, where no socket can be bound to a group).
 */
export type ArrivedVia = 'unicast' | 'broadcast' | 'wildcard' | 'group' | 'either';

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

/** True for IPv4 multicast, 224.0.0.0/4. */
export function isMulticast(address: string): boolean {
  if (!isIpv4(address)) return false;
  const first = Number(address.slice(0, address.indexOf('.')));
  return first >= 224 && first <= 239;
}

/** True for IPv4 loopback, 127.0.0.0/8. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') && isIpv4(address);
}

/** True for one host's IPv4 address; false for any, 0.0.0.0/8, multicast, 240.0.0.0/4 and 255.255.255.255. */
export function isHostAddress(address: string): boolean {
  if (!isIpv4(address)) return false;
  const first = Number(address.slice(0, address.indexOf('.')));
  return first > 0 && first < 224;
}

/** `address:port`, with brackets around IPv6. */
export function formatEndpoint(e: Endpoint): string {
  return e.address.includes(':') ? `[${e.address}]:${e.port}` : `${e.address}:${e.port}`;
}
