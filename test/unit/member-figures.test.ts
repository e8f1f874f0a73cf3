/** The counters of a stage as figures of the ledger: what its channels held first is apart from what was published. */
import { describe, expect, it } from 'vitest';
import { stageFigures } from '../../src/cli/member-figures.ts';

interface Counts {
  readonly nReceived: number;
  readonly nSkipped: number;
  readonly nProcessed: number;
}

describe('a consumer that receives 100 objects', () => {
  /** @param nInitial what its channel held when it was connected, and after reconnects */
  const consumer = ({ nReceived, nSkipped, nProcessed }: Counts, nInitial: number, nUnheard = 0) =>
    stageFigures({
      consumerId: 1,
      receiverStats: { nReceived },
      processorStats: { nProcessed, nErrors: 0, nMissed: 0, nLost: 0, nSkipped, nInFlight: 0, nInitial },
      publisherStats: { nPublished: nProcessed, nErrors: 0, nUnheard },
    });

  it('and skips what its channel held', () => {
    const found = consumer({ nReceived: 101, nSkipped: 1, nProcessed: 100 }, 1);
    expect(found).toMatchObject({ received: 100, initial: 0, skipped: 0, processed: 100, published: 100 });
  });

  it('and takes that for an object', () => {
    const counts = { nReceived: 101, nSkipped: 0, nProcessed: 101 };
    expect(consumer(counts, 1)).toMatchObject({ received: 100, initial: 1, skipped: 0, published: 101 });
    // Nobody had connected to its output before the first object: it is what that channel held.
    expect(consumer(counts, 1, 1)).toMatchObject({ received: 100, initial: 1, published: 100 });
    expect(consumer(counts, 1, 40)).toMatchObject({ published: 100 });
  });

  it('and skips five updates', () => {
    const found = consumer({ nReceived: 101, nSkipped: 5, nProcessed: 96 }, 1);
    expect(found).toMatchObject({ received: 100, initial: 0, skipped: 4, processed: 96, published: 96 });
  });

  it('and is connected twice', () => {
    expect(consumer({ nReceived: 102, nSkipped: 2, nProcessed: 100 }, 2)).toMatchObject({
      received: 100,
      initial: 0,
      skipped: 0,
    });
    expect(consumer({ nReceived: 102, nSkipped: 1, nProcessed: 101 }, 2)).toMatchObject({
      received: 100,
      initial: 1,
      skipped: 0,
    });
  });

  it('by puts, of which none is what a channel held', () => {
    const found = consumer({ nReceived: 100, nSkipped: 0, nProcessed: 100 }, 0);
    expect(found).toMatchObject({ received: 100, initial: 0, skipped: 0 });
  });
});

describe('a collector that receives 50 objects of each of two producers', () => {
  const collector = (each: number, nSkipped: number, nProcessed: number, skipInitialUpdates: number) =>
    stageFigures(
      {
        collectorId: 1,
        collectorStats: {},
        processorStats: { nProcessed, nErrors: 0, nLost: 0, nSkipped, nInFlight: 0, nInitial: 0 },
        producerStats_1: { receiverStats: { nReceived: each } },
        producerStats_2: { receiverStats: { nReceived: each } },
      },
      skipInitialUpdates,
    );

  it.for([
    ['skips what each held', 51, 2, 100, 1, { received: 100, initial: 0, skipped: 0 }],
    ['takes it for an object', 51, 0, 102, 0, { received: 100, initial: 2, skipped: 0 }],
    ['skips three updates of each', 51, 6, 96, 3, { received: 100, initial: 0, skipped: 4 }],
    ['and is connected again to both', 52, 12, 92, 3, { received: 100, initial: 0, skipped: 8 }],
  ] as const)('%s', ([, each, nSkipped, nProcessed, skip, wanted]) => {
    expect(collector(each, nSkipped, nProcessed, skip)).toMatchObject(wanted);
  });
});
