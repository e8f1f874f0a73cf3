/** ClientCounters: what a report says of one connection, and from where its counters count. */
import type { ConnectionStats } from '../connection/connection-options.ts';
import type { Credentials } from '../connection/server-connection.ts';
import type { ServerOperation } from './channel-operations.ts';
import type { ChannelTraffic } from './channel-traffic.ts';
import { type LimitCounters, noRefusals } from './limits.ts';
import { MonitorOperation } from './monitor-operation.ts';
import type { ChannelReport, ConnectionReport } from './report.ts';

/** A channel as a report sees it. */
export interface CountedChannel {
  readonly name: string;
  readonly traffic: ChannelTraffic;
  readonly operations: readonly ServerOperation[];
}

export interface CountedClient {
  readonly stats: ConnectionStats;
  /** Times reading stopped because too many requests were not answered. */
  readonly requestStalls: number;
  readonly unsentBytes: number;
  readonly credentials: Credentials;
  readonly channels: readonly CountedChannel[];
}

export class ClientCounters {
  /** Limits this client met; the connection itself counts `unsentBytes` and `requests`. */
  refused: LimitCounters = noRefusals();
  /** The connection's counters at the last report that reset them. */
  private since = { bytesSent: 0, bytesReceived: 0, messagesSent: 0, messagesReceived: 0, stalls: 0 };
  private requestStallsBefore = 0;

  report(client: CountedClient, reset: boolean): ConnectionReport {
    const { stats, requestStalls, unsentBytes, credentials, channels } = client;
    const { since } = this;
    const refused = {
      ...this.refused,
      unsentBytes: stats.stalls - since.stalls,
      requests: requestStalls - this.requestStallsBefore,
    };
    if (reset) {
      this.since = stats;
      this.requestStallsBefore = requestStalls;
      this.refused = noRefusals();
    }
    return {
      peer: credentials.peer,
      credentials,
      tx: stats.bytesSent - since.bytesSent,
      rx: stats.bytesReceived - since.bytesReceived,
      messagesSent: stats.messagesSent - since.messagesSent,
      messagesReceived: stats.messagesReceived - since.messagesReceived,
      unsentBytes,
      refused,
      channels: channels.map((channel) => channelReport(channel, reset)),
    };
  }
}

function channelReport({ name, traffic, operations }: CountedChannel, reset: boolean): ChannelReport {
  const { tx, rx } = traffic;
  if (reset) {
    traffic.tx = 0;
    traffic.rx = 0;
  }
  const monitors = operations
    .filter((op) => op instanceof MonitorOperation)
    .map((monitor) => monitor.report(reset));
  return { name, tx, rx, operations: operations.length, monitors };
}
