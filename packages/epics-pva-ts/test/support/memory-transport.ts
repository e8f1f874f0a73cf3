/**
 * Two transports joined in memory: what one end writes the other end's connection receives, later and in order, as
 * over TCP. How the bytes are cut into pieces and who does not read for a while is up to the test.
 */
import type { Transport } from '../../src/connection/transport.ts';
import type { PvaError } from '../../src/errors.ts';

/** What a transport hands to its owner; connections have this form. */
export interface MemorySink {
  receive(chunk: Uint8Array): void;
  transportClosed(reason: PvaError | undefined): void;
  /** With these two, bytes are read in place, as a client's socket does. */
  readonly decoder?: { writeTarget(): Uint8Array };
  received?(target: Uint8Array, n: number): void;
}

export interface MemoryOptions {
  /** Size of the next piece to deliver, of `available` bytes; default all of them. */
  readonly cut?: (available: number) => number;
  /** What becomes of each piece on its way. */
  readonly tamper?: (piece: Buffer) => Buffer;
}

interface Pending {
  bytes: Uint8Array;
  readonly sent: (() => void) | undefined;
}

export class MemoryTransport implements Transport {
  readonly peer: string;
  /** Everything written here, in order. */
  readonly written: Buffer[] = [];
  private readonly options: MemoryOptions;
  private other: MemoryTransport | null = null;
  private sink: MemorySink | null = null;
  private readonly pending: Pending[] = [];
  private bytesPending = 0;
  private paused = false;
  private ended = false;
  private scheduled = false;
  /** Pieces delivered by all transports of this process: stands still when all is quiet. */
  static activity = 0;

  private constructor(peer: string, options: MemoryOptions) {
    this.peer = peer;
    this.options = options;
  }

  /** The client's and the server's end. */
  static pair(options: MemoryOptions = {}): [client: MemoryTransport, server: MemoryTransport] {
    const client = new MemoryTransport('memory:server', options);
    const server = new MemoryTransport('memory:client', options);
    client.other = server;
    server.other = client;
    return [client, server];
  }

  attach(sink: MemorySink): void {
    this.sink = sink;
    this.other?.schedule();
  }

  get pendingBytes(): number {
    return this.bytesPending;
  }

  /** Is reading paused? */
  get isPaused(): boolean {
    return this.paused;
  }

  get isClosed(): boolean {
    return this.ended;
  }

  write(chunks: readonly Uint8Array[], sent?: () => void): void {
    if (this.ended) {
      sent?.();
      return;
    }
    // Taken by reference, as a socket does: whoever changes the memory before `sent` sends the changed bytes.
    chunks.forEach((bytes, i) => {
      this.pending.push({ bytes, sent: i === chunks.length - 1 ? sent : undefined });
      this.bytesPending += bytes.length;
    });
    this.schedule();
  }

  pauseReading(): void {
    this.paused = true;
  }

  resumeReading(): void {
    this.paused = false;
    this.other?.schedule();
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.deliver();
    });
  }

  private deliver(): void {
    const other = this.other as MemoryTransport;
    while (this.pending.length > 0 && !other.paused && other.sink && !other.ended) {
      MemoryTransport.activity++;
      const first = this.pending[0] as Pending;
      const n = Math.min(this.options.cut?.(first.bytes.length) ?? first.bytes.length, first.bytes.length);
      const sent = Buffer.from(first.bytes.subarray(0, n));
      const piece = this.options.tamper?.(sent) ?? sent;
      first.bytes = first.bytes.subarray(n);
      this.bytesPending -= n;
      this.written.push(piece);
      other.take(piece);
      if (first.bytes.length > 0) continue;
      this.pending.shift();
      first.sent?.();
    }
    // Who has closed reads no more: what is still meant for it is dropped.
    if (other.ended) this.drop();
    // The end travels behind the data, which a peer that does not read may never take.
    if (!this.ended || this.pending.length > 0) return;
    this.end();
    other.end();
  }

  private drop(): void {
    for (const { sent } of this.pending.splice(0)) sent?.();
    this.bytesPending = 0;
  }

  private end(): void {
    this.ended = true;
    this.drop();
    const { sink } = this;
    this.sink = null;
    if (!sink) return;
    MemoryTransport.activity++;
    sink.transportClosed(undefined);
  }

  private take(piece: Buffer): void {
    const { sink } = this;
    if (!sink?.received || !sink.decoder) {
      sink?.receive(piece);
      return;
    }
    for (let at = 0; at < piece.length; ) {
      const target = sink.decoder.writeTarget();
      const n = Math.min(target.length, piece.length - at);
      target.set(piece.subarray(at, at + n));
      at += n;
      sink.received(target, n);
    }
  }
}

/** Resolves when nothing moves in memory any more: all that was written has been delivered and answered. */
export async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const before = MemoryTransport.activity;
    await new Promise((resolve) => setImmediate(resolve));
    quiet = MemoryTransport.activity === before ? quiet + 1 : 0;
  }
}
