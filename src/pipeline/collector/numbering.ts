/**
 * Numbering: what has left a collector's cache, and what an object means whose id is not greater than one before from
 * the same producer: it is late, or its producer has begun its numbering again.
 */
import type { Entry, Producer, Suspect } from './cache-entry.ts';
import type { CollectorCacheSettings } from './collector-cache.ts';
import type { ObjectsPerId } from './objects-per-id.ts';
import { ReleasedIds } from './released-ids.ts';

/**
 * `disordered`: it was overtaken by others of its producer's, and may be too late. `restarted`: its producer was
 * restarted: the id is far behind, or the connection is another one. `repeated`: the id has left already: so its producer
 * has begun again, if another such object follows.
 */
export type Meaning = 'disordered' | 'repeated' | 'restarted';

export class Numbering<T> {
  /** How often it has begun again. */
  epoch = 0;
  /** The last one that has left. */
  lastId: number | undefined;
  /** A second one would tell what it means: so there is one at most. */
  suspect: Suspect<T> | undefined;
  private readonly released = new ReleasedIds();
  private readonly producers: readonly Producer[];
  private readonly perId: ObjectsPerId;

  constructor(producers: readonly Producer[], perId: ObjectsPerId) {
    this.producers = producers;
    this.perId = perId;
  }

  isLate(epoch: number, id: number): boolean {
    return epoch < this.epoch || (epoch === this.epoch && this.lastId !== undefined && id < this.lastId);
  }

  meaningOf(p: Producer, id: number, settings: CollectorCacheSettings): Meaning {
    const { cacheSize, cacheLimit, oidOffset } = settings;
    const last = this.lastId;
    const { suspect } = this;
    const again = suspect?.producer === p && suspect.id <= id;
    if (!again && (id === p.lastId || !this.isLate(p.epoch, id))) return 'disordered';
    if (p.epoch < this.epoch) return id < p.lastId ? 'restarted' : 'disordered';
    if (last === undefined || p.epoch > this.epoch || id > last) return 'disordered';
    if (this.released.isSkipped(id) && (p.disordered || !p.renewed)) return 'disordered';
    if (p.renewed || p.lastId - id >= cacheSize * oidOffset) return 'restarted';
    // Of what is too long ago nothing is known; of an id that is not complete more may come.
    const unknown = this.released.precedes(id) || id < last - cacheLimit * oidOffset;
    const incomplete = this.perId.of(id) !== undefined && this.perId.isIncomplete(id);
    return unknown || incomplete ? 'disordered' : 'repeated';
  }

  /** Others have begun again, or send such ids, or this one sends the second of them. */
  isProven(p: Producer, id: number): boolean {
    const { suspect } = this;
    const isSecond = suspect !== undefined && (suspect.producer !== p || suspect.id <= id);
    return isSecond || this.producers.some(({ epoch }) => epoch > p.epoch);
  }

  /** The producer begins a new numbering. */
  beginAgain(p: Producer): void {
    p.epoch = Math.max(p.epoch + 1, this.epoch);
    p.lastId = Number.NEGATIVE_INFINITY;
    p.behind = 0;
  }

  /**
   * Takes the entry's id as the last one that has left.
   *
   * @returns How many ids were missed before it.
   */
  follow({ epoch, id }: Entry<T>, { cacheLimit, oidOffset }: CollectorCacheSettings): number {
    const { lastId } = this;
    const begins = lastId === undefined || epoch > this.epoch;
    this.epoch = epoch;
    this.lastId = id;
    if (begins) {
      this.released.begin(id);
      return 0;
    }
    const missed = Math.max(0, Math.floor((id - lastId - oidOffset) / oidOffset));
    if (missed > 0) this.released.skip(lastId, id, cacheLimit * oidOffset);
    return missed;
  }
}
