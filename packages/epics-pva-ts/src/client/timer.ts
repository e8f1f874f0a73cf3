/** Times that users give in seconds, as timers of Node take them. */

/** The longest they can wait, 24.8 days: more would be taken for 1 ms. */
const longestMs = 2 ** 31 - 1;

/** Seconds as milliseconds for `setTimeout`, as much of them as it can wait. */
export function timerMs(seconds: number): number {
  return Math.min(seconds * 1000, longestMs);
}
