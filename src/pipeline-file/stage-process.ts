/**
 * StageProcess: one stage as a child process, with its output, its figures, and what happens when it dies.
 *
 * It is the leader of a process group of its own, so that Ctrl-C in the terminal reaches `hpc-pipeline` only, which
 * then ends the stages in order. A stage whose parent is gone ends by itself (pipeline/orphan-guard.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { FIRST_RESTART_MS, HEALTHY_MS, LONGEST_RESTART_MS } from '../restart-times.ts';
import type { StageFigures } from './ledger.ts';
import { LineSplitter } from './line-splitter.ts';
import type { PlannedStage } from './plan.ts';
import { type FromStage, type MemberFigures, STAGE_VARIABLE, type ToStage } from './stage-messages.ts';

/** Where a stage is in its life. */
export type StageState =
  | 'waiting'
  | 'starting'
  /** Its channels are served, its inputs not yet connected. */
  | 'connecting'
  | 'running'
  /** A source that publishes nothing more. */
  | 'finished'
  | 'restarting'
  | 'stopping'
  | 'ended'
  | 'failed';

export interface StageProcessOptions {
  readonly stage: PlannedStage;
  /** The program, its script, and the stage's arguments. */
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
  /** Something happened that a person should know. */
  readonly onEvent: (text: string) => void;
  /** State or figures have changed. */
  readonly onChange: () => void;
  /** How long an answer is waited for, in ms. Default: a second. */
  readonly answerMs?: number;
  /** Restarts begin anew, in number and delay, after it was ready for so long, in ms. Default: 10 s. */
  readonly healthyMs?: number;
}

const ANSWER_MS = 1000;
/** After its end, the time its pipes get to deliver what they still hold; a grandchild may hold them open. */
const PIPES_MS = 500;
/** Lines shown of one that died. */
const LAST_LINES = 5;

export class StageProcess {
  readonly stage: PlannedStage;
  state: StageState = 'waiting';
  /** All there were. */
  restarts = 0;
  /** How it ended, when it ended for good and not in good order. */
  failure: { readonly code: number; readonly why: string } | undefined;
  private readonly options: StageProcessOptions;
  private child: ChildProcess | undefined;
  private members = new Map<number, MemberFigures>();
  private readonly before = new Map<number, MemberFigures>();
  private deaths = 0;
  private lastLines: string[] = [];
  private delay = FIRST_RESTART_MS;
  /** Since it was last well; `max-restarts` is the limit of these. */
  private recentRestarts = 0;
  /** When it became ready, by performance.now(); not before it is. */
  private readyAt = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private requests = 0;
  private answered: (() => void) | undefined;
  /** The question that is under way, and the one that waits for its end. */
  private asking: Promise<void> | undefined;
  private askingNext: Promise<void> | undefined;
  private publishing = false;

  constructor(options: StageProcessOptions) {
    this.options = options;
    this.stage = options.stage;
  }

  /** Is there a process, or will there be one again? */
  get alive(): boolean {
    return this.child !== undefined || this.state === 'restarting';
  }

  get figures(): StageFigures {
    const members = new Map(this.before);
    for (const [id, now] of this.members) members.set(id, added(members.get(id), now));
    return { members, deaths: this.deaths };
  }

  /** The channels of which not all have sent something since the last start: those of the input before metadata. */
  get awaited(): readonly string[] {
    const { members, servesInput, metadata } = this.stage.channels;
    const inputs = members.filter(
      ({ id, inputs: all }) => (this.members.get(id)?.connected ?? 0) < all.length,
    );
    if (!servesInput && inputs.length > 0) return [...new Set(inputs.flatMap((member) => member.inputs))];
    const found = ({ id }: { readonly id: number }): number => this.members.get(id)?.metadataConnected ?? 0;
    return members.every((member) => found(member) >= metadata.length) ? [] : metadata;
  }

  start(): void {
    const { command, directory, environment, onLine, onEvent } = this.options;
    const [program, ...args] = command;
    this.lastLines = [];
    this.readyAt = Number.POSITIVE_INFINITY;
    this.set('starting');
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...environment, [STAGE_VARIABLE]: this.stage.name },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child = child;
    const splitters = [child.stdout, child.stderr].map((stream) => {
      const splitter = new LineSplitter((line) => {
        this.lastLines.push(line);
        if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
        onLine(line);
      });
      stream?.setEncoding('utf8').on('data', (text: string) => splitter.write(text));
      return splitter;
    });
    child.on('message', (m) => this.onMessage(m as FromStage));
    child.on('error', (error) => {
      onEvent(`${this.stage.name}: ${error.message}`);
      // Without a process there will be no exit.
      if (child.pid === undefined) this.onEnd(child, 127, null, splitters);
    });
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => this.onEnd(child, code, signal, splitters), PIPES_MS);
      child.once('close', () => {
        clearTimeout(timer);
        this.onEnd(child, code, signal, splitters);
      });
    });
  }

  private set(state: StageState): void {
    this.state = state;
    this.options.onChange();
  }

  private onMessage(m: FromStage): void {
    switch (m.type) {
      case 'started':
        if (this.state !== 'starting') break;
        this.options.onEvent(`stage ${this.stage.name} runs as process ${this.child?.pid}`);
        this.set('connecting');
        if (this.publishing) this.send({ type: 'go' });
        break;
      case 'finished':
        if (this.state !== 'stopping') this.set('finished');
        break;
      case 'figures':
        this.members = new Map(m.members.map((member) => [member.id, member]));
        if (this.state === 'connecting' && (this.stage.ready === 'started' || this.awaited.length === 0)) {
          this.readyAt = performance.now();
          this.set('running');
        }
        // An answer that came too late is none to the question now.
        if (m.requestId === undefined || m.requestId === this.requests) this.answered?.();
        this.options.onChange();
        break;
    }
  }

  private onEnd(
    child: ChildProcess,
    code: number | null,
    signal: NodeJS.Signals | null,
    splitters: LineSplitter[],
  ): void {
    if (this.child !== child) return;
    for (const splitter of splitters) splitter.close();
    this.child = undefined;
    this.answered?.();
    const asked = this.state === 'stopping';
    if (code === 0 || (asked && signal === 'SIGTERM')) {
      this.set('ended');
      return;
    }
    const why = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
    const failure = { code: signal ? 128 + constants.signals[signal] : (code ?? 1), why };
    this.options.onEvent(`stage ${this.stage.name} (process ${child.pid}) ${why}`);
    if (!asked) for (const line of this.lastLines) this.options.onEvent(`  its last lines: ${line}`);
    // An exit code after being asked to end is the stage's own verdict, not a death.
    if (!asked || signal) this.deaths++;
    this.forgiveIfWell();
    if (!asked && this.stage.restart === 'on-failure' && this.recentRestarts < this.stage.maxRestarts)
      this.restart();
    else {
      this.failure = failure;
      this.set('failed');
    }
  }

  /** A stage that fails once a day is not given up after a few days. */
  private forgiveIfWell(): void {
    if (performance.now() - this.readyAt < (this.options.healthyMs ?? HEALTHY_MS)) return;
    this.recentRestarts = 0;
    this.delay = FIRST_RESTART_MS;
  }

  private restart(): void {
    const { name, maxRestarts } = this.stage;
    for (const [id, figures] of this.members) this.before.set(id, added(this.before.get(id), figures));
    this.members.clear();
    this.restarts++;
    this.recentRestarts++;
    this.options.onEvent(
      `stage ${name}: restart ${this.recentRestarts} of ${maxRestarts} in ${this.delay / 1000} s`,
    );
    this.timer = setTimeout(() => this.start(), this.delay);
    this.delay = Math.min(this.delay * 2, LONGEST_RESTART_MS);
    this.set('restarting');
  }

  private send(message: ToStage): void {
    // One that has just died is noticed by its exit.
    if (this.child?.connected) this.child.send(message, () => {});
  }

  /** Tells a source to publish, now and after every restart. */
  go(): void {
    this.publishing = true;
    this.send({ type: 'go' });
  }

  /** Tells a source to publish nothing more, or to receive nothing more if it is no simulator; it stays. */
  finish(): void {
    this.publishing = false;
    this.send({ type: 'finish' });
  }

  /**
   * Asks for figures that are not older than this call; resolves when they are there, or after `answerMs`. What another
   * call has asked for is awaited first: it may be older. All calls meanwhile get the same answer.
   */
  ask(): Promise<void> {
    this.askingNext ??= this.askAfter(this.asking);
    return this.askingNext;
  }

  private async askAfter(before: Promise<void> | undefined): Promise<void> {
    await before;
    this.askingNext = undefined;
    this.asking = this.askNow();
    await this.asking;
  }

  private async askNow(): Promise<void> {
    if (!this.child?.connected || this.state === 'starting') return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.answered = resolve;
      timer = setTimeout(resolve, this.options.answerMs ?? ANSWER_MS);
      this.send({ type: 'figures', requestId: ++this.requests });
    });
    clearTimeout(timer);
    this.answered = undefined;
  }

  /** Asks it to end in good order. */
  terminate(): void {
    clearTimeout(this.timer);
    if (!this.child) {
      if (this.state === 'restarting' || this.state === 'waiting') this.set('ended');
      return;
    }
    if (this.state !== 'stopping') {
      this.set('stopping');
      this.child.kill('SIGTERM');
    }
  }

  /** Ends it and its children at once. */
  kill(): void {
    clearTimeout(this.timer);
    const pid = this.child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Figures of a process and of those before it; what waited in those is gone, and counts as nothing. */
function added(before: MemberFigures | undefined, now: MemberFigures): MemberFigures {
  if (!before) return now;
  return {
    id: now.id,
    connected: now.connected + before.connected,
    metadataConnected: now.metadataConnected + before.metadataConnected,
    deaths: now.deaths + before.deaths,
    received: now.received + before.received,
    initial: now.initial + before.initial,
    skipped: now.skipped + before.skipped,
    processed: now.processed + before.processed,
    errors: now.errors + before.errors,
    rejected: now.rejected + before.rejected,
    queued: now.queued,
    missed: now.missed + before.missed,
    published: now.published + before.published,
    publishErrors: now.publishErrors + before.publishErrors,
  };
}
