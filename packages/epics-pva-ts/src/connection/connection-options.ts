/** What a connection is made from, and what it counts. */
import type { Transport } from './transport.ts';

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly transport: Transport;
  /** Seconds without a received byte after which the connection is closed; default 40. */
  readonly timeout?: number;
  /** Largest message accepted, in bytes. */
  readonly maxMessage?: number;
  /** Server: bytes owed to the client above which nothing more is read from it; default 16 MiB. */
  readonly maxUnsent?: number;
  /** Payload bytes above which a message is sent in segments; default 2^31-1. */
  readonly maxSegment?: number | undefined;
  /** Milliseconds, monotonic: when the connection was opened. */
  readonly now: number;
}

/** Counters of one connection; all since it was opened. */
export interface ConnectionStats {
  readonly peer: string;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly pendingBytes: number;
  /** Times reading stopped because the peer was owed too much. */
  readonly stalls: number;
}
