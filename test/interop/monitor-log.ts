/**
 * The events of one of our subscriptions, in order, to wait for.
 *
 * What may live here: collecting what the handlers of a Subscription are told. Every wait has a bound.
 */
import type { Context, MonitorHandlers, Subscription, Value } from 'epics-pva-ts';

/** One call of a handler. */
export type LoggedEvent =
  | { readonly event: 'connected'; readonly server: string }
  | { readonly event: 'update'; readonly value: Value; readonly overrun: boolean }
  | { readonly event: 'disconnected'; readonly why: string }
  | { readonly event: 'error'; readonly why: string }
  | { readonly event: 'finished' };

/** Collects the events of a subscription. */
export class MonitorLog {
  readonly subscription: Subscription;
  readonly #events: LoggedEvent[] = [];
  #taken = 0;
  #wake: () => void = () => {};

  /**
   * Subscribes.
   *
   * @param pvRequest Fields and options. Default: everything, no options.
   */
  constructor(context: Context, name: string, pvRequest = '') {
    const add = (event: LoggedEvent) => {
      this.#events.push(event);
      this.#wake();
    };
    const handlers: MonitorHandlers = {
      connected: (server) => add({ event: 'connected', server }),
      update: (value, overrun) => add({ event: 'update', value, overrun: !overrun.isEmpty() }),
      disconnected: (why) => add({ event: 'disconnected', why }),
      finished: () => add({ event: 'finished' }),
      error: (error) => add({ event: 'error', why: error.message }),
    };
    this.subscription = context.monitor(name, { pvRequest }, handlers);
  }

  /** All events so far. */
  get events(): readonly LoggedEvent[] {
    return this.#events;
  }

  /**
   * Takes the next events up to and with the first one that `wanted` accepts.
   *
   * @throws Error that lists what came instead when it does not come within `timeoutMs`.
   */
  async until(wanted: (event: LoggedEvent) => boolean, timeoutMs = 10_000): Promise<LoggedEvent[]> {
    const deadline = performance.now() + timeoutMs;
    const from = this.#taken;
    for (let at = from; ; at++) {
      while (at >= this.#events.length) {
        const left = deadline - performance.now();
        if (left <= 0) {
          const came = this.#events.slice(from).map((event) => event.event);
          throw new Error(
            `${this.subscription.name}: not within ${timeoutMs} ms; ${came.length} events came, the last: ` +
              `${came.slice(-5).join(', ') || 'none'}`,
          );
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      if (wanted(this.#events[at] as LoggedEvent)) {
        this.#taken = at + 1;
        return this.#events.slice(from, at + 1);
      }
    }
  }

  /** Takes the next event of this kind, and passes over others. */
  async next<K extends LoggedEvent['event']>(
    kind: K,
    timeoutMs?: number,
  ): Promise<Extract<LoggedEvent, { event: K }>> {
    const events = await this.until((event) => event.event === kind, timeoutMs);
    return events.at(-1) as Extract<LoggedEvent, { event: K }>;
  }

  /** The values of the next `count` updates. */
  async values(count: number, timeoutMs?: number): Promise<Value[]> {
    let seen = 0;
    const events = await this.until((event) => event.event === 'update' && ++seen === count, timeoutMs);
    return events.flatMap((event) => (event.event === 'update' ? [event.value] : []));
  }

  close(): void {
    this.subscription.close();
  }
}
