/**
 * MonitorRenewal: what follows a monitor whose server ended it in good order (PVXS `finish()`, a record that was taken
 * out of a pvDatabase server). The client may stay connected, so no reconnect begins it again: it is subscribed to anew
 * after a while. Every room may import this.
 */
import type { Logger } from './log.ts';

export interface MonitorRenewalOptions {
  readonly channel: string;
  /** Subscribes anew, unless it runs already. Closes what is left of the subscription before. */
  readonly subscribe: () => void;
  readonly logger: Logger;
}

/** Time until it is subscribed to again, in ms: doubled each time, up to the latter. */
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;

export class MonitorRenewal {
  private readonly options: MonitorRenewalOptions;
  private delay = FIRST_DELAY_MS;
  private timer: NodeJS.Timeout | undefined;
  /** Since when it has run again, in ms; undefined as long as it has not. */
  private runsSince: number | undefined = Number.NEGATIVE_INFINITY;
  private stopped = false;

  constructor(options: MonitorRenewalOptions) {
    this.options = options;
  }

  /** The monitor runs on a server. */
  connected(): void {
    this.runsSince ??= performance.now();
  }

  /** The server ended the monitor. Said of several monitors of the channel it is one ending. */
  ended(): void {
    if (this.again())
      this.options.logger.warning(
        `the server ended the monitor of ${this.options.channel}; subscribing again`,
      );
  }

  /**
   * The server refused the monitor. If this is what came of subscribing again it is tried once more later: the channel
   * may be there again on the same connection. Otherwise a new connection is what the monitor waits for.
   */
  refused(): void {
    if (this.runsSince === undefined) this.again();
  }

  private again(): boolean {
    if (this.stopped || this.timer) return false;
    // A monitor that ran for long was a good one: its ending is the first again.
    if (this.runsSince !== undefined && performance.now() - this.runsSince > LONGEST_DELAY_MS)
      this.delay = FIRST_DELAY_MS;
    this.runsSince = undefined;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.options.subscribe();
    }, this.delay);
    this.delay = Math.min(LONGEST_DELAY_MS, this.delay * 2);
    return true;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}
