/** The statistics of several consumers as those of one system. */
import { describe, expect, it } from 'vitest';
import { combineStats } from '../../src/pipeline/stats-combine.ts';

const first = {
  consumerId: 1,
  receiverStats: { nReceived: 100, receivedRate: 50, nOverruns: 1 },
  publisherStats: { nPublished: 99, publishedRate: 49.5 },
  queueStats: { nReceived: 100, nRejected: 2, nDelivered: 98, nQueued: 0 },
  processorStats: {
    startTime: 1000,
    endTime: 1010,
    runtime: 10,
    firstObjectId: 5,
    lastObjectId: 203,
    firstObjectTime: 1001,
    lastObjectTime: 1008,
    receivingTime: 7,
    nProcessed: 97,
    processedRate: 13.5,
    nErrors: 1,
    errorRate: 0.5,
    nMissed: 3,
    missedRate: 0.25,
  },
};

const second = {
  consumerId: 2,
  receiverStats: { nReceived: 101, receivedRate: 51, nOverruns: 0 },
  publisherStats: { nPublished: 101, publishedRate: 50.5 },
  queueStats: { nReceived: 101, nRejected: 0, nDelivered: 101, nQueued: 0 },
  processorStats: {
    ...first.processorStats,
    startTime: 1000.5,
    endTime: 1012,
    firstObjectId: 4,
    lastObjectId: 204,
    firstObjectTime: 1001.5,
    lastObjectTime: 1009,
    nProcessed: 101,
    nErrors: 0,
    errorRate: 0,
    nMissed: 0,
    missedRate: 0,
  },
};

const idle = {
  consumerId: 3,
  receiverStats: { nReceived: 0, receivedRate: 0, nOverruns: 0 },
  processorStats: {
    startTime: 999,
    endTime: 1012.5,
    runtime: 13.5,
    firstObjectId: 0,
    lastObjectId: 0,
    firstObjectTime: 0,
    lastObjectTime: 0,
    receivingTime: 0,
    nProcessed: 0,
    processedRate: 0,
    nErrors: 0,
    errorRate: 0,
    nMissed: 0,
    missedRate: 0,
  },
};

describe('combineStats', () => {
  it('adds what is counted, and spans what is timed', () => {
    const lately = (receivedRate: number) => ({
      rateStats: { window: 5, receivedRate },
      resourceStats: { cpuTime: 1.5, residentBytes: 60e6 },
    });
    const waiting = {
      ...first,
      processorStats: { ...first.processorStats, nInFlight: 4, nLost: 5 },
      ...lately(40),
    };
    expect(combineStats([waiting, { ...second, ...lately(50) }])).toEqual({
      receiverStats: { nReceived: 201, receivedRate: 101, nOverruns: 1 },
      publisherStats: { nPublished: 200, publishedRate: 100 },
      queueStats: { nReceived: 201, nRejected: 2, nDelivered: 199, nQueued: 0 },
      processorStats: {
        startTime: 1000,
        endTime: 1012,
        runtime: 12,
        firstObjectId: 4,
        lastObjectId: 204,
        firstObjectTime: 1001,
        lastObjectTime: 1009,
        receivingTime: 8,
        nProcessed: 198,
        processedRate: 27,
        nErrors: 1,
        errorRate: 0.5,
        nMissed: 3,
        missedRate: 0.25,
        nInFlight: 4,
        nLost: 5,
      },
      rateStats: { window: 5, receivedRate: 90 },
      resourceStats: { cpuTime: 3, residentBytes: 120e6 },
    });
  });

  it('takes no first and last object from a consumer that processed nothing', () => {
    const { processorStats } = combineStats([idle, first]);
    expect(processorStats).toMatchObject({
      firstObjectId: 5,
      lastObjectId: 203,
      firstObjectTime: 1001,
      lastObjectTime: 1008,
      startTime: 999,
      endTime: 1012.5,
      runtime: 13.5,
      nProcessed: 97,
    });
  });

  it('has no negative runtime while consumers are running', () => {
    const running = { processorStats: { ...first.processorStats, endTime: 0, runtime: 4 } };
    const later = { processorStats: { ...first.processorStats, startTime: 1001, endTime: 0, runtime: 4.5 } };
    expect(combineStats([running, later]).processorStats).toMatchObject({ endTime: 0, runtime: 5.5 });
    expect(combineStats([running, second]).processorStats).toMatchObject({ endTime: 0, runtime: 12 });
  });

  it('is all zero without consumers, or without any figure yet', () => {
    const nothing = {
      receiverStats: {},
      publisherStats: {},
      queueStats: {},
      processorStats: expect.objectContaining({
        runtime: 0,
        nProcessed: 0,
        firstObjectId: 0,
        receivingTime: 0,
      }),
      rateStats: { window: 0 },
      resourceStats: {},
    };
    expect(combineStats([])).toEqual(nothing);
    expect(combineStats([{}, { receiverStats: undefined }])).toEqual(nothing);
  });
});
