/**
 * SEARCH (client: who has these names?) and SEARCH_RESPONSE (server: I have), over UDP and, for name servers,
 * over TCP. Layouts: pva-protocol.md 5.1. The two counts of names are u16, not sizes.
 */
import { DecodeError } from '../errors.ts';
import { MAX_SEARCH_PROTOCOLS } from '../limits.ts';
import { ANY_ADDRESS, decodeAddress, encodeAddress } from '../wire/address.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { decodeGuid } from './guid.ts';

/** Bits of {@link SearchRequest.flags}. */
export const SearchFlag = {
  /** Answer even if no name is known. */
  REPLY_REQUIRED: 0x01,
  /** Version 3 (core-pva): answer to the port the datagram came from instead of the reply port. */
  REPLY_TO_SOURCE_PORT: 0x02,
  /** The datagram went to a unicast address, so only one process of that host got it. */
  UNICAST: 0x80,
} as const;

/** A name searched for; `cid` is the searching client's number for it. */
export interface SearchChannel {
  readonly cid: number;
  readonly name: string;
}

export interface SearchRequest {
  readonly sequence: number;
  /** {@link SearchFlag} bits. */
  readonly flags: number;
  /** Where to answer to; {@link ANY_ADDRESS} is the sender of the datagram. */
  readonly replyAddress: string;
  readonly replyPort: number;
  /** Transports the client speaks; none means any. PVXS wants "tcp" to be among them. */
  readonly protocols: readonly string[];
  /** None is the discovery ping. */
  readonly channels: readonly SearchChannel[];
}

export interface SearchResponse {
  readonly guid: Uint8Array;
  /** Of the request. */
  readonly sequence: number;
  /** {@link ANY_ADDRESS} is the sender of the datagram or, over TCP, this connection. */
  readonly serverAddress: string;
  readonly serverPort: number;
  readonly protocol: string;
  readonly found: boolean;
  readonly cids: readonly number[];
}

/** Offsets in a SEARCH payload of what a forwarder changes. */
export const SearchOffset = { FLAGS: 4, REPLY_ADDRESS: 8, REPLY_PORT: 24 } as const;

export function encodeSearchRequest(w: WireWriter, m: SearchRequest): void {
  w.u32(m.sequence);
  w.u8(m.flags);
  w.u8(0);
  w.u16(0);
  encodeAddress(w, m.replyAddress);
  w.u16(m.replyPort);
  w.size(m.protocols.length);
  for (const p of m.protocols) w.string(p);
  w.u16(m.channels.length);
  for (const c of m.channels) {
    w.u32(c.cid);
    w.string(c.name);
  }
}

/** @throws DecodeError */
export function decodeSearchRequest(r: WireReader): SearchRequest {
  const sequence = r.u32();
  const flags = r.u8();
  r.skip(3);
  const replyAddress = decodeAddress(r);
  const replyPort = r.u16();
  const protocolCount = r.count(1);
  // Peers name one or two; a hostile SEARCH over TCP could fill memory with empty strings.
  if (protocolCount > MAX_SEARCH_PROTOCOLS)
    throw new DecodeError(`${protocolCount} transport protocols in one SEARCH`);
  const protocols: string[] = [];
  for (let n = protocolCount; n > 0; n--) protocols.push(r.string());
  const channels: SearchChannel[] = [];
  for (let n = count16(r, 5); n > 0; n--) channels.push({ cid: r.u32(), name: r.string() });
  return { sequence, flags, replyAddress, replyPort, protocols, channels };
}

export function encodeSearchResponse(w: WireWriter, m: SearchResponse): void {
  w.bytes(m.guid);
  w.u32(m.sequence);
  encodeAddress(w, m.serverAddress);
  w.u16(m.serverPort);
  w.string(m.protocol);
  w.bool(m.found);
  w.u16(m.cids.length);
  for (const cid of m.cids) w.u32(cid);
}

/** @throws DecodeError */
export function decodeSearchResponse(r: WireReader): SearchResponse {
  const guid = decodeGuid(r);
  const sequence = r.u32();
  const serverAddress = decodeAddress(r);
  const serverPort = r.u16();
  const protocol = r.string();
  const found = r.bool();
  const cids: number[] = [];
  for (let n = count16(r, 4); n > 0; n--) cids.push(r.u32());
  return { guid, sequence, serverAddress, serverPort, protocol, found, cids };
}

/** True if a client of these protocols can use a TCP server. */
export function acceptsTcp(m: SearchRequest): boolean {
  return m.protocols.length === 0 || m.protocols.includes('tcp');
}

/** Bytes of a SEARCH payload in front of its names, for a client that offers only "tcp". */
export const SEARCH_OVERHEAD = 4 + 4 + 16 + 2 + 1 + 4 + 2;

/** The request this library's clients send. */
export function searchRequest(
  channels: readonly SearchChannel[],
  options: { sequence: number; flags: number; replyPort: number },
): SearchRequest {
  return { ...options, replyAddress: ANY_ADDRESS, protocols: ['tcp'], channels };
}

function count16(r: WireReader, minBytes: number): number {
  const n = r.u16();
  if (n * minBytes > r.remaining)
    throw new DecodeError(`${n} names or numbers declared, ${r.remaining} byte(s) left`);
  return n;
}
