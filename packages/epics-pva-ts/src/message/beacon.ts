/**
 * BEACON: a server says over UDP that it is there (pva-protocol.md 5.1, 5.7).
 *
 * Behind the protocol stands a "server status", a FieldDesc with a value. Every server sends the null type, no
 * client reads it: ours writes `FF` and ignores whatever comes.
 */
import { decodeAddress, encodeAddress } from '../wire/address.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { decodeGuid } from './guid.ts';

export interface Beacon {
  readonly guid: Uint8Array;
  /** Counts beacons, modulo 256. */
  readonly sequence: number;
  /** Counts changes of the server's set of names, modulo 65536 (PVXS; pvAccessCPP always 0). */
  readonly changeCount: number;
  /** `0.0.0.0` is the sender of the datagram. */
  readonly serverAddress: string;
  readonly serverPort: number;
  readonly protocol: string;
}

export function encodeBeacon(w: WireWriter, m: Beacon): void {
  w.bytes(m.guid);
  w.u8(0);
  w.u8(m.sequence);
  w.u16(m.changeCount);
  encodeAddress(w, m.serverAddress);
  w.u16(m.serverPort);
  w.string(m.protocol);
  w.u8(0xff);
}

/** @throws DecodeError */
export function decodeBeacon(r: WireReader): Beacon {
  const guid = decodeGuid(r);
  r.skip(1);
  return {
    guid,
    sequence: r.u8(),
    changeCount: r.u16(),
    serverAddress: decodeAddress(r),
    serverPort: r.u16(),
    protocol: r.string(),
  };
}
