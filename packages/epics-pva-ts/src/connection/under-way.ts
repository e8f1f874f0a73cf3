/**
 * UnderWay: the requests of one client that a PV has not answered yet, bounded (pva-protocol.md 6.4).
 *
 * Each of them keeps what came with it, and will become an answer that nobody can refuse any more. When there are too
 * many the server reads no further requests until half of them are answered, as when the client does not take its
 * answers. It then hears nothing of the client either: if no answer comes for the connection's timeout, it has ended.
 */
import { WIDE } from '../kept-kinds.ts';
import { MAX_REQUESTS_UNDER_WAY, MAX_UNDER_WAY_BYTES } from '../limits.ts';

/** Whose reading is held. */
export interface Reader {
  holdReading(): void;
  releaseReading(): void;
}

export class UnderWay {
  /** Bytes of the request being handled. */
  messageBytes = 0;
  private readonly reader: Reader;
  private readonly most: number;
  private readonly mostBytes: number;
  private requests = 0;
  private bytes = 0;
  private holds = false;
  private holdCount = 0;
  private answeredSinceTick = false;
  private lastAnswer = WIDE;

  constructor(
    reader: Reader,
    most: number = MAX_REQUESTS_UNDER_WAY,
    mostBytes: number = MAX_UNDER_WAY_BYTES,
  ) {
    this.lastAnswer = 0;
    this.reader = reader;
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /** Requests that wait for their answer. */
  get count(): number {
    return this.requests;
  }

  /** Times reading stopped because there were too many. */
  get stalls(): number {
    return this.holdCount;
  }

  /** A PV begins to work on the request being handled. @returns what to give back to `end` */
  begin(): number {
    const bytes = this.messageBytes;
    this.requests++;
    this.bytes += bytes;
    if (!this.holds && (this.requests >= this.most || this.bytes >= this.mostBytes)) {
      this.holds = true;
      this.holdCount++;
      this.answeredSinceTick = true;
      this.reader.holdReading();
    }
    return bytes;
  }

  /** The PV is done with a request, whether or not anybody still waits for the answer. */
  end(bytes: number): void {
    this.requests--;
    this.bytes -= bytes;
    this.answeredSinceTick = true;
    if (!this.holds || this.requests > this.most / 2 || this.bytes > this.mostBytes / 2) return;
    this.holds = false;
    this.reader.releaseReading();
  }

  /**
   * To be called about once a second: is reading held, and was nothing answered for so long?
   * @param listened milliseconds this side has listened so far
   */
  isStuck(listened: number, timeoutMs: number): boolean {
    if (this.answeredSinceTick || !this.holds) this.lastAnswer = listened;
    this.answeredSinceTick = false;
    return listened - this.lastAnswer >= timeoutMs;
  }
}
