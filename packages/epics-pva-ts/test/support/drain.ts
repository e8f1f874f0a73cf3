/** A transport whose peer takes everything and says nothing. */
import type { Transport } from '../../src/connection/transport.ts';

export class Drain implements Transport {
  readonly peer = 'drain:1';
  closed = false;
  taken = 0;
  readonly pendingBytes = 0;
  write(chunks: readonly Uint8Array[], sent?: () => void): void {
    for (const c of chunks) this.taken += c.length;
    if (sent) queueMicrotask(sent);
  }
  pauseReading(): void {}
  resumeReading(): void {}
  close(): void {
    this.closed = true;
  }
}

/** A transport whose peer takes nothing at all: everything stays with us. */
export class Plug implements Transport {
  readonly peer = 'plug:1';
  closed = false;
  paused = false;
  pendingBytes = 0;
  write(chunks: readonly Uint8Array[]): void {
    for (const c of chunks) this.pendingBytes += c.length;
  }
  pauseReading(): void {
    this.paused = true;
  }
  resumeReading(): void {
    this.paused = false;
  }
  close(): void {
    this.closed = true;
  }
}
