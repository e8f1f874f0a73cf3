/** The receiver queue: bounded in objects, bytes and heap, whatever the size of its objects; all of them accounted for. */
import { BitSet, NTScalar, nowTimeStamp, type Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { MetadataSource } from '../../processors/metadata-source.ts';
import { MetadataChannel, metadataQueueSize } from '../../src/input/metadata-channel.ts';
import { ObjectQueue } from '../../src/input/object-queue.ts';
import { createLogging } from '../../src/log.ts';

const KIB = 1024;

/** As it is received: `receivedBytes` is 0 for a small one, which is decoded at once. */
function object(id: number, messageBytes: number, receivedBytes = messageBytes): Value & { id: number } {
  return { id, messageBytes, receivedBytes, release: () => {} } as unknown as Value & { id: number };
}
const small = (id: number, messageBytes = 50): Value => object(id, messageBytes, 0);

function fill(queue: ObjectQueue, make: (id: number) => Value, count: number): number {
  let accepted = 0;
  for (let id = 0; id < count; id++) if (queue.put(make(id))) accepted++;
  return accepted;
}

describe('a queue without a number of objects', () => {
  it('ends at the bytes received, one object larger than that fits by itself', () => {
    const queue = new ObjectQueue({ maxLength: 0, maxBytes: 100 * KIB });
    expect(fill(queue, (id) => object(id, 10 * KIB), 20)).toBe(10);
    expect(queue.stats).toEqual({ nReceived: 10, nRejected: 10, nDelivered: 0, nQueued: 10 });
    while (queue.get());
    expect(queue.put(object(1, 200 * KIB))).toBe(true);
    expect(queue.put(object(2, 1))).toBe(false);
    queue.get();
    expect(fill(queue, (id) => object(id, 10 * KIB), 20)).toBe(10);
  });

  it('ends at its share of the heap, where objects are small', () => {
    const queue = new ObjectQueue({ maxLength: 0, maxBytes: 100 * KIB, maxHeapBytes: 100 * KIB });
    expect(fill(queue, small, 1000)).toBe(100);
    while (queue.get());
    // Decoded they take more than they did as bytes.
    expect(fill(queue, (id) => small(id, KIB), 1000)).toBe(25);
    while (queue.get());
    expect(fill(queue, small, 1000)).toBe(100);
    expect(queue.stats).toMatchObject({ nReceived: 225, nRejected: 2775, nDelivered: 125, nQueued: 100 });
  });

  it('takes no more than a quarter of the heap if nothing else is said', () => {
    const queue = new ObjectQueue({ maxLength: 0, maxBytes: Number.MAX_SAFE_INTEGER });
    const huge = small(1, 1024 ** 4);
    expect(queue.put(huge)).toBe(true);
    expect(queue.put(small(2))).toBe(false);
  });
});

it('a queue that refuses the oldest holds the newest, and every object is accounted for', () => {
  const released: number[] = [];
  const queue = new ObjectQueue({ maxLength: 3, maxBytes: 10 * KIB, refuse: 'oldest' });
  const put = (id: number, bytes: number): boolean =>
    queue.put(Object.assign(object(id, bytes), { release: () => void released.push(id) }));
  for (let id = 1; id <= 5; id++) expect(put(id, 1)).toBe(true);
  expect(released).toEqual([1, 2]);
  expect((queue.get() as unknown as { id: number }).id).toBe(3);
  expect(put(6, 10 * KIB)).toBe(true);
  expect(released).toEqual([1, 2, 4, 5]);
  expect(queue.stats).toEqual({ nReceived: 2, nRejected: 4, nDelivered: 1, nQueued: 1 });
});

describe('the queue of a metadata channel', () => {
  /** A channel whose updates are given here. */
  function channelOf(queueSize: number): {
    metadata: MetadataChannel;
    post: (value: number, ns: bigint) => void;
  } {
    const { logger } = createLogging({ name: 'test', level: 'critical' });
    let update: (value: Value, overrun: BitSet) => void = () => {};
    const metadata = new MetadataChannel({
      provider: {
        monitor: (_channel, _options, handlers) => {
          update = (value, overrun) => handlers.update(value, overrun);
          const stats = { received: 0, overruns: 0, connected: true };
          return { stats, resetStats: () => {}, close: () => {} };
        },
      },
      id: 1,
      channel: 'motor:x',
      queueSize,
      serverQueueSize: 0,
      logger,
    });
    metadata.start();
    const none = new BitSet();
    const post = (value: number, ns: bigint): void => {
      const stamp = { ...nowTimeStamp(), secondsPastEpoch: 0n, nanoseconds: Number(ns) };
      update(NTScalar.create('double', value).set('timeStamp', stamp), none);
    };
    return { metadata, post };
  }

  it('has the last position for the first image after a time without images', () => {
    const { metadata, post } = channelOf(100);
    const source = new MetadataSource('motor:x', () => {
      const value = metadata.get();
      return (
        value && { time: BigInt(value.get('timeStamp.nanoseconds') as number), value: value.get('value') }
      );
    });
    const rule = { interpolation: 'previous', tolerance: 1e9, offset: 0 } as const;
    for (let i = 1; i <= 500; i++) post(i, BigInt(i));
    expect(source.at(1000n, rule)).toBe(500);
    expect(metadata.stats.queue).toEqual({ nReceived: 100, nRejected: 400, nDelivered: 100, nQueued: 0 });
  });

  it('is bounded in any case', () => {
    expect([-1, 0, 7].map(metadataQueueSize)).toEqual([1000, 10_000, 7]);
  });
});
