/** The request with which a consumer monitors its input channel: the texts PvaPy sends. */
import { describe, expect, it } from 'vitest';
import { monitorRequest } from '../../src/input/request-string.ts';

const base = { serverQueueSize: 0, oidField: 'uniqueId' };
const pluginName = 'pydistributor';

describe('monitorRequest', () => {
  it.each([
    [{}, 'field()'],
    [{ serverQueueSize: -1 }, 'field()'],
    [{ serverQueueSize: 100 }, 'record[queueSize=100]field()'],
    [{ fieldRequest: '' }, 'field()'],
    [{ fieldRequest: 'timeStamp' }, 'field(uniqueId,timeStamp)'],
    [{ fieldRequest: 'field(timeStamp,dimension)' }, 'field(uniqueId,timeStamp,dimension)'],
    [{ fieldRequest: 'value,uniqueId' }, 'field(value,uniqueId)'],
    [
      { fieldRequest: 'value', oidField: 'frameId', serverQueueSize: 5 },
      'record[queueSize=5]field(frameId,value)',
    ],
    [{ distributor: { pluginName } }, 'field()'],
    [{ distributor: { pluginName, group: '', updates: undefined } }, 'field()'],
    [{ distributor: { pluginName, updates: 1 } }, 'field(_[pydistributor=updates:1])'],
    [
      {
        serverQueueSize: 10,
        distributor: { pluginName, updates: 3, trigger: 'timeStamp', set: 'A', group: 'g1' },
      },
      'record[queueSize=10]field(_[pydistributor=group:g1;set:A;trigger:timeStamp;updates:3])',
    ],
    [{ distributor: { pluginName: 'distributor', set: 'A' } }, 'field(_[distributor=set:A])'],
    [{ fieldRequest: 'value', distributor: { pluginName, updates: 1 } }, 'field(_[pydistributor=updates:1])'],
  ])('%j', (options, request) => {
    expect(monitorRequest({ ...base, ...options })).toBe(request);
  });

  it.each(['a;b', 'a]b', 'a b', 'a:b', 'a,b'])(
    'refuses the group %s, which would change the request',
    (group) => {
      expect(() => monitorRequest({ ...base, distributor: { pluginName, group } })).toThrowError(
        `distributor group '${group}'`,
      );
    },
  );

  it.each(['', 'a b', 'a=b', 'a]', 'a,b'])('refuses the plugin name %j', (name) => {
    expect(() => monitorRequest({ ...base, distributor: { pluginName: name, updates: 1 } })).toThrowError(
      `distributor plugin name '${name}' `,
    );
    // Nobody is asked to share, so nobody is named.
    expect(monitorRequest({ ...base, distributor: { pluginName: name } })).toBe('field()');
  });
});
