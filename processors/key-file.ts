/**
 * Secret keys in files: 32 bytes as they are, or written as 64 hexadecimal digits or in base64, or made of a private key
 * (private-key-file.ts). What is no key is refused in one line that never shows the file's contents.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Arguments } from './arguments.ts';
import { secretOfPrivateKey } from './private-key-file.ts';

const KEY_BYTES = 32;
/** No form of a key is longer; an image or a device is not read to its end. */
const MAX_FILE_BYTES = 16_384;

/** A key, and the name it has in envelopes. */
export interface SecretKey {
  readonly file: string;
  readonly key: KeyObject;
  /** 8 bytes that tell keys apart and say nothing about them. */
  readonly id: Buffer;
  /** Rights of the file, if others than its owner have any; they should have none. */
  readonly open: number | undefined;
}

/** The argument `keyFile`: one file, or a list where several keys may be in use. @throws Error when there is none */
export function keyFilesArgument(args: Arguments, several: boolean): string[] {
  const value = args['keyFile'];
  const list = several && Array.isArray(value) ? (value as unknown[]) : [value];
  const files = list.filter((file): file is string => typeof file === 'string' && file !== '');
  if (files.length > 0 && files.length === list.length) return files;
  const wanted = several ? 'the path of a key file, or a list of them' : 'the path of a key file';
  throw new Error(`argument keyFile: ${JSON.stringify(value) ?? 'nothing'} is not ${wanted}`);
}

/** @throws Error when the file cannot be read or holds no key */
export function readKeyFile(file: string): SecretKey {
  const { bytes, mode } = contentsOf(file);
  const key = keyIn(bytes, file);
  if (!key)
    throw new Error(
      `key file '${file}' holds no key: it needs 32 random bytes, as they are or as 64 hexadecimal digits or base64, or a private key`,
    );
  const open = process.platform !== 'win32' && (mode & 0o077) !== 0 ? mode & 0o777 : undefined;
  return { file, key: createSecretKey(key), id: keyIdOf(key), open };
}

function contentsOf(file: string): { readonly bytes: Buffer; readonly mode: number } {
  try {
    const { size, mode } = statSync(file);
    return { bytes: size > MAX_FILE_BYTES ? Buffer.alloc(0) : readFileSync(file), mode };
  } catch (error) {
    throw new Error(`key file '${file}' cannot be read: ${(error as Error).message.split(',')[0]}`);
  }
}

function keyIn(bytes: Buffer, file: string): Buffer | undefined {
  const text = bytes.toString('latin1').trim();
  try {
    const secret = secretOfPrivateKey(text);
    if (secret) return secret;
  } catch (error) {
    throw new Error(`key file '${file}': ${(error as Error).message}`);
  }
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[\w+/-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  return bytes.length === KEY_BYTES && !isText(bytes) ? bytes : undefined;
}

/** 32 characters that can be typed are a password, which is no key. */
function isText(bytes: Buffer): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x09 && byte <= 0x0d));
}

/** HKDF-SHA-256 without salt: nothing about the key follows from it. */
export function keyIdOf(key: Buffer | KeyObject): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', 'epics-hpc EncryptedData 1 key id', 8));
}
