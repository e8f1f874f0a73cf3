/** What a processor publishes and what it keeps: output channels, chains, images that never change. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { checksumOf } from './fixtures/keeping-processor.ts';
import { expectLedger, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { consume, done, fixture, LINE, watch } from './support/processing.ts';
import { it, until } from './support/world.ts';

const idOf = (value: Value): number => Number(value.get('uniqueId'));

describe.concurrent('output', () => {
  it('has the type that getOutputPvObjectType says', async ({ world }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, fixture('output-processors', 'Mean'));
    const seen = watch(world, 'consumer:1:output', (v) => v.toJS());
    await until(() => expect(seen).toEqual([{ uniqueId: 0, mean: 0 }]));
    await detector.publish(2);
    const mean = (id: number) => pixelsOf(id).reduce((sum, pixel) => sum + pixel, 0) / (128 * 128);
    await until(() => expect(seen.length).toBe(3));
    expect(seen.slice(1)).toEqual([1, 2].map((uniqueId) => ({ uniqueId, mean: mean(uniqueId) })));
    expect((await world.context.get('consumer:1:size')).toJS()).toEqual({ value: 128 * 128 });
  });

  it('is none when getOutputPvObjectType returns null', async ({ world }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, fixture('output-processors', 'Sink'));
    await detector.publish(5);
    const s = await done(world, 1, 5);
    expect(s.processorStats).toMatchObject({ nProcessed: 5, nErrors: 0 });
    expect(s.publisherStats).toMatchObject({ nPublished: 0, nErrors: 0 });
    await expect(world.context.get('consumer:1:output', { timeout: 0.5 })).rejects.toThrow(
      /consumer:1:output/,
    );
  });

  it.for(['mjs', 'js', 'cjs'])(
    'is made by a processor in .%s of the running suite, whatever copy of it is beside the file',
    async (extension, { world }) => {
      const beside = (name: string, text: string): string => {
        mkdirSync(dirname(join(world.folder, name)), { recursive: true });
        return world.file(name, text);
      };
      beside('package.json', '{"type":"module"}');
      for (const name of ['epics-hpc', 'beamline'])
        beside(
          `node_modules/${name}/package.json`,
          `{"name":"${name}","type":"module","exports":"./index.js"}`,
        );
      beside(
        'node_modules/epics-hpc/index.js',
        `export class NTNDArray { static create() { return new NTNDArray(); } }
        export class UserDataProcessor { updateOutputChannel() {} }`,
      );
      beside(
        'node_modules/beamline/index.js',
        `import { UserDataProcessor } from 'epics-hpc';\nexport class Base extends UserDataProcessor {}\n`,
      );
      const imports =
        extension === 'cjs'
          ? `const { NTNDArray } = require('epics-hpc');\nconst { Base } = require('beamline');\nexports.Maker =`
          : `import { NTNDArray } from 'epics-hpc';\nimport { Base } from 'beamline';\nexport`;
      const file = beside(
        `maker.${extension}`,
        `${imports} class Maker extends Base {
          process({ uniqueId }) {
            const pixels = new Uint8Array(4);
            this.updateOutputChannel(NTNDArray.create({ pixels, dimensions: [2, 2], uniqueId, colorMode: 0 }));
          }
        }`,
      );
      const detector = await Detector.start(world);
      await consume(world, detector, `${LINE} -pf ${file}`);
      await detector.publish(5);
      const s = await done(world, 1, 5);
      expect(s.processorStats).toMatchObject({ nProcessed: 5, nErrors: 0 });
      expect(s.publisherStats).toMatchObject({ nPublished: 5, nErrors: 0 });
    },
  );

  it('may come any number of times for an image', async ({ world }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, fixture('output-processors', 'ZeroOneTwo'));
    const seen = watch(world, 'consumer:1:output', idOf);
    await until(() => expect(seen).toEqual([0]));
    await detector.publish(6);
    const s = await done(world, 1, 6);
    expect(s.publisherStats.nPublished).toBe(6);
    await until(() => expect(seen).toEqual([0, 1, 2, 2, 4, 5, 5]));
  });

  it('that cannot be prepared yet is tried again with the next image', async ({ world }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, fixture('output-processors', 'NeedsImage'));
    const seen = watch(world, 'consumer:1:output', idOf);
    await detector.publish(6);
    const s = await done(world, 1, 6);
    // Images 1 and 2 fail; the initial update is not processed anyway.
    expect(s.processorStats).toMatchObject({ nProcessed: 4, nErrors: 2, nMissed: 0 });
    expectLedger(s, 6);
    await until(() => expect(seen.at(-1)).toBe(6));
  });

  it('reaches the next stage of a chain from the first image on', async ({ world }) => {
    const first = `${LINE} --processor-class UserDataProcessor`;
    const second =
      'hpc-consumer -id 2 --input-channel consumer:1:output --control-channel consumer:*:control --status-channel consumer:*:status --output-channel consumer:*:output --server-queue-size 1000 -pf test/e2e/fixtures/recording-image-processor.ts -pc HpcAdImageProcessor';
    const detector = await Detector.start(world);
    await world.start(first);
    await world.start(second, { HPC_TEST_FOLDER: world.folder });
    await detector.subscribers(1);
    await statusWhen(world, 2, 'connected', (s) => s.receiverStats.nReceived === 1);
    await detector.publish(500, 1000);
    const [one, two] = [await done(world, 1, 500), await done(world, 2, 500)];
    for (const s of [one, two]) {
      expectLedger(s, 500);
      expect(s.processorStats.nMissed).toBe(0);
    }
    expect(world.lines('ids-2').map(Number)).toEqual(idsFrom(1, 500));
  });
});

describe.concurrent('images that a processor keeps', () => {
  it.for([
    ['small', { nx: 16, ny: 16 }],
    ['middling', { nx: 128, ny: 128 }],
    ['larger than what the socket gives at once', { nx: 640, ny: 480 }],
  ] as const)('never change later: %s', async ([, size], { world }) => {
    const detector = await Detector.start(world, size);
    await consume(
      world,
      detector,
      `${fixture('keeping-processor', 'Keeping')} --processor-args '{"keep":200}'`,
    );
    await detector.publish(250, 2000);
    const s = await done(world, 1, 250);
    expectLedger(s, 250);
    let sum = 0;
    for (const id of idsFrom(1, 250)) {
      sum = (sum + checksumOf(pixelsOf(id, size.nx * size.ny))) % 2 ** 32;
    }
    expect(s.userStats).toEqual({ nKept: 200, nUnchanged: 200, sumOfChecksums: sum });
  });
});
