/** The commands of docs/reference/processors.md for ready-made processors that look at one image at a time. */
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { running, watch } from './support/processing.ts';
import { it, until, withOptions } from './support/world.ts';

const LINES = codeBlocks('docs/reference/processors.md', 'sh').flatMap(commandLines);
const CHANNELS = { '-sc': 'consumer:*:status', '-cc': 'consumer:*:control', '-sqs': 100 };
const SIDE = 8;
const N = 20;

function example(name: string): string {
  const found = LINES.filter((line) => line.includes(`-pc ${name}`));
  expect(found, name).toHaveLength(1);
  return withOptions(found[0] as string, CHANNELS);
}

/** 270 degrees clockwise: the right column becomes the first row. */
function turned(pixels: Uint8Array): number[] {
  return Array.from(pixels, (_, i) => pixels[(i % SIDE) * SIDE + SIDE - 1 - Math.floor(i / SIDE)] as number);
}

describe.concurrent('the command of the reference', () => {
  it('RotateProcessor: turns every image', async ({ world }) => {
    const detector = await Detector.start(world, { nx: SIDE, ny: SIDE });
    await world.start(example('RotateProcessor'));
    await detector.subscribers(1);
    const seen = watch(world, 'consumer:1:output', (value) => {
      const { uniqueId, pixels } = new NTNDArray(value);
      return { id: uniqueId, pixels: [...((pixels as Uint8Array | undefined) ?? [])] };
    });
    await until(() => expect(seen).toHaveLength(1));
    await detector.publish(N, 100);
    await until(() => expect(seen).toHaveLength(N + 1));
    expect(seen.slice(1)).toEqual(
      idsFrom(1, N).map((id) => ({ id, pixels: turned(pixelsOf(id, SIDE * SIDE)) })),
    );
  });

  it('ImageStatisticsProcessor: figures of every image on a channel of their own', async ({ world }) => {
    const detector = await Detector.start(world, { nx: SIDE, ny: SIDE });
    await world.start(example('ImageStatisticsProcessor'));
    await detector.subscribers(1);
    const seen = watch(world, 'consumer:1:output:statistics', (value) => value.toJS());
    await until(() => expect(seen).toHaveLength(1));
    await detector.publish(N, 100);
    await until(() => expect(seen).toHaveLength(N + 1));
    expect(seen.slice(1)).toEqual(
      idsFrom(1, N).map((imageId) => {
        const all = [...pixelsOf(imageId, SIDE * SIDE)];
        const sum = all.reduce((a, b) => a + b, 0);
        return {
          imageId,
          minimum: Math.min(...all),
          maximum: Math.max(...all),
          mean: sum / all.length,
          sum,
          nDark: all.filter((pixel) => pixel <= 1).length,
          nSaturated: all.filter((pixel) => pixel >= 250).length,
        };
      }),
    );
  });

  it('UserDataProcessor puts every image into AdImageProcessor, which passes it on', async ({ world }) => {
    const detector = await Detector.start(world, { nx: SIDE, ny: SIDE });
    await world.start(example('AdImageProcessor'));
    await running(world, 2);
    const seen = watch(world, 'consumer:2:output', (value) => Number(value.get('uniqueId')));
    await world.start(example('UserDataProcessor'));
    await detector.subscribers(1);
    // The output has its type from the first object on; only then can it be monitored.
    await detector.publish(1);
    await until(() => expect(seen).toEqual([1]));
    await detector.publish(N - 1, 100);
    for (const id of [1, 2]) {
      // What is put counts as published when it is answered.
      const s = await statusWhen(
        world,
        id,
        'done',
        ({ processorStats: p, publisherStats: q }) => p.nProcessed === N && q.nPublished + q.nErrors === N,
      );
      expect(s.processorStats).toMatchObject({ nErrors: 0, nMissed: 0, lastObjectId: N });
      expect(s.publisherStats).toMatchObject({ nPublished: N, nErrors: 0 });
    }
    await until(() => expect(seen.at(-1)).toBe(N));
    expect(seen).toEqual(idsFrom(1, N));
  });
});
