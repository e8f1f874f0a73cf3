/**
 * The envelope of an encrypted object, as bytes: msgpack, so that any language can read it (docs/reference/
 * encryption-envelope.md has it byte by byte). Nothing of keys here.
 *
 * What is not authenticated yet is read by the few lines below, which know binaries, texts and whole numbers only; not
 * by a complete msgpack decoder.
 */
import { Packr } from 'msgpackr';

/** Names as in COSE and JOSE, and what node:crypto calls them. */
export const ALGORITHMS = { A256GCM: 'aes-256-gcm', C20P: 'chacha20-poly1305' } as const;
export type Algorithm = keyof typeof ALGORITHMS;

export const VERSION = 1;
export const NONCE_BYTES = 12;
export const SALT_BYTES = 16;
export const TAG_BYTES = 16;
const KEY_ID_BYTES = 8;
const MAX_HEADER_BYTES = 256;

/** What can be known of an object without its key. All of it is authenticated. */
export interface EnvelopeHeader {
  readonly algorithm: Algorithm;
  readonly keyId: Buffer;
  readonly salt: Buffer;
  readonly nonce: Buffer;
  readonly objectId: bigint;
}

/** An envelope in its parts. */
export interface Envelope {
  readonly header: EnvelopeHeader;
  /** The header as it came: the additional authenticated data. */
  readonly headerBytes: Buffer;
  /** Ciphertext, then 16 bytes of tag. */
  readonly sealed: Buffer;
}

/** The bytes are no envelope, or none that this version knows. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The same object in msgpack, on memory of its own. */
export function pack(value: unknown): Buffer {
  return packr.pack(value);
}

/** The beginning of a msgpack binary of `length` bytes. */
export function binaryHead(length: number): Buffer {
  if (length < 0x100) return Buffer.of(0xc4, length);
  const head = Buffer.alloc(length < 0x10000 ? 3 : 5);
  head[0] = length < 0x10000 ? 0xc5 : 0xc6;
  head.writeUIntBE(length, 1, head.length - 1);
  return head;
}

export function packHeader(header: EnvelopeHeader): Buffer {
  const { algorithm, keyId, salt, nonce, objectId } = header;
  return pack({ version: VERSION, algorithm, keyId, salt, nonce, objectId });
}

/** The envelope of a header and what it goes with, in pieces. */
export function packEnvelope(headerBytes: Buffer, sealed: readonly Buffer[]): Buffer {
  const length = sealed.reduce((n, part) => n + part.length, 0);
  return Buffer.concat([
    Buffer.of(0x92),
    binaryHead(headerBytes.length),
    headerBytes,
    binaryHead(length),
    ...sealed,
  ]);
}

/** Reads binaries, texts and whole numbers; every length is checked. */
class StrictReader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  private take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw new FormatError('the envelope is cut short');
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  private length(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  binary(): Buffer {
    const code = this.byte();
    if (code < 0xc4 || code > 0xc6) throw new FormatError('the envelope is not of the form [header, sealed]');
    return this.take(this.length(1 << (code - 0xc4)));
  }

  private text(code: number): string {
    if (code >= 0xa0 && code <= 0xbf) return this.take(code & 0x1f).toString('utf8');
    if (code === 0xd9) return this.take(this.length(1)).toString('utf8');
    throw new FormatError('the header of the envelope is not a map with names');
  }

  name(): string {
    return this.text(this.byte());
  }

  /** A binary, a text or a whole number. */
  item(): Buffer | string | bigint {
    const code = this.byte();
    if (code <= 0x7f) return BigInt(code);
    if (code >= 0xcc && code <= 0xce) return BigInt(this.length(1 << (code - 0xcc)));
    if (code === 0xcf) return this.take(8).readBigUInt64BE();
    if (code === 0xd3) return this.take(8).readBigInt64BE();
    if (code === 0xc4) return this.take(this.length(1));
    return this.text(code);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new FormatError('the envelope has bytes behind its end');
  }
}

/** @throws FormatError */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const r = new StrictReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (r.byte() !== 0x92) throw new FormatError('the envelope is not of the form [header, sealed]');
  const headerBytes = r.binary();
  const sealed = r.binary();
  r.end();
  if (headerBytes.length > MAX_HEADER_BYTES) throw new FormatError('the header of the envelope is too long');
  if (sealed.length < TAG_BYTES) throw new FormatError('the envelope is cut short');
  return { header: readHeader(headerBytes), headerBytes, sealed };
}

function readHeader(bytes: Buffer): EnvelopeHeader {
  const r = new StrictReader(bytes);
  const code = r.byte();
  if (code < 0x80 || code > 0x8f) throw new FormatError('the header of the envelope is not a map with names');
  const fields = new Map<string, unknown>();
  for (let i = 0; i < (code & 0x0f); i++) fields.set(r.name(), r.item());
  r.end();
  const version = fields.get('version');
  if (version !== BigInt(VERSION)) throw new FormatError(`version ${version} of the envelope is not known`);
  const algorithm = fields.get('algorithm');
  if (typeof algorithm !== 'string' || !Object.hasOwn(ALGORITHMS, algorithm))
    throw new FormatError(`algorithm ${JSON.stringify(algorithm)} is not one of A256GCM, C20P`);
  const binary = (name: string, length: number): Buffer => {
    const value = fields.get(name);
    if (Buffer.isBuffer(value) && value.length === length) return value;
    throw new FormatError(`the header of the envelope has no ${name} of ${length} bytes`);
  };
  const objectId = fields.get('objectId');
  if (typeof objectId !== 'bigint' || objectId < 0n)
    throw new FormatError('the header of the envelope has no objectId');
  return {
    algorithm: algorithm as Algorithm,
    keyId: binary('keyId', KEY_ID_BYTES),
    salt: binary('salt', SALT_BYTES),
    nonce: binary('nonce', NONCE_BYTES),
    objectId,
  };
}
