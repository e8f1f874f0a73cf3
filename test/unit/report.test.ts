/** Reports look as PvaPy's do. The expected texts were printed by PvaPy 5.6. */
import { describe, expect, it } from 'vitest';
import { filterReport, formatReport, parseReportStats } from '../../src/pipeline/report.ts';

const processorStats = {
  startTime: 1795252262.5464,
  runtime: 3.001,
  endTime: 0,
  receivingTime: 1.801,
  firstObjectTime: 1795252263.7462,
  lastObjectTime: 1795252265.5473,
  firstObjectId: 1,
  lastObjectId: 91,
  nProcessed: 91,
  processedRate: 50.5273,
  nErrors: 0,
  errorRate: 0,
  nMissed: 0,
  missedRate: 0,
};

const report = {
  consumerId: 1,
  inputChannel: 'h1:image',
  objectId: 1,
  receiverStats: {
    nReceived: 92,
    receivedRate: 51.0826,
    nOverruns: 0,
    overrunRate: 0,
    rejectedRate: 0,
    errorRate: 0,
  },
  publisherStats: { nPublished: 91, publishedRate: 50.5273, nErrors: 0, errorRate: 0 },
  queueStats: { nReceived: 92, nRejected: 0, nDelivered: 92, nQueued: 0 },
  metadataStats: {},
  processorStats,
  userStats: {},
};

const PROCESSOR =
  "{'endTime': 0.0s, 'errorRate': 0.0Hz, 'firstObjectId': 1, 'firstObjectTime': 1795252263.7462s, 'lastObjectId': 91, " +
  "'lastObjectTime': 1795252265.5473s, 'missedRate': 0.0Hz, 'nErrors': 0, 'nMissed': 0, 'nProcessed': 91, " +
  "'processedRate': 50.5273Hz, 'receivingTime': 1.8010s, 'runtime': 3.0010s, 'startTime': 1795252262.5464s}";

describe('formatReport', () => {
  it('prints a line for each group when the report is long', () => {
    expect(formatReport(report).split('\n')).toEqual([
      "{ 'consumerId': 1,",
      "  'inputChannel': 'h1:image',",
      "  'metadataStats': {},",
      "  'objectId': 1,",
      `  'processorStats': ${PROCESSOR},`,
      "  'publisherStats': {'errorRate': 0.0Hz, 'nErrors': 0, 'nPublished': 91, 'publishedRate': 50.5273Hz},",
      "  'queueStats': {'nDelivered': 92, 'nQueued': 0, 'nReceived': 92, 'nRejected': 0},",
      "  'receiverStats': {'errorRate': 0.0Hz, 'nOverruns': 0, 'nReceived': 92, 'overrunRate': 0.0Hz, 'receivedRate': 51.0826Hz, 'rejectedRate': 0.0Hz},",
      "  'userStats': {}}",
    ]);
  });

  it('prints one line when that is enough', () => {
    const filtered = filterReport(report, parseReportStats('processor,queue'));
    expect(formatReport({ ...filtered, queueStats: {} })).toBe(
      `{'consumerId': 1, 'inputChannel': 'h1:image', 'objectId': 1, 'processorStats': ${PROCESSOR}, 'queueStats': {}}`,
    );
  });

  it("prints a processor's own figures as they are", () => {
    const userStats = {
      nFound: 3,
      ratio: 0.5,
      fillRate: 2,
      name: "it's",
      ready: true,
      last: null,
      big: 2n ** 64n,
    };
    expect(formatReport({ userStats })).toBe(
      "{'userStats': {'big': 18446744073709551616, 'fillRate': 2, 'last': None, 'nFound': 3, 'name': \"it's\", 'ratio': 0.5, 'ready': True}}",
    );
  });

  it('prints arrays, typed or not, and figures that are not finite', () => {
    expect(
      formatReport({ a: [1, 'x'], b: new Uint8Array([1, 2]), processedRate: Number.NaN, runtime: Infinity }),
    ).toBe("{'a': [1, 'x'], 'b': [1, 2], 'processedRate': nanHz, 'runtime': infs}");
  });

  it('shows four levels and no more', () => {
    expect(formatReport({ a: { b: { c: { d: { e: 1 }, f: [1], g: {} } } } })).toBe(
      "{'a': {'b': {'c': {'d': {...}, 'f': [...], 'g': {}}}}}",
    );
  });
});

describe('parseReportStats and filterReport', () => {
  it('keeps the groups asked for, and what is in no group', () => {
    expect(Object.keys(filterReport(report, parseReportStats('receiver')))).toEqual([
      'consumerId',
      'inputChannel',
      'objectId',
      'receiverStats',
    ]);
    expect(filterReport(report, parseReportStats('all'))).toEqual(report);
    expect(filterReport(report, parseReportStats(' User , queue,'))).toHaveProperty('userStats');
  });

  it('treats every metadata channel as metadata', () => {
    const withMetadata = { metadataStats_1: {}, metadataStats_2: {}, metadataStatsOfMine: 1 };
    expect(filterReport(withMetadata, parseReportStats('user'))).toEqual({ metadataStatsOfMine: 1 });
    expect(filterReport(withMetadata, parseReportStats('metadata'))).toEqual(withMetadata);
  });

  it('names the groups when one is unknown', () => {
    expect(() => parseReportStats('queue,cpu')).toThrowError(
      "--report-stats: unknown group 'cpu'; the groups are receiver, publisher, queue, metadata, processor, user, collector, producer, rate, latency, resource, all",
    );
  });
});
