/** The steps between the object ids of one consumer, with the examples of PvaPy's documentation. */
import { describe, expect, it } from 'vitest';
import { objectIdSteps, offsetByHand } from '../../src/pipeline/object-id-offset.ts';

const defaults = { oidOffset: 0, nDistributorSets: 1, nConsumers: 1 };

describe('objectIdSteps', () => {
  it.each([
    ['no distributor', { nConsumers: 4 }, 1, 1],
    ['4 consumers, 1 update', { nConsumers: 4, distributorUpdates: 1 }, 4, 1],
    ['4 consumers, 3 updates', { nConsumers: 4, distributorUpdates: 3 }, 10, 3],
    ['1 consumer, 3 updates', { distributorUpdates: 3 }, 1, 3],
    [
      '2 sets, 3 updates',
      { nConsumers: 2, distributorUpdates: 3, nDistributorSets: 2, distributorSet: 'A' },
      4,
      3,
    ],
    [
      '3 sets, 1 update',
      { nConsumers: 9, distributorUpdates: 1, nDistributorSets: 3, distributorSet: 'A' },
      3,
      1,
    ],
    ['a set, but one set in all', { nConsumers: 2, distributorUpdates: 3, distributorSet: 'A' }, 4, 3],
    ['by hand', { nConsumers: 4, distributorUpdates: 8, oidOffset: 57 }, 57, 8],
    ['by hand, no distributor', { oidOffset: 5 }, 5, 1],
    ['by hand, sets without a name', { oidOffset: 5, distributorUpdates: 2, nDistributorSets: 2 }, 5, 2],
    ['negative offset', { oidOffset: -3, nConsumers: 2, distributorUpdates: 1 }, 2, 1],
    ['updates 0: everyone gets everything', { nConsumers: 4, distributorUpdates: 0 }, 1, 1],
    ['updates below 0', { nConsumers: 4, distributorUpdates: -2 }, 1, 1],
  ])('%s', (_name, options, oidOffset, nSequentialUpdates) => {
    expect(objectIdSteps({ ...defaults, ...options })).toEqual({ oidOffset, nSequentialUpdates });
  });

  it('needs the set when there are several', () => {
    const options = { ...defaults, distributorUpdates: 3, nDistributorSets: 2 };
    expect(() => objectIdSteps(options)).toThrowError('--n-distributor-sets 2 needs --distributor-set');
    expect(() => objectIdSteps({ ...options, distributorSet: '' })).toThrowError(
      expect.objectContaining({ code: 'HPC_BAD_ARGUMENT' }),
    );
  });
});

describe('the offset set by hand', () => {
  it.each<[string, number, Record<string, unknown>, number]>([
    ['nowhere', 0, {}, 0],
    ['by the option', 57, {}, 57],
    ['among the arguments', 0, { objectIdOffset: 25 }, 25],
    ["as the document's string", 0, { objectIdOffset: '25' }, 25],
    ['by both: the option', 57, { objectIdOffset: '25' }, 57],
  ])('%s', (_what, option, args, offset) => {
    expect(offsetByHand(option, args)).toBe(offset);
  });

  it.each([['x'], ['0'], ['-3'], [0], [2.5], [null], ['']])('%j is no offset', (objectIdOffset) => {
    expect(() => offsetByHand(0, { objectIdOffset })).toThrow(/objectIdOffset: .* is not a whole number/);
  });
});
