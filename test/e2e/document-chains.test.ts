/**
 * PvaPy's streaming framework document, with its command lines: Protection Against Lost Data with several consumers, the
 * chains, the throughput test. Every frame published is processed, exactly once, by the consumer whose turn it was.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { idsFrom, type Status, statusWhen } from './support/consumer.ts';
import {
  channels,
  expectAllProcessed,
  handledBy,
  IMAGE_PROCESSOR,
  PASS_THROUGH,
  share,
  stages,
  stopAll,
  streamThrough,
} from './support/document.ts';
import { it } from './support/world.ts';

const SIMULATOR = 'ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 1';
const firstIds = (all: readonly Status[]): number[] =>
  all.map((s) => s.processorStats.firstObjectId).sort((a, b) => a - b);

describe('Protection Against Lost Data', () => {
  it('a single consumer with a server queue misses nothing', async ({ world }) => {
    await world.start(
      `hpc-consumer --input-channel pvapy:image ${channels('consumer')} ${PASS_THROUGH} --report-period 10 --server-queue-size 1000`,
    );
    // No more than the queue holds: the consumer may not get a turn for as long as it takes.
    const published = await streamThrough(world, SIMULATOR, { fps: 500, runtime: 2 }, ['consumer:1']);
    const [s] = await handledBy(world, ['consumer:1'], published);
    expectAllProcessed(s as Status, published);
  });

  const line = `hpc-consumer --input-channel pvapy:image ${channels('consumer')} ${IMAGE_PROCESSOR} --report-period 10 --server-queue-size 100`;

  it('without a distributor: what one consumer cannot take is rejected by its queue, and counted', async ({
    world,
  }) => {
    // The example's class, made as slow as images of a test's rate must find it.
    const slow = `--processor-file test/e2e/fixtures/recording-image-processor.ts --processor-class SlowImageProcessor --processor-args '{"busyMs":4}'`;
    await world.start(`${line.replace(IMAGE_PROCESSOR, slow)} --receiver-queue-size 1000`, {
      HPC_TEST_FOLDER: world.folder,
    });
    const published = await streamThrough(world, SIMULATOR, { fps: 1500, runtime: 2 }, ['consumer:1']);
    const s = await statusWhen(world, 1, 'at the end of its queue', (now) => {
      const { nReceived, nRejected, nDelivered, nQueued } = now.queueStats;
      return nQueued === 0 && nDelivered === nReceived && nRejected > 0;
    });
    const { receiverStats: receiver, queueStats: queue, processorStats: processor } = s;
    expect(queue.nReceived + queue.nRejected).toBe(receiver.nReceived);
    expect(processor.nProcessed + processor.nErrors + 1).toBe(queue.nDelivered);
    expect(world.lines('ids-1').length).toBe(processor.nProcessed);
    // Nothing tells of those refused after the last one that was processed, but the queue's own count.
    expect(processor.nProcessed + processor.nMissed).toBe(processor.lastObjectId);
    if (receiver.nOverruns === 0) expect(processor.nProcessed + queue.nRejected).toBe(published);
  });

  it.for([
    [2, 500],
    [4, 800],
  ] as const)(
    'with a distributor: %i consumers share %i frames/s, none is lost',
    async ([n, fps], { world }) => {
      const consumers = await world.start(
        `${line} --receiver-queue-size 1000 --n-consumers ${n} --distributor-updates 1`,
      );
      const names = stages('consumer', n);
      const published = await streamThrough(world, SIMULATOR, { fps, runtime: 2 }, names);
      const all = await handledBy(world, names, published);
      expect(firstIds(all)).toEqual(idsFrom(1, n));
      for (const s of all) expectAllProcessed(s, published / n);
      await stopAll(world, names);
      expect(await consumers.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });
    },
  );
});

describe('Processing Chains', () => {
  it('mirror, processors and file writers: a file for every image, by the writer behind its processor', async ({
    world,
  }) => {
    const folder = join(world.folder, 'data');
    mkdirSync(folder);
    await world.start(
      `hpc-consumer --input-channel pvapy:image ${channels('processor')} ${IMAGE_PROCESSOR} --report-period 10 --server-queue-size 100 --receiver-queue-size 1000 --n-consumers 4 --distributor-updates 8`,
    );
    await world.start(
      `hpc-consumer --input-channel processor:*:output --output-channel file:*:output --control-channel file:*:control --status-channel file:*:status --processor-class pvapy.hpc.adOutputFileProcessor.AdOutputFileProcessor --processor-args '{"outputDirectory" : "${folder}", "outputFileNameFormat" : "bdp_{uniqueId:06d}.{processorId}.tiff", "objectIdOffset" : "25"}' --n-consumers 4 --report-period 10 --server-queue-size 1000 --receiver-queue-size 10000`,
    );
    const mirror = await world.start('mirror-server --channel-map "(pvapy:image,ad:image,pva,1000)"');
    await mirror.waitForLine(/^Started mirror server/, 20_000);
    const published = await streamThrough(
      world,
      'ad-sim-server -cn ad:image -nx 128 -ny 128 -dt uint8 -fps 2000 -rt 60 -rp 2000',
      { fps: 100, runtime: 3.2 },
      stages('file', 4),
    );
    const processors = await handledBy(world, stages('processor', 4), published);
    const writers = await handledBy(world, stages('file', 4), published);
    expect(firstIds(processors)).toEqual([1, 9, 17, 25]);
    const names: string[] = [];
    for (const [i, s] of processors.entries()) {
      const ids = share(s.processorStats.firstObjectId, published, 8, 32);
      expectAllProcessed(s, ids.length);
      // The steps of 25 ids are none of them missed.
      expectAllProcessed(writers[i] as Status, ids.length);
      expect(writers[i]?.userStats).toMatchObject({ nFilesSaved: ids.length });
      names.push(...ids.map((id) => `bdp_${String(id).padStart(6, '0')}.${i + 1}.tiff`));
    }
    expect(names.length).toBe(published);
    expect(readdirSync(folder).sort()).toEqual(names.sort());
  });
});

describe('Parallel Processing Chains', () => {
  it('two streams of one half each, eight consumers of one eighth each', async ({ world }) => {
    await world.start(
      `hpc-consumer --input-channel pvapy:image ${channels('passthrough')} ${PASS_THROUGH} --server-queue-size 100 --report-period 10 --distributor-updates 8 --n-consumers 2`,
    );
    for (const [chain, first] of [
      [1, 1],
      [2, 5],
    ])
      await world.start(
        `hpc-consumer --consumer-id ${first} --input-channel passthrough:${chain}:output ${channels('consumer')} ${IMAGE_PROCESSOR} --report-period 10 --server-queue-size 100 --n-consumers 4 --distributor-updates 8 --oid-offset 57`,
      );
    const published = await streamThrough(world, SIMULATOR, { fps: 160, runtime: 2 }, stages('consumer', 8));
    const halves = await handledBy(world, stages('passthrough', 2), published);
    expect(firstIds(halves)).toEqual([1, 9]);
    for (const s of halves) expectAllProcessed(s, published / 2);
    const eighths = await handledBy(world, stages('consumer', 8), published);
    expect(firstIds(eighths)).toEqual(idsFrom(1, 57, 8));
    for (const [i, s] of eighths.entries()) {
      expectAllProcessed(s, published / 8);
      const { firstObjectId, lastObjectId } = s.processorStats;
      expect(lastObjectId).toBe(share(firstObjectId, published, 8, 64).at(-1));
      const half = halves[Math.floor(i / 4)] as Status;
      expect((firstObjectId - half.processorStats.firstObjectId) % 16).toBe(0);
    }
  });
});

describe('Throughput Tests', () => {
  it.for([
    ['one consumer', 1, ''],
    ['four consumers', 4, '--distributor-updates 1'],
  ] as const)('%s: no frame is missed', async ([, n, distributor], { world }) => {
    await world.start(
      `hpc-consumer --input-channel pvapy:image ${channels('consumer')} ${PASS_THROUGH} --report-period 10 --server-queue-size 1000 --n-consumers ${n} ${distributor}`,
    );
    const names = stages('consumer', n);
    const published = await streamThrough(
      world,
      'ad-sim-server -cn pvapy:image -nf 100 -dt uint8 -rt 60 -nx 512 -ny 512 -fps FRAME_RATE -rp FRAME_RATE',
      // At 400 it is 105 MB/s, which a busy computer does not have.
      { fps: 200, runtime: 2 },
      names,
    );
    const all = await handledBy(world, names, published);
    for (const s of all) expectAllProcessed(s, published / n);
  });
});
