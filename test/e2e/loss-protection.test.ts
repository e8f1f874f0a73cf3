/**
 * The two queues that protect a consumer against lost frames, at high rates and with slow processors. Frames may be
 * lost where there is no protection, and then every one of them is accounted for.
 */
import { describe, expect } from 'vitest';
import { expectLedger, idsFrom, type Status, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { it, type World } from './support/world.ts';

const CHANNELS =
  '--input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status --output-channel consumer:*:output';

const FAST = `hpc-consumer ${CHANNELS} --processor-class UserDataProcessor`;

/** A processor that takes longer for an image than there is time between images; it writes down which it has seen. */
const SLOW = `hpc-consumer ${CHANNELS} --processor-file test/e2e/fixtures/recording-image-processor.ts --processor-class SlowImageProcessor --processor-args '{"busyMs":4}'`;

interface Outcome {
  readonly status: Status;
  /** Images processed, as the processor wrote them down. */
  readonly ids: readonly number[];
}

/** One consumer and `count` frames, until all that arrived is processed; how it went. */
async function stream(world: World, line: string, count: number, fps: number): Promise<Outcome> {
  const detector = await Detector.start(world);
  const consumer = await world.start(line, { HPC_TEST_FOLDER: world.folder });
  await detector.subscribers(1);
  await detector.publish(count, fps);
  const done = await statusWhen(world, 1, 'done with all that arrived', (s) => {
    const { nReceived, nOverruns } = s.receiverStats;
    const handled = 1 + s.processorStats.nProcessed + s.queueStats.nRejected;
    // The last frame is never overwritten, but a full receiver queue may refuse it.
    const arrived = nReceived === count + 1 || s.processorStats.lastObjectId === count;
    return handled === nReceived && (arrived || (nOverruns > 0 && s.queueStats.nRejected > 0));
  });
  expect(done.publisherStats).toMatchObject({ nPublished: done.processorStats.nProcessed, nErrors: 0 });
  expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  return { status: done, ids: world.lines('ids-1').map(Number) };
}

describe('at 5 kHz', () => {
  // The server queue is what a busy computer needs in addition: the consumer may not get a turn for a while.
  it.for([
    ['server queue', '--server-queue-size 10000'],
    ['receiver queue', '--receiver-queue-size 0 --server-queue-size 10000'],
  ])('no image is lost with a %s', async ([, options], { world }) => {
    const { status: s } = await stream(world, `${FAST} ${options}`, 10_000, 5_000);
    expectLedger(s, 10_000);
    expect(s.processorStats).toMatchObject({ nProcessed: 10_000, nMissed: 0, nErrors: 0 });
    expect(s.receiverStats.nOverruns).toBe(0);
  });
});

describe('with a processor slower than the stream', () => {
  it('without any protection images are overwritten at the server, and counted', async ({ world }) => {
    // All at once: what lies in sockets is not overwritten, and that may be some hundred images.
    const { status: s, ids } = await stream(world, SLOW, 2000, Number.POSITIVE_INFINITY);
    expectLedger(s, 2000);
    expect(s.receiverStats.nOverruns).toBeGreaterThan(0);
    expect(s.processorStats.nMissed).toBeGreaterThan(0);
    expect(ids.length).toBe(s.processorStats.nProcessed);
    expect(new Set(ids).size + s.processorStats.nMissed).toBe(2000);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    // The latest value is never lost.
    expect(ids.at(-1)).toBe(2000);
  });

  it.for([
    ['server queue', '--server-queue-size 1000'],
    ['receiver queue', '--receiver-queue-size 0'],
    ['receiver queue of a size', '--receiver-queue-size 1000'],
  ])('a %s keeps every image until it is processed', async ([, options], { world }) => {
    const { status: s, ids } = await stream(world, `${SLOW} ${options}`, 300, 1000);
    expectLedger(s, 300);
    expect(s.processorStats.nMissed).toBe(0);
    expect(s.receiverStats.nOverruns).toBe(0);
    expect(ids).toEqual(idsFrom(1, 300));
  });

  it('a receiver queue that is too small refuses images, and counts them', async ({ world }) => {
    const { status: s, ids } = await stream(world, `${SLOW} --receiver-queue-size 10`, 300, 1000);
    const { receiverStats: receiver, queueStats: queue, processorStats: processor } = s;
    expect(queue.nRejected).toBeGreaterThan(0);
    expect(queue.nReceived + queue.nRejected).toBe(receiver.nReceived);
    expect(queue.nDelivered).toBe(queue.nReceived);
    expect(ids.length).toBe(queue.nDelivered - 1);
    expect(new Set(ids).size).toBe(ids.length);
    // Nothing tells of those refused after the last one that was processed, but the queue's own count.
    expect(ids.length + processor.nMissed).toBe(processor.lastObjectId);
    if (receiver.nOverruns === 0) expect(ids.length + queue.nRejected).toBe(300);
  });
});
