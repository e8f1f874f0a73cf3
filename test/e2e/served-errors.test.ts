/** What a consumer that serves its input tells those who call it or put into it when processing has failed. */
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { control, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { running } from './support/processing.ts';
import { it, until, type World } from './support/world.ts';

const CHANNELS = '-cc consumer:*:control -sc consumer:*:status';

/** Starts a consumer whose processor fails on every tenth image. */
async function serve(world: World, mode: 'pvas' | 'rpc', options: string): Promise<void> {
  const env = { HPC_TEST_FOLDER: world.folder };
  const file = 'test/e2e/fixtures/served-processors.ts';
  await world.start(`hpc-consumer -id 2 -im ${mode} -ic stage2 ${CHANNELS} -pf ${file} ${options}`, env);
  await running(world, 2);
}

const sum = (id: number): number => pixelsOf(id).reduce((a, b) => a + b, 0);
const image = (uniqueId: number) => NTNDArray.create({ uniqueId }).value;

/** What a caller hears. */
async function call(world: World, id: number): Promise<unknown> {
  const answer = await world.context.rpc('stage2', image(id), { timeout: 15 }).catch((e: Error) => e);
  return answer instanceof Error ? answer.message : answer?.toJS();
}

describe.concurrent('a caller', () => {
  it.for(['-pc Picky', '-pc SlowlyPicky', '-pc Picky -pw 2', '-pc SlowlyPicky -pw 2 -wqs 3'])(
    'is answered with the error of the processor, in one line; the others go on: %s',
    async (options, { world }) => {
      await serve(world, 'rpc', options);
      expect(await call(world, 9)).toEqual({ status: 0 });
      const all = await Promise.all([10, 11, 20, 21].map((id) => call(world, id)));
      expect(all[0]).toMatch(/no beam in 10: the shutter is closed$/);
      expect(all[2]).toMatch(/no beam in 20: the shutter is closed$/);
      expect([all[1], all[3]]).toEqual([{ status: 0 }, { status: 0 }]);
      const s = await statusWhen(world, 2, 'done', (x) => x.processorStats.nProcessed === 3);
      expect(s.processorStats).toMatchObject({ nErrors: 2 });
      expect(s.receiverStats).toMatchObject({ nReceived: 5, nRejected: 0, nErrors: 2 });
      await control(world, 2, 'reset_stats');
      expect(await call(world, 30)).toMatch(/no beam in 30/);
      const t = await statusWhen(world, 2, 'done', (x) => x.processorStats.nErrors === 1);
      expect(t.receiverStats).toMatchObject({ nReceived: 1, nErrors: 1 });
    },
  );

  it.for(['-pc Picky -rqs 100', '-pc Picky -rqs 100 -ao 3 -at 0.2', '-pc Picky -rqs 100 -pw 1'])(
    'is answered when its object is queued, and the error is counted when it is processed: %s',
    async (options, { world }) => {
      await serve(world, 'rpc', options);
      const all = await Promise.all([9, 10, 11, 12].map((id) => call(world, id)));
      expect(all).toEqual(all.map(() => ({ status: 0 })));
      const s = await statusWhen(world, 2, 'done', (x) => x.processorStats.nProcessed === 3);
      expect(s.processorStats).toMatchObject({ nErrors: 1, nMissed: 0 });
      // As PvaPy: these are the errors of receiving.
      expect(s.receiverStats).toMatchObject({ nReceived: 4, nRejected: 0, nErrors: 0 });
    },
  );
});

describe.concurrent('a stage that calls the next one', () => {
  it.for(['-pc Picky', '-pc Picky -pw 2'])(
    'counts what failed there as errors, not as published: %s',
    async (options, { world }) => {
      const detector = await Detector.start(world);
      await serve(world, 'rpc', options);
      await world.start(
        `hpc-consumer -ic pvapy:image -om rpc -oc stage2 ${CHANNELS} -pc UserDataProcessor -sqs 1000`,
      );
      await detector.subscribers(1);
      await detector.publish(50);
      const one = await statusWhen(
        world,
        1,
        'done',
        ({ publisherStats: p }) => p.nPublished + p.nErrors === 50,
      );
      expect(one.publisherStats).toMatchObject({ nPublished: 45, nErrors: 5 });
      expect(one.processorStats).toMatchObject({ nProcessed: 50, nErrors: 0 });
      const two = await statusWhen(world, 2, 'done', (s) => s.processorStats.nProcessed === 45);
      expect(two.processorStats).toMatchObject({ nErrors: 5, nMissed: 0 });
      expect(two.receiverStats).toMatchObject({ nReceived: 50, nRejected: 0, nErrors: 5 });
      const processed = idsFrom(1, 50).filter((id) => id % 10 !== 0);
      await until(() =>
        expect(new Set(world.lines('ids-2'))).toEqual(new Set(processed.map((id) => `${id} ${sum(id)}`))),
      );
    },
  );
});

describe.concurrent('a put', () => {
  it.for(['-pc Picky', '-pc Picky -pw 2'])(
    'has succeeded when processing fails, which the consumer counts: %s',
    async (options, { world }) => {
      await serve(world, 'pvas', options);
      for (const id of [9, 10, 11]) await world.context.put('stage2', image(id).mark());
      const s = await statusWhen(world, 2, 'done', (x) => x.processorStats.nProcessed === 2);
      expect(s.processorStats).toMatchObject({ nErrors: 1 });
      expect(s.receiverStats).toMatchObject({ nReceived: 3, nRejected: 0, nErrors: 1 });
    },
  );
});
