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
  /** Updates handed to the connection. */
  readonly sent: number;
  /** Bytes of these updates, headers included. */
  readonly bytes: number;
  /** Updates merged into another because the queue was full. */
  readonly squashed: number;
  /** Updates given up when the client paused. */
  readonly dropped: number;
  /** Updates in the queue now. */
  readonly length: number;
  /** The most updates there were in the queue. */
  readonly maxLength: number;
  /** The most updates there may be in the queue. */
  readonly limit: number;
  /** With `record[pipeline=true]`: updates the client has still room for. */
  readonly window?: number;
  /** Started, not paused. */
  readonly running: boolean;
}

/** One channel of a client. */
export interface ChannelReport {
  /** Name of the channel. */
  readonly name: string;
  /** Bytes of messages sent for this channel, headers included. */
  readonly tx: number;
  /** Bytes of messages received for this channel, headers included. */
  readonly rx: number;
  /** Operations it has now, monitors among them. */
  readonly operations: number;
  /** Its subscribers. */
  readonly monitors: readonly MonitorReport[];
}

/** One client. */
export interface ConnectionReport {
  /** `address:port` of the client. */
  readonly peer: string;
  /** Who it says it is; method "" until it has said so. */
  readonly credentials: Credentials;
  /** Bytes sent. */
  readonly tx: number;
  /** Bytes received. */
  readonly rx: number;
  /** Messages sent. */
  readonly messagesSent: number;
  /** Messages received. */
  readonly messagesReceived: number;
  /** Bytes it has not taken yet. */
  readonly unsentBytes: number;
  /** How often this client met a limit. */
  readonly refused: Readonly<LimitCounters>;
  /** Its channels. */
  readonly channels: readonly ChannelReport[];
}

/** A server and its clients, as the Report of PVXS. */
export interface ServerReport {
  /** Clients connected now. */
  readonly connections: readonly ConnectionReport[];
  /** Clients that came since the server started. */
  readonly accepted: number;
  /** Clients that went in good order, counted as `accepted`. */
  readonly closed: number;
  /** Clients that went for a reason that was logged, counted as `accepted`. */
  readonly failed: number;
  /** Limits met by all clients, also by those that are gone. */
  readonly refused: Readonly<LimitCounters>;
}
