/** Exceptions that end up as uncaught ones on purpose: what users' callbacks throw. */
import { Happenings } from './happenings.ts';

/** Runs `run` and returns what surfaced meanwhile: at least `count` messages, waited for. */
export async function surfaced(count: number, run: () => void | Promise<void>): Promise<string[]> {
  const messages = new Happenings<string>();
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => messages.push(error.message));
  try {
    await run();
    await messages.count(count);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  }
  return [...messages.all];
}
