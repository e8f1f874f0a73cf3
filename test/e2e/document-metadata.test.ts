/**
 * PvaPy's streaming framework document, with its command lines: Metadata Handling With Data Collector, and With Data
 * Consumers. Every image has its own value of every metadata channel.
 */
import type { Value } from 'epics-pva-ts';
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { idsFrom, type Status } from './support/consumer.ts';
import { channels, expectAllProcessed, handledBy, stages, streamThrough } from './support/document.ts';
import { watch } from './support/processing.ts';
import { it, until } from './support/world.ts';

const METADATA_PROCESSOR =
  '--processor-file examples/hpc-ad-metadata-processor.ts --processor-class HpcAdMetadataProcessor';

/** The id of an image and the metadata it has. */
function labelled(value: Value): Record<string, unknown> {
  const image = new NTNDArray(value);
  const { metadataComplete, ...metadata } = Object.fromEntries(image.attributes);
  return {
    id: image.uniqueId,
    metadataComplete,
    names: Object.keys(metadata).filter((n) => /[xyz]$/.test(n)),
  };
}

describe('Metadata Handling With Data Collector', () => {
  it('adds x, y and z to every image', async ({ world }) => {
    await world.start(
      `hpc-collector --collector-id 1 --producer-id-list 1 --input-channel pvapy:image ${channels('collector')} ${METADATA_PROCESSOR} --report-period 10 --server-queue-size 100 --collector-cache-size 100 --receiver-queue-size 1000 --metadata-channels pva://x,pva://y,pva://z`,
    );
    const images = watch(world, 'collector:1:output', labelled);
    const published = await streamThrough(
      world,
      'ad-sim-server -cn pvapy:image -nx 128 -ny 128 -fps 100 -rp 100 -rt 60 -mpv pva://x,pva://y,pva://z',
      { fps: 50, runtime: 3, watched: [images] },
      ['collector:1'],
    );
    const [s] = (await handledBy(world, ['collector:1'], published)) as [Status];
    await until(() => expect(images.length).toBe(published + 1));
    expect(images.slice(1)).toEqual(
      idsFrom(1, published).map((id) => ({ id, metadataComplete: undefined, names: ['x', 'y', 'z'] })),
    );
    expect(s.processorStats).toMatchObject({ nProcessed: published, nErrors: 0, nMissed: 0 });
    expect(s.userStats).toMatchObject({
      nFramesProcessed: published,
      nFrameErrors: 0,
      nMetadataProcessed: 3 * published,
    });

    const info = await world.run('pvinfo x');
    expect(info.stdout).toMatch(
      /^ +double value\n +time_t timeStamp\n +long secondsPastEpoch\n +int nanoseconds\n +int userTag$/m,
    );
    const { stdout } = await world.run('pvget collector:1:output');
    for (const name of ['x', 'y', 'z']) expect(stdout).toMatch(new RegExp(`string name "?${name}"?$`, 'm'));
    expect((await world.run('pvget pvapy:image')).stdout).not.toMatch(/string name "?x"?$/m);
  });
});

describe('Metadata Handling With Data Consumers', () => {
  it('four consumers behind a mirror share the images, each sees all metadata', async ({ world }) => {
    await world.start(
      `hpc-consumer --consumer-id 1 --n-consumers 4 --input-channel pvapy:image ${channels('consumer')} ${METADATA_PROCESSOR} --processor-args '{"timestampTolerance" : 0.00025}' --report-period 10 --server-queue-size 2000 --accumulate-objects 10 --receiver-queue-size 0 --distributor-updates 1 --metadata-channels pva://pvapy:x,pva://pvapy:y,pva://pvapy:z`,
    );
    const mirror = await world.start(
      'mirror-server --channel-map "(pvapy:image,ad:image,pva,1000),(pvapy:x,ad:x,pva,1000),(pvapy:y,ad:y,pva,1000),(pvapy:z,ad:z,pva,1000)"',
    );
    await mirror.waitForLine(/^Started mirror server/, 20_000);
    const names = stages('consumer', 4);
    const outputs = names.map((name) => watch(world, `${name}:output`, labelled));
    const published = await streamThrough(
      world,
      'ad-sim-server -cn ad:image -nx 128 -ny 128 -fps 2000 -rp 2000 -rt 60 -mpv pva://ad:x,pva://ad:y,pva://ad:z',
      { fps: 100, runtime: 4, watched: outputs },
      names,
    );
    const all = await handledBy(world, names, published);
    const metadata = ['pvapy:x', 'pvapy:y', 'pvapy:z'];
    for (const [i, s] of all.entries()) {
      expectAllProcessed(s, published / 4);
      expect(s.userStats).toMatchObject({
        nFramesProcessed: published / 4,
        nFrameErrors: 0,
        nMetadataProcessed: (3 * published) / 4,
      });
      const seen = outputs[i] ?? [];
      await until(() => expect(seen.length).toBe(published / 4 + 1));
      const { firstObjectId } = s.processorStats;
      expect(seen.slice(1)).toEqual(
        idsFrom(firstObjectId, published, 4).map((id) => ({
          id,
          metadataComplete: undefined,
          names: metadata,
        })),
      );
    }
    expect(all.map((s) => s.processorStats.firstObjectId).sort()).toEqual([1, 2, 3, 4]);
  });
});

describe('Metadata Handling Tests', () => {
  // As printed the line cannot work, in PvaPy neither: it has two classes, and accumulates without a queue.
  it.for([
    ['one consumer', 1, '', 100],
    // Each is told all metadata of both: twice the updates.
    ['two consumers', 2, '--distributor-updates 1', 20],
  ] as const)(
    'six metadata channels, %s: every image has all of them',
    async ([, n, distributor, fps], { world }) => {
      await world.start(
        `hpc-consumer --input-channel pvapy:image ${channels('consumer')} ${METADATA_PROCESSOR} --report-period 10 --metadata-channels pva://m1,pva://m2,pva://m3,pva://m4,pva://m5,pva://m6 --accumulate-objects 10 --receiver-queue-size 0 --server-queue-size 400 --n-consumers ${n} ${distributor}`,
      );
      const names = stages('consumer', n);
      const published = await streamThrough(
        world,
        'ad-sim-server -cn pvapy:image -nf 100 -dt uint8 -rt 60 -mpv pva://m1,pva://m2,pva://m3,pva://m4,pva://m5,pva://m6 -nx 512 -ny 512 -fps 1 -rp 1',
        { fps, runtime: 2 },
        names,
      );
      for (const s of await handledBy(world, names, published)) {
        expectAllProcessed(s, published / n);
        expect(s.userStats).toMatchObject({
          nFramesProcessed: published / n,
          nFrameErrors: 0,
          nMetadataProcessed: (6 * published) / n,
        });
      }
    },
  );
});
