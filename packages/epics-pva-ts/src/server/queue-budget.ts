/**
 * QueueBudget: the memory that the updates waiting in all monitor queues of one client may take together.
 *
 * A client decides how long its queues are and when it reads; this keeps both together from being the server's memory.
 */
export class QueueBudget {
  readonly limit: number;
  private used = 0;
  private squashes = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes of the updates that wait, roughly. One that several monitors wait with counts for each of them. */
  get bytes(): number {
    return this.used;
  }

  get isFull(): boolean {
    return this.used >= this.limit;
  }

  /** How often an update was merged into another for lack of memory. */
  get hits(): number {
    return this.squashes;
  }

  take(bytes: number): void {
    this.used += bytes;
  }

  free(bytes: number): void {
    this.used -= bytes;
  }

  hit(): void {
    this.squashes++;
  }
}
