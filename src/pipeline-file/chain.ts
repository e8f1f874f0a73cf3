/**
 * Chain: runs the stages of a plan. Started against the flow; the sources publish when everybody is connected; ended
 * with the flow, each stage when what was under way has arrived; the ledger says what became of every object.
 */
import type { Ledger } from './ledger.ts';
import { ledgerOf } from './ledger.ts';
import type { Plan, PlannedStage } from './plan.ts';
import { StageProcess } from './stage-process.ts';

export interface ChainOptions {
  readonly plan: Plan;
  /** The command of a stage: the program, its script, and its arguments. */
  readonly command: (stage: PlannedStage) => readonly [string, ...string[]];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly onLine: (stage: string, line: string) => void;
  readonly onEvent: (text: string) => void;
}

/** How a chain ended. */
export interface ChainResult {
  readonly ledger: Ledger;
  /** 0, or that of the first essential stage that failed, or 1 when not all were ready in time. */
  readonly exitCode: number;
}

const POLL_MS = 250;
/** While something is waited for. */
const SHORT_POLL_MS = 50;
/** Nothing moves for so long: what has not arrived is lost. */
const QUIET_MS = 2000;

export class Chain {
  /** In flow order. */
  readonly stages: readonly StageProcess[];
  private readonly options: ChainOptions;
  private readonly plan: Plan;
  private wake: () => void = () => {};
  private failed = 0;
  /** The first essential stage that failed, in time. */
  private firstFailure: StageProcess | undefined;
  private settledAt = '';
  /** Until then stages must be ready, by performance.now(). */
  private readyBy = 0;
  /** Were not ready in time, and the chain does without them. */
  private readonly leftOut = new Set<StageProcess>();

  constructor(options: ChainOptions) {
    this.options = options;
    this.plan = options.plan;
    const { directory, environment, command, onLine, onEvent } = options;
    this.stages = this.plan.stages.map(
      (stage) =>
        new StageProcess({
          stage,
          command: command(stage),
          directory,
          environment,
          onLine: (line) => onLine(stage.name, line),
          onEvent,
          onChange: () => this.changed(),
        }),
    );
  }

  private changed(): void {
    this.firstFailure ??= this.stages.find(({ stage, failure }) => stage.essential && failure);
    this.wake();
  }

  get ledger(): Ledger {
    const byName = new Map(this.stages.map((process) => [process.stage.name, process.figures]));
    const none = { members: new Map(), deaths: 0 };
    return ledgerOf(this.plan.stages, (name) => byName.get(name) ?? none);
  }

  /** Runs until the sources have finished, the runtime is over, a stage ends the chain, or `signal` aborts. */
  async run(signal: AbortSignal): Promise<ChainResult> {
    const poll = setInterval(() => void this.ask(), POLL_MS);
    const wake = (): void => this.wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      if (await this.start(signal)) {
        for (const source of this.simulators()) source.go();
        this.options.onEvent('all stages are ready');
        await this.until(
          () => signal.aborted || this.broken !== undefined || this.sourcesFinished,
          this.runtimeMs,
        );
      }
      if (this.broken !== undefined) this.options.onEvent(`the chain ends: ${this.broken}`);
      await this.stop();
    } finally {
      clearInterval(poll);
      this.kill();
    }
    return { ledger: this.ledger, exitCode: this.failed || (this.firstFailure?.failure?.code ?? 0) };
  }

  /** Ends all stages at once. */
  kill(): void {
    for (const process of this.stages) process.kill();
  }

  private get runtimeMs(): number {
    const { runtime } = this.plan.file;
    return runtime === undefined ? Number.POSITIVE_INFINITY : runtime * 1000;
  }

  private get readyMs(): number {
    return this.plan.file['ready-timeout'] * 1000;
  }

  private get stopMs(): number {
    return this.plan.file['stop-timeout'] * 1000;
  }

  /** Why the chain cannot go on. */
  private get broken(): string | undefined {
    const { firstFailure: failed } = this;
    if (failed) return `${failed.stage.name} ${failed.failure?.why}`;
    const ended = this.stages.find(({ stage, state }) => stage.essential && state === 'ended');
    return ended && `${ended.stage.name} has ended`;
  }

  private get sourcesFinished(): boolean {
    const sources = this.stages.filter(({ stage }) => stage.isSource);
    const essential = sources.filter(({ stage }) => stage.essential);
    return (essential.length > 0 ? essential : sources).every(
      ({ state }) => state === 'finished' || state === 'ended' || state === 'failed',
    );
  }

  private simulators(): StageProcess[] {
    return this.stages.filter(({ stage }) => stage.command === 'ad-sim-server');
  }

  private process(name: string): StageProcess {
    return this.stages.find(({ stage }) => stage.name === name) as StageProcess;
  }

  /** @returns whether all are ready; false if the chain shall end before that */
  private async start(signal: AbortSignal): Promise<boolean> {
    const over = (): boolean => signal.aborted || this.broken !== undefined;
    this.readyBy = performance.now() + this.readyMs;
    const begun: StageProcess[] = [];
    for (const name of this.plan.start) {
      const process = this.process(name);
      const { isSource, after } = process.stage;
      // Who sends waits for those who receive.
      const awaited = isSource ? [...begun] : after.map((other) => this.process(other));
      if (!(await this.inTime(awaited, hasStarted, over))) return false;
      process.start();
      begun.push(process);
    }
    return this.inTime(this.stages, isReady, over);
  }

  /**
   * Waits until stages are as they should be. Those that are late and not essential are left out from then on, and the
   * others have as long again.
   * @returns false if the chain shall end
   */
  private async inTime(
    stages: readonly StageProcess[],
    wanted: (process: StageProcess) => boolean,
    over: () => boolean,
  ): Promise<boolean> {
    const awaited = stages.filter((process) => !this.leftOut.has(process));
    const all = (): boolean => awaited.every(wanted);
    await this.until(() => over() || all(), this.readyBy - performance.now());
    if (over()) return false;
    const late = awaited.filter((process) => !wanted(process));
    if (late.length === 0) return true;
    for (const process of late) this.sayLate(process);
    if (late.some(({ stage }) => stage.essential)) {
      this.failed = 1;
      return false;
    }
    for (const process of late) this.leftOut.add(process);
    this.readyBy = performance.now() + this.readyMs;
    return true;
  }

  private sayLate({ stage, state, awaited }: StageProcess): void {
    const kind = awaited === stage.channels.metadata ? 'metadata channels' : 'input';
    const what =
      state === 'connecting'
        ? `nothing came from its ${kind} ${awaited.slice(0, 5).join(', ')}; is that channel served, and connected to its own source?`
        : `it is still ${state}`;
    const seconds = this.plan.file['ready-timeout'];
    this.options.onEvent(`stage ${stage.name} was not ready within ${seconds} s (ready-timeout): ${what}`);
  }

  private async ask(): Promise<void> {
    await Promise.all(this.stages.map((process) => process.ask()));
  }

  /** Waits for a condition that changes of state or figures can make true. */
  private async until(condition: () => boolean, milliseconds: number): Promise<boolean> {
    const end = performance.now() + milliseconds;
    while (!condition()) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, POLL_MS));
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = () => {};
    }
    return true;
  }

  private async stop(): Promise<void> {
    const { stages } = this;
    for (const process of stages) if (process.stage.isSource) process.finish();
    const finished = ({ state, alive }: StageProcess): boolean => state !== 'running' || !alive;
    await this.until(() => this.simulators().every(finished), this.stopMs);
    const deadline = performance.now() + this.stopMs;
    await this.settle(deadline);
    for (const process of stages) {
      await this.settle(deadline);
      process.terminate();
      if (await this.until(() => !process.alive, this.stopMs)) continue;
      this.options.onEvent(
        `stage ${process.stage.name} did not end within ${this.plan.file['stop-timeout']} s (stop-timeout) and is killed`,
      );
      process.kill();
      await this.until(() => !process.alive, this.stopMs);
    }
  }

  /** Waits until all that was published has arrived and is processed, or nothing moves any more. */
  private async settle(deadline: number): Promise<void> {
    let since = performance.now();
    let last = '';
    for (;;) {
      await this.ask();
      const { ledger } = this;
      const now = JSON.stringify([ledger.stages, ledger.links]);
      // What was waited for in vain is not waited for again.
      if (ledger.settled || now === this.settledAt || performance.now() > deadline) return;
      if (now !== last) since = performance.now();
      last = now;
      if (performance.now() - since > (ledger.stages.some((s) => s.queued > 0) ? this.patienceMs : QUIET_MS))
        break;
      await new Promise((resolve) => setTimeout(resolve, SHORT_POLL_MS));
    }
    this.settledAt = last;
  }

  /** Objects may wait this long on purpose. */
  private get patienceMs(): number {
    const waits = this.plan.stages.flatMap(({ options }) => [
      options.number('gap-timeout') ?? 0,
      options.number('accumulation-timeout') ?? 0,
    ]);
    return QUIET_MS + 1000 * Math.max(0, ...waits.filter((seconds) => Number.isFinite(seconds)));
  }
}

/** It has been started, and serves its channels unless it has ended. */
function hasStarted({ state }: StageProcess): boolean {
  return state !== 'waiting' && state !== 'starting' && state !== 'restarting';
}

/** Others may rely on it, or have to do without it. */
function isReady({ state, stage, alive }: StageProcess): boolean {
  return state === 'running' || state === 'finished' || (!stage.essential && !alive);
}
