/**
 * Fields and lists that V8 is told at once what they will hold.
 *
 * It compiles for what it has seen, and throws away what it has compiled when something else comes: that is the midst of
 * a stream, where there is no time to compile. A leaf file: anything may import it.
 */

/**
 * What a field holds first that will hold more than small integers, such as counters of bytes, and times:
 * `private bytes = WIDE`, and 0 in the constructor.
 *
 * V8 keeps a field as a small integer until it holds something else. A counter of bytes passes 2^31 one or two seconds
 * after a stream has begun (V8's flag log-deopt: 25 functions on every frame's way). A field that has held a NaN is kept
 * as a double from the start.
 */
export const WIDE = Number.NaN;

/**
 * A new list of objects. `[]` is one of small integers for V8 until the first object is in it, and one that is filled
 * for the first time when a queue is, is another kind than all that were empty so far.
 */
export function emptyList<T extends object | undefined>(): T[] {
  const list: unknown[] = [undefined];
  list.pop();
  return list as T[];
}
