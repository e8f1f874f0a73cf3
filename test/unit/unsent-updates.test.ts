/** What a server has still to send: in the queues of monitors and in sockets, of one channel or of all. */
import type { ConnectionReport, MonitorReport, ServerReport } from 'epics-pva-ts';
import { expect, it } from 'vitest';
import { sendQueued, unsentOf } from '../../src/unsent-updates.ts';

function monitor(more: Partial<MonitorReport>): MonitorReport {
  const none = { queued: 0, sent: 0, bytes: 0, squashed: 0, dropped: 0, length: 0, maxLength: 0, limit: 4 };
  return { ...none, running: true, ...more };
}

function connection(unsentBytes: number, channels: Readonly<Record<string, MonitorReport[]>>) {
  return {
    unsentBytes,
    channels: Object.entries(channels).map(([name, monitors]) => ({ name, monitors })),
  } as unknown as ConnectionReport;
}

/** A server that says one thing after another. */
function server(...said: readonly (readonly ConnectionReport[])[]) {
  const left = [...said];
  return {
    report: (): ServerReport =>
      ({ connections: (left.length > 1 ? left.shift() : left[0]) ?? [] }) as unknown as ServerReport,
  };
}

it('what waits in queues counts, and what sockets have not taken, by the size of what they took', () => {
  const of = [
    connection(2500, { out: [monitor({ length: 3, sent: 10, bytes: 10_000 })] }),
    connection(0, { out: [monitor({ length: 1 }), monitor({ length: 7, running: false })] }),
    connection(9999, { out: [monitor({ sent: 2, bytes: 2000 })] }),
  ];
  // Of the first one two and a half messages, of the last one no more than there were.
  expect(unsentOf(server(of))).toEqual({ updates: 3 + 3 + 1 + 2, bytes: 12_499 });
});

it('of one channel, clients of others do not count', () => {
  const of = [
    connection(10, { status: [monitor({ length: 4, sent: 1, bytes: 10 })] }),
    connection(0, { status: [monitor({ length: 4 })], out: [monitor({ length: 2 })] }),
  ];
  expect(unsentOf(server(of), 'out')).toEqual({ updates: 2, bytes: 0 });
  expect(unsentOf(server(of))).toEqual({ updates: 11, bytes: 10 });
});

it('is waited for until it is sent, or the time is over', async () => {
  const waiting = [connection(0, { out: [monitor({ length: 2 })] })];
  const writing = [connection(100, { out: [monitor({ sent: 1, bytes: 100 })] })];
  const all = server(waiting, writing, [connection(0, { out: [monitor({ sent: 1, bytes: 100 })] })]);
  expect(await sendQueued(all, Number.POSITIVE_INFINITY, 'out')).toBe(0);
  expect(await sendQueued(server(waiting), 0)).toBe(2);
});
