/** Private keys as the secret of an encrypted stream: every form without a passphrase, and nothing else. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { secretOfPrivateKey } from '../../processors/private-key-file.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (type: 'pkcs1' | 'pkcs8', passphrase?: string): string =>
  privateKey.export({
    type,
    format: 'pem',
    ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
  }) as string;

/** What ssh-keygen writes, as far as it is looked at. */
function openSsh(cipher: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(cipher.length);
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    length,
    Buffer.from(cipher),
    Buffer.alloc(400, 7),
  ]);
  const body = bytes.toString('base64').replaceAll(/(.{70})/g, '$1\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

describe('secretOfPrivateKey', () => {
  it.for([
    ['openssl, traditional', pem('pkcs1')],
    ['openssl, PKCS #8', pem('pkcs8')],
    ['ssh-keygen', openSsh('none')],
  ] as const)('%s: 32 bytes, always the same, whatever the line ends', ([, text]) => {
    const secret = secretOfPrivateKey(text);
    expect(secret).toHaveLength(32);
    expect(secretOfPrivateKey(text)).toEqual(secret);
    expect(secretOfPrivateKey(text.replaceAll('\n', '\r\n'))).toEqual(secret);
    // Never a part of the file.
    expect(Buffer.from(text).includes(secret as Buffer)).toBe(false);
  });

  it('another key is another secret', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const text = other.export({ type: 'pkcs1', format: 'pem' }) as string;
    expect(secretOfPrivateKey(text)).not.toEqual(secretOfPrivateKey(pem('pkcs1')));
  });

  it.for([
    ['openssl, traditional', pem('pkcs1', 'secret')],
    ['openssl, PKCS #8', pem('pkcs8', 'secret')],
    ['ssh-keygen', openSsh('aes256-ctr')],
  ] as const)('%s with a passphrase is refused', ([, text]) => {
    expect(() => secretOfPrivateKey(text)).toThrow('its private key has a passphrase; use one without');
  });

  it.for([
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }) as string],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['one that is cut off', pem('pkcs1').slice(0, 500)],
    ['an empty one', '-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----'],
    ['a short one', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['none', 'ssh-rsa AAAA'],
  ] as const)('%s is none', ([, text]) => {
    expect(secretOfPrivateKey(text)).toBeUndefined();
  });
});
