/**
 * Ends this process when its parent is gone, even while a processor blocks the event loop.
 *
 * The IPC channel closing is noticed at once by a process that is idle; a thread that watches the parent's process id
 * serves for all others. Linux hands orphans to another parent, so the id changes.
 */
import { Worker } from 'node:worker_threads';

const PERIOD_MS = 500;

const WATCH = `
const parent = process.ppid;
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, ${PERIOD_MS});
`;

/** Call once, at the start of a child process. `orderly` is tried first, when the event loop is free to do it. */
export function endWithParent(orderly: () => void): void {
  process.once('disconnect', orderly);
  const watcher = new Worker(WATCH, { eval: true, stdout: false, stderr: false });
  watcher.unref();
  // Without threads (a limit on them) the IPC channel is all there is.
  watcher.on('error', () => {});
}
