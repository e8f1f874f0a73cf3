/**
 * ObjectsPerId: how many objects have the same id (tiles of an image): given, or learned from the stream.
 *
 * When one id has more than those before, as many are waited for from then on: so only the first image can cost tiles.
 * But one id proves nothing, since an object may have come twice. The number is known when two ids in a row have it, and
 * stays known, so that tiles that are lost from then on are counted. Otherwise it is forgotten after 64 ids. An id is
 * incomplete by a known number only.
 */

/** Ids released lately, in which an object that comes late is recognised as one of several. */
const REMEMBERED_IDS = 64;

export class ObjectsPerId {
  private learns: boolean;
  private known: number;
  /** The last id that had more than is known, and how many. */
  private guess: { readonly id: number; readonly count: number } | undefined;
  /** Objects by id, in the order of release. */
  private readonly recent = new Map<number, number>();
  private last: number | undefined;
  private before: number | undefined;

  /** @param given 0: learned, beginning with 1 */
  constructor(given: number) {
    this.learns = given < 1;
    this.known = Math.max(1, given);
  }

  /** As the constructor; what was learned is forgotten. */
  configure(given: number): void {
    this.learns = given < 1;
    this.known = Math.max(1, given);
    this.guess = undefined;
  }

  /** Objects of an id to be waited for. */
  get expected(): number {
    return this.guess?.count ?? this.known;
  }

  /** Objects of an id that have come; undefined if it is none of the last ones. */
  of(id: number): number | undefined {
    return this.recent.get(id);
  }

  isIncomplete(id: number): boolean {
    return (this.recent.get(id) ?? 0) < this.known;
  }

  /**
   * So many more objects of an id, the last one or one before it, have come.
   *
   * @returns How many ids before the last one turn out to be incomplete by what is learned from it.
   */
  add(id: number, n: number): number {
    const { recent } = this;
    const count = (recent.get(id) ?? 0) + n;
    if (!recent.has(id)) [this.before, this.last] = [this.last, id];
    recent.set(id, count);
    if (recent.size > REMEMBERED_IDS) this.forget(recent.keys().next().value as number);
    if (!this.learns || count <= this.known) return 0;
    if (count > this.expected) this.guess = { id, count };
    const inBoth = Math.min(this.objectsOf(this.before), this.objectsOf(this.last));
    return inBoth > this.known ? this.learn(inBoth) : 0;
  }

  private objectsOf(id: number | undefined): number {
    return id === undefined ? 0 : (this.recent.get(id) ?? 0);
  }

  private forget(id: number): void {
    this.recent.delete(id);
    if (this.guess?.id === id) this.guess = undefined;
  }

  private learn(number: number): number {
    let incomplete = 0;
    let since = false;
    for (const [id, count] of this.recent) {
      // More may still come of the last one; those with less than was known were counted.
      if (since && id !== this.last && count >= this.known && count < number) incomplete++;
      since ||= id === this.guess?.id;
    }
    this.known = number;
    if (this.guess && this.guess.count <= number) this.guess = undefined;
    return incomplete;
  }

  /** A new numbering has begun. */
  clear(): void {
    this.recent.clear();
    this.guess = undefined;
    this.before = undefined;
    this.last = undefined;
  }
}
