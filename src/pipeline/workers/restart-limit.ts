/** RestartLimit: workers that die again and again must not be replaced for ever. */

/** Deaths further back than this are forgotten, in ms. */
const PERIOD_MS = 60_000;
/** Deaths allowed in that time, for each worker of the pool. */
const DEATHS_PER_WORKER = 5;

export class RestartLimit {
  private readonly deaths: number[] = [];
  private readonly allowed: number;

  constructor(nWorkers: number) {
    this.allowed = DEATHS_PER_WORKER * nWorkers;
  }

  /** A worker has died at this time, in ms. @returns whether it may be replaced */
  allows(now: number): boolean {
    while (this.deaths[0] !== undefined && now - this.deaths[0] > PERIOD_MS) this.deaths.shift();
    this.deaths.push(now);
    return this.deaths.length <= this.allowed;
  }

  /** For the message: deaths and seconds. */
  get text(): string {
    return `${this.deaths.length} worker processes died within ${PERIOD_MS / 1000} s`;
  }
}
