/** The framework's keys of a configure command: all of them right, or none applied. */
import { describe, expect, it } from 'vitest';
import { runtimeSettings, type Settable } from '../../src/pipeline/runtime-settings.ts';

const ALL: Settable = {
  skipInitialUpdates: true,
  objectIdOffset: true,
  nSequentialUpdates: true,
  receiverQueueSize: true,
  accumulateObjects: true,
  accumulationTimeout: true,
  collectorCacheSize: true,
  objectsPerId: true,
  gapTimeout: true,
};

describe('runtimeSettings', () => {
  it('takes what it knows and leaves the rest to the processor', () => {
    const settings = { skipInitialUpdates: 0, objectIdOffset: 4, receiverQueueSize: 0, gapTimeout: 0.5 };
    expect(runtimeSettings({ ...settings, limit: 'x', gain: null }, ALL)).toEqual(settings);
  });

  it.each([['text'], [7], [null], [[1]], [undefined]])('finds none in %j', (args) => {
    expect(runtimeSettings(args, ALL)).toEqual({});
  });

  it('leaves keys that mean nothing to this kind of stage to the processor', () => {
    expect(runtimeSettings({ collectorCacheSize: 'mine' }, { objectIdOffset: true })).toEqual({});
  });

  it.each([
    [{ skipInitialUpdates: -1 }, 'skipInitialUpdates: -1 is not a whole number from 0 to 1000000000'],
    [{ objectIdOffset: 0 }, 'objectIdOffset: 0 is not a whole number from 1 to 1000000000'],
    [{ nSequentialUpdates: 1.5 }, 'nSequentialUpdates: 1.5 is not a whole number from 1 to 1000000000'],
    [{ receiverQueueSize: '10' }, 'receiverQueueSize: "10" is not a whole number from 0 to 1000000000'],
    [{ accumulateObjects: 1e12 }, 'accumulateObjects: 1000000000000 is not a whole number'],
    [{ accumulationTimeout: 0 }, 'accumulationTimeout: 0 is not a number of seconds from 0.001'],
    [{ collectorCacheSize: 0 }, 'collectorCacheSize: 0 is not a whole number from 1'],
    [{ objectsPerId: null }, 'objectsPerId: null is not a whole number from 0'],
    [{ gapTimeout: -2 }, 'gapTimeout: -2 is not a number of seconds'],
  ])('refuses %j', (args, message) => {
    expect(() => runtimeSettings({ ...args, skip: 1 }, ALL)).toThrow(message);
  });

  it('names every mistake at once, and says that nothing was changed', () => {
    expect(() => runtimeSettings({ objectIdOffset: 2, receiverQueueSize: -3, gapTimeout: 'x' }, ALL)).toThrow(
      'receiverQueueSize: -3 is not a whole number from 0 to 1000000000; gapTimeout: "x" is not a number of seconds from 0.001 to 1000000000; nothing was changed',
    );
  });

  it('says why a key cannot be used as the stage was started', () => {
    const settable = { ...ALL, receiverQueueSize: 'there is no queue' };
    expect(() => runtimeSettings({ receiverQueueSize: 5 }, settable)).toThrow(
      'receiverQueueSize: there is no queue',
    );
  });
});
