/**
 * ProcessGroup: several consumers, each in a child process of its own.
 *
 * A consumer keeps its id, channels and connection for life, so children are not interchangeable workers and no
 * task pool fits (docs/decisions/0005). A child that dies is reported, restarted with growing delays, and counted. A
 * child whose parent is gone ends by itself (orphan-guard.ts), whatever its processor is doing.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { timerMs } from '../long-timer.ts';
import { FIRST_RESTART_MS, HEALTHY_MS, LONGEST_RESTART_MS } from '../restart-times.ts';
import {
  ConsumerLives,
  type ConsumerTotals,
  consumerTotals,
  type SystemStats,
  type SystemTotals,
  systemStats,
  systemTotals,
} from './consumer-lives.ts';
import type { ConsumerSpec } from './consumer-spec.ts';
import type { ConsumerStats } from './consumer-stats.ts';
import type { FromChild, ToChild } from './process-messages.ts';
import { DRAIN_TIMEOUT } from './processing-stage.ts';
import type { StageTotals } from './stage-totals.ts';

export interface ProcessGroupOptions {
  /** The module a child runs; it speaks process-messages.ts. */
  readonly entry: URL;
  readonly specs: readonly ConsumerSpec[];
  readonly logger: Logger;
  /** A child's consumer was asked for statistics by its control channel. */
  readonly onReport: (stats: ConsumerStats) => void;
  /** A consumer has told its figures, came, or went. */
  readonly onChange?: () => void;
  /** Seconds a consumer may take to work off what is queued at the end; default 5. */
  readonly drainTimeout?: number | undefined;
  /** The last child has ended, or cannot be started; `error` says why if it was not in good order. */
  readonly onEnd: (error: UserError | undefined) => void;
  /** What children print comes here; by default it goes where this process prints. */
  readonly onOutput?: ((text: string, stream: 'stdout' | 'stderr') => void) | undefined;
}

/** What a child is doing; `starting` until its consumer runs. */
export type MemberState = 'starting' | 'running' | 'restarting' | 'ended';

const STATS_TIMEOUT_MS = 1000;
/** From the request to stop to SIGKILL: twice the drain timeout (the processor's stop() has it too), and this in ms. */
const STOP_MARGIN_MS = 5000;

interface Member {
  readonly spec: ConsumerSpec;
  child: ChildProcess | undefined;
  /** Its consumer runs and can be asked. */
  ready: boolean;
  startedAt: number;
  restarts: number;
  delay: number;
  timer: NodeJS.Timeout | undefined;
  readonly lives: ConsumerLives;
  ended: boolean;
}

export class ProcessGroup {
  private readonly options: ProcessGroupOptions;
  private readonly members: Member[];
  private readonly waiting = new Map<number, (stats: ConsumerStats) => void>();
  private requests = 0;
  private stopping = false;
  private receptionEnded = false;
  private failure: UserError | undefined;

  constructor(options: ProcessGroupOptions) {
    this.options = options;
    this.members = options.specs.map((spec) => ({
      spec,
      child: undefined,
      ready: false,
      startedAt: 0,
      restarts: 0,
      delay: FIRST_RESTART_MS,
      timer: undefined,
      lives: new ConsumerLives(),
      ended: false,
    }));
  }

  /** Restarts of all children together. */
  get nRestarts(): number {
    return this.members.reduce((n, m) => n + m.restarts, 0);
  }

  /** Process ids of the children running now. */
  get pids(): number[] {
    return this.members.flatMap((m) => m.child?.pid ?? []);
  }

  start(): void {
    for (const member of this.members) this.spawn(member);
  }

  private spawn(member: Member): void {
    member.timer = undefined;
    const { onOutput } = this.options;
    const child = fork(fileURLToPath(this.options.entry), [], {
      serialization: 'advanced',
      silent: onOutput !== undefined,
    });
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text, stream));
    member.child = child;
    member.ready = false;
    member.lives.start();
    member.startedAt = performance.now();
    child.on('message', (m) => this.onMessage(member, m as FromChild));
    child.on('error', (error) => {
      // One that could not be started has no exit.
      if (child.pid === undefined) this.onExit(member, `cannot be started: ${error.message}`);
      else this.options.logger.error(error, `consumer ${member.spec.consumerId}`);
    });
    child.on('exit', (code, signal) =>
      this.onExit(member, signal ? `killed by ${signal}` : `exit code ${code}`),
    );
    send(child, { type: 'start', spec: member.spec });
  }

  private onMessage(member: Member, m: FromChild): void {
    switch (m.type) {
      case 'ready':
        member.ready = true;
        member.lives.begin();
        if (this.receptionEnded && member.child) send(member.child, { type: 'end_reception' });
        this.options.logger.info(`consumer ${member.spec.consumerId} runs as process ${member.child?.pid}`);
        this.options.onChange?.();
        break;
      case 'failed':
        this.failure ??= new UserError(m.code, m.line, { exitCode: m.exitCode });
        member.ended = true;
        void this.stop();
        break;
      case 'stats':
        member.lives.report(m);
        this.waiting.get(m.requestId)?.(m.stats);
        break;
      case 'figures':
        member.lives.report(m);
        this.options.onChange?.();
        break;
      case 'report':
        this.options.onReport(m.stats);
        break;
      case 'stopped':
        member.lives.report(m);
        member.ended = true;
        break;
    }
  }

  private onExit(member: Member, why: string): void {
    const { consumerId } = member.spec;
    const pid = member.child?.pid;
    member.child = undefined;
    member.lives.exit();
    if (!member.ended) member.lives.died();
    if (!member.ended && !this.stopping) {
      if (performance.now() - member.startedAt > HEALTHY_MS) member.delay = FIRST_RESTART_MS;
      const { delay } = member;
      member.restarts++;
      member.timer = setTimeout(() => this.spawn(member), delay);
      member.delay = Math.min(delay * 2, LONGEST_RESTART_MS);
      // Whoever looks now sees it restarting.
      this.options.onChange?.();
      this.options.logger.error(
        `consumer ${consumerId} ${pid === undefined ? why : `(process ${pid}) died: ${why}`}; restart ${member.restarts} in ${delay / 1000} s`,
      );
      return;
    }
    member.ended = true;
    this.options.onChange?.();
    if (this.members.every((m) => m.ended && !m.child)) this.options.onEnd(this.failure);
  }

  /** What each child is doing, by consumer id. */
  get states(): ReadonlyMap<number, MemberState> {
    return new Map(this.members.map((m) => [m.spec.consumerId, stateOf(m)]));
  }

  /**
   * Statistics of all consumers; the last known of one that does not answer within a second.
   *
   * @param publish on their status channels, too; default true
   */
  async stats(publish = true): Promise<ConsumerStats[]> {
    const all = await Promise.all(this.members.map((m) => this.statsOf(m, publish)));
    return all.filter((s) => s !== undefined);
  }

  private async statsOf(member: Member, publish: boolean): Promise<ConsumerStats | undefined> {
    const { child } = member;
    if (!child || !member.ready) return member.lives.last;
    const requestId = ++this.requests;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<ConsumerStats | undefined>((resolve) => {
      this.waiting.set(requestId, resolve);
      timer = setTimeout(() => resolve(member.lives.last), STATS_TIMEOUT_MS);
    });
    send(child, { type: 'get_stats', requestId, publish });
    const stats = await answer;
    clearTimeout(timer);
    this.waiting.delete(requestId);
    return stats;
  }

  /** The last statistics of each consumer. */
  lastStats(): ConsumerStats[] {
    return this.members.flatMap((m) => m.lives.last ?? []);
  }

  /** What the present, or last, life of each consumer did, whatever was reset. */
  lastTotals(): StageTotals[] {
    return this.members.flatMap((m) => m.lives.lastTotals ?? []);
  }

  /** What each consumer did in all its lives, whatever was reset. */
  consumerTotals(): ConsumerTotals[] {
    return this.members.map((m) => consumerTotals(m.spec.consumerId, m.lives));
  }

  /** What all consumers did in all their lives, whatever was reset, and what is not known of it. */
  totals(): SystemTotals {
    return systemTotals(this.members.map((m) => m.lives));
  }

  /** All consumers as one system, by what they told last; lives that have ended count, too. */
  systemStats(): SystemStats {
    const { nRestarts } = this;
    const nAlive = this.members.filter((m) => m.child && m.ready).length;
    return systemStats(
      this.members.map((m) => m.lives),
      { nAlive, nRestarts },
    );
  }

  /** No consumer receives anything more, also none that is restarted; they stay, and work off what they have. */
  endReception(): void {
    this.receptionEnded = true;
    for (const { child, ready } of this.members) if (child && ready) send(child, { type: 'end_reception' });
  }

  /** Asks all children to end and kills those that do not; resolves when none is left. */
  async stop(): Promise<void> {
    const first = !this.stopping;
    this.stopping = true;
    for (const m of this.members) {
      clearTimeout(m.timer);
      m.timer = undefined;
      if (m.child && first) send(m.child, { type: 'stop' });
      if (!m.child) m.ended = true;
    }
    const running = this.members.flatMap((m) => m.child ?? []);
    const timeout = timerMs(2000 * (this.options.drainTimeout ?? DRAIN_TIMEOUT) + STOP_MARGIN_MS);
    const timer = setTimeout(() => {
      for (const { child, spec } of this.members) {
        if (!child) continue;
        this.options.logger.error(
          `consumer ${spec.consumerId} did not end within ${timeout / 1000} s and is killed`,
        );
        child.kill('SIGKILL');
      }
    }, timeout);
    await Promise.all(
      running.map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) resolve();
            else child.once('exit', () => resolve());
          }),
      ),
    );
    clearTimeout(timer);
    if (running.length === 0) this.options.onEnd(this.failure);
  }

  /** Ends all children at once. */
  kill(): void {
    for (const m of this.members) m.child?.kill('SIGKILL');
  }
}

function stateOf({ ended, child, ready, timer }: Member): MemberState {
  if (ended) return 'ended';
  if (timer) return 'restarting';
  return child && ready ? 'running' : 'starting';
}

/** A child that has just died is noticed by its exit, not here. */
function send(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => {});
}
