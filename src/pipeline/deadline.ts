/** One bound for several steps: each gets what the ones before it have left. */
import { timerMs } from '../long-timer.ts';

export class Deadline {
  private readonly end: number;

  /** @param ms from now */
  constructor(ms: number) {
    this.end = performance.now() + ms;
  }

  /** Milliseconds left; never below 0. */
  get left(): number {
    return Math.max(0, this.end - performance.now());
  }

  /**
   * Runs the step; whether it has ended in time. What is late goes on by itself, and how it ends is nobody's business
   * any more. A step that was begun too late has a moment all the same: most of them need no time.
   * @throws what the step throws in time
   */
  async allows(step: () => Promise<unknown>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timerMs(Math.max(LEAST_MS, this.left)));
    });
    const ended = step().then(() => true);
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
      ended.catch(() => {});
    }
  }
}

const LEAST_MS = 100;
