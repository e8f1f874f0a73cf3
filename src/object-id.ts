/** The object id of any structure; every room may import it. */
import type { Value } from 'epics-pva-ts';

/** The number in this field; NaN if there is no such field, or no finite number in it. */
export function objectIdOf(object: Value, field: string): number {
  try {
    const id = Number(object.get(field));
    return Number.isFinite(id) ? id : Number.NaN;
  } catch {
    return Number.NaN;
  }
}
