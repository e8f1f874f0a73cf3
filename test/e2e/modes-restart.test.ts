/**
 * A stage of a chain by puts (`pva => pvas`) or by calls (`rpc => rpc`) is killed (SIGKILL) and started again. Nobody
 * monitors anything there, so the sender counts what was not taken, and the receiver by the ids what never came.
 */
import { describe, expect } from 'vitest';
import { processedUpTo, Stage } from './support/chain.ts';
import { idsFrom } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { running } from './support/processing.ts';
import { it, until, type World } from './support/world.ts';

const SENT = 'consumer:1:output';
/** Requests that may be on their way at once in any case, and at most (client-publisher.ts). */
const [WINDOW, LARGEST_WINDOW] = [8, 32];

interface Chain {
  readonly detector: Detector;
  readonly sender: Stage;
  readonly receiver: Stage;
}

async function start(world: World, output: string, input: string): Promise<Chain> {
  const detector = await Detector.start(world, { nx: 16, ny: 16 });
  const receiver = await Stage.start(
    world,
    '2',
    `hpc-consumer -id 2 -im ${input} -ic ${SENT} -pf test/e2e/fixtures/served-processors.ts -pc Served`,
  );
  await running(world, '2');
  const sender = await Stage.start(
    world,
    '1',
    `hpc-consumer -id 1 -ic pvapy:image -om ${output} -pc UserDataProcessor`,
  );
  await detector.subscribers(1);
  await sender.received();
  return { detector, sender, receiver };
}

/** What the sender says of its objects when it has an answer for so many. */
async function sent(sender: Stage, count: number): Promise<{ nPublished: number; nErrors: number }> {
  const { nPublished, nErrors } = await sender.answered(count);
  return { nPublished, nErrors };
}

describe.for([
  ['pva', 'pvas'],
  ['rpc', 'rpc'],
] as const)('of a chain %s => %s', ([output, input]) => {
  it('the receiver: the sender counts what nobody took, and goes on', async ({ world }) => {
    const { detector, sender, receiver } = await start(world, output, input);
    await detector.publish(50);
    await processedUpTo(world, 2, 50);
    expect(await sent(sender, 50)).toEqual({ nPublished: 50, nErrors: 0 });

    await receiver.kill();
    // As many as may be on their way at once: they wait for the receiver for some seconds, and fail.
    await detector.publish(WINDOW);
    expect(await sent(sender, 50 + WINDOW)).toEqual({ nPublished: 50, nErrors: WINDOW });
    await receiver.restart();
    await receiver.received(0);
    // The sender looks for it in its own time: the first one that is taken says that it has found it.
    let nErrors = WINDOW;
    for (;;) {
      await detector.publish(1);
      const now = await sent(sender, detector.published);
      if (now.nPublished > 50) break;
      nErrors = now.nErrors;
    }
    const first = detector.published;
    await detector.publish(20);
    const ids = await processedUpTo(world, 2, first + 20);
    expect(ids).toEqual([...idsFrom(1, 50), ...idsFrom(first, first + 20)]);
    expect(await sent(sender, first + 20)).toEqual({ nPublished: ids.length, nErrors });
    expect(ids.length + nErrors).toBe(detector.published);
    const { receiverStats, processorStats } = await receiver.statsAt(first + 20);
    expect(receiverStats).toMatchObject({ nReceived: 21, nErrors: 0 });
    expect(processorStats).toMatchObject({ firstObjectId: first, nProcessed: 21, nMissed: 0, nErrors: 0 });
    const one = await sender.statsAt(first + 20);
    expect(one.processorStats).toMatchObject({ nProcessed: detector.published, nMissed: 0, nErrors: 0 });
  });

  it('the receiver, while images flow: none is taken twice, and none is lost uncounted', async ({
    world,
  }) => {
    const { detector, sender, receiver } = await start(world, output, input);
    await detector.publish(50, 200);
    await receiver.kill();
    await detector.publishUntil(receiver.restart(), 100);
    await detector.publish(50, 100);
    const { published } = detector;
    const { nPublished, nErrors } = await sent(sender, published);
    expect(nPublished + nErrors).toBe(published);
    const ids = await until(() => {
      const all = world.lines('ids-2').map((line) => Number.parseInt(line, 10));
      expect(all.length).toBeGreaterThanOrEqual(nPublished);
      return all;
    });
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    // Processed when it was killed, and not answered any more: these count as errors.
    expect(ids.length - nPublished).toBeLessThanOrEqual(LARGEST_WINDOW);
  });

  it('the sender: the receiver counts by the ids what was published meanwhile', async ({ world }) => {
    const { detector, sender, receiver } = await start(world, output, input);
    await detector.publish(50);
    await processedUpTo(world, 2, 50);
    await sender.kill();
    await detector.subscribers(0);
    await detector.publish(30);
    await sender.restart();
    await detector.subscribers(1);
    await sender.received();
    await detector.publish(20);
    expect(await processedUpTo(world, 2, 100)).toEqual([...idsFrom(1, 50), ...idsFrom(81, 100)]);
    expect(await sent(sender, 20)).toEqual({ nPublished: 20, nErrors: 0 });
    const { receiverStats, processorStats } = await receiver.statsAt(100);
    expect(receiverStats).toMatchObject({ nReceived: 70, nRejected: 0, nErrors: 0 });
    expect(processorStats).toMatchObject({ nProcessed: 70, nMissed: 30, nErrors: 0 });
  });
});
