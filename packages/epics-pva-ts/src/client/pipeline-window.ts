/**
 * Flow control of one monitor, seen from the client: `record[pipeline=true]` makes the server send no more updates
 * than this client has said it has room for (pva-protocol.md 7.6).
 *
 * What has been consumed is reported when it is half of the queue (or `ackAny`), and otherwise after a moment: a
 * server whose own queue is shorter than ours would wait for ever for a half that cannot come (QSRV 1).
 */
import type { PvRequest } from '../value/pv-request.ts';

/** Length of the queue unless the request says otherwise, as in PVXS. */
const DEFAULT_SIZE = 4;
/** Longest time between an update's consumption and its report, in ms. */
const ACKNOWLEDGE_MS = 50;

export class PipelineWindow {
  /** Updates this client takes before it has consumed one. */
  readonly size: number;
  /** So many updates consumed are reported at once. */
  private readonly threshold: number;
  private readonly report: (consumed: number) => boolean;
  private consumed = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param report tells the server; false when it cannot be told now, and is to be told later */
  constructor(request: PvRequest, report: (consumed: number) => boolean) {
    const size = Number(request.option('queueSize'));
    this.size = Number.isInteger(size) && size > 0 ? size : DEFAULT_SIZE;
    this.threshold = threshold(request.option('ackAny'), this.size);
    this.report = report;
  }

  /** Is `pipeline` true in the request? */
  static isWanted(request: PvRequest): boolean {
    const text = request.option('pipeline')?.toLowerCase();
    return text === 'true' || text === '1';
  }

  /** One update has been consumed. */
  consume(): void {
    this.consumed++;
    if (this.consumed >= this.threshold) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), ACKNOWLEDGE_MS);
  }

  /** Reports what has been consumed and not yet reported. */
  flush(): void {
    this.stopTimer();
    if (this.consumed === 0) return;
    if (this.report(this.consumed)) this.consumed = 0;
    else this.timer = setTimeout(() => this.flush(), ACKNOWLEDGE_MS);
  }

  /** A new stream, or none any more: what was consumed of the old one is nobody's business. */
  reset(): void {
    this.stopTimer();
    this.consumed = 0;
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** `ackAny` is a number of updates or a percentage of the queue; half of it by default. */
function threshold(ackAny: string | undefined, size: number): number {
  const m = /^(\d+(?:\.\d*)?)(%?)$/.exec(ackAny?.trim() ?? '');
  const wanted = m ? (m[2] ? (size * Number(m[1])) / 100 : Number(m[1])) : size / 2;
  return Math.min(size, Math.max(1, Math.floor(wanted)));
}
