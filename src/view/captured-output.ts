/**
 * CapturedOutput: while a live view has the terminal, what the program and the user's code print must not be written
 * over it. It is kept, the last lines of it, and printed when the terminal is free again.
 */

/** A stream whose `write` can be replaced, such as `process.stdout`. */
export type Writable = Pick<NodeJS.WriteStream, 'write'>;

/** Lines kept; of more than that the oldest are dropped and counted. */
export const KEPT_LINES = 200;
/** Characters kept of a line. */
const LONGEST_LINE = 4096;

interface Line {
  readonly stream: Writable;
  readonly text: string;
}

type Done = (error?: Error | null) => void;

export class CapturedOutput {
  private readonly streams: readonly Writable[];
  private readonly originals = new Map<Writable, Writable['write']>();
  private readonly unfinished = new Map<Writable, string>();
  private readonly onLine: () => void;
  private kept: Line[] = [];
  private nDropped = 0;

  /** @param onLine a line has come */
  constructor(streams: readonly Writable[], onLine: () => void) {
    this.streams = streams;
    this.onLine = onLine;
  }

  /** The lines kept, oldest first, without empty ones. */
  get lines(): string[] {
    return this.kept.map(({ text }) => text).filter((text) => text !== '');
  }

  /** From now on nothing reaches these streams but by `release`. */
  capture(): void {
    for (const stream of this.streams) {
      if (this.originals.has(stream)) continue;
      this.originals.set(stream, stream.write);
      stream.write = ((
        chunk: string | Uint8Array,
        encoding?: BufferEncoding | Done,
        done?: Done,
      ): boolean => {
        this.take(stream, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
        const called = typeof encoding === 'function' ? encoding : done;
        if (called) process.nextTick(called);
        return true;
      }) as Writable['write'];
    }
  }

  /** The streams are as before, and what was kept is printed: all of it, in order, each line to its stream. */
  release(): void {
    if (this.originals.size === 0) return;
    for (const [stream, write] of this.originals) stream.write = write;
    this.originals.clear();
    const [first] = this.kept;
    if (first && this.nDropped > 0) first.stream.write(`... ${this.nDropped} earlier lines are not kept\n`);
    for (const { stream, text } of this.kept) stream.write(`${text}\n`);
    for (const [stream, text] of this.unfinished) if (text !== '') stream.write(text);
    this.kept = [];
    this.nDropped = 0;
    this.unfinished.clear();
  }

  private take(stream: Writable, chunk: string): void {
    const lines = ((this.unfinished.get(stream) ?? '') + chunk).split('\n');
    this.unfinished.set(stream, (lines.pop() ?? '').slice(0, LONGEST_LINE));
    for (const text of lines) this.kept.push({ stream, text: text.slice(0, LONGEST_LINE) });
    const excess = this.kept.length - KEPT_LINES;
    if (excess > 0) {
      this.kept.splice(0, excess);
      this.nDropped += excess;
    }
    if (lines.length > 0) this.onLine();
  }
}
