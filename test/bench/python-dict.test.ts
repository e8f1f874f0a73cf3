/** The statistics PvaPy prints are read as they stand in its output. */
import { describe, expect, it } from 'vitest';
import { PythonDictCollector, parsePythonDict } from '../../bench/peers/python-dict.ts';

const REPORT = `{ 'consumerId': 1,
  'inputChannel': 's:{image}',
  'metadataStats': {},
  'processorStats': {'errorRate': 0.0Hz, 'firstObjectTime': 1795252661.8194s, 'lastObjectId': 601, 'nMissed': 0},
  'userStats': {'deep': {...}, 'done': True, 'name': "it's", 'nothing': None, 'pair': (1, -2.5e-07)}}`;

describe('PvaPy statistics', () => {
  it('are read without their units', () => {
    expect(parsePythonDict(REPORT)).toEqual({
      consumerId: 1,
      inputChannel: 's:{image}',
      metadataStats: {},
      processorStats: { errorRate: 0, firstObjectTime: 1795252661.8194, lastObjectId: 601, nMissed: 0 },
      userStats: { deep: {}, done: true, name: "it's", nothing: null, pair: [1, -2.5e-7] },
    });
  });

  it('are found among other lines, each complete', () => {
    const collector = new PythonDictCollector();
    const output = ['Warning: Undefined Behavior!', ...REPORT.split('\n'), '', "{'consumerId': 2}", 'end'];
    const found = output.map((line) => collector.push(line)).filter((dict) => dict !== undefined);
    expect(found.map((dict) => dict['consumerId'])).toEqual([1, 2]);
  });

  it('that are cut off are an error that shows the place', () => {
    expect(() => parsePythonDict("{'a': }")).toThrow(/expected a value at position 6/);
    expect(() => parsePythonDict("{'a' 1}")).toThrow(/expected a colon/);
  });
});
