/** What a server knows of a client: bytes, channels, and every update of each subscriber, to the last one. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeGetFieldRequest } from '../../src/message/get-field.ts';
import type { LimitCounters, ServerLimits } from '../../src/server/limits.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { settled } from '../support/memory-transport.ts';
import { destroyRequest, init, request, summary } from '../support/requests.ts';
import { create, destroyChannel, int, ready, stillWorks } from '../support/server-asking.ts';
import { ServerSession } from '../support/server-session.ts';

/** `queued` is everything that was given to the subscriber, wherever it is now. */
function balances(m: {
  queued: number;
  sent: number;
  squashed: number;
  dropped: number;
  length: number;
}): void {
  expect(m.queued).toBe(m.sent + m.squashed + m.dropped + m.length);
}

describe('a report', () => {
  it('counts every byte of the connection and of its channels', async () => {
    const { session, sid, ask } = await ready();
    const before = session.client.report(true);
    expect(before).toMatchObject({ peer: 'memory:client', credentials: { method: 'anonymous' } });
    expect(before.channels).toEqual([{ name: 'p', tx: 0, rx: 0, operations: 0, monitors: [] }]);
    const asked = Buffer.concat([init(Command.GET, sid, 5), request(Command.GET, sid, 5, 0)]);
    session.peer.write(asked);
    const replies = await session.peer.replies();
    const tx = replies.reduce((sum, m) => sum + m.payload.length + 8, 0);
    const expected = { name: 'p', tx, rx: asked.length, operations: 1, monitors: [] };
    expect(session.client.report(false)).toMatchObject({
      tx,
      rx: asked.length,
      messagesSent: 2,
      messagesReceived: 2,
      unsentBytes: 0,
      channels: [expected],
    });
    // Asking changes nothing, unless it is to.
    expect(session.client.report(true).channels).toEqual([expected]);
    expect(session.client.report(false)).toMatchObject({
      tx: 0,
      rx: 0,
      messagesSent: 0,
      messagesReceived: 0,
    });
    await ask(destroyRequest(sid, 5));
    expect(session.client.report(false).channels).toMatchObject([{ tx: 0, operations: 0 }]);
    await session.peer.exchange(destroyChannel(sid, 1));
    expect(session.client.report(false).channels).toEqual([]);
  });

  it('counts the updates of a subscriber: sent, squashed, dropped, in the queue', async () => {
    const pv = SharedPV.mailbox(int(0));
    const { session, sid } = await ready({ p: pv });
    const monitor = () => {
      const m = session.client.report(false).channels[0]?.monitors[0];
      if (!m) throw new Error('no monitor');
      balances(m);
      return m;
    };
    session.peer.write(
      request(Command.MONITOR, sid, 5, 0x88, (w) => {
        w.bytes(Buffer.from([0x80, 0, 0]));
        w.u32(2);
      }),
    );
    await settled();
    expect(monitor()).toMatchObject({ queued: 0, running: false, window: 2, limit: 4, maxLength: 0 });
    session.peer.write(request(Command.MONITOR, sid, 5, 0x44));
    await session.peer.replies();
    session.client.report(true);
    for (let i = 1; i <= 9; i++) pv.post(int(i));
    const sent = await session.peer.replies();
    const bytes = sent.reduce((sum, m) => sum + m.payload.length + 8, 0);
    expect(sent).toHaveLength(1);
    expect(monitor()).toEqual({
      queued: 9,
      sent: 1,
      bytes,
      squashed: 4,
      dropped: 0,
      length: 4,
      maxLength: 4,
      limit: 4,
      window: 0,
      running: true,
    });
    expect(session.client.report(true).channels[0]?.tx).toBe(bytes);
    expect(monitor()).toMatchObject({ queued: 4, sent: 0, bytes: 0, squashed: 0, length: 4, maxLength: 4 });
    session.peer.write(request(Command.MONITOR, sid, 5, 0x80, (w) => w.u32(1)));
    await settled();
    expect(monitor()).toMatchObject({ queued: 4, sent: 1, length: 3, window: 0 });
    session.peer.write(request(Command.MONITOR, sid, 5, 0x04));
    await settled();
    expect(monitor()).toMatchObject({ queued: 4, sent: 1, dropped: 3, length: 0, running: false });
  });
});

describe('limits of a connection', () => {
  async function limited(limits: Partial<ServerLimits>) {
    const big = struct('', { value: 'ubyte[]' });
    const pvs = {
      p: SharedPV.mailbox(int(1)),
      never: new SharedPV(),
      big: SharedPV.mailbox(Value.create(big, { value: new Uint8Array(10_000) })),
    };
    const session = await ServerSession.ready(pvs, {}, limits);
    const sid = await session.createChannel('p');
    const refused = (): Readonly<LimitCounters> => session.client.report(false).refused;
    return { session, sid, refused };
  }
  const none = { channels: 0, operations: 0, monitors: 0, unsentBytes: 0, requests: 0 };

  it('refuse one channel too many, and take it when there is room', async () => {
    const { session, refused } = await limited({ channels: 2 });
    const sid = await session.createChannel('p', 2);
    await expect(session.createChannel('p', 3)).rejects.toThrow('too many channels (2) on this connection');
    expect(refused()).toEqual({ ...none, channels: 1 });
    await session.peer.exchange(destroyChannel(sid, 2));
    await session.createChannel('p', 4);
    session.peer.write(create([5, 'p']));
    await session.peer.replies();
    expect(refused()).toEqual({ ...none, channels: 2 });
    await stillWorks(session);
  });

  it('refuse one operation too many, GET_FIELD that waits among them', async () => {
    const { session, sid, refused } = await limited({ operations: 2 });
    const ask = async (...b: Buffer[]): Promise<string[]> => {
      session.peer.write(...b);
      return (await session.peer.replies()).map(summary);
    };
    expect(
      await ask(init(Command.GET, sid, 1), init(Command.PUT, sid, 2), init(Command.RPC, sid, 3)),
    ).toEqual(['GET 1 08 OK', 'PUT 2 08 OK', 'RPC 3 08 ERROR too many operations (2) on this connection']);
    expect(await ask(destroyRequest(sid, 1), init(Command.RPC, sid, 3))).toEqual(['RPC 3 08 OK']);
    expect(refused()).toEqual({ ...none, operations: 1 });
    const waiting = await session.createChannel('never', 2);
    for (let ioid = 10; ioid < 13; ioid++)
      session.peer.send(Command.GET_FIELD, (w) =>
        encodeGetFieldRequest(w, { sid: waiting, ioid, subfield: '' }),
      );
    const replies = await session.peer.replies();
    expect(replies).toHaveLength(1);
    expect(replies[0]?.payload.toString('latin1')).toContain(
      'too many GET_FIELDs (2) wait on this connection',
    );
    expect(refused()).toEqual({ ...none, operations: 2 });
    await stillWorks(session);
  });

  it('refuse one monitor too many, while other operations have room', async () => {
    const { session, sid, refused } = await limited({ monitors: 1 });
    session.peer.write(
      init(Command.MONITOR, sid, 1),
      init(Command.MONITOR, sid, 2),
      init(Command.GET, sid, 3),
    );
    expect((await session.peer.replies()).map(summary)).toEqual([
      'MONITOR 1 08 OK',
      'MONITOR 2 08 ERROR too many monitors (1) on this connection',
      'GET 3 08 OK',
    ]);
    expect(refused()).toEqual({ ...none, monitors: 1 });
    session.peer.write(destroyRequest(sid, 1), init(Command.MONITOR, sid, 2));
    expect((await session.peer.replies()).map(summary)).toEqual(['MONITOR 2 08 OK']);
    await stillWorks(session);
  });

  it('stop reading from a client that takes no replies, and count it', async () => {
    const { session, refused } = await limited({ unsentBytes: 50_000 });
    const sid = await session.createChannel('big', 2);
    session.peer.write(init(Command.GET, sid, 5));
    await session.peer.replies();
    session.peer.transport.pauseReading();
    session.peer.write(Buffer.concat(Array.from({ length: 30 }, () => request(Command.GET, sid, 5, 0))));
    await settled();
    const { unsentBytes } = session.client.report(false);
    expect(unsentBytes).toBeGreaterThan(50_000);
    expect(unsentBytes).toBeLessThan(70_000);
    expect(refused()).toEqual({ ...none, unsentBytes: 1 });
    session.peer.transport.resumeReading();
    expect(await session.peer.replies()).toHaveLength(30);
    await stillWorks(session);
  });
});
