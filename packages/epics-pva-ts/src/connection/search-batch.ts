/**
 * Names into SEARCH messages that fit one datagram each. The same names go to unicast addresses with the unicast
 * flag, to broadcast and multicast addresses without it, and to name servers over TCP (pva-protocol.md 5.4, 5.8).
 */
import { HEADER_SIZE } from '../frame/header.ts';
import { MAX_DATAGRAM, searchDatagram } from '../message/datagram.ts';
import {
  SEARCH_OVERHEAD,
  type SearchChannel,
  SearchFlag,
  SearchOffset,
  searchRequest,
} from '../message/search.ts';

/** The sequence number PVXS sends, "find"; replies are told apart by cid and GUID, not by it. */
export const SEARCH_SEQUENCE = 0x66696e64;

/** One search, ready to send. */
export interface SearchDatagrams {
  /** For unicast addresses. */
  readonly unicast: Buffer;
  /** For broadcast and multicast addresses. */
  readonly group: Buffer;
}

/**
 * Splits names into groups whose SEARCH is at most `limit` bytes long, header included. A name that is too long
 * even alone gets a group of its own and leaves the fragmenting to IP.
 */
export function* searchBatches(
  channels: Iterable<SearchChannel>,
  limit: number = MAX_DATAGRAM,
): Generator<SearchChannel[]> {
  const room = limit - HEADER_SIZE - SEARCH_OVERHEAD;
  let batch: SearchChannel[] = [];
  let used = 0;
  for (const channel of channels) {
    const bytes = Buffer.byteLength(channel.name, 'utf8');
    const needed = 4 + (bytes < 254 ? 1 : 5) + bytes;
    if (batch.length > 0 && used + needed > room) {
      yield batch;
      batch = [];
      used = 0;
    }
    batch.push(channel);
    used += needed;
  }
  if (batch.length > 0) yield batch;
}

/** The datagrams that search for these names; replies come to `replyPort`. */
export function* searchDatagrams(
  channels: Iterable<SearchChannel>,
  replyPort: number,
): Generator<SearchDatagrams> {
  for (const batch of searchBatches(channels)) yield forBoth(batch, replyPort, 0, ['tcp']);
}

/**
 * The datagram every server answers, with a GUID and "found" false: asks who is there (pva-protocol.md 5.6).
 * It names no protocol, which means any.
 */
export function discoveryPing(replyPort: number): SearchDatagrams {
  return forBoth([], replyPort, SearchFlag.REPLY_REQUIRED, []);
}

function forBoth(
  channels: readonly SearchChannel[],
  replyPort: number,
  flags: number,
  protocols: readonly string[],
): SearchDatagrams {
  const options = { sequence: SEARCH_SEQUENCE, flags: flags | SearchFlag.UNICAST, replyPort };
  const unicast = searchDatagram({ ...searchRequest(channels, options), protocols });
  const group = Buffer.from(unicast);
  group[HEADER_SIZE + SearchOffset.FLAGS] = flags;
  return { unicast, group };
}
