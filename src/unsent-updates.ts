/**
 * What a server has still to send to its clients' monitors: looked at when a command ends, so that what was published
 * is not dropped with the queues it waits in.
 */
import type { ConnectionReport, Server } from 'epics-pva-ts';

/** The part of a server that is looked at. */
export type ReportingServer = Pick<Server, 'report'>;

const POLL_MS = 10;

/** What clients have not been sent. */
export interface Unsent {
  /** Updates in the queues of monitors that are not paused, and in what the sockets have not taken. */
  readonly updates: number;
  /** Bytes that the sockets have not taken. */
  readonly bytes: number;
}

/**
 * Updates in a socket's buffer count by the mean size of those before them; of one that went in part, the client has
 * nothing.
 * @param channel only what clients of this channel wait for; default: what all clients do
 */
export function unsentOf(server: ReportingServer, channel?: string): Unsent {
  let updates = 0;
  let bytes = 0;
  for (const connection of server.report().connections) {
    const monitors = runningMonitors(connection, channel);
    if (channel !== undefined && monitors.length === 0) continue;
    bytes += connection.unsentBytes;
    const sum = (of: (monitor: (typeof monitors)[number]) => number): number =>
      monitors.reduce((total, monitor) => total + of(monitor), 0);
    const [sent, sentBytes] = [sum((m) => m.sent), sum((m) => m.bytes)];
    const written = sentBytes === 0 ? 0 : Math.ceil((connection.unsentBytes * sent) / sentBytes);
    updates += sum((m) => m.length) + Math.min(sent, written);
  }
  return { updates, bytes };
}

function runningMonitors({ channels }: ConnectionReport, channel: string | undefined) {
  return channels
    .filter(({ name }) => channel === undefined || name === channel)
    .flatMap(({ monitors }) => monitors.filter(({ running }) => running));
}

/**
 * Waits until everything is sent, for at most `ms`. Nothing may be published meanwhile.
 * @returns Updates that a client has not been sent, because it does not take them.
 */
export async function sendQueued(server: ReportingServer, ms: number, channel?: string): Promise<number> {
  const end = performance.now() + ms;
  for (;;) {
    // What was published in this turn of the event loop is on its way at the end of it.
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const { updates, bytes } = unsentOf(server, channel);
    if ((updates === 0 && bytes === 0) || performance.now() >= end) return updates;
  }
}
