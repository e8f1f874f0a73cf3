/** How much memory something costs: what is in use afterwards and was not before, garbage not counted. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const collectGarbage: () => void = runInNewContext('gc') as () => void;

/** Heap and array buffers in use, in bytes. */
export function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What the largest of several looks showed beyond what was in use at the beginning. */
export class MemoryWatch {
  private readonly before = memoryInUse();
  private most = 0;

  /** Looks now. Without `exact` nothing is collected first, which is quick and may be too much. */
  look(exact = true): number {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const now = (exact ? memoryInUse() : heapUsed + arrayBuffers) - this.before;
    this.most = Math.max(this.most, now);
    return now;
  }

  get peak(): number {
    return this.most;
  }
}

export const MiB: number = 1024 * 1024;
