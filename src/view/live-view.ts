/**
 * LiveView: a full screen on the terminal that shows the latest state of something, redrawn as it changes, as PvaPy's
 * commands do with curses (pvapy-behaviour.md 1.9). Whatever way the process ends, the terminal is given back first,
 * and then everything that was printed meanwhile is printed.
 *
 * ```ts
 * const view = LiveView.open();
 * view?.show({ title: 'my-command', sections: [{ columns: ['id', 'received'], rows: [['1', '17']] }] });
 * view?.close();
 * ```
 */
import { CapturedOutput } from './captured-output.ts';
import { layout, type ViewModel } from './layout.ts';
import { Screen } from './screen.ts';

/** The part of `process.stdout` that a view uses. */
export type Terminal = Pick<NodeJS.WriteStream, 'write' | 'on' | 'off'> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** The part of `process` that a view uses. */
export type Host = Pick<NodeJS.Process, 'on' | 'off' | 'kill' | 'pid'> & {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly env: NodeJS.ProcessEnv;
};

/** Time between two drawings at least (ms): four a second. */
const SHORTEST_PERIOD_MS = 250;
/** Everything is drawn anew after this (ms), over what somebody else may have written. */
const WHOLE_PERIOD_MS = 5000;
/** Of a terminal that does not say. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };

export class LiveView {
  private readonly host: Host;
  private readonly screen: Screen;
  private readonly captured: CapturedOutput;
  private model: ViewModel | undefined;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private wholeAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /**
   * Takes the terminal over, or not: when standard output is not a terminal, or one that cannot (`TERM=dumb`), there
   * is no view and everything is printed as ever.
   *
   * @param host default: this process
   */
  static open(host: Host = process): LiveView | undefined {
    const { stdout, env } = host;
    return stdout.isTTY && env['TERM'] !== 'dumb' ? new LiveView(host) : undefined;
  }

  private constructor(host: Host) {
    this.host = host;
    const { stdout, stderr } = host;
    // Bound before it is captured: the screen still writes to the terminal.
    this.screen = new Screen(stdout.write.bind(stdout) as (text: string) => void);
    this.captured = new CapturedOutput(stderr.isTTY ? [stdout, stderr] : [stdout], () => this.redraw());
    host.on('exit', this.close);
    host.on('SIGTSTP', this.suspend);
    host.on('SIGCONT', this.resume);
    host.on('SIGQUIT', this.quit);
    stdout.on('resize', this.redraw);
    this.resume();
  }

  /** Shows this from now on; drawn at most four times a second, the last one always. */
  show(model: ViewModel): void {
    this.model = model;
    this.redraw();
  }

  /** Gives the terminal back and prints what was printed meanwhile. May be called again. */
  readonly close = (): void => {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    const { host } = this;
    host.off('exit', this.close);
    host.off('SIGTSTP', this.suspend);
    host.off('SIGCONT', this.resume);
    host.off('SIGQUIT', this.quit);
    host.stdout.off('resize', this.redraw);
    this.leave();
  };

  private leave(): void {
    this.screen.leave();
    this.captured.release();
  }

  /** Ctrl-Z: the shell gets its terminal back. */
  private readonly suspend = (): void => {
    this.leave();
    this.host.kill(this.host.pid, 'SIGSTOP');
  };

  private readonly resume = (): void => {
    this.captured.capture();
    this.screen.enter();
    this.screen.invalidate();
    this.redraw();
  };

  /** Ctrl-\: as if nobody had listened. */
  private readonly quit = (): void => {
    this.close();
    this.host.kill(this.host.pid, 'SIGQUIT');
  };

  private readonly redraw = (): void => {
    if (this.closed || this.timer || !this.model) return;
    const wait = this.drawnAt + SHORTEST_PERIOD_MS - performance.now();
    if (wait <= 0) this.draw(this.model);
    else {
      this.timer = setTimeout(() => this.model && this.draw(this.model), wait);
      this.timer.unref();
    }
  };

  private draw(model: ViewModel): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.drawnAt = performance.now();
    if (this.drawnAt - this.wholeAt > WHOLE_PERIOD_MS) {
      this.wholeAt = this.drawnAt;
      this.screen.invalidate();
    }
    const { columns, rows } = this.host.stdout;
    // A terminal of no size (some pseudo-terminals) has not said.
    const size = { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
    this.screen.draw(layout(model, this.captured.lines, size), size);
  }
}
