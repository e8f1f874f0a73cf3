/**
 * ORIGIN_TAG: stands in front of a SEARCH that one process of a host passes on to the others
 * (pva-protocol.md 5.5).
 */
import { decodeAddress, encodeAddress } from '../wire/address.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';

export interface OriginTag {
  /** The address of this host that the SEARCH was sent to; `0.0.0.0` if the forwarder does not know. */
  readonly address: string;
}

export function encodeOriginTag(w: WireWriter, m: OriginTag): void {
  encodeAddress(w, m.address);
}

/** @throws DecodeError */
export function decodeOriginTag(r: WireReader): OriginTag {
  return { address: decodeAddress(r) };
}
