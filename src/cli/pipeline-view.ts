/** What `hpc-pipeline run` shows while it runs: a table below the lines on a terminal, lines only elsewhere. */
import type { createLogUpdate } from 'log-update';
import { timerMs } from '../long-timer.ts';
import type { Chain } from '../pipeline-file/chain.ts';
import { type ChainRow, handledBy, plainLine, tableText } from '../pipeline-file/chain-text.ts';

/** On a terminal. */
const TABLE_MS = 500;

/** Is standard output a terminal that can do more than lines? As LiveView decides. */
function isCapable(): boolean {
  return process.stdout.isTTY && process.env['TERM'] !== 'dumb';
}

export interface PipelineViewOptions {
  readonly names: readonly string[];
  /** Seconds between two lines where there is no terminal. */
  readonly reportPeriod: number;
  /** Whether lines of stages are shown. */
  readonly quiet: boolean;
}

type LogUpdate = ReturnType<typeof createLogUpdate>;

export class PipelineView {
  private readonly options: PipelineViewOptions;
  private readonly update: LogUpdate | undefined;
  /** What is shown below the lines now. */
  private table: string | undefined;
  private readonly width: number;
  private readonly start = performance.now();
  private handled = new Map<string, number>();
  private shownAt = performance.now();
  private timer: NodeJS.Timeout | undefined;

  static async open(options: PipelineViewOptions): Promise<PipelineView> {
    if (!isCapable()) return new PipelineView(options, undefined);
    const { createLogUpdate } = await import('log-update');
    return new PipelineView(options, createLogUpdate(process.stdout));
  }

  private constructor(options: PipelineViewOptions, update: LogUpdate | undefined) {
    this.options = options;
    this.update = update;
    this.width = Math.max(...options.names.map((name) => name.length), 'pipeline'.length);
  }

  watch(chain: Chain): void {
    const period = this.update ? TABLE_MS : timerMs(this.options.reportPeriod * 1000);
    this.timer = setInterval(() => this.show(chain), period);
  }

  /** A line of a stage. */
  line(stage: string, text: string): void {
    if (!this.options.quiet) this.print(`${stage.padEnd(this.width)} | ${text}`);
  }

  /** A line of the pipeline itself. */
  event(text: string): void {
    this.print(`${'pipeline'.padEnd(this.width)} | ${text}`);
  }

  private print(text: string): void {
    if (!this.update) process.stdout.write(`${text}\n`);
    else {
      this.update.persist(text);
      // A line takes the place of the table; a stage that prints line after line would leave none to be seen.
      if (this.table !== undefined) this.update(this.table);
    }
  }

  private show(chain: Chain): void {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.shownAt) / 1000);
    const lines = chain.ledger.stages;
    const rows = lines.map((line, i): ChainRow => {
      const { state = 'waiting', restarts = 0 } = chain.stages[i] ?? {};
      const rate = Math.max(0, handledBy(line) - (this.handled.get(line.name) ?? 0)) / seconds;
      return { ...line, state, restarts, rate };
    });
    this.handled = new Map(lines.map((line) => [line.name, handledBy(line)]));
    this.shownAt = now;
    const elapsed = (now - this.start) / 1000;
    if (this.update) {
      this.table = tableText(rows, elapsed);
      this.update(this.table);
    } else this.event(plainLine(rows, elapsed));
  }

  /** The last table stays on the screen. */
  end(chain: Chain): void {
    clearInterval(this.timer);
    if (this.update) this.show(chain);
    this.table = undefined;
    this.update?.done();
  }
}
