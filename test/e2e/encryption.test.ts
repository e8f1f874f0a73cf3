/** A stream that is encrypted by one process and decrypted by another, by the command lines of the reference. */
import { chmodSync } from 'node:fs';
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { expectLedger, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { watch } from './support/processing.ts';
import { it, until, type World, withOptions } from './support/world.ts';

const [ENCRYPT = '', DECRYPT = ''] = codeBlocks('docs/reference/encryption-envelope.md', 'sh').flatMap(
  commandLines,
);
const N = 50;

function keyFile(world: World, name: string, byte: number): string {
  const file = world.file(name, Buffer.alloc(32, byte).toString('hex'));
  chmodSync(file, 0o600);
  return JSON.stringify({ keyFile: file });
}

const channels = { '-sqs': 1000, '-sc': 'consumer:*:status', '-cc': 'consumer:*:control', '-ll': 'info' };

describe('EncryptProcessor and DecryptProcessor', () => {
  it('hand images from process to process unseen, and refuse them to who has another key', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const key = keyFile(world, 'stream.key', 0xa5);
    await world.start(withOptions(ENCRYPT, { ...channels, '-pa': key }));
    await detector.subscribers(1);
    const genuine = await world.start(withOptions(DECRYPT, { ...channels, '-id': 2, '-pa': key }));
    const stranger = await world.start(
      withOptions(DECRYPT, { ...channels, '-id': 3, '-pa': keyFile(world, 'wrong.key', 1) }),
    );
    for (const id of [2, 3]) await statusWhen(world, id, 'fed', (now) => now.receiverStats.nReceived === 1);
    const secret = watch(world, 'encrypt:1:output', (v) => [v.id, Number(v.get('objectId'))]);
    const seen = watch(world, 'decrypt:2:output', (v) => {
      const frame = new NTNDArray(v);
      return [frame.uniqueId, Buffer.from((frame.pixels ?? []) as Uint8Array)] as const;
    });
    await until(() => expect([secret.length, seen.length]).toEqual([1, 1]));
    await detector.publish(N, 100);
    await until(() => expect([secret.length, seen.length]).toEqual([N + 1, N + 1]));
    expect(seen.slice(1).map(([id]) => id)).toEqual(idsFrom(1, N));
    for (const [id, pixels] of seen.slice(1))
      expect(Buffer.compare(pixels, pixelsOf(id)), `image ${id}`).toBe(0);
    expect(secret.slice(1)).toEqual(idsFrom(1, N).map((id) => ['epics:hpc:EncryptedData:1.0', id]));

    const s = await statusWhen(world, 2, 'done', (now) => now.processorStats.nProcessed === N);
    expectLedger(s, N);
    expect(s.userStats).toMatchObject({
      nDecrypted: N,
      nUnknownKey: 0,
      nRejected: 0,
      nReplayed: 0,
      nMalformed: 0,
    });
    const w = await statusWhen(world, 3, 'done', (now) => now.processorStats.nErrors === N);
    expectLedger(w, N);
    // The first update of the channel was tried as well.
    expect(w.userStats).toMatchObject({ nDecrypted: 0, nUnknownKey: N + 1 });
    expect(w.publisherStats).toMatchObject({ nPublished: 0 });
    await stranger.waitForLine(/ERROR consumer\.3: .*encrypted with key [0-9a-f]{16}; here there is/, 1_000);
    expect(stranger.lines.filter((line) => /^\s+at /.test(line.text))).toEqual([]);
    for (const consumer of [genuine, stranger]) expect(await consumer.stop()).toMatchObject({ code: 0 });
  });

  it.for<[string, string, RegExp]>([
    ['encrypt', '{"keyFile": "no-such-file"}', /key file 'no-such-file' cannot be read: ENOENT/],
    ['encrypt', '{}', /argument keyFile: nothing is not the path of a key file/],
    [
      'decrypt',
      '{"keyFile": "package.json"}',
      /key file 'package.json' holds no key: it needs 32 random bytes/,
    ],
  ])('%s with %s ends with one line', async ([which, args, message], { world }) => {
    const { code, stderr } = await world.run(
      withOptions(which === 'encrypt' ? ENCRYPT : DECRYPT, { '-pa': args }),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
