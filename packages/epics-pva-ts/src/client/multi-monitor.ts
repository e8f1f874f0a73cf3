/**
 * MultiMonitor: monitors of several channels, told of together, at most once in a period.
 *
 * It keeps one value for each channel, the latest, whatever the rate; what was replaced unseen is counted.
 */
import { surface } from '../connection/surface.ts';
import { ConfigError } from '../errors.ts';
import type { Value } from '../value/value.ts';
import type { MonitorHandlers, MonitorOptions } from './monitor-options.ts';
import { type ChannelState, NOT_CONNECTED } from './multi-channel-values.ts';
import type { Subscription } from './subscription.ts';
import { timerMs } from './timer.ts';

/** Options of the monitors of a {@link MultiChannel}. */
export interface MultiMonitorOptions extends Pick<MonitorOptions, 'pvRequest' | 'signal'> {
  /** Seconds for which changes are gathered before they are told of together; default 1, as in PvaPy. */
  readonly pollPeriod?: number;
}

/** Counters since the monitor was made: `received` = those told of + `replaced` + at most one of each channel waiting. */
export interface MultiMonitorStats {
  /** Updates received of all channels. */
  readonly received: number;
  /** Updates replaced by a newer one of their channel before they were told of. */
  readonly replaced: number;
  /** Calls of the function. */
  readonly delivered: number;
  /** Channels that are connected now. */
  readonly connected: number;
}

/** What can be ended by whoever made it: a Context, when it is closed. */
export interface Closables {
  add(item: { fail(error: Error): void }): unknown;
  delete(item: { fail(error: Error): void }): unknown;
}

/** Makes one monitor, as Context.monitor. */
export type MakeMonitor = (name: string, options: MonitorOptions, handlers: MonitorHandlers) => Subscription;

interface State extends ChannelState {
  value: Value | undefined;
  isConnected: boolean;
  why: string;
  /** Not told of yet. */
  isNew: boolean;
}

/** Running monitors of several channels, made by {@link MultiChannel.monitor}. */
export class MultiMonitor {
  private readonly states: State[];
  private readonly subscriptions: Subscription[];
  private readonly tell: (states: readonly ChannelState[]) => void | Promise<void>;
  private readonly open: Closables;
  private readonly signal: AbortSignal | undefined;
  private readonly periodMs: number;
  private timer: NodeJS.Timeout | undefined;
  private hasNews = false;
  private isTelling = false;
  private isClosed = false;
  private received = 0;
  private replaced = 0;
  private delivered = 0;
  private readonly abort = (): void => this.close();

  /** @internal Made by {@link MultiChannel.monitor}. */
  constructor(
    names: readonly string[],
    options: MultiMonitorOptions,
    monitor: MakeMonitor,
    tell: (states: readonly ChannelState[]) => void | Promise<void>,
    open: Closables,
  ) {
    const { pollPeriod = 1, pvRequest, signal } = options;
    if (!(pollPeriod >= 0)) throw new ConfigError(`pollPeriod: ${pollPeriod} is not a number of seconds`);
    this.periodMs = timerMs(pollPeriod);
    this.tell = tell;
    this.open = open;
    this.signal = signal;
    this.states = names.map((name) => ({
      name,
      value: undefined,
      isConnected: false,
      why: NOT_CONNECTED,
      isNew: false,
    }));
    const asked = pvRequest === undefined ? {} : { pvRequest };
    this.subscriptions = [];
    try {
      for (const state of this.states)
        this.subscriptions.push(monitor(state.name, asked, this.handlersOf(state)));
    } catch (error) {
      this.close();
      throw error;
    }
    open.add(this);
    if (signal?.aborted) this.close();
    else signal?.addEventListener('abort', this.abort, { once: true });
  }

  private handlersOf(state: State): MonitorHandlers {
    const lose = (why: string): void => {
      state.isConnected = false;
      state.why = why;
      this.changed();
    };
    return {
      update: (value) => {
        this.received++;
        if (state.isNew) this.replaced++;
        state.value = value;
        state.isConnected = true;
        state.isNew = true;
        this.changed();
      },
      disconnected: () => lose(NOT_CONNECTED),
      finished: () => lose('the server ended the updates'),
      error: (error) => lose(error.message),
    };
  }

  /** The counters now. */
  get stats(): MultiMonitorStats {
    const { received, replaced, delivered, states } = this;
    return { received, replaced, delivered, connected: states.filter((s) => s.isConnected).length };
  }

  private changed(): void {
    this.hasNews = true;
    this.wait();
  }

  /** Nothing runs while nothing changes. */
  private wait(): void {
    if (this.timer || this.isTelling || this.isClosed || !this.hasNews) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.deliver();
    }, this.periodMs);
  }

  private async deliver(): Promise<void> {
    this.hasNews = false;
    for (const state of this.states) state.isNew = false;
    this.delivered++;
    this.isTelling = true;
    try {
      await this.tell(this.states);
    } catch (error) {
      this.close();
      surface(error);
    }
    this.isTelling = false;
    this.wait();
  }

  /** Ends the monitors; the function is not called any more. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.abort);
    for (const subscription of this.subscriptions) subscription.close();
    this.open.delete(this);
  }

  /** @internal The Context is closed. */
  fail(): void {
    this.close();
  }
}
