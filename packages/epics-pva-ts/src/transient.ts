/**
 * Collections for what comes and goes all the time: operations, where thousands of requests a second are made.
 *
 * V8's Map and Set are not made for that: when the table of one is full of deleted entries it gets a new table, and the
 * old one refers to it. Once one of them has become old, those after it are kept until the next full garbage collection,
 * with all that they ever held, and every young collection copies megabytes. Measured with 150,000 calls, 32 at a time:
 * 3.8 to 4.1 MB kept by each young collection of 4.3 ms, against 0.7 MB and 0.8 ms. A leaf file: anything may import it.
 */

const LEAST = 16;

/** Values by an unsigned 32-bit id, in no order. */
export class IdTable<V> {
  private keys = new Uint32Array(LEAST);
  /** At the id's place or, when another one is there, at the next free one behind it, around the end. */
  private values: (V | undefined)[] = new Array<V | undefined>(LEAST).fill(undefined);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Where this id is, or where it would be. */
  private find(id: number): number {
    const { keys, values } = this;
    const mask = keys.length - 1;
    let i = place(id, mask);
    while (values[i] !== undefined && keys[i] !== id) i = (i + 1) & mask;
    return i;
  }

  get(id: number): V | undefined {
    return this.values[this.find(id >>> 0)];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, value: V): void {
    const i = this.find(id >>> 0);
    if (this.values[i] === undefined) {
      if (2 * this.count >= this.keys.length) {
        this.resize(2 * this.keys.length);
        this.set(id, value);
        return;
      }
      this.count++;
      this.keys[i] = id;
    }
    this.values[i] = value;
  }

  delete(id: number): boolean {
    const hole = this.find(id >>> 0);
    if (this.values[hole] === undefined) return false;
    this.count--;
    this.close(hole);
    if (this.keys.length > LEAST && 8 * this.count < this.keys.length) this.resize(this.keys.length / 2);
    return true;
  }

  /** Entries behind the hole that would be in it, had it been free, move there. */
  private close(at: number): void {
    const { keys, values } = this;
    const mask = keys.length - 1;
    let hole = at;
    for (let i = (hole + 1) & mask; values[i] !== undefined; i = (i + 1) & mask) {
      const wanted = place(keys[i] as number, mask);
      if (((i - wanted) & mask) < ((i - hole) & mask)) continue;
      keys[hole] = keys[i] as number;
      values[hole] = values[i];
      hole = i;
    }
    values[hole] = undefined;
  }

  private resize(length: number): void {
    const { keys, values } = this;
    this.keys = new Uint32Array(length);
    this.values = new Array<V | undefined>(length).fill(undefined);
    this.count = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value !== undefined) this.set(keys[i] as number, value);
    }
  }

  /** The ids there are now, least first. */
  ids(): number[] {
    return [...this.keys].filter((_, i) => this.values[i] !== undefined).sort((a, b) => a - b);
  }

  clear(): void {
    this.values = [];
    this.resize(LEAST);
  }
}

/**
 * Spreads ids that are counted up, as most are: the highest bits of Knuth's multiplicative hash. A peer can choose ids
 * that meet in one place; the limit of operations per connection bounds what that costs.
 */
function place(id: number, mask: number): number {
  return Math.imul(id, 0x9e3779b1) >>> Math.clz32(mask);
}

/** The last so many values, by an unsigned 32-bit id. */
export class LatestById<V> {
  private readonly table = new IdTable<V>();
  /** In the order in which they came, around the end. */
  private readonly ids: number[] = [];
  private oldest = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get(id: number): V | undefined {
    return this.table.get(id);
  }

  keep(id: number, value: V): void {
    if (!this.table.has(id)) {
      if (this.ids.length < this.limit) this.ids.push(id);
      else {
        this.table.delete(this.ids[this.oldest] as number);
        this.ids[this.oldest] = id;
        this.oldest = (this.oldest + 1) % this.limit;
      }
    }
    this.table.set(id, value);
  }
}

/** Objects in the order in which they came. Quick for those that go as first or last, or nearly so. */
export class TransientSet<T extends object> implements Iterable<T> {
  /** Those that have gone left a hole. */
  private items: (T | undefined)[] = [];
  /** There are holes only before. */
  private head = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** It must not be there yet. */
  add(item: T): void {
    this.items.push(item);
    this.count++;
  }

  has(item: T): boolean {
    return this.find(item) >= 0;
  }

  delete(item: T): boolean {
    const at = this.find(item);
    if (at < 0) return false;
    this.items[at] = undefined;
    this.count--;
    this.closeUp();
    return true;
  }

  /** From both ends at once. */
  private find(item: T): number {
    const { items } = this;
    for (let i = this.head, j = items.length - 1; i <= j; i++, j--) {
      if (items[i] === item) return i;
      if (items[j] === item) return j;
    }
    return -1;
  }

  /** At most as many holes as objects, but for a few. */
  private closeUp(): void {
    const { items } = this;
    while (items.length > 0 && items[items.length - 1] === undefined) items.pop();
    if (items.length === 0) this.head = 0;
    while (this.head < items.length && items[this.head] === undefined) this.head++;
    if (items.length <= LEAST + 2 * this.count) return;
    this.items = items.filter((item) => item !== undefined);
    this.head = 0;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.items) if (item !== undefined) yield item;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
    this.count = 0;
  }
}
