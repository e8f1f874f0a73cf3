/**
 * How many objects a consumer never saw, from the object ids it did see. The two algorithms are PvaPy's
 * (dataProcessingController.py), so that the figures can be compared; ids that wrap around at 32 bits are ours.
 */
import { UserError } from '../errors.ts';

export interface MissedCounterOptions {
  /** Difference between the last id of one batch and the first id of the next batch for this consumer; at least 1. */
  readonly oidOffset: number;
  /** Number of sequential ids in a batch; at least 1. */
  readonly nSequentialUpdates: number;
}

const WRAP = 2 ** 32;
/** A step back is taken for a wrap of the 32-bit id if the way forward is shorter than this, else for a step back. */
const MAX_STEP_OVER_WRAP = 2 ** 20;

/** The step from one id to the next; a wrap of a signed or unsigned 32-bit id is a small step forward. */
function stepBetween(from: number, to: number): number {
  const step = to - from;
  return step < 0 && step + WRAP < MAX_STEP_OVER_WRAP ? step + WRAP : step;
}

function checked(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new UserError('HPC_BAD_ARGUMENT', `${name} must be a whole number of at least 1, not ${value}`);
}

/**
 * Counts missed objects.
 *
 * With `nSequentialUpdates` 1 every step between ids should be `oidOffset`; each whole offset beyond it is a missed
 * object. An id that goes backwards counts nothing, but the next steps are counted from it.
 *
 * With more, ids come in batches of sequential ids. A client that starts in the middle of a batch is taken to start
 * at its beginning, as in PvaPy. Unlike PvaPy, an id before the current batch (a restarted source) starts anew;
 * PvaPy would count everything up to the old position as missed.
 */
export class MissedCounter {
  private oidOffset: number;
  private nSequentialUpdates: number;
  private missed = 0;
  /** The last id as received, and the same id counted on over wraps; undefined before the first. */
  private lastReceived: number | undefined;
  private last = 0;
  /** Last id of the current batch, counted on over wraps. */
  private lastExpected = 0;

  /** @throws UserError `HPC_BAD_ARGUMENT` if an option is not a whole number of at least 1. */
  constructor(options: MissedCounterOptions) {
    this.oidOffset = checked('object id offset', options.oidOffset);
    this.nSequentialUpdates = checked('number of sequential updates', options.nSequentialUpdates);
  }

  /** Missed objects since the start or the last {@link reset}. */
  get nMissed(): number {
    return this.missed;
  }

  /** Is every id this consumer's, and none left to others that share the stream? */
  get expectsEveryId(): boolean {
    return this.oidOffset === 1 && this.nSequentialUpdates === 1;
  }

  /** Takes the id (32 bits, signed or unsigned) of the next object; returns how many were missed before it. */
  update(id: number): number {
    if (this.lastReceived === undefined) {
      this.start(id);
      return 0;
    }
    const step = stepBetween(this.lastReceived, id);
    const newlyMissed =
      this.nSequentialUpdates === 1
        ? Math.max(0, Math.floor((step - this.oidOffset) / this.oidOffset))
        : this.missedInBatches(step);
    this.lastReceived = id;
    this.last += step;
    this.missed += newlyMissed;
    return newlyMissed;
  }

  /** Forgets the count and the last id; the next object starts anew. */
  reset(): void {
    this.missed = 0;
    this.lastReceived = undefined;
  }

  /**
   * Changes the steps while running; the next object starts anew, the count stays.
   * @throws UserError `HPC_BAD_ARGUMENT` as the constructor, and nothing has changed then.
   */
  configure(options: Partial<MissedCounterOptions>): void {
    const oidOffset = checked('object id offset', options.oidOffset ?? this.oidOffset);
    this.nSequentialUpdates = checked(
      'number of sequential updates',
      options.nSequentialUpdates ?? this.nSequentialUpdates,
    );
    this.oidOffset = oidOffset;
    this.lastReceived = undefined;
  }

  private start(id: number): void {
    this.lastReceived = id;
    this.last = id;
    this.lastExpected = id + this.nSequentialUpdates - 1;
  }

  private missedInBatches(step: number): number {
    const batch = this.nSequentialUpdates;
    const id = this.last + step;
    if (step < 0 && id <= this.lastExpected - batch) this.lastExpected = id + batch - 1;
    if (step <= 1) return 0;
    const crossed = Math.floor((step + batch - 1) / (this.oidOffset + batch - 1));
    if (crossed <= 0) return Math.max(0, Math.min(id, this.lastExpected) - this.last - 1);
    const wholeBatches = crossed - 1;
    const restOfCurrent = this.lastExpected - this.last;
    const firstOfNew = this.lastExpected + crossed * (this.oidOffset - 1) + wholeBatches * batch + 1;
    this.lastExpected = firstOfNew + batch - 1;
    return Math.max(0, restOfCurrent + wholeBatches * batch + (id - firstOfNew));
  }
}
