/**
 * What a server says about its clients: PVXS's Report (connections, their channels, bytes), and what it keeps of each
 * subscriber (PVXS's MonitorStat). Only shapes live here; the counters are where the bytes are.
 *
 * Counters count since the connection, channel or monitor began, or since the last report with `reset`.
 */
import type { Credentials } from '../connection/server-connection.ts';
import type { LimitCounters } from './limits.ts';

/** One subscriber. `queued` = `sent` + `squashed` + `dropped` + `length`, always. */
export interface MonitorReport {
  /** Updates given to this subscriber; those without any field it asked for are not among them. */
  readonly queued: number;
  /** Updates handed to the connection, and their bytes with headers. */
  readonly sent: number;
  readonly bytes: number;
  /** Updates merged into another because the queue was full. */
  readonly squashed: number;
  /** Updates given up when the client paused. */
  readonly dropped: number;
  /** Updates in the queue now, the most there were, and the most there may be. */
  readonly length: number;
  readonly maxLength: number;
  readonly limit: number;
  /** With `record[pipeline=true]`: updates the client has still room for. */
  readonly window?: number;
  /** Started, not paused. */
  readonly running: boolean;
}

export interface ChannelReport {
  readonly name: string;
  /** Bytes of messages for this channel, sent and received, headers included. */
  readonly tx: number;
  readonly rx: number;
  /** Operations it has now, monitors among them. */
  readonly operations: number;
  readonly monitors: readonly MonitorReport[];
}

export interface ConnectionReport {
  /** `address:port` of the client. */
  readonly peer: string;
  /** Who it says it is; method "" until it has said so. */
  readonly credentials: Credentials;
  /** Bytes sent and received. */
  readonly tx: number;
  readonly rx: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
  /** Bytes it has not taken yet. */
  readonly unsentBytes: number;
  readonly refused: Readonly<LimitCounters>;
  readonly channels: readonly ChannelReport[];
}

export interface ServerReport {
  /** Clients connected now. */
  readonly connections: readonly ConnectionReport[];
  /** Clients that came since the server started, and those that went: in good order, or for a reason that was logged. */
  readonly accepted: number;
  readonly closed: number;
  readonly failed: number;
  /** Limits met by all clients, also by those that are gone. */
  readonly refused: Readonly<LimitCounters>;
}
