/** One whole application message: header, payload, and the length put into the header when it is known. */
import type { WireWriter } from '../wire/writer.ts';
import { HEADER_SIZE, writeHeader } from './header.ts';

/** Where a header holds the payload length. */
const LENGTH_OFFSET = 4;

/**
 * Encodes one message with `w`, which must be empty. The chunks are in order; large arrays are taken by reference.
 * @throws RangeError for a payload over 4 GiB, and what `write` throws; `w` is empty again all the same
 */
export function encodeMessage(
  w: WireWriter,
  command: number,
  fromServer: boolean,
  write: (w: WireWriter) => void,
): Uint8Array[] {
  writeHeader(w, command, fromServer);
  try {
    write(w);
  } catch (error) {
    // Half a message must not become the beginning of the next one.
    w.finish();
    throw error;
  }
  const length = w.length - HEADER_SIZE;
  const chunks = w.finish();
  patchLength(chunks[0] as Uint8Array, length, w.littleEndian);
  return chunks;
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
): void {
  w.beginMessage();
  try {
    writeHeader(w, command, fromServer);
    write(w);
    const length = w.messageLength - HEADER_SIZE;
    checkLength(length);
    w.setMessageU32(LENGTH_OFFSET, length);
  } catch (error) {
    w.dropMessage();
    throw error;
  }
}

/** Sets the payload length in the header at the start of `first`. */
export function patchLength(first: Uint8Array, length: number, littleEndian: boolean): void {
  checkLength(length);
  for (let i = 0; i < 4; i++) first[LENGTH_OFFSET + i] = (length >>> ((littleEndian ? i : 3 - i) * 8)) & 0xff;
}

function checkLength(length: number): void {
  if (length > 0xffffffff)
    throw new RangeError(`a message of ${length} bytes exceeds pvAccess's limit of 4 GiB`);
}
