/** The 12 random bytes by which a server process is known in beacons and search replies. */
import { randomBytes } from 'node:crypto';
import type { WireReader } from '../wire/reader.ts';

export const GUID_LENGTH = 12;

/** A GUID for one run of a server. */
export function newGuid(): Uint8Array {
  return randomBytes(GUID_LENGTH);
}

/** Reads a GUID into memory of its own: it outlives the datagram it came in. */
export function decodeGuid(r: WireReader): Uint8Array {
  const at = r.skip(GUID_LENGTH);
  return new Uint8Array(r.bytes.subarray(at, at + GUID_LENGTH));
}

/** 24 hex digits, also usable as a key. */
export function formatGuid(guid: Uint8Array): string {
  let text = '';
  for (const byte of guid) text += byte.toString(16).padStart(2, '0');
  return text;
}
