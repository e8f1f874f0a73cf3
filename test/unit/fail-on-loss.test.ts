/** `--fail-on-loss` sees every counter in which a lost object can be. */
import { describe, expect, it } from 'vitest';
import { failOnLoss } from '../../src/cli/fail-on-loss.ts';

function lineOf(stats: object): string | undefined {
  try {
    failOnLoss('hpc-test', stats);
    return undefined;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

const NOTHING = { nMissed: 0, nErrors: 0, nInFlight: 0, nRejected: 0 };
const producer = (noId: number, refused: number) => ({
  receiverStats: { nReceived: 9, nRejected: noId, nOverruns: 0 },
  queueStats: { nReceived: 9, nRejected: refused, nDelivered: 9, nQueued: 0 },
});

describe('a collector', () => {
  it('that took everything lost nothing', () => {
    expect(
      lineOf({ collectorStats: NOTHING, processorStats: NOTHING, producerStats_1: producer(0, 0) }),
    ).toBeUndefined();
  });

  it('lost what is missing of images that have come in part', () => {
    const collectorStats = { ...NOTHING, nIncomplete: 2 };
    expect(lineOf({ collectorStats, processorStats: NOTHING })).toBe(
      'hpc-test: objects were lost: 2 ids with objects (tiles) missing (--fail-on-loss)\n',
    );
  });

  it('lost what the queues of its producers refused, and what had no id', () => {
    expect(
      lineOf({
        collectorStats: { ...NOTHING, nRejected: 1 },
        processorStats: NOTHING,
        producerStats_1: producer(0, 2),
        producerStats_3: producer(4, 3),
      }),
    ).toBe(
      "hpc-test: objects were lost: 1 too late for the collector, 4 without an object id, 5 refused by the producers' receiver queues (--fail-on-loss)\n",
    );
  });
});

it('a consumer lost what it missed, refused, did not process, or failed with', () => {
  expect(
    lineOf({
      receiverStats: { nRejected: 3 },
      queueStats: { nRejected: 2 },
      processorStats: { nMissed: 6, nInFlight: 4, nErrors: 5 },
      publisherStats: { nErrors: 6 },
    }),
  ).toBe(
    'hpc-test: objects were lost: 3 missed, 1 refused by the receiver, 2 refused by the receiver queue, 4 not processed when it ended, 5 failed to be processed, 6 failed to be published (--fail-on-loss)\n',
  );
});

describe('an object is named once', () => {
  const refusals = (byReceiver: number, byQueue: number, nMissed: number) =>
    lineOf({
      receiverStats: { nRejected: byReceiver },
      queueStats: { nRejected: byQueue },
      processorStats: { ...NOTHING, nMissed },
    });

  it('that a full queue refused, which is missing between the others', () => {
    const line = 'hpc-test: objects were lost: 2 refused by the receiver queue (--fail-on-loss)\n';
    // By monitor, and served, where the receiver counts it, too.
    for (const byReceiver of [0, 2]) expect(refusals(byReceiver, 2, 2)).toBe(line);
    // Behind the last one nothing is missing.
    expect(refusals(2, 2, 0)).toBe(line);
  });

  it('that a paused consumer refused', () => {
    expect(refusals(5, 2, 7)).toBe(
      'hpc-test: objects were lost: 2 missed, 3 refused by the receiver, 2 refused by the receiver queue (--fail-on-loss)\n',
    );
  });

  it('that came too late for a collector', () => {
    const collectorStats = { ...NOTHING, nRejected: 2, nMissed: 3 };
    const stats = { collectorStats, processorStats: { ...NOTHING, nMissed: 3 } };
    expect(lineOf(stats)).toBe(
      'hpc-test: objects were lost: 1 missed, 2 too late for the collector (--fail-on-loss)\n',
    );
  });
});

describe('a system of consumers', () => {
  it('lost what those held that died, and what they did not report', () => {
    const stats = { processorStats: NOTHING, nLostInRestarts: 3, unreportedTime: 0.5124 };
    expect(lineOf(stats)).toBe(
      'hpc-test: objects were lost: 3 held by consumers that died, an unknown number by consumers that died (0.512 s not reported) (--fail-on-loss)\n',
    );
    expect(lineOf({ ...stats, nLostInRestarts: 0 })).toContain('lost: an unknown number');
  });

  it('in which none died lost nothing', () => {
    const stats = { processorStats: NOTHING, nRestarts: 0, nLostInRestarts: 0, unreportedTime: 0 };
    expect(lineOf(stats)).toBeUndefined();
  });
});
