/**
 * How far apart the object ids are that one consumer receives, from the options of the distributor. Missed frames are
 * counted with it. Rule of PvaPy (dataConsumerController.py).
 */
import { UserError } from '../errors.ts';

export interface ObjectIdOffsetOptions {
  /** Offset set by hand; 0 or less derives it. */
  readonly oidOffset: number;
  /** Sequential updates a client or set receives at a time; undefined without the distributor. */
  readonly distributorUpdates?: number | undefined;
  /** Set of this consumer. */
  readonly distributorSet?: string | undefined;
  /** Number of sets in the whole system. */
  readonly nDistributorSets: number;
  /** Number of consumers of this run. */
  readonly nConsumers: number;
}

/** What the counting of missed objects needs to know about the stream of one consumer. */
export interface ObjectIdSteps {
  /** Difference between the last id of one batch and the first id of the next batch for this consumer. */
  readonly oidOffset: number;
  /** Number of sequential ids in a batch. */
  readonly nSequentialUpdates: number;
}

/**
 * The offset that is set by hand: by the option, or by `objectIdOffset` among the processor's arguments, a whole number
 * or a string of one, as an example of PvaPy's document has it. PvaPy ignores it there (pvapy-behaviour.md 1.4). 0 if
 * there is none.
 *
 * @throws UserError `HPC_BAD_ARGUMENT` if it is anything else, or less than 1
 */
export function offsetByHand(option: number, processorArgs: Readonly<Record<string, unknown>>): number {
  const { objectIdOffset: given } = processorArgs;
  if (option > 0 || given === undefined) return Math.max(0, option);
  const offset = typeof given === 'string' && /^\d+$/.test(given.trim()) ? Number(given) : given;
  if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 1) return offset;
  throw new UserError(
    'HPC_BAD_ARGUMENT',
    `--processor-args: objectIdOffset: ${JSON.stringify(given)} is not a whole number of at least 1`,
  );
}

/**
 * The id steps of each consumer. Four consumers with 1 update at a time: 4. Four consumers with 3 updates: 10, from
 * the last id of a batch to the first of the next. Two sets with 3 updates: 4.
 *
 * With updates of 0 or less the distributor gives every update to everyone, so that the step is 1.
 *
 * @throws UserError `HPC_BAD_ARGUMENT` if several sets are named without saying which one this is.
 */
export function objectIdSteps(options: ObjectIdOffsetOptions): ObjectIdSteps {
  const { oidOffset, distributorUpdates, distributorSet, nDistributorSets, nConsumers } = options;
  const distributed = distributorUpdates !== undefined && distributorUpdates > 0;
  const nSequentialUpdates = distributed ? distributorUpdates : 1;
  if (oidOffset > 0) return { oidOffset, nSequentialUpdates };
  if (!distributed) return { oidOffset: 1, nSequentialUpdates };
  if (nDistributorSets > 1 && (distributorSet === undefined || distributorSet === '')) {
    throw new UserError(
      'HPC_BAD_ARGUMENT',
      `--n-distributor-sets ${nDistributorSets} needs --distributor-set, the set of this consumer`,
    );
  }
  const shares = nDistributorSets > 1 ? nDistributorSets : nConsumers;
  return { oidOffset: (shares - 1) * nSequentialUpdates + 1, nSequentialUpdates };
}
