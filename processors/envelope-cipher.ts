/**
 * Sealing and opening envelopes: an authenticated cipher under keys of sessions.
 *
 * Every run of an encryptor is a session of its own: a random salt, and by HKDF a key that no other session has. So
 * the nonce can be a counter, which never repeats, and several encryptors may have the same key file and know nothing
 * of each other; a random nonce of 96 bits would be safe for 2^32 objects of a key file only (NIST SP 800-38D 8.3).
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import {
  ALGORITHMS,
  type Algorithm,
  type EnvelopeHeader,
  NONCE_BYTES,
  packEnvelope,
  packHeader,
  readEnvelope,
  SALT_BYTES,
  TAG_BYTES,
} from './envelope-format.ts';
import type { SecretKey } from './key-file.ts';
import { ReplayWindow } from './replay-window.ts';

/** A new session begins after so many objects or bytes; far below what the ciphers allow. */
const SESSION_OBJECTS = 2 ** 32;
const SESSION_BYTES = 2 ** 36;
/** Sessions a decryptor remembers: each is a run of one encryptor. */
const REMEMBERED_SESSIONS = 64;

function sessionKey(key: KeyObject, algorithm: Algorithm, salt: Buffer): KeyObject {
  const bytes = hkdfSync('sha256', key, salt, `epics-hpc EncryptedData 1 ${algorithm}`, 32);
  return createSecretKey(Buffer.from(bytes));
}

// The two algorithms are of two kinds to the types of Node.js, and one to its code.
const modeOf = (algorithm: Algorithm): 'aes-256-gcm' => ALGORITHMS[algorithm] as 'aes-256-gcm';
const TAG = { authTagLength: TAG_BYTES } as const;

/** Seals objects with one key. */
export class Sealer {
  private readonly secret: SecretKey;
  private readonly algorithm: Algorithm;
  private salt: Buffer;
  private key: KeyObject;
  private count = 0;
  private bytes = 0;

  /** `salt` is random unless a test wants known bytes. */
  constructor(secret: SecretKey, algorithm: Algorithm, salt: Buffer = randomBytes(SALT_BYTES)) {
    this.secret = secret;
    this.algorithm = algorithm;
    this.salt = salt;
    this.key = sessionKey(secret.key, algorithm, salt);
  }

  /** The envelope of a plaintext that comes in pieces. */
  seal(objectId: bigint, plaintext: readonly Uint8Array[]): Buffer {
    const size = plaintext.reduce((n, part) => n + part.length, 0);
    if (this.count >= SESSION_OBJECTS || this.bytes + size > SESSION_BYTES) this.beginSession();
    const { algorithm, salt, secret } = this;
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeUIntBE(this.count++, NONCE_BYTES - 6, 6);
    this.bytes += size;
    const header = packHeader({ algorithm, keyId: secret.id, salt, nonce, objectId });
    const cipher = createCipheriv(modeOf(algorithm), this.key, nonce, TAG).setAAD(header);
    const sealed = plaintext.map((part) => cipher.update(part));
    sealed.push(cipher.final(), cipher.getAuthTag());
    return packEnvelope(header, sealed);
  }

  private beginSession(): void {
    this.salt = randomBytes(SALT_BYTES);
    this.key = sessionKey(this.secret.key, this.algorithm, this.salt);
    this.count = 0;
    this.bytes = 0;
  }
}

/** Why an envelope could not be opened. */
export type OpenFailure = 'unknownKey' | 'rejected' | 'replayed';

/** An envelope that is well formed and was not opened. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly failure: OpenFailure;

  constructor(failure: OpenFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

interface Session {
  readonly keyId: string;
  /** Undefined when the key it was made of is no longer among the opener's. */
  key: KeyObject | undefined;
  readonly window: ReplayWindow;
}

/** Opens envelopes that were sealed with one of several keys. */
export class Opener {
  private keys: ReadonlyMap<string, SecretKey>;
  /** In order of their last use; never more than {@link REMEMBERED_SESSIONS}, whatever keys come and go. */
  private readonly sessions = new Map<string, Session>();

  constructor(keys: readonly SecretKey[]) {
    this.keys = byId(keys);
  }

  /**
   * Other keys from now on. What came before is remembered, also under keys that are gone: they may come back, and what
   * was recorded meanwhile with them. Only what can decrypt is forgotten.
   */
  setKeys(keys: readonly SecretKey[]): void {
    const before = this.keys;
    this.keys = byId(keys);
    for (const session of this.sessions.values()) {
      const secret = before.get(session.keyId);
      const now = this.keys.get(session.keyId);
      if (!secret || !now?.key.equals(secret.key)) session.key = undefined;
    }
  }

  /**
   * The header and the plaintext. With `once` the same envelope is refused the next time.
   * @throws FormatError, OpenError
   */
  open(bytes: Uint8Array, once: boolean): { readonly header: EnvelopeHeader; readonly plaintext: Buffer } {
    const { header, headerBytes, sealed } = readEnvelope(bytes);
    const { algorithm, salt, nonce } = header;
    const keyId = header.keyId.toString('hex');
    const secret = this.keys.get(keyId);
    if (!secret)
      throw new OpenError(
        'unknownKey',
        `encrypted with key ${keyId}; here there is ${[...this.keys.keys()].join(', ')}`,
      );
    const name = `${keyId} ${algorithm} ${salt.toString('hex')}`;
    const session = this.sessions.get(name) ?? { keyId, key: undefined, window: new ReplayWindow() };
    session.key ??= sessionKey(secret.key, algorithm, salt);
    const plaintext = decrypt(modeOf(algorithm), session.key, nonce, headerBytes, sealed);
    // Only what is authentic may push other sessions out.
    this.remember(name, session);
    if (once && !session.window.admit(BigInt(`0x${nonce.toString('hex')}`)))
      throw new OpenError('replayed', `object ${header.objectId} came before, or is much too old`);
    return { header, plaintext };
  }

  private remember(name: string, session: Session): void {
    this.sessions.delete(name);
    this.sessions.set(name, session);
    if (this.sessions.size > REMEMBERED_SESSIONS)
      this.sessions.delete(this.sessions.keys().next().value as string);
  }
}

function byId(keys: readonly SecretKey[]): ReadonlyMap<string, SecretKey> {
  return new Map(keys.map((secret) => [secret.id.toString('hex'), secret]));
}

function decrypt(mode: 'aes-256-gcm', key: KeyObject, nonce: Buffer, header: Buffer, sealed: Buffer): Buffer {
  const end = sealed.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv(mode, key, nonce, TAG).setAAD(header).setAuthTag(sealed.subarray(end));
    const plaintext = decipher.update(sealed.subarray(0, end));
    // Throws unless the tag is right; what was decrypted until here is not looked at before.
    decipher.final();
    return plaintext;
  } catch {
    throw new OpenError('rejected', 'the data were changed, or encrypted with another key of the same id');
  }
}
