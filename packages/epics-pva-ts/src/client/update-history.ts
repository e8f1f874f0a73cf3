/**
 * Monitor updates hold only what changed; users read complete structures.
 *
 * Each update gets what came before as the base its other fields are read from. Streams repeat the same mask, so
 * as long as an update covers the one before, nothing is decoded or copied for this.
 */

import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';

export class UpdateHistory {
  /** Everything known before `last`. Never changed once it is a base. */
  private complete: Value | null = null;
  private last: Value | null = null;
  private lastFields: BitSet | null = null;

  /** Completes `update` from the ones before it. Call in order of arrival. */
  accept(update: Value): void {
    const last = this.last;
    if (last) {
      if (!this.covers(update)) {
        this.complete = (this.complete ?? last.cloneEmpty()).clone().merge(last);
        this.lastFields = null;
      }
      last.release();
    }
    if (this.complete) update.setBase(this.complete);
    this.last = update.snapshot();
    this.lastFields ??= update.markedFields();
  }

  /** Does `update` bring every field that `last` brought? */
  private covers(update: Value): boolean {
    if (!this.last || !this.lastFields) return false;
    if (update.marks.equals(this.last.marks)) return true;
    const fields = update.markedFields();
    const all = this.lastFields.clone().and(fields).equals(this.lastFields);
    this.lastFields = fields;
    return all;
  }

  clear(): void {
    this.last?.release();
    this.last = null;
    this.lastFields = null;
    this.complete = null;
  }
}
