/**
 * An RSA or other private key in a file as a secret that two processes share, as PvaPy's encryptor and decryptor do:
 * `-----BEGIN ... PRIVATE KEY-----` as openssl and ssh-keygen write it, without a passphrase. The secret is made of the
 * bytes of this very file: another file with the same key in another form is another secret.
 */
import { hkdfSync } from 'node:crypto';

const PEM = /^-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\r?\n([\s\S]+?)\r?\n-----END \1-----$/;
/** Shorter ones hold nothing that cannot be guessed, or are cut off. */
const LEAST_BYTES = 48;

/**
 * 32 bytes of the private key in a file's text; undefined when it holds none.
 * @throws Error when it can only be read with a passphrase
 */
export function secretOfPrivateKey(text: string): Buffer | undefined {
  const [, kind = '', body = ''] = PEM.exec(text.trim()) ?? [];
  if (kind === '') return undefined;
  const bytes = Buffer.from(body, 'base64');
  if (kind.startsWith('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(body) || isLockedOpenSsh(bytes))
    throw new Error('its private key has a passphrase; use one without');
  if (bytes.length < LEAST_BYTES || !/^[\w+/=\s]+$/.test(body)) return undefined;
  return Buffer.from(hkdfSync('sha256', bytes, '', 'epics-hpc EncryptedData 1 private key', 32));
}

/** OpenSSH's own format: a magic word, then the name of the cipher, `none` without a passphrase. */
function isLockedOpenSsh(bytes: Buffer): boolean {
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return false;
  return bytes.toString('latin1', magic.length + 4, magic.length + 8) !== 'none';
}
