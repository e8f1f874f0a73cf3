/**
 * OrderedWork: hands objects to a processor, one after the other. What leaves a collector's cache at once, after a gap or
 * at the end, may be thousands of objects: after some time the rest waits for another turn of the event loop, so that
 * signals, clients and deadlines are heard between them.
 */

export interface OrderedWorkOptions<T> {
  /** Processes an object; a promise holds back those behind it. Must not throw. */
  readonly handle: (object: T) => void | Promise<void>;
  /** It has been processed. */
  readonly done: (object: T) => void;
  /** ms of a steady clock. */
  readonly now?: () => number;
  /** Lets the event loop run. */
  readonly nextTurn?: () => Promise<void>;
}

/** Objects may be processed in one turn of the event loop for this long, in ms. */
const TURN_MS = 20;

export class OrderedWork<T> {
  private readonly options: OrderedWorkOptions<T>;
  private readonly now: () => number;
  private readonly nextTurn: () => Promise<void>;
  private readonly backlog: T[] = [];
  private turnEnd = Number.POSITIVE_INFINITY;
  private abandoned = false;
  /** Until all objects have been processed; undefined if none waits. */
  pending: Promise<void> | undefined;

  constructor(options: OrderedWorkOptions<T>) {
    this.options = options;
    this.now = options.now ?? (() => performance.now());
    this.nextTurn = options.nextTurn ?? (() => new Promise((resolve) => setImmediate(resolve)));
  }

  /** Objects that wait behind another one. */
  get length(): number {
    return this.backlog.length;
  }

  /** @param now begin of a turn in which objects will be added */
  begin(now: number): void {
    this.turnEnd = now + TURN_MS;
  }

  add(object: T): void {
    if (this.pending) {
      this.backlog.push(object);
      return;
    }
    if (this.now() >= this.turnEnd) {
      this.backlog.push(object);
      this.pending = this.work(this.nextTurn());
      return;
    }
    const pending = this.options.handle(object);
    if (pending) this.pending = this.work(pending, object);
    else this.options.done(object);
  }

  private async work(before: Promise<void>, object?: T): Promise<void> {
    await before;
    if (object !== undefined) this.options.done(object);
    this.begin(this.now());
    while (!this.abandoned) {
      const next = this.backlog.shift();
      if (next === undefined) break;
      await this.options.handle(next);
      this.options.done(next);
      // Promises alone let no timer and no signal through.
      if (this.now() >= this.turnEnd) {
        await this.nextTurn();
        this.begin(this.now());
      }
    }
    this.pending = undefined;
  }

  /** No other object is processed; those that wait stay. */
  abandon(): void {
    this.abandoned = true;
  }
}
