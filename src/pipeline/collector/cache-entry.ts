/** What a collector's cache holds: entries in the order of their ids, and what is known of each producer. */

/** All objects with one id. A numbering that was begun again has a greater epoch. */
export interface Entry<T> {
  readonly epoch: number;
  readonly id: number;
  readonly objects: T[];
  readonly arrivals: number[];
}

export interface Producer {
  epoch: number;
  /** The greatest of its numbering. */
  lastId: number;
  /** Whether others wait for it: until its first object, and after it until it is silent for the gap timeout. */
  awaited: boolean;
  /** Objects in a row that were dropped because their numbering is over. */
  behind: number;
  /** It has sent a smaller id after a greater one: a greater one does not tell any more that no smaller one will come. */
  disordered: boolean;
  /** Its connection is another one than that of its last object. */
  renewed: boolean;
}

/** An object whose id has left already: a second one tells whether its producer has begun its numbering again. */
export interface Suspect<T> {
  readonly producer: Producer;
  readonly id: number;
  readonly object: T;
  readonly arrival: number;
  /** The last id that had left when it came. */
  readonly lastId: number | undefined;
}

/** The entry of this id; a new one, in its place, if there is none. New ones mostly belong to the end. */
export function entryFor<T>(entries: Entry<T>[], epoch: number, id: number): Entry<T> {
  let i = entries.length;
  for (; i > 0; i--) {
    const e = entries[i - 1] as Entry<T>;
    if (e.epoch === epoch && e.id === id) return e;
    if (e.epoch < epoch || (e.epoch === epoch && e.id < id)) break;
  }
  const entry: Entry<T> = { epoch, id, objects: [], arrivals: [] };
  entries.splice(i, 0, entry);
  return entry;
}

/** The entry that has waited for longest: not always the first, whose objects may have come after those behind it. */
export function oldestEntry<T>(entries: readonly Entry<T>[]): Entry<T> | undefined {
  let oldest: Entry<T> | undefined;
  for (const entry of entries) if (!oldest || arrivalOf(entry) < arrivalOf(oldest)) oldest = entry;
  return oldest;
}

/** When its first object came. */
export function arrivalOf(entry: Entry<unknown>): number {
  return entry.arrivals[0] as number;
}

/** May this producer still send something that belongs before the entry? */
export function isBefore({ epoch, lastId, disordered }: Producer, entry: Entry<unknown>): boolean {
  return epoch < entry.epoch || (epoch === entry.epoch && (disordered || lastId < entry.id));
}
