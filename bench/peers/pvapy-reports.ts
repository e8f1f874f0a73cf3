/**
 * The reports that a consumer or a collector prints about itself once a second: the newest of each, and waiting for one.
 *
 * What may live here: that, whatever a report says.
 */
import type { Child } from './child.ts';
import { type PythonDict, PythonDictCollector } from './python-dict.ts';

/** The reports of one process, of which there is one for each of its members: a consumer's id, or 0. */
export class Reports<R> {
  private readonly child: Child;
  private readonly nMembers: number;
  private readonly newestById = new Map<number, R>();
  private readonly waiting = new Set<() => void>();

  /** @param read The member's id and its report; undefined for what is no report of a member. */
  constructor(child: Child, nMembers: number, read: (dict: PythonDict) => readonly [number, R] | undefined) {
    this.child = child;
    this.nMembers = nMembers;
    const dicts = new PythonDictCollector();
    child.onLine(({ stream, text }) => {
      const dict = stream === 'stdout' ? dicts.push(text) : undefined;
      const found = dict && read(dict);
      if (!found) return;
      this.newestById.set(...(found as [number, R]));
      for (const look of this.waiting) look();
    });
  }

  /** The newest of each member, in order of ids. */
  get newest(): R[] {
    return [...this.newestById].sort(([a], [b]) => a - b).map(([, report]) => report);
  }

  /**
   * Waits until the newest reports, one of every member, satisfy `done`.
   *
   * @throws Error with the output so far when time runs out or the process ends before.
   */
  waitFor(done: (reports: R[]) => boolean, timeoutMs: number): Promise<R[]> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        if (error) reject(error);
        else resolve(this.newest);
      };
      const look = (): void => {
        if (this.newestById.size === this.nMembers && done(this.newest)) end();
      };
      const timer = setTimeout(
        () => end(this.child.error(`printed no report as awaited within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.waiting.add(look);
      void this.child.exited.then(() => end(this.child.error('ended without a report as awaited')));
      look();
    });
  }
}
