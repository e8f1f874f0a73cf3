/** Changes: waiting for the next change of anything, whatever it is. */
import { timerMs } from '../../long-timer.ts';

export class Changes {
  private readonly watchers: (() => void)[] = [];

  happened(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }

  /** The next change, or so many ms. */
  async next(ms?: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      if (ms !== undefined) timer = setTimeout(resolve, timerMs(ms));
      this.watchers.push(resolve);
    });
    clearTimeout(timer);
  }
}
