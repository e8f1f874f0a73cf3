/**
 * Which ids the consumers of one run, or the producers of a collector, have: PvaPy's options `--consumer-id`,
 * `--n-consumers`, `--consumer-id-list` and `--producer-id-list`. Lists are read by a small grammar; PvaPy evaluates
 * them as Python.
 */
import { UserError } from '../errors.ts';

/** Ids are `uint` in the status channel. */
export const MAX_ID = 0xffff_ffff;
/** Each consumer is a process, each producer a channel: a longer list is a slip of the keyboard. */
const MAX_IDS = 1000;

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

/** A list of ids of `kind`, as given by the user. */
class IdList {
  private readonly kind: 'consumer' | 'producer';
  private readonly list: string;

  constructor(kind: 'consumer' | 'producer', list: string) {
    this.kind = kind;
    this.list = list;
  }

  parse(): number[] {
    const text = this.list.trim();
    const isRange = /^range\s*\(([^()]*)\)$/.exec(text);
    if (isRange) return this.range(isRange[1] ?? '');
    const bracketed = /^\[([^[\]]*)\]$/.exec(text);
    const items = bracketed ? (bracketed[1] ?? '') : text;
    return items.trim() === '' ? [] : this.integers(items);
  }

  mistake(reason: string): never {
    refuse(
      `${this.kind} id list '${this.list}': ${reason}; use ids such as '3,5,9' or '[3,5,9]', or 'range(first,last+1,step)'`,
    );
  }

  private integers(text: string): number[] {
    const items = text.split(',').map((item) => item.trim());
    // Python allows a comma after the last item.
    if (items.length > 1 && items.at(-1) === '') items.pop();
    return items.map((item) => {
      const value = Number(item);
      if (!/^[+-]?\d+$/.test(item) || !Number.isSafeInteger(value))
        this.mistake(`'${item}' is not a whole number`);
      return value;
    });
  }

  private range(text: string): number[] {
    const [first = 0, second, step = 1, ...more] = this.integers(text);
    if (more.length > 0) this.mistake('range takes one to three numbers');
    if (step === 0) this.mistake('the step of a range must not be 0');
    const [start, end] = second === undefined ? [0, first] : [first, second];
    const count = Math.max(0, Math.ceil((end - start) / step));
    if (count > MAX_IDS) this.mistake(`these are ${count} ${this.kind}s, more than ${MAX_IDS}`);
    return Array.from({ length: count }, (_, index) => start + index * step);
  }
}

/**
 * The ids of the consumers, in the order given.
 * @throws UserError `HPC_CONSUMER_ID` if the list cannot be read, no consumer is left, an id comes twice, or is not
 *   a 32-bit unsigned number.
 */
export function consumerIds(options: ConsumerIdOptions): number[] {
  const { consumerId, nConsumers, consumerIdList } = options;
  if (consumerIdList !== undefined) return listedIds('consumer', consumerIdList);
  if (nConsumers > MAX_IDS) refuse(`${nConsumers} consumers are more than ${MAX_IDS}`);
  if (nConsumers < 1) refuse(`the number of consumers must be at least 1, not ${nConsumers}`);
  return checked(
    'consumer',
    Array.from({ length: nConsumers }, (_, index) => consumerId + index),
  );
}

/**
 * The ids of a collector's producers, in the order given.
 * @throws UserError `HPC_CONSUMER_ID` as {@link consumerIds}
 */
export function producerIds(list: string): number[] {
  return listedIds('producer', list);
}

function listedIds(kind: 'consumer' | 'producer', text: string): number[] {
  const list = new IdList(kind, text);
  const ids = list.parse();
  if (ids.length === 0) list.mistake(`it names no ${kind}`);
  return checked(kind, ids);
}

function checked(kind: string, ids: number[]): number[] {
  const outside = ids.find((id) => id < 0 || id > MAX_ID);
  if (outside !== undefined) refuse(`${kind} id ${outside} is outside 0 to ${MAX_ID}`);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) refuse(`${kind} id ${twice} is given twice; every ${kind} needs an id of its own`);
  return ids;
}
