/**
 * WorkerPlaces: the processes of a pool, one for each number from 1: opened, started, configured, replaced when they
 * die, ended. One that dies again and again ends them all. Objects are the pool's business (worker-pool.ts).
 */
import type { Value } from 'epics-pva-ts';
import { UserError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Changes } from './changes.ts';
import { Configurations } from './configurations.ts';
import type { SpawnWorker } from './farm.ts';
import { RestartLimit } from './restart-limit.ts';
import { died, poolFigures, sameFigures, type WorkerCounts } from './worker-figures.ts';
import { WorkerMember } from './worker-member.ts';
import type { FromWorker, WorkerSpec } from './worker-messages.ts';

/** What the first constructed worker says of its processor. */
export type Constructed = Extract<FromWorker, { type: 'constructed' }>;

export interface WorkerPlacesOptions {
  readonly nWorkers: number;
  readonly spec: Omit<WorkerSpec, 'workerId' | 'nWorkers'>;
  readonly spawn: SpawnWorker;
  readonly logger: Logger;
  /** The workers, which had started, cannot go on. Called once. */
  readonly onFailure: (error: UserError) => void;
}

export interface PlacesEvents {
  /** A worker can take an object. */
  idle(): void;
  /** A worker has published outside of `process`. */
  published(object: Value): void;
  /** So many objects that were processed are lost all the same; said before the last reset, or since. */
  lost(count: number, beforeReset: boolean): void;
  /** No more objects are processed. */
  failed(error: UserError): void;
}

interface Place extends WorkerCounts {
  member: WorkerMember;
}

/** From the request to stop to SIGKILL, in ms. */
const STOP_MS = 5000;

export class WorkerPlaces {
  private readonly options: WorkerPlacesOptions;
  private readonly events: PlacesEvents;
  private readonly changes: Changes;
  private readonly places: Place[] = [];
  private readonly limit: RestartLimit;
  private readonly configurations = new Configurations();
  private constructed: Constructed | undefined;
  private resets = 0;
  /** Reports with figures that were others than before. */
  private nChanges = 0;
  private started = false;
  private running = false;
  private stopping = false;
  private failure: UserError | undefined;

  /** @param changes happens whenever a worker changes */
  constructor(options: WorkerPlacesOptions, events: PlacesEvents, changes: Changes) {
    this.options = options;
    this.events = events;
    this.changes = changes;
    this.limit = new RestartLimit(options.nWorkers);
  }

  /** Number of the present count of objects; those from before a reset do not count. */
  get epoch(): number {
    return this.resets;
  }

  /** Why no objects are processed any more, if that is so. */
  get end(): Error | undefined {
    return this.failure ?? (this.stopping ? new Error('the workers have stopped') : undefined);
  }

  /** Starts the processes. @throws UserError the first that a processor's constructor threw */
  async open(): Promise<Constructed> {
    for (let workerId = 1; workerId <= this.options.nWorkers; workerId++) {
      this.places.push({
        member: this.spawn(workerId),
        nProcessed: 0,
        nErrors: 0,
        nRestarts: 0,
        figures: {},
        earlier: {},
        changed: 0,
      });
    }
    await this.all((member) => member.state === 'constructed');
    return this.constructed as Constructed;
  }

  /** Has every processor started. @throws UserError the first that a processor's `start` threw */
  async start(): Promise<void> {
    this.started = true;
    for (const { member } of this.places)
      if (member.state === 'constructed') member.start(this.configurations.all, this.epoch);
    await this.all((member) => member.state === 'idle' || member.state === 'busy');
    this.running = true;
  }

  /** Waits until all workers are so, replacements included. */
  private async all(wanted: (member: WorkerMember) => boolean): Promise<void> {
    while (!this.places.every(({ member }) => wanted(member))) {
      if (this.failure) throw this.failure;
      if (this.stopping) throw new UserError('HPC_WORKERS', 'stopped before the workers had started');
      await this.changes.next();
    }
    if (this.failure) throw this.failure;
  }

  private spawn(workerId: number): WorkerMember {
    const { spec, spawn, logger, nWorkers } = this.options;
    const member = new WorkerMember(
      spawn,
      { ...spec, workerId, nWorkers, name: `${spec.name}.${workerId}` },
      {
        constructed: (message) => {
          this.constructed ??= message;
          logger.info(`worker ${workerId} runs as process ${member.pid}`);
          if (this.started) member.start(this.configurations.all, this.epoch);
          this.changes.happened();
        },
        idle: () => {
          this.events.idle();
          this.changes.happened();
        },
        failed: (error) => this.fail(error),
        published: (object) => this.events.published(object),
        fault: (error) => logger.error(error, `worker ${workerId}`),
        stats: (epoch, figures) => {
          if (epoch === this.epoch) this.told(this.place(workerId), figures);
        },
        lost: (epoch, count) => this.events.lost(count, epoch !== this.epoch),
        gone: (why) => this.onGone(workerId, why),
      },
    );
    return member;
  }

  /** Workers report every second, whether they had an object or not. */
  private told(place: Place, figures: WorkerCounts['figures']): void {
    if (sameFigures(place.figures, figures)) return;
    place.figures = figures;
    place.changed = ++this.nChanges;
  }

  private place(workerId: number): Place {
    return this.places[workerId - 1] as Place;
  }

  private onGone(workerId: number, why: string): void {
    if (this.end) {
      this.changes.happened();
      return;
    }
    const place = this.place(workerId);
    const { logger } = this.options;
    const text = `worker ${workerId} (process ${place.member.pid}) died: ${why}`;
    if (!this.limit.allows(performance.now())) {
      logger.error(text);
      this.fail(new UserError('HPC_WORKERS', `${this.limit.text}, the last one: ${text}`));
      return;
    }
    place.nRestarts++;
    Object.assign(place, died(place));
    logger.error(`${text}; restart ${place.nRestarts}`);
    place.member = this.spawn(workerId);
    this.changes.happened();
  }

  private fail(error: UserError): void {
    if (this.end) return;
    this.failure = error;
    this.events.failed(error);
    this.changes.happened();
    // Until then `open` or `start` throws it.
    if (this.running) this.options.onFailure(error);
  }

  /** A worker that can take an object now. */
  get idle(): WorkerMember | undefined {
    for (const { member } of this.places) if (member.state === 'idle') return member;
    return undefined;
  }

  /** Counts an object that this worker had. */
  count(workerId: number, failed: boolean): void {
    this.place(workerId)[failed ? 'nErrors' : 'nProcessed']++;
  }

  /** All workers take a configuration, and those that replace them. @throws Error the first refusal */
  async configure(args: unknown): Promise<void> {
    const members = this.places.map((place) => place.member).filter((member) => member.answers);
    await this.configurations.tell(members, args);
  }

  resetStats(): void {
    this.resets++;
    for (const place of this.places) {
      place.nProcessed = 0;
      place.nErrors = 0;
      place.figures = {};
      place.earlier = {};
      if (place.member.answers) place.member.send({ type: 'reset_stats', epoch: this.epoch });
    }
  }

  /** What the processors' `getStats` returned last, together, and `workerStats`. */
  stats(nInFlight: number): Record<string, unknown> {
    const all = this.places.map((place) => {
      const { pid, state } = place.member;
      return { ...place, processId: state === 'gone' ? 0 : (pid ?? 0) };
    });
    return poolFigures(all, nInFlight);
  }

  /** No worker is replaced any more; those that have an object are killed. */
  giveUp(): void {
    this.stopping = true;
    for (const { member } of this.places) if (member.state === 'busy') member.kill();
  }

  /** Every processor's `stop()`, then the processes end; those that do not are killed. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.changes.happened();
    const members = this.places.map((place) => place.member);
    for (const member of members) {
      if (member.answers) member.send({ type: 'stop' });
      else if (member.state !== 'stopped') member.kill();
    }
    const timer = setTimeout(() => {
      this.options.logger.error(`workers did not stop within ${STOP_MS / 1000} s and were killed`);
      this.kill();
    }, STOP_MS);
    await Promise.all(members.map((member) => member.ended));
    clearTimeout(timer);
  }

  /** Ends all processes at once. */
  kill(): void {
    this.stopping = true;
    for (const { member } of this.places) member.kill();
    this.changes.happened();
  }
}
