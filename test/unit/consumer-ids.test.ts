/** Which ids consumers get. */
import { describe, expect, it } from 'vitest';
import { consumerIds } from '../../src/pipeline/consumer-ids.ts';

const list = (text: string) => consumerIds({ consumerId: 1, nConsumers: 1, consumerIdList: text });

describe('consumerIds', () => {
  it('counts up from the first id', () => {
    expect(consumerIds({ consumerId: 1, nConsumers: 1 })).toEqual([1]);
    expect(consumerIds({ consumerId: 3, nConsumers: 2 })).toEqual([3, 4]);
    expect(consumerIds({ consumerId: 0, nConsumers: 3 })).toEqual([0, 1, 2]);
  });

  // Checked against Python: range(...) and [...] as PvaPy evaluates them.
  it.each([
    ['3,5,9', [3, 5, 9]],
    [' 3 , 5 ', [3, 5]],
    ['7', [7]],
    ['[1,2]', [1, 2]],
    ['[ 1, 2, ]', [1, 2]],
    ['1,2,', [1, 2]],
    ['range(1,10,2)', [1, 3, 5, 7, 9]],
    ['range(1,4)', [1, 2, 3]],
    ['range(3)', [0, 1, 2]],
    ['range( 5 , 0 , -2 )', [5, 3, 1]],
    ['range (2,4)', [2, 3]],
  ])('%s', (text, ids) => {
    expect(list(text)).toEqual(ids);
  });

  it('lets the list replace id and number', () => {
    expect(consumerIds({ consumerId: 8, nConsumers: 0, consumerIdList: '4' })).toEqual([4]);
  });

  it.each([
    ['', 'it names no consumer'],
    ['[]', 'it names no consumer'],
    ['range(5,5)', 'it names no consumer'],
    ['range(1,10,0)', 'the step of a range must not be 0'],
    ['range()', "'' is not a whole number"],
    ['range(1,2,3,4)', 'range takes one to three numbers'],
    ['range(1000000000)', 'these are 1000000000 consumers, more than 1000'],
    ['1,x', "'x' is not a whole number"],
    ['1.5', "'1.5' is not a whole number"],
    ['1,,2', "'' is not a whole number"],
    ['[1,2', "'[1' is not a whole number"],
    ['range(1,3)+[9]', "'range(1' is not a whole number"],
    ['[__import__("os").system("id")]', 'is not a whole number'],
    ['2,2', 'consumer id 2 is given twice'],
    ['-1', 'consumer id -1 is outside 0 to 4294967295'],
    ['4294967296', 'consumer id 4294967296 is outside'],
  ])('refuses %s', (text, message) => {
    expect(() => list(text)).toThrowError(message);
    expect(() => list(text)).toThrowError(expect.objectContaining({ code: 'HPC_CONSUMER_ID' }));
  });

  it('refuses a number of consumers below 1, and a mistyped one', () => {
    expect(() => consumerIds({ consumerId: 1, nConsumers: 0 })).toThrowError('at least 1, not 0');
    expect(() => consumerIds({ consumerId: 1, nConsumers: -2 })).toThrowError('at least 1, not -2');
    expect(() => consumerIds({ consumerId: 1, nConsumers: 10_000_000 })).toThrowError('more than 1000');
  });
});
