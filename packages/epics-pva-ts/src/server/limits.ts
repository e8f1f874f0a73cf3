/**
 * What one client's connection may have of a server: one place for the numbers, their meaning and their counters.
 *
 * They keep a client that asks without end from filling the server's memory; no ordinary client comes near them.
 */
import { MAX_CHANNELS, MAX_MONITORS, MAX_OPERATIONS, MAX_UNSENT_BYTES } from '../limits.ts';

/** Limits of one connection. */
export interface ServerLimits {
  /** Channels. One more is refused in the reply to CREATE_CHANNEL. Default 20,000. */
  readonly channels: number;
  /** Operations between their INIT and their end, monitors among them. INIT gets an error. Default 100,000. */
  readonly operations: number;
  /** Monitors among the operations. INIT gets an error. Default 100,000, as operations. */
  readonly monitors: number;
  /**
   * Bytes of replies and updates the client has not taken. Above it the server reads no more requests from this client
   * until half of them has left; the client is disconnected if it takes nothing for the connection's timeout. Monitors
   * stop filling it earlier, at 4 MiB, and squash. Default 16 MiB.
   */
  readonly unsentBytes: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  channels: MAX_CHANNELS,
  operations: MAX_OPERATIONS,
  monitors: MAX_MONITORS,
  unsentBytes: MAX_UNSENT_BYTES,
};

/** How often a limit was met. */
export interface LimitCounters {
  /** Channels refused. */
  channels: number;
  /** Operations refused. */
  operations: number;
  /** Monitors refused. */
  monitors: number;
  /** Times reading stopped because of `unsentBytes`. */
  unsentBytes: number;
  /** Times reading stopped because PVs had too many requests to answer: 1000, or requests of 256 MiB. */
  requests: number;
}

export function noRefusals(): LimitCounters {
  return { channels: 0, operations: 0, monitors: 0, unsentBytes: 0, requests: 0 };
}

export function addRefusals(sum: LimitCounters, more: LimitCounters): void {
  sum.channels += more.channels;
  sum.operations += more.operations;
  sum.monitors += more.monitors;
  sum.unsentBytes += more.unsentBytes;
  sum.requests += more.requests;
}
