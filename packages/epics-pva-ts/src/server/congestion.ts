/**
 * Congestion: the monitors of one connection that have something to send and wait for room.
 *
 * First come first served, one update each: so updates leave in the order in which they were posted, as long as their
 * channels are updated alike, and no channel waits for all that another one has queued (PVXS does it so, too).
 */
import { emptyList } from '../kept-kinds.ts';
import { MONITOR_HIGH_WATER_BYTES } from '../limits.ts';
import { QueueBudget } from './queue-budget.ts';

/** A monitor, as far as taking turns goes. */
export interface TurnTaker {
  /** Is it among those that wait? Only {@link Congestion} says so. */
  waits: boolean;
  /** Writes one update, if the client has room for it; true if it has another one to write. */
  turn(): boolean;
}

export class Congestion {
  /** What the queues of all its monitors may hold together. */
  readonly budget: QueueBudget = new QueueBudget();
  private readonly connection: { readonly unsentBytes: number };
  /** No Set: see transient.ts. */
  private readonly waiting = emptyList<TurnTaker>();

  constructor(connection: { readonly unsentBytes: number }) {
    this.connection = connection;
  }

  private get hasRoom(): boolean {
    return this.connection.unsentBytes < MONITOR_HIGH_WATER_BYTES;
  }

  /** May an update be written at once? Not where one overtakes those that wait. */
  get isClear(): boolean {
    return this.waiting.length === 0 && this.hasRoom;
  }

  /** Puts a monitor at the end of those that wait, if it is not among them, and gives turns as long as there is room. */
  wait(monitor: TurnTaker): void {
    this.enqueue(monitor);
    this.giveTurns();
  }

  private enqueue(monitor: TurnTaker): void {
    if (monitor.waits) return;
    monitor.waits = true;
    this.waiting.push(monitor);
  }

  /** To be called when there may be room again. Goes on to those that begin to wait meanwhile. */
  giveTurns(): void {
    while (this.hasRoom) {
      const monitor = this.waiting.shift();
      if (!monitor) return;
      monitor.waits = false;
      if (monitor.turn()) this.enqueue(monitor);
    }
  }

  clear(): void {
    for (const monitor of this.waiting.splice(0)) monitor.waits = false;
  }
}
