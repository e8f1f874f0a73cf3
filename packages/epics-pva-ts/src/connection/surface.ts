/**
 * What becomes of exceptions in callbacks that users hand in, and of what these return.
 *
 * They are the user's fault, not the peer's, and must not unwind the protocol's code half way through a message.
 * As with every callback in Node they end up as an uncaught exception, only by themselves.
 */

/** Throws `error` where nobody but `uncaughtException` catches it. */
export function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Is it to be waited for? A callback may return anything. */
export function isPromise<T>(v: T | Promise<T>): v is Promise<T> {
  return typeof (v as { then?: unknown } | undefined | null)?.then === 'function';
}

/** Runs a user's callback; what it throws surfaces by itself. */
export function callUser(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    surface(error);
  }
}
