/** Tiles of images, between this suite and PvaPy: each reads the other's. */
import { join } from 'node:path';
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { Detector, pixelsOf } from '../e2e/support/detector.ts';
import { it, until } from '../e2e/support/world.ts';
import { spawnChild } from './child.ts';
import { startPvapyClient } from './p4p.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('tiles', () => {
  it('of SplitTilesProcessor are read by a channel of PvaPy', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 6, ny: 4 });
    await world.start(
      'hpc-consumer -ic pvapy:image -oc tiles -sqs 100 -pc SplitTilesProcessor -pa \'{"nx": 4, "ny": 2}\'',
    );
    await detector.subscribers(1);
    await until(async () => expect((await world.context.get('tiles')).get('uniqueId')).toBe(0));
    const client = await startPvapyClient(peers, world.env);
    try {
      await client.subscribe('tiles', 'tiles', { request: 'record[queueSize=100]field()' });
      await client.next('tiles', 1);
      await detector.publish(1);
      const events = (await client.next('tiles', 4)) as { readonly value: Record<string, unknown> }[];
      const all = pixelsOf(1, 24);
      const cut = (x: number, y: number, width: number): number[] =>
        [0, 1].flatMap((row) => [...all.subarray((y + row) * 6 + x).subarray(0, width)]);
      expect(
        events.map(({ value }) => [
          value['uniqueId'],
          value['tileIndexX'],
          value['tileIndexY'],
          value['value'],
        ]),
      ).toEqual([
        [1, 0, 0, { selected: 'ubyteValue', value: cut(0, 0, 4) }],
        [1, 0, 1, { selected: 'ubyteValue', value: cut(4, 0, 2) }],
        [1, 1, 0, { selected: 'ubyteValue', value: cut(0, 2, 4) }],
        [1, 1, 1, { selected: 'ubyteValue', value: cut(4, 2, 2) }],
      ]);
    } finally {
      await client.stop();
    }
  });

  it('of PvaPy are stitched', async ({ world }) => {
    const peer = await spawnChild({
      command: peers.python,
      args: [join(repositoryRoot(), 'test', 'interop', 'python', 'pvapy_tiles.py'), 'pvapy:tiles'],
      env: world.env,
    });
    world.own({ [Symbol.asyncDispose]: async () => void (await peer.stop()) });
    await peer.waitForLine(/^READY$/, 30_000);
    const line = 'hpc-consumer -ic pvapy:tiles -oc stitched -sqs 100 -pc StitchTilesProcessor -ll info';
    const consumer = await world.start(`${line} -pa '{"nx": 6, "ny": 4}'`);
    await consumer.waitForLine(/monitoring pvapy:tiles/, 15_000);
    await until(async () => expect((await world.context.get('stitched')).get('uniqueId')).toBe(0));
    for (const id of [1, 2]) {
      peer.writeLine(`${id}`);
      await until(async () => {
        const image = new NTNDArray(await world.context.get('stitched'));
        expect([image.uniqueId, image.width, image.height, image.has('tileIndexX')]).toEqual([
          id,
          6,
          4,
          false,
        ]);
        expect(image.pixels).toEqual(Uint16Array.from({ length: 24 }, (_, i) => 1000 * id + i));
      });
    }
  });
});
