/**
 * Ready-made processors that serve their input: one stage puts its output right into the next, without a channel of its
 * own to be watched.
 */
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { expectLedger, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { running, watch } from './support/processing.ts';
import { it, until } from './support/world.ts';

const CHANNELS = '-cc consumer:*:control -sc consumer:*:status -ll info';
const N = 40;

describe.concurrent('a ready-made processor that serves its input', () => {
  it('decrypts what EncryptProcessor puts into it', async ({ world }) => {
    const detector = await Detector.start(world);
    const file = world.file('stream.key', Buffer.alloc(32, 0x5a).toString('hex'));
    chmodSync(file, 0o600);
    const key = `'${JSON.stringify({ keyFile: file })}'`;
    await world.start(
      `hpc-consumer -id 2 -im pvas -ic sealed --oid-field objectId -oc consumer:*:output ${CHANNELS} -sqs 1000 -pc DecryptProcessor -pa ${key}`,
    );
    await running(world, 2);
    const seen = watch(world, 'consumer:2:output', (value) => {
      const frame = new NTNDArray(value);
      return [frame.uniqueId, Buffer.from((frame.pixels ?? []) as Uint8Array)] as const;
    });
    await world.start(
      `hpc-consumer -id 1 -ic pvapy:image -om pva -oc sealed ${CHANNELS} -sqs 1000 -pc EncryptProcessor -pa ${key}`,
    );
    await detector.subscribers(1);
    // Its output channel is there once it has an object.
    await detector.publish(1);
    await until(() => expect(seen.at(-1)?.[0]).toBe(1), 15_000);
    await detector.publish(N - 1);
    await until(() => expect(seen.at(-1)?.[0]).toBe(N), 15_000);
    // The first one opens the channel, and is then published as all others.
    expect([...new Set(seen.map(([id]) => id))]).toEqual(idsFrom(1, N));
    for (const [id, pixels] of seen) expect(Buffer.compare(pixels, pixelsOf(id)), `image ${id}`).toBe(0);
    const s = await statusWhen(world, 2, 'done', (now) => now.processorStats.nProcessed === N);
    expect(s.userStats).toMatchObject({ nDecrypted: N, nRejected: 0, nMalformed: 0 });
    expect(s.processorStats).toMatchObject({ nErrors: 0, nMissed: 0, firstObjectId: 1, lastObjectId: N });
  });

  it('writes the images that another consumer puts into it', async ({ world }) => {
    const detector = await Detector.start(world);
    const folder = join(world.folder, 'images');
    const args = JSON.stringify({ outputDirectory: folder, outputFileNameFormat: '{uniqueId:03}.npy' });
    await world.start(
      `hpc-consumer -id 2 -im pvas -ic writer:input ${CHANNELS} -pc AdOutputFileProcessor -pa '${args}'`,
    );
    await running(world, 2);
    await world.start(
      `hpc-consumer -id 1 -ic pvapy:image -om pva -oc writer:input ${CHANNELS} -sqs 1000 -pc RotateProcessor`,
    );
    await detector.subscribers(1);
    await detector.publish(N);
    const s = await statusWhen(world, 2, 'done', (now) => now.processorStats.nProcessed === N);
    expect(s.userStats).toMatchObject({ nFilesSaved: N, nErrors: 0, nEmpty: 0 });
    expect(readdirSync(folder).sort()).toEqual(
      idsFrom(1, N).map((id) => `${String(id).padStart(3, '0')}.npy`),
    );
    const one = await statusWhen(world, 1, 'done', (now) => now.publisherStats.nPublished === N);
    expectLedger(one, N);
  });
});
