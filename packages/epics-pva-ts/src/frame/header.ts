/**
 * The 8-byte header in front of every pvAccess message (pva-protocol.md 1.1).
 *
 * | offset | field   | value                                                                          |
 * | ------ | ------- | ------------------------------------------------------------------------------ |
 * | 0      | magic   | 0xCA                                                                           |
 * | 1      | version | of the sender: PVXS and pvAccessCPP 2, core-pva 3; all from 1 on are accepted  |
 * | 2      | flags   | below                                                                          |
 * | 3      | command | application or control message number                                          |
 * | 4      | u32     | application: payload length, header not counted; control: the message's datum  |
 *
 * | flag | meaning                                                                 |
 * | ---- | ----------------------------------------------------------------------- |
 * | 0x01 | control message, no payload follows                                     |
 * | 0x0E | sent as 0, ignored                                                      |
 * | 0x30 | 0x00 whole message, 0x10 first segment, 0x30 middle segment, 0x20 last  |
 * | 0x40 | sent by the server                                                      |
 * | 0x80 | big endian, this header's u32 included                                  |
 *
 * Which commands and segments may follow which is not decided here.
 */
import { DecodeError } from '../errors.ts';
import type { WireWriter } from '../wire/writer.ts';

export const HEADER_SIZE = 8;
const MAGIC = 0xca;
/** The version this library sends: 2 enables the inactivity close and payload-preserving ECHO. */
const PROTOCOL_VERSION = 2;

/** Bits of the flags byte. */
export const HeaderFlag = { CONTROL: 0x01, SEGMENT_MASK: 0x30, SERVER: 0x40, BIG_ENDIAN: 0x80 } as const;

/** Values of the segment bits. */
export const Segment = { WHOLE: 0x00, FIRST: 0x10, LAST: 0x20, MIDDLE: 0x30 } as const;
export type Segment = (typeof Segment)[keyof typeof Segment];

/** A decoded header. One object is reused for all messages of a connection: copy what must be kept. */
export interface Header {
  version: number;
  /** Application or control message number, see `control`. */
  command: number;
  control: boolean;
  segment: Segment;
  fromServer: boolean;
  littleEndian: boolean;
  /** Payload bytes that follow; for a control message its datum. */
  length: number;
}

/** A header to decode into. */
export function newHeader(): Header {
  return {
    version: 0,
    command: 0,
    control: false,
    segment: Segment.WHOLE,
    fromServer: false,
    littleEndian: false,
    length: 0,
  };
}

/**
 * Decodes the header at `offset` into `out` and returns `out`; allocates nothing.
 * The caller has made sure that {@link HEADER_SIZE} bytes are there.
 * @throws DecodeError on a wrong magic byte or version 0
 */
export function decodeHeader(bytes: Uint8Array, offset: number, out: Header): Header {
  if (bytes[offset] !== MAGIC) throw notAHeader(bytes, offset);
  const version = bytes[offset + 1] as number;
  if (version === 0) throw new DecodeError('peer sent a message of protocol version 0, which does not exist');
  const flags = bytes[offset + 2] as number;
  const littleEndian = (flags & HeaderFlag.BIG_ENDIAN) === 0;
  const a = bytes[offset + 4] as number;
  const b = bytes[offset + 5] as number;
  const c = bytes[offset + 6] as number;
  const d = bytes[offset + 7] as number;
  out.version = version;
  out.command = bytes[offset + 3] as number;
  out.control = (flags & HeaderFlag.CONTROL) !== 0;
  out.segment = (flags & HeaderFlag.SEGMENT_MASK) as Segment;
  out.fromServer = (flags & HeaderFlag.SERVER) !== 0;
  out.littleEndian = littleEndian;
  out.length =
    (littleEndian ? (d << 24) | (c << 16) | (b << 8) | a : (a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return out;
}

function notAHeader(bytes: Uint8Array, offset: number): DecodeError {
  const start = Array.from(bytes.subarray(offset, offset + HEADER_SIZE), (x) =>
    x.toString(16).padStart(2, '0'),
  );
  return new DecodeError(`expected a pvAccess header (ca ...), got ${start.join(' ') || 'nothing'}`);
}

/** The flags byte of a message. */
export function headerFlags(
  fromServer: boolean,
  littleEndian: boolean,
  segment: Segment = Segment.WHOLE,
): number {
  return (fromServer ? HeaderFlag.SERVER : 0) | (littleEndian ? 0 : HeaderFlag.BIG_ENDIAN) | segment;
}

/**
 * Writes an application message's header in the writer's byte order; frame-encoder.ts sets the length afterwards.
 */
export function writeHeader(
  w: WireWriter,
  command: number,
  fromServer: boolean,
  length = 0,
  segment: Segment = Segment.WHOLE,
): void {
  w.u8(MAGIC);
  w.u8(PROTOCOL_VERSION);
  w.u8(headerFlags(fromServer, w.littleEndian, segment));
  w.u8(command);
  w.u32(length);
}

/** Writes a whole control message in the writer's byte order. */
export function writeControl(w: WireWriter, command: number, fromServer: boolean, datum = 0): void {
  w.u8(MAGIC);
  w.u8(PROTOCOL_VERSION);
  w.u8(headerFlags(fromServer, w.littleEndian) | HeaderFlag.CONTROL);
  w.u8(command);
  w.u32(datum);
}
