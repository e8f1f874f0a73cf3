/**
 * Which ids the consumers of one run have, from PvaPy's options `--consumer-id`, `--n-consumers` and
 * `--consumer-id-list`. The list is read by a small grammar; PvaPy evaluates it as Python.
 */
import { UserError } from '../errors.ts';

/** Ids are `uint` in the status channel. */
const MAX_ID = 0xffff_ffff;
/** Each consumer is a process: a longer list is a slip of the keyboard. */
const MAX_CONSUMERS = 1000;

export interface ConsumerIdOptions {
  /** Id of the first consumer. */
  readonly consumerId: number;
  /** Number of consumers; their ids go up in steps of 1. */
  readonly nConsumers: number;
  /** `3,5,9`, `[3,5,9]`, `range(end)`, `range(first,end)` or `range(first,end,step)`; replaces the other two. */
  readonly consumerIdList?: string | undefined;
}

function refuse(message: string): never {
  throw new UserError('HPC_CONSUMER_ID', message);
}

function listMistake(list: string, reason: string): never {
  refuse(
    `consumer id list '${list}': ${reason}; use ids such as '3,5,9' or '[3,5,9]', or 'range(first,last+1,step)'`,
  );
}

function integers(list: string, text: string): number[] {
  const items = text.split(',').map((item) => item.trim());
  // Python allows a comma after the last item.
  if (items.length > 1 && items.at(-1) === '') items.pop();
  return items.map((item) => {
    const value = Number(item);
    if (!/^[+-]?\d+$/.test(item) || !Number.isSafeInteger(value)) {
      listMistake(list, `'${item}' is not a whole number`);
    }
    return value;
  });
}

function range(list: string, text: string): number[] {
  const [first = 0, second, step = 1, ...more] = integers(list, text);
  if (more.length > 0) listMistake(list, 'range takes one to three numbers');
  if (step === 0) listMistake(list, 'the step of a range must not be 0');
  const [start, end] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (count > MAX_CONSUMERS) listMistake(list, `these are ${count} consumers, more than ${MAX_CONSUMERS}`);
  return Array.from({ length: count }, (_, index) => start + index * step);
}

function parseList(list: string): number[] {
  const text = list.trim();
  const isRange = /^range\s*\(([^()]*)\)$/.exec(text);
  if (isRange) return range(list, isRange[1] ?? '');
  const bracketed = /^\[([^[\]]*)\]$/.exec(text);
  const items = bracketed ? (bracketed[1] ?? '') : text;
  return items.trim() === '' ? [] : integers(list, items);
}

/**
 * The ids of the consumers, in the order given.
 * @throws UserError `HPC_CONSUMER_ID` if the list cannot be read, no consumer is left, an id comes twice, or is not
 *   a 32-bit unsigned number.
 */
export function consumerIds(options: ConsumerIdOptions): number[] {
  const { consumerId, nConsumers, consumerIdList } = options;
  if (consumerIdList === undefined && nConsumers > MAX_CONSUMERS) {
    refuse(`${nConsumers} consumers are more than ${MAX_CONSUMERS}`);
  }
  if (consumerIdList === undefined && nConsumers < 1) {
    refuse(`the number of consumers must be at least 1, not ${nConsumers}`);
  }
  const ids =
    consumerIdList === undefined
      ? Array.from({ length: nConsumers }, (_, index) => consumerId + index)
      : parseList(consumerIdList);
  if (ids.length === 0) listMistake(consumerIdList ?? '', 'it names no consumer');
  const outside = ids.find((id) => id < 0 || id > MAX_ID);
  if (outside !== undefined) refuse(`consumer id ${outside} is outside 0 to ${MAX_ID}`);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    refuse(`consumer id ${twice} is given twice; every consumer needs an id of its own`);
  return ids;
}
