/**
 * ReleasedIds: which ids of a numbering have left a collector's cache: all from the first to the last one, but for some
 * gaps. An id that comes late was one of a gap; one that has left already tells that the numbering begins again.
 */

/** Ids between these two, both of which have left. */
interface Gap {
  readonly after: number;
  readonly before: number;
}

export class ReleasedIds {
  private first = Number.POSITIVE_INFINITY;
  /** Of the last `span` ids only, and so at most as many. */
  private gaps: Gap[] = [];

  /** A numbering begins with this id. */
  begin(id: number): void {
    this.first = id;
    this.gaps = [];
  }

  /** @param span gaps that are farther than this behind the last id are forgotten */
  skip(after: number, before: number, span: number): void {
    this.gaps.push({ after, before });
    while ((this.gaps[0] as Gap).before <= before - span) this.gaps.shift();
  }

  isSkipped(id: number): boolean {
    return this.gaps.some(({ after, before }) => after < id && id < before);
  }

  /** Before the first one. */
  precedes(id: number): boolean {
    return id < this.first;
  }
}
