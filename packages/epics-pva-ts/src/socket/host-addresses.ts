/** Host names and addresses for access rules: looked up through the system, never guessed. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Is the text an IPv4 or IPv6 address? */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** All addresses of a host, IPv4 and IPv6; none if the system knows no such host. */
export async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map((found) => found.address);
  } catch {
    return [];
  }
}
