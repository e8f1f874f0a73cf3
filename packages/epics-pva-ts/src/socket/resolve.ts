/**
 * Host names to addresses. The resolver can be replaced, so that what depends on names is tested without a network.
 */
import { lookup } from 'node:dns/promises';
import { isIpv4, isIpv6 } from '../endpoint.ts';

/** All addresses of a host name, the one to try first in front; rejects or is empty when there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** The operating system's resolver (`/etc/hosts`, DNS), IPv4 first as PVXS. */
const systemLookup: Lookup = async (host) => {
  const found = await lookup(host, { all: true, verbatim: true });
  return [...found].sort((a, b) => a.family - b.family).map((a) => a.address);
};

/** The addresses of a host name, or the address itself; empty if there are none. Never rejects. */
export async function resolveHost(
  host: string,
  lookupHost: Lookup = systemLookup,
): Promise<readonly string[]> {
  if (isIpv4(host) || isIpv6(host)) return [host];
  try {
    return (await lookupHost(host)).filter((address) => isIpv4(address) || isIpv6(address));
  } catch {
    return [];
  }
}
