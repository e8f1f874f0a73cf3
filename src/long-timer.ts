/** The longest timer there is; every room may import it. */

/** Node takes a longer one for 1 ms. In ms, 24.8 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The time for `setTimeout` and `setInterval`, in ms, where a user may say any: whoever must wait longer than the
 * longest timer sets it again, for all others nobody notices that it comes early.
 */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_MS);
}
