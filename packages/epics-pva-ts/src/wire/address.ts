/**
 * The 16-byte addresses of SEARCH, SEARCH_RESPONSE, BEACON and ORIGIN_TAG.
 *
 * IPv4 travels IPv4-mapped (`::ffff:a.b.c.d`). "Any" means "whoever sent this datagram". pvAccessCPP rejects
 * non-zero addresses that are not IPv4-mapped, so any is always written as `::ffff:0.0.0.0`; PVXS writes plain
 * zeros in searches, so both are read.
 */
import type { WireReader } from './reader.ts';
import type { WireWriter } from './writer.ts';

/** The any address, as text. */
export const ANY_ADDRESS = '0.0.0.0';

const DOTTED = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

/** IPv6 text whose last 32 bits are dotted (`::ffff:1.2.3.4`, IPv4 on sockets of both families) as eight groups. */
function withoutDots(address: string): string {
  const group = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
  return address.replace(DOTTED, (_, a, b, c, d) => `${group(a, b)}:${group(c, d)}`);
}

/** Writes dotted IPv4 or IPv6 text of any form; a zone (`%eth0`) does not travel. */
export function encodeAddress(w: WireWriter, address: string): void {
  const v6 = address.includes('.') && !address.includes(':') ? `::ffff:${address}` : address;
  const [head = '', tail] = withoutDots(v6.split('%')[0] as string).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  for (let i = 0; i < 8; i++) {
    const g = Number.parseInt(groups[i] as string, 16) || 0;
    w.u8(g >> 8);
    w.u8(g & 0xff);
  }
}

/** Any (zero or mapped) is returned as `0.0.0.0`, IPv4-mapped as dotted text, the rest as IPv6 text. */
export function decodeAddress(r: WireReader): string {
  const at = r.skip(16);
  const b = r.bytes.subarray(at, at + 16);
  const zeros = b.subarray(0, 10).every((x) => x === 0);
  const mapped = zeros && b[10] === 0xff && b[11] === 0xff;
  if (mapped) return `${b[12]}.${b[13]}.${b[14]}.${b[15]}`;
  if (zeros && b.subarray(10).every((x) => x === 0)) return ANY_ADDRESS;
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((b[i] as number) << 8) | (b[i + 1] as number)).toString(16));
  return shortened(groups);
}

/** One address, one text (RFC 5952): the longest run of zero groups, from two on, is left out. */
function shortened(groups: readonly string[]): string {
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === '0') end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
