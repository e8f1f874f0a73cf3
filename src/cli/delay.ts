/** Waiting in a command. */
import { timerMs } from '../long-timer.ts';

/** Waits `seconds`, however many, or less if `signal` aborts. */
export async function delay(seconds: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let left = seconds * 1000; left > 0 && !signal?.aborted; left = end - performance.now())
    await wait(timerMs(left), signal);
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
