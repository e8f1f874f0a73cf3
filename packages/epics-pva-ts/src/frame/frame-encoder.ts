/**
 * One whole application message: header, payload, and the length put into the header when it is known. A payload
 * above a limit leaves in segments.
 */
import { MAX_SEGMENT_BYTES } from '../limits.ts';
import { WireWriter } from '../wire/writer.ts';
import { decodeHeader, HEADER_SIZE, headerFlags, newHeader, Segment, writeHeader } from './header.ts';

/** Where a header holds the payload length. */
const LENGTH_OFFSET = 4;

/**
 * Encodes one message with `w`, which must be empty. The chunks are in order; large arrays are taken by reference.
 * @throws what `write` throws; `w` is empty again all the same
 */
export function encodeMessage(
  w: WireWriter,
  command: number,
  fromServer: boolean,
  write: (w: WireWriter) => void,
  maxSegment: number = MAX_SEGMENT_BYTES,
): Uint8Array[] {
  appendMessage(w, command, fromServer, write, maxSegment);
  return w.finish();
}

/**
 * Writes one message behind those that `w` holds already, so that small ones leave together in one piece.
 * @throws as {@link encodeMessage}; `w` then holds what it held before
 */
export function appendMessage(
  w: WireWriter,
  command: number,
  fromServer: boolean,
  write: (w: WireWriter) => void,
  maxSegment: number = MAX_SEGMENT_BYTES,
): void {
  w.beginMessage();
  try {
    writeHeader(w, command, fromServer);
    write(w);
    const length = w.messageLength - HEADER_SIZE;
    if (length > maxSegment) w.replaceMessage((chunks) => inSegments(chunks, length, maxSegment));
    else w.setMessageU32(LENGTH_OFFSET, length);
  } catch (error) {
    w.dropMessage();
    throw error;
  }
}

/** Sets the payload length in the header at the start of `first`. */
function patchLength(first: Uint8Array, length: number, littleEndian: boolean): void {
  for (let i = 0; i < 4; i++) first[LENGTH_OFFSET + i] = (length >>> ((littleEndian ? i : 3 - i) * 8)) & 0xff;
}

/**
 * Cuts one whole message into segments of at most `size` payload bytes: a header in front of each, the first of which
 * is there already. Copies no payload.
 * @param chunks the message in order, its header (whose length may be missing) in the first
 * @param length payload bytes, more than `size`
 */
function inSegments(chunks: readonly Uint8Array[], length: number, size: number): Uint8Array[] {
  const first = chunks[0] as Uint8Array;
  const { fromServer, littleEndian, command } = decodeHeader(first, 0, newHeader());
  first[2] = headerFlags(fromServer, littleEndian, Segment.FIRST);
  patchLength(first, size, littleEndian);
  const headers = new WireWriter(littleEndian, 64 * HEADER_SIZE);
  const out: Uint8Array[] = [first.subarray(0, HEADER_SIZE)];
  let left = length;
  /** Bytes the segment begun takes still. */
  let room = size;
  for (const [i, chunk] of chunks.entries()) {
    for (let at = i === 0 ? HEADER_SIZE : 0; at < chunk.length; ) {
      if (room === 0) {
        room = Math.min(size, left);
        writeHeader(headers, command, fromServer, room, room < left ? Segment.MIDDLE : Segment.LAST);
        out.push(...headers.finish());
      }
      const n = Math.min(room, chunk.length - at);
      out.push(chunk.subarray(at, at + n));
      at += n;
      room -= n;
      left -= n;
    }
  }
  return out;
}
