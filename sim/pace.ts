/**
 * The rhythm of publishing: how a thread waits for the next frame without burning the processor or being late. Sockets
 * have a turn of the event loop after every step, and before every wait.
 *
 * Timers have a resolution of 1 ms, so what is shorter is slept, exactly. The loop once went round and round
 * instead, through a promise each time: at 9,000 frames/s that made 80 KB of garbage a frame, and kept a consumer on the
 * same processor waiting.
 */
import { performance } from 'node:perf_hooks';

/** A step returns this when there is nothing more to do. */
export const DONE = Number.NaN;

/** Waits (ms) up to this one are slept; sockets wait as long. */
const LONGEST_SLEEP = 2;
/** Shorter waits (ms) are not worth it: the system wakes a thread up about so much late. */
const SHORTEST_SLEEP = 0.05;
/** Node's timers reach no further, in ms: it is looked again then. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Sleeping is waiting for a value that never comes. */
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Calls `step` until it returns {@link DONE} or `signal` aborts. It returns when it is to be called again, in ms of
 * `performance.now`; a time that has passed means in the next turn of the event loop.
 * @throws what `step` throws
 */
export function keepPace(step: () => number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let next = 0;
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const turn = (): void => {
      if (signal.aborted) return;
      const wait = next - performance.now();
      if (wait > LONGEST_SLEEP) {
        timer = setTimeout(turn, Math.min(Math.floor(wait - 1), LONGEST_TIMER));
        return;
      }
      if (wait > SHORTEST_SLEEP) Atomics.wait(never, 0, 0, wait - SHORTEST_SLEEP);
      try {
        next = step();
      } catch (error) {
        end();
        reject(error);
        return;
      }
      if (Number.isNaN(next)) end();
      else setImmediate(turn);
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    else turn();
  });
}
