/** The status channel takes whatever figures there are: 32-bit counters begin again, ids may be negative. */
import { expect, it } from 'vitest';
import { consumerStatusType, StatusRecord } from '../../src/pipeline/status-record.ts';

function published(figures: object) {
  const record = new StatusRecord({
    type: consumerStatusType(undefined),
    userType: undefined,
    ids: { consumerId: 1 },
    warn: () => {},
  });
  record.update(figures as object);
  return record.pv.fetch();
}

it('counters begin again at 32 bits, bytes do not', () => {
  const status = published({
    receiverStats: { nReceived: 2 ** 32 + 5, nBytes: 2 ** 40 },
    processorStats: { nProcessed: 2 ** 32 - 1, lastObjectId: 2 ** 33 + 1 },
  });
  expect(status.get('receiverStats.nReceived')).toBe(5);
  expect(status.get('receiverStats.nBytes')).toBe(2n ** 40n);
  expect(status.get('processorStats.nProcessed')).toBe(2 ** 32 - 1);
  expect(status.get('processorStats.lastObjectId')).toBe(1);
});

// NTNDArray's uniqueId is a signed number: a detector that counts on gets there.
it('ids of the second half of 32 bits are those of an unsigned number', () => {
  const status = published({ processorStats: { firstObjectId: -(2 ** 31), lastObjectId: -1 } });
  expect(status.get('processorStats.firstObjectId')).toBe(2 ** 31);
  expect(status.get('processorStats.lastObjectId')).toBe(2 ** 32 - 1);
});
