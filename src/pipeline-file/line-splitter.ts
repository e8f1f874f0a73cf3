/** Output of a process as lines, in bounded memory and at a bounded rate, whatever the process writes. */

/** Characters of a line that are kept. */
const MAX_LENGTH = 2000;
/** Lines let through a second; the rest is counted. */
const MAX_LINES = 200;
const PERIOD_MS = 1000;
// Bytes that would move the cursor or change colours of the whole terminal; tabs stay.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f\u009b]/g;

export class LineSplitter {
  private readonly onLine: (line: string) => void;
  private readonly now: () => number;
  private rest = '';
  private cut = 0;
  private since = Number.NEGATIVE_INFINITY;
  private count = 0;
  private leftOut = 0;

  /** @param now milliseconds of any clock */
  constructor(onLine: (line: string) => void, now: () => number = () => performance.now()) {
    this.onLine = onLine;
    this.now = now;
  }

  write(text: string): void {
    const lines = text.split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      this.append(line);
      this.end();
    }
    this.append(last);
  }

  /** The output is complete. */
  close(): void {
    if (this.rest !== '' || this.cut > 0) this.end();
    this.tellLeftOut();
  }

  private append(text: string): void {
    const room = MAX_LENGTH - this.rest.length;
    this.rest += text.slice(0, room);
    this.cut += Math.max(0, text.length - room);
  }

  private end(): void {
    const line = this.rest.replace(CONTROL, '') + (this.cut > 0 ? ` ... (${this.cut} more characters)` : '');
    this.rest = '';
    this.cut = 0;
    const now = this.now();
    if (now - this.since >= PERIOD_MS) {
      this.tellLeftOut();
      this.since = now;
      this.count = 0;
    }
    if (this.count++ < MAX_LINES) this.onLine(line);
    else this.leftOut++;
  }

  private tellLeftOut(): void {
    if (this.leftOut > 0) this.onLine(`(${this.leftOut} lines left out: more than ${MAX_LINES} in a second)`);
    this.leftOut = 0;
  }
}
