/** Encrypted objects: what goes in comes out, nothing else does, and every refusal is counted by its cause. */

import { createSecretKey, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NTNDArray, NTScalar, serializeType, serializeValue, struct, Value } from 'epics-pva-ts';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { DecryptProcessor } from '../../processors/decrypt-processor.ts';
import { EncryptProcessor } from '../../processors/encrypt-processor.ts';
import { ENCRYPTED_TYPE } from '../../processors/encrypted-type.ts';
import { Opener, Sealer } from '../../processors/envelope-cipher.ts';
import { binaryHead, pack, readEnvelope } from '../../processors/envelope-format.ts';
import { keyIdOf, readKeyFile, type SecretKey } from '../../processors/key-file.ts';
import { ReplayWindow } from '../../processors/replay-window.ts';
import type { Logger } from '../../src/log.ts';
import { MissedCounter } from '../../src/processor/missed-counter.ts';
import type { PvObject, UserDataProcessor } from '../../src/processor/user-data-processor.ts';
import { codeBlocks } from '../docs/support/documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'epics-hpc-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const KEY = Buffer.from([...Array(32).keys()]);
const OTHER = Buffer.alloc(32, 7);
const keyFile = file('stream.key', KEY.toString('hex'));
const otherFile = file('other.key', OTHER.toString('base64'));

function running<P extends UserDataProcessor>(processor: P, objectIdField: string) {
  const out: PvObject[] = [];
  const warnings: string[] = [];
  processor.dataPublisher = { publish: (object) => out.push(object) };
  processor.logger = { warning: (text: string) => warnings.push(text) } as unknown as Logger;
  processor.objectIdField = objectIdField;
  processor.resetStats();
  void processor.start();
  return { processor, out, warnings };
}

const encryptor = (args: object = { keyFile }, idField = 'uniqueId') =>
  running(new EncryptProcessor(args as never), idField);
const decryptor = (args: object = { keyFile }) => running(new DecryptProcessor(args as never), 'objectId');

const image = (
  uniqueId: number,
  pixels: NTNDArray['pixels'] = Uint16Array.of(1, 2, 3, uniqueId),
): NTNDArray => NTNDArray.create({ pixels, uniqueId, attributes: { Gain: 2.5 } });

/** The encrypted structure of an image. */
function encrypted(uniqueId = 1, args?: object): Value {
  const { processor, out } = encryptor(args);
  processor.process(image(uniqueId));
  return out[0] as Value;
}

/** The same with other bytes, or another id. */
const changed = (from: Value, data: Uint8Array, objectId = from.get('objectId')): Value =>
  Value.create(ENCRYPTED_TYPE, { objectId, data });

describe('an object that was encrypted', () => {
  it('is again what it was, with either algorithm', () => {
    for (const algorithm of ['A256GCM', 'C20P']) {
      const { processor, out } = encryptor({ keyFile, algorithm });
      const back = decryptor();
      const frames = [image(1), image(2, new Float64Array(10_000).fill(1.5)), image(2 ** 31 - 1)];
      for (const frame of frames) processor.process(frame);
      for (const object of out) back.processor.process(object);
      expect(back.out.map((value) => (value as Value).toJS())).toEqual(frames.map((f) => f.value.toJS()));
      expect(new NTNDArray(back.out[0] as Value).attribute('Gain')).toBe(2.5);
      expect(out.map((value) => value.get('objectId'))).toEqual([1n, 2n, 2n ** 31n - 1n]);
      expect(out[0]).toMatchObject({ id: 'epics:hpc:EncryptedData:1.0' });
      expect(processor.getStats()).toMatchObject({ nEncrypted: 3 });
      expect(back.processor.getStats()).toMatchObject({ nDecrypted: 3, nRejected: 0, nMalformed: 0 });
    }
  });

  it('keeps its place in the count of ids when those of 32 bits turn negative, and when they begin anew', () => {
    const { processor, out } = encryptor();
    const back = decryptor();
    const ids = [2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1, -1, 0, 1];
    for (const id of ids) processor.process(image(id));
    expect(out.map((value) => value.get('objectId'))).toEqual([
      2n ** 31n - 2n,
      2n ** 31n - 1n,
      2n ** 31n,
      2n ** 31n + 1n,
      2n ** 32n - 1n,
      0n,
      1n,
    ]);
    // As whoever receives them counts them; there is a gap between the fourth and the fifth.
    const missed = new MissedCounter({ oidOffset: 1, nSequentialUpdates: 1 });
    const counts = out.map((value) => missed.update(Number(value.get('objectId'))));
    expect(counts).toEqual([0, 0, 0, 0, 2 ** 31 - 3, 0, 0]);
    for (const object of out) back.processor.process(object);
    expect(back.out.map((value) => value.get('uniqueId'))).toEqual(ids);
  });

  it('may be of another type than the one before, and the same type is the same every time', () => {
    const { processor, out } = encryptor({ keyFile }, 'id');
    const a = struct('a', { id: 'int', x: 'double' });
    const b = struct('b', { id: 'long', s: 'string' });
    for (const value of [
      Value.create(a, { id: 1, x: 1.5 }),
      Value.create(b, { id: -2n, s: 'hi' }),
      Value.create(a, { id: 3, x: 2 }),
    ])
      processor.process(value);
    const back = decryptor();
    for (const object of out) back.processor.process(object);
    const values = back.out as Value[];
    expect(values.map((v) => [v.id, v.toJS()])).toEqual([
      ['a', { id: 1, x: 1.5 }],
      ['b', { id: -2n, s: 'hi' }],
      ['a', { id: 3, x: 2 }],
    ]);
    expect(out.map((value) => value.get('objectId'))).toEqual([1n, 2n ** 64n - 2n, 3n]);
    expect(values[2]?.type).toBe(values[0]?.type);
    expect(() => processor.process(NTScalar.create('double', 1))).toThrow(/no field 'id'/);
    const text = Value.create(struct('', { id: 'string' }), { id: 'x' });
    expect(() => processor.process(text)).toThrow("the field 'id' is no whole number (--oid-field)");
  });

  it('shows nothing of itself, and never the same bytes twice', () => {
    const { processor, out } = encryptor();
    const frame = image(1, new Uint8Array(1000).fill(0x5a));
    for (let i = 0; i < 3; i++) processor.process(frame);
    out.push(encrypted(1));
    const all = out.map((value) => Buffer.from(value.get('data') as Uint8Array));
    const nonces = all.map((bytes) => {
      const { salt, nonce } = readEnvelope(bytes).header;
      return `${salt.toString('hex')} ${nonce.toString('hex')}`;
    });
    expect(new Set(nonces).size).toBe(4);
    for (const bytes of all) {
      expect(bytes.includes(Buffer.alloc(4, 0x5a))).toBe(false);
      expect(bytes.includes('NTNDArray')).toBe(false);
    }
  });

  it('tells the decryptor its type before the first one is processed, and is not used up by it', () => {
    const first = encryptor().processor.getOutputPvObjectType(image(0)) as Value;
    const { processor, out } = decryptor();
    expect(NTNDArray.is(processor.getOutputPvObjectType(first) as Value)).toBe(true);
    processor.process(first);
    expect(out).toHaveLength(1);
    const empty = Value.create(ENCRYPTED_TYPE);
    expect(() => processor.getOutputPvObjectType(empty)).toThrow('there is no encrypted object yet');
  });
});

describe('what is not genuine is refused, by cause', () => {
  it.for<[string, () => [PvObject, object?], RegExp, string]>([
    [
      'another key',
      () => [encrypted(1, { keyFile: otherFile })],
      /^encrypted with key [0-9a-f]{16}; here there is 56efded6ae20f1dd$/,
      'nUnknownKey',
    ],
    [
      'another id',
      () => [changed(encrypted(), encrypted().get('data') as Uint8Array, 2n)],
      /objectId is 2/,
      'nRejected',
    ],
    ['no bytes', () => [changed(encrypted(), new Uint8Array())], /no encrypted object yet/, 'nMalformed'],
    ['rubbish', () => [changed(encrypted(), randomBytes(100))], /envelope/, 'nMalformed'],
    ['an image', () => [image(1)], /an image, not an encrypted object/, 'nMalformed'],
    [
      'a scalar',
      () => [NTScalar.create('int', 1)],
      /NTScalar:1.0 has no bytes in a field data/,
      'nMalformed',
    ],
  ])('%s', ([, make, message, figure]) => {
    const { processor, out } = decryptor();
    expect(() => processor.process(make()[0])).toThrow(message);
    processor.process(encrypted(9));
    expect(out).toHaveLength(1);
    const figures = { nUnknownKey: 0, nRejected: 0, nReplayed: 0, nMalformed: 0, [figure]: 1 };
    expect(processor.getStats()).toMatchObject({ nDecrypted: 1, ...figures });
    expect(Object.keys(processor.getStatsPvaTypes())).toEqual(Object.keys(processor.getStats()));
  });

  it('every bit and every length counts', () => {
    const genuine = encrypted();
    const bytes = genuine.get('data') as Uint8Array;
    const { processor, out } = decryptor();
    for (let i = 0; i < bytes.length; i++) {
      const wrong = bytes.slice();
      wrong[i] = (wrong[i] as number) ^ (1 << (i % 8));
      expect(() => processor.process(changed(genuine, wrong)), `byte ${i}`).toThrow();
      expect(() => processor.process(changed(genuine, bytes.slice(0, i))), `length ${i}`).toThrow();
    }
    expect(() => processor.process(changed(genuine, Uint8Array.of(...bytes, 0)))).toThrow(/behind its end/);
    expect(out).toEqual([]);
    processor.process(genuine);
    expect(out).toHaveLength(1);
  });

  it('rubbish of every form ends in an error, never in anything else', () => {
    const { processor } = decryptor();
    const genuine = encrypted();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (rubbish) => {
        expect(() => processor.process(changed(genuine, rubbish))).toThrow(Error);
      }),
      { numRuns: 500 },
    );
  });

  it('what came before is refused, in whatever order the others come', () => {
    const { processor, out } = encryptor();
    for (let id = 1; id <= 5; id++) processor.process(image(id));
    const back = decryptor();
    for (const i of [1, 0, 3, 2]) back.processor.process(out[i] as Value);
    for (const i of [0, 3]) expect(() => back.processor.process(out[i] as Value)).toThrow(/came before/);
    back.processor.process(out[4] as Value);
    expect(back.processor.getStats()).toMatchObject({ nDecrypted: 5, nReplayed: 2 });
  });

  it('what came before is refused also after configure changed the keys, and after it changed them back', () => {
    const { processor, out } = encryptor();
    for (let id = 1; id <= 3; id++) processor.process(image(id));
    const back = decryptor();
    const replay = (i: number) => () => back.processor.process(out[i] as Value);
    replay(0)();
    back.processor.configure({ keyFile: [otherFile, file('copy.key', KEY)] });
    expect(replay(0)).toThrow(/came before/);
    replay(1)();
    back.processor.configure({ keyFile: otherFile });
    expect(replay(1)).toThrow(/encrypted with key/);
    back.processor.process(encrypted(9, { keyFile: otherFile }));
    back.processor.configure({ keyFile });
    for (const i of [0, 1]) expect(replay(i)).toThrow(/came before/);
    replay(2)();
    expect(back.processor.getStats()).toMatchObject({ nDecrypted: 4, nReplayed: 3, nUnknownKey: 1 });
    // Nor does a key file that makes no sense change anything.
    expect(() => back.processor.configure({ keyFile: join(folder, 'none') })).toThrow(/ENOENT/);
    expect(replay(2)).toThrow(/came before/);
  });

  it('sessions of keys that are gone are no more than others: 64 in all', () => {
    const secrets = [KEY, OTHER].map((key) => ({
      file: '',
      key: createSecretKey(key),
      id: keyIdOf(key),
      open: undefined,
    }));
    const opener = new Opener(secrets);
    const envelopes = Array.from({ length: 100 }, (_, i) =>
      new Sealer(secrets[i % 2] as SecretKey, 'C20P').seal(1n, []),
    );
    for (const [i, envelope] of envelopes.entries()) {
      opener.setKeys([secrets[i % 2] as SecretKey]);
      opener.open(envelope, true);
    }
    opener.setKeys(secrets);
    for (const envelope of envelopes.slice(-64)) expect(() => opener.open(envelope, true)).toThrow(/before/);
    expect((opener as unknown as { sessions: Map<string, unknown> }).sessions.size).toBe(64);
  });

  it('what has the key and is no object is refused too', () => {
    const secret = readKeyFile(keyFile);
    const { processor } = decryptor();
    const sealed = (plain: Buffer): Value =>
      Value.create(ENCRYPTED_TYPE, {
        objectId: 1n,
        data: new Uint8Array(new Sealer(secret, 'A256GCM').seal(1n, [plain])),
      });
    const type = Buffer.from(serializeType(struct('', { a: 'int' })));
    for (const [plain, message] of [
      [Buffer.alloc(0), /what was encrypted is no object/],
      [pack({ byteOrder: 'little', type, value: Buffer.alloc(4) }), /byte order "little" is not 'big'/],
      [pack({ byteOrder: 'big', type: 5, value: Buffer.alloc(4) }), /type or value is missing/],
      [pack({ byteOrder: 'big', type, value: Buffer.alloc(5) }), /1 byte\(s\) too many/],
      [pack({ byteOrder: 'big', type, value: Buffer.alloc(3) }), /no object/],
    ] as const)
      expect(() => processor.process(sealed(plain))).toThrow(message);
    expect(processor.getStats()).toMatchObject({ nMalformed: 5 });
  });
});

describe('replay window', () => {
  it('admits each number once, however many there are', () => {
    const window = new ReplayWindow();
    for (let i = 0n; i < 20_000n; i++) expect(window.admit(i)).toBe(true);
    for (const i of [0n, 5_000n, 19_000n, 19_999n]) expect(window.admit(i)).toBe(false);
    expect(window.admit(20_005n)).toBe(true);
    expect(window.admit(20_004n)).toBe(true);
    expect((window as unknown as { seen: Set<bigint> }).seen.size).toBeLessThanOrEqual(2 * 4096 + 1);
  });
});

describe('keys', () => {
  it('are read as bytes, as digits and in base64', () => {
    const forms = [
      KEY,
      KEY.toString('hex').toUpperCase(),
      `${KEY.toString('hex')}\n`,
      KEY.toString('base64'),
    ];
    forms.push(`${KEY.toString('base64url')}\r\n`);
    const ids = forms.map((form, i) => readKeyFile(file(`form-${i}`, form)).id.toString('hex'));
    expect(new Set(ids)).toEqual(new Set(['56efded6ae20f1dd']));
  });

  it.for<[string, string | Uint8Array]>([
    ['empty', ''],
    ['a password', 'correct horse battery staple 123'],
    ['31 bytes', KEY.subarray(1)],
    ['63 digits', KEY.toString('hex').slice(1)],
    ['something large', Buffer.alloc(10_000, 1)],
  ])('%s is refused', ([name, content]) => {
    const path = file(name.replaceAll(' ', '-'), content);
    expect(() => readKeyFile(path)).toThrow(/holds no key: it needs 32 random bytes/);
  });

  it('that are missing are said in one line; arguments are checked', () => {
    expect(() => encryptor({ keyFile: join(folder, 'none') })).toThrow(/cannot be read: ENOENT/);
    expect(() => encryptor({})).toThrow('argument keyFile: nothing is not the path of a key file');
    expect(() => encryptor({ keyFile: [keyFile] })).toThrow(/is not the path of a key file$/);
    expect(() => decryptor({ keyFile: [] })).toThrow(/or a list of them/);
    expect(() => encryptor({ keyFile, algorithm: 'ROT13' })).toThrow(
      'argument algorithm: "ROT13" is not one of A256GCM, C20P',
    );
    expect(() => running(new DecryptProcessor({ keyFile } as never), 'uniqueId')).toThrow(
      /in objectId, not in uniqueId: --oid-field objectId/,
    );
  });

  // Windows has no permission bits.
  it.skipIf(process.platform === 'win32')('open to others are warned of, once each', () => {
    const open = file('open.key', KEY, 0o644);
    const { warnings } = decryptor({ keyFile: [open, otherFile] });
    expect(warnings).toEqual([`key file '${open}' is open to others (mode 644): chmod 600 '${open}'`]);
    expect(encryptor({ keyFile: open }).warnings).toHaveLength(1);
    expect(encryptor().warnings).toEqual([]);
  });

  it('are changed while a stream runs', () => {
    const from = encryptor();
    const back = decryptor({ keyFile: [keyFile, otherFile] });
    const send = (id: number): void => {
      from.processor.process(image(id));
      back.processor.process(from.out.at(-1) as Value);
    };
    send(1);
    from.processor.configure({ keyFile: otherFile });
    send(2);
    back.processor.configure({ keyFile: otherFile });
    send(3);
    expect(() => back.processor.process(encrypted(4))).toThrow(/encrypted with key 56efded6ae20f1dd/);
    expect(back.out.map((value) => value.get('uniqueId'))).toEqual([1, 2, 3]);
  });
});

describe('the example of docs/reference/encryption-envelope.md', () => {
  const hex = (text: string): string =>
    text
      .split('\n')
      .map(
        (line) => /^ *((?:[0-9a-f]{2}(?: {0,2}|$))+)(?: {2,}|$)/.exec(line)?.[1]?.replaceAll(' ', '') ?? '',
      )
      .join('');
  const [plain = '', envelope = ''] = codeBlocks('docs/reference/encryption-envelope.md', 'text')
    .slice(-2)
    .map(({ text }) => hex(text));
  const secret: SecretKey = { file: '', key: createSecretKey(KEY), id: keyIdOf(KEY), open: undefined };
  const type = struct('demo:1.0', { uniqueId: 'int', value: 'ushort[]' });
  const object = Value.create(type, { uniqueId: 7, value: [1, 2, 258] });

  it('is what is written', () => {
    const bytes = Buffer.from(serializeValue(object));
    const pieces = [
      Buffer.of(0x83),
      ...['byteOrder', 'big', 'type', Buffer.from(serializeType(type)), 'value'].map(pack),
      binaryHead(bytes.length),
      bytes,
    ];
    expect(Buffer.concat(pieces).toString('hex')).toBe(plain);
    const sealer = new Sealer(secret, 'A256GCM', Buffer.alloc(16, 0xab));
    expect(sealer.seal(7n, pieces).toString('hex')).toBe(envelope);
  });

  it('is what is read', () => {
    const { header, plaintext } = new Opener([secret]).open(Buffer.from(envelope, 'hex'), true);
    expect(header.objectId).toBe(7n);
    expect(plaintext.toString('hex')).toBe(plain);
    const { processor, out } = decryptor();
    processor.process(
      Value.create(ENCRYPTED_TYPE, { objectId: 7n, data: new Uint8Array(Buffer.from(envelope, 'hex')) }),
    );
    expect(out[0]).toMatchObject({ id: 'demo:1.0' });
    expect((out[0] as Value).toJS()).toEqual({ uniqueId: 7, value: Uint16Array.of(1, 2, 258) });
  });
});
