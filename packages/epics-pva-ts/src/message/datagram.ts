/**
 * Whole UDP datagrams: messages, each with its header, one behind the other (pva-protocol.md 1.5).
 * Nothing a datagram holds can make this file throw: anybody can send one.
 */
import { Command } from '../frame/command.ts';
import { encodeMessage } from '../frame/frame-encoder.ts';
import { decodeHeader, HEADER_SIZE, newHeader, Segment } from '../frame/header.ts';
import { MAX_DATAGRAM_BYTES } from '../limits.ts';
import { asBuffer, WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import { type Beacon, encodeBeacon } from './beacon.ts';
import {
  encodeSearchRequest,
  encodeSearchResponse,
  type SearchRequest,
  type SearchResponse,
} from './search.ts';

/** Largest datagram this library sends: fits Ethernet's MTU with room for tunnels (as PVXS). */
export const MAX_DATAGRAM: number = MAX_DATAGRAM_BYTES;

export interface DatagramMessage {
  readonly version: number;
  readonly command: number;
  readonly fromServer: boolean;
  readonly littleEndian: boolean;
  /** View of the datagram's bytes. */
  readonly payload: Buffer;
}

/** Header and payload of one message. */
export function encodeDatagram(
  command: number,
  fromServer: boolean,
  littleEndian: boolean,
  write: (w: WireWriter) => void,
): Buffer {
  return Buffer.concat(encodeMessage(new WireWriter(littleEndian), command, fromServer, write));
}

/**
 * The application messages of a datagram, in order. Stops without a word at the first thing that is not a whole
 * unsegmented application message: a bad header, a length beyond the datagram, a control message, a segment.
 */
export function decodeDatagram(bytes: Uint8Array): DatagramMessage[] {
  const messages: DatagramMessage[] = [];
  const buffer = asBuffer(bytes);
  const header = newHeader();
  let at = 0;
  while (buffer.length - at >= HEADER_SIZE) {
    try {
      decodeHeader(buffer, at, header);
    } catch {
      break;
    }
    const start = at + HEADER_SIZE;
    if (header.control || header.segment !== Segment.WHOLE || header.length > buffer.length - start) break;
    at = start + header.length;
    messages.push({
      version: header.version,
      command: header.command,
      fromServer: header.fromServer,
      littleEndian: header.littleEndian,
      payload: buffer.subarray(start, at),
    });
  }
  return messages;
}

/** A reader of the message's payload in its byte order. */
export function readPayload(m: DatagramMessage): WireReader {
  return new WireReader(m.payload, m.littleEndian);
}

/** Decodes the payload; undefined if it is malformed. */
export function decodePayload<T>(m: DatagramMessage, decode: (r: WireReader) => T): T | undefined {
  try {
    return decode(readPayload(m));
  } catch {
    return undefined;
  }
}

/** A SEARCH as one datagram. */
export function searchDatagram(m: SearchRequest, littleEndian = true): Buffer {
  return encodeDatagram(Command.SEARCH, false, littleEndian, (w) => encodeSearchRequest(w, m));
}

/** A SEARCH_RESPONSE as one datagram. */
export function searchResponseDatagram(m: SearchResponse, littleEndian = true): Buffer {
  return encodeDatagram(Command.SEARCH_RESPONSE, true, littleEndian, (w) => encodeSearchResponse(w, m));
}

/** A BEACON as one datagram. */
export function beaconDatagram(m: Beacon, littleEndian = true): Buffer {
  return encodeDatagram(Command.BEACON, true, littleEndian, (w) => encodeBeacon(w, m));
}
