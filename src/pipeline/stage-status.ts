/**
 * When a stage says how it is: at once when its state changes or errors begin, and at least once a period; but never
 * so often that a channel that comes and goes all the time could flood the clients.
 */
import { timerMs } from '../long-timer.ts';
import { SAMPLE_MS } from './figures/rate-window.ts';

/**
 * `starting`: the processor starts. `disconnected`: there is no input now. `paused`: a client wants none. `draining`: reception has ended, what is
 * queued is worked off. `stopped`: the end; the channels go away.
 */
export type StageState = 'starting' | 'disconnected' | 'running' | 'paused' | 'draining' | 'stopped';

/** Changes are told this often at most, in ms; what changed meanwhile is told then. */
export const LEAST_INTERVAL_MS = 250;

export interface StageStatusOptions {
  /** Time between two updates when nothing happens, in seconds. */
  readonly period: number;
  /** Gathers and publishes all figures. */
  readonly publish: () => void;
  /** Called twice a second; returns the number of objects lost or failed up to now. */
  readonly tick: () => number;
}

export class StageStatus {
  private readonly options: StageStatusOptions;
  private current: StageState = 'starting';
  private why = '';
  private periodic: NodeJS.Timeout | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private pending: NodeJS.Timeout | undefined;
  private lastSoon = Number.NEGATIVE_INFINITY;
  private troubles = 0;
  private inTrouble = false;

  constructor(options: StageStatusOptions) {
    this.options = options;
  }

  get state(): StageState {
    return this.current;
  }

  /** Why it is in this state, if there is more to say. */
  get reason(): string {
    return this.why;
  }

  start(): void {
    const { period, publish } = this.options;
    this.periodic = setInterval(publish, timerMs(period * 1000));
    this.ticker = setInterval(() => this.tick(), SAMPLE_MS);
  }

  /** The last state stays. */
  stop(): void {
    clearInterval(this.periodic);
    clearInterval(this.ticker);
    clearTimeout(this.pending);
    this.pending = undefined;
  }

  /** A change is published at once. */
  set(state: StageState, why = ''): void {
    if (state === this.current && why === this.why) return;
    this.current = state;
    this.why = why;
    this.soon();
  }

  /** Publishes in the next turn of the event loop, or as soon as that is allowed again. */
  soon(): void {
    if (this.pending) return;
    const wait = Math.max(0, this.lastSoon + LEAST_INTERVAL_MS - performance.now());
    this.pending = setTimeout(() => {
      this.pending = undefined;
      this.lastSoon = performance.now();
      this.options.publish();
    }, wait);
  }

  private tick(): void {
    const troubles = this.options.tick();
    const growing = troubles > this.troubles;
    this.troubles = troubles;
    if (growing && !this.inTrouble) this.soon();
    this.inTrouble = growing;
  }
}
