/**
 * Passing a unicast SEARCH on to the other processes of this host (pva-protocol.md 5.5).
 *
 * Several processes share UDP port 5076, but the system gives a unicast datagram to one of them only. Whoever gets
 * it sends it to multicast group 224.0.0.128 on the loopback interface, with an ORIGIN_TAG in front and the searching
 * client's address written into it, where every process of the host hears it. Clients that listen for beacons on
 * the port have this duty as much as servers do.
 *
 * A unicast SEARCH over IPv6 is passed on the same way, with the client's IPv6 address in it. PVXS and pvAccessCPP do
 * neither send nor understand that: there the last process to bind the port is the only one to be found.
 */
import type { Datagram } from '../endpoint.ts';
import { isHostAddress, isIpv6 } from '../endpoint.ts';
import { Command } from '../frame/command.ts';
import { HEADER_SIZE } from '../frame/header.ts';
import { type DatagramMessage, decodeDatagram, decodePayload, encodeDatagram } from '../message/datagram.ts';
import { encodeOriginTag } from '../message/origin-tag.ts';
import { decodeSearchRequest, SearchFlag, SearchOffset, type SearchRequest } from '../message/search.ts';
import { ANY_ADDRESS, encodeAddress } from '../wire/address.ts';
import { WireWriter } from '../wire/writer.ts';

/** core-pva's version, the first that knows {@link SearchFlag.REPLY_TO_SOURCE_PORT}. */
const SOURCE_PORT_VERSION = 3;

/** The port a search that came directly from its client is to be answered to. */
export function replyPort(message: DatagramMessage, request: SearchRequest, sourcePort: number): number {
  const toSource =
    (request.flags & SearchFlag.REPLY_TO_SOURCE_PORT) !== 0 && message.version >= SOURCE_PORT_VERSION;
  return toSource ? sourcePort : request.replyPort;
}

/**
 * The datagram to send to the local group for a received one; undefined when it is not for passing on: not a
 * SEARCH, sent to all anyway, passed on by another process, or not to be answered at all.
 */
export function forwardedSearch(datagram: Datagram): Buffer | undefined {
  const message = decodeDatagram(datagram.bytes)[0];
  if (message?.command !== Command.SEARCH || message.fromServer) return undefined;
  const request = decodePayload(message, decodeSearchRequest);
  return request && forwardSearch(datagram, message, request);
}

/** {@link forwardedSearch} of a datagram already decoded. */
export function forwardSearch(
  datagram: Datagram,
  message: DatagramMessage,
  request: SearchRequest,
): Buffer | undefined {
  const { source, local, via } = datagram;
  if (via === 'group' || via === 'broadcast') return undefined;
  // A socket bound to one interface's address hears only unicast; elsewhere the sender's flag has to be believed.
  if (via !== 'unicast' && (request.flags & SearchFlag.UNICAST) === 0) return undefined;
  const port = replyPort(message, request, source.port);
  // An address with a zone cannot be told to others.
  if (!isHostAddress(source.address) || source.address.includes('%') || port === 0) return undefined;
  // The source, not the reply address the packet claims: receivers trust what is passed on.
  const change = new WireWriter(message.littleEndian, 32);
  encodeAddress(change, source.address);
  change.u16(port);
  const tag = encodeDatagram(Command.ORIGIN_TAG, false, message.littleEndian, (w) =>
    encodeOriginTag(w, { address: isIpv6(local) ? ANY_ADDRESS : local }),
  );
  const length = HEADER_SIZE + message.payload.length;
  const forwarded = Buffer.concat([tag, datagram.bytes.subarray(0, length)]);
  const payload = tag.length + HEADER_SIZE;
  const flags = request.flags & ~(SearchFlag.UNICAST | SearchFlag.REPLY_TO_SOURCE_PORT);
  forwarded[payload + SearchOffset.FLAGS] = flags;
  forwarded.set(change.finishBytes(), payload + SearchOffset.REPLY_ADDRESS);
  return forwarded;
}
