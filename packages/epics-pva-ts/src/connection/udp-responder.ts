/**
 * The server's side of UDP: what to answer to a datagram, and what to pass on to other processes of the host.
 * No I/O: a datagram and where it came from go in, bytes and where they go to come out.
 *
 * Rules: pva-protocol.md 5.3, 5.5 and 10.2. Anybody can send a datagram with a forged source, so this must be of no
 * use for hitting third parties: one reply a datagram, at most 1400 bytes, to the datagram's own source; to an
 * address named inside it only when a process of this host has vouched for that.
 */
import type { Datagram, Endpoint } from '../endpoint.ts';
import { formatEndpoint, isHostAddress, isLoopback } from '../endpoint.ts';
import { Command } from '../frame/command.ts';
import { HEADER_SIZE } from '../frame/header.ts';
import { MAX_NAME_BYTES } from '../limits.ts';
import {
  type DatagramMessage,
  decodeDatagram,
  decodePayload,
  MAX_DATAGRAM,
  searchResponseDatagram,
} from '../message/datagram.ts';
import { GUID_LENGTH } from '../message/guid.ts';
import { decodeOriginTag } from '../message/origin-tag.ts';
import {
  acceptsTcp,
  decodeSearchRequest,
  SearchFlag,
  type SearchRequest,
  type SearchResponse,
} from '../message/search.ts';
import { ANY_ADDRESS } from '../wire/address.ts';
import { forwardSearch, replyPort } from './fan-out.ts';
import { RecentSearches } from './recent-searches.ts';

/** Accepted by every server in CREATE_CHANNEL, never found by a search (pva-protocol.md 5.6). */
export const SERVER_CHANNEL = 'server';

const RESPONSE_OVERHEAD = GUID_LENGTH + 4 + 16 + 2 + 4 + 1 + 2;
/** Numbers that fit a SEARCH_RESPONSE of {@link MAX_DATAGRAM} bytes: more than names fit a SEARCH of that size. */
const MAX_REPLY_CIDS = Math.floor((MAX_DATAGRAM - HEADER_SIZE - RESPONSE_OVERHEAD) / 4);

/** Tells for each name whether the server has it; `source` is the searching client. */
export type FindNames = (names: readonly string[], source: Endpoint) => readonly boolean[];

export interface UdpResponderOptions {
  readonly guid: Uint8Array;
  /** Announced in replies. */
  readonly tcpPort: number;
  readonly findNames: FindNames;
  /** Searches from these `address`, `address:port` or `[address]:port` are not answered. */
  readonly ignoreAddrs?: readonly string[];
  /** True for addresses of this host. Default: loopback only. */
  readonly isLocalAddress?: (address: string) => boolean;
  /** True for broadcast addresses of this host's networks, to which nothing is answered. Default: none. */
  readonly isBroadcastAddress?: (address: string) => boolean;
}

export interface UdpReply {
  readonly bytes: Buffer;
  readonly destination: Endpoint;
  /** Address of this host to send from, because clients connect to it; `0.0.0.0` leaves it to the routes. */
  readonly from: string;
}

/** What to do about a datagram: answer, pass on, both, or (mostly) nothing. */
export interface UdpDecision {
  readonly reply?: UdpReply;
  /** For the local group. */
  readonly forward?: Buffer;
}

const NOTHING: UdpDecision = Object.freeze({});

export class UdpResponder {
  private readonly options: UdpResponderOptions;
  private readonly ignored: ReadonlySet<string>;
  private readonly recent = new RecentSearches();

  constructor(options: UdpResponderOptions) {
    this.options = options;
    this.ignored = new Set(options.ignoreAddrs ?? []);
  }

  /** Searches that came by several ways and were answered once. */
  get duplicates(): number {
    return this.recent.duplicates;
  }

  /**
   * Decides about a datagram; never throws unless `findNames` does.
   * @param now milliseconds of any monotonic clock; without it copies of a search are not recognised
   */
  handle(datagram: Datagram, now?: number): UdpDecision {
    const [first, second] = decodeDatagram(datagram.bytes);
    if (first?.command === Command.ORIGIN_TAG && second?.command === Command.SEARCH)
      return this.handleForwarded(datagram, first, second, now);
    if (first?.command !== Command.SEARCH) return NOTHING;
    // Some peers leave the tag out; what reaches the group was passed on all the same (PVXS).
    return datagram.via === 'group'
      ? this.handleForwarded(datagram, undefined, first, now)
      : this.handleDirect(datagram, first, now);
  }

  /** A search passed on by a process of this host: it names the client, and is not passed on again. */
  private handleForwarded(
    datagram: Datagram,
    tag: DatagramMessage | undefined,
    search: DatagramMessage,
    now: number | undefined,
  ): UdpDecision {
    // Only processes of this host reach the group, so a tag that came another way is a forgery.
    if (datagram.via !== 'group' && datagram.via !== 'either') return NOTHING;
    if (!this.isLocal(datagram.source.address)) return NOTHING;
    const origin = tag ? decodePayload(tag, decodeOriginTag) : { address: ANY_ADDRESS };
    const request = decodePayload(search, decodeSearchRequest);
    if (!origin || !request || search.fromServer) return NOTHING;
    const from = this.isLocal(origin.address) ? origin.address : ANY_ADDRESS;
    const client = { address: request.replyAddress, port: request.replyPort };
    if (this.isIgnored(client) || this.isCopy(client, search, now)) return NOTHING;
    const reply = this.answer(request, client, from);
    return reply ? { reply } : NOTHING;
  }

  private handleDirect(datagram: Datagram, message: DatagramMessage, now: number | undefined): UdpDecision {
    const request = message.fromServer ? undefined : decodePayload(message, decodeSearchRequest);
    if (!request) return NOTHING;
    // The reply address the packet claims is not used: if it differs from the source, it is somebody else's.
    const port = replyPort(message, request, datagram.source.port);
    const client = { address: datagram.source.address, port };
    const silent =
      this.isIgnored(datagram.source) || this.isIgnored(client) || this.isCopy(client, message, now);
    const reply = silent ? undefined : this.answer(request, client, datagram.local);
    const forward = forwardSearch(datagram, message, request);
    return { ...(reply && { reply }), ...(forward && { forward }) };
  }

  private answer(request: SearchRequest, client: Endpoint, from: string): UdpReply | undefined {
    if (client.port === 0 || !isHostAddress(client.address)) return undefined;
    if (this.options.isBroadcastAddress?.(client.address)) return undefined;
    const response = answerSearch(request, client, this.options, MAX_REPLY_CIDS);
    return response && { bytes: searchResponseDatagram(response), destination: client, from };
  }

  private isIgnored(client: Endpoint): boolean {
    return this.ignored.has(client.address) || this.ignored.has(formatEndpoint(client));
  }

  private isCopy(client: Endpoint, search: DatagramMessage, now: number | undefined): boolean {
    return now !== undefined && this.recent.isDuplicate(client, search.payload, now);
  }

  private isLocal(address: string): boolean {
    return this.options.isLocalAddress?.(address) ?? isLoopback(address);
  }
}

/**
 * The answer to a SEARCH, over UDP or TCP; undefined when it is to be met with silence: nothing found and no reply
 * required, or a client that does not speak TCP (PVXS, pva-protocol.md 5.3).
 */
export function answerSearch(
  request: SearchRequest,
  client: Endpoint,
  server: { readonly guid: Uint8Array; readonly tcpPort: number; readonly findNames: FindNames },
  maxCids = 0xffff,
): SearchResponse | undefined {
  if (!acceptsTcp(request)) return undefined;
  const asked = request.channels.filter((c) => isSearchable(c.name));
  const cids: number[] = [];
  if (asked.length > 0) {
    const found = server.findNames(
      asked.map((c) => c.name),
      client,
    );
    for (let i = 0; i < asked.length && cids.length < maxCids; i++)
      if (found[i]) cids.push((asked[i] as { cid: number }).cid);
  }
  if (cids.length === 0 && (request.flags & SearchFlag.REPLY_REQUIRED) === 0) return undefined;
  return {
    guid: server.guid,
    sequence: request.sequence,
    serverAddress: ANY_ADDRESS,
    serverPort: server.tcpPort,
    protocol: 'tcp',
    found: cids.length > 0,
    cids,
  };
}

function isSearchable(name: string): boolean {
  return name !== '' && name !== SERVER_CHANNEL && Buffer.byteLength(name, 'utf8') <= MAX_NAME_BYTES;
}
