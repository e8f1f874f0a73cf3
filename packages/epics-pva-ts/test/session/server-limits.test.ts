/** Connections that end with work under way, and clients that ask for more than they take (pva-protocol.md 6.4). */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { settled } from '../support/memory-transport.ts';
import { head, init, request } from '../support/requests.ts';
import { int, NEXT, ready, stillWorks } from '../support/server-asking.ts';

describe('the end of a connection', () => {
  it('frees everything on it and is told once, with the reason', async () => {
    const pv = SharedPV.mailbox(int(1));
    const events: string[] = [];
    const watched = new SharedPV({
      onFirstConnect: () => events.push('first'),
      onLastDisconnect: () => events.push('last'),
    });
    const { session, sid, ask } = await ready({ p: pv, w: watched });
    await session.createChannel('w', 2);
    await ask(init(Command.MONITOR, sid, 1), request(Command.MONITOR, sid, 1, 0x44));
    session.peer.write('00');
    await settled();
    session.peer.write('00 00 00 00 00 00 00');
    await settled();
    expect(session.host.ended).toHaveLength(1);
    expect([pv.subscriberCount, pv.clientCount, watched.clientCount]).toEqual([0, 0, 0]);
    expect(events).toEqual(['first', 'last']);
    expect(session.client.channelNames()).toEqual([]);
    pv.post(int(5));
  });

  it('while a PV is still at work on a request is no problem', async () => {
    let finish = (_: Value): void => {};
    const pv = new SharedPV({ onRpc: () => new Promise<Value>((resolve) => (finish = resolve)) });
    const { session, sid, ask } = await ready({ p: pv });
    await ask(
      init(Command.RPC, sid, 5),
      request(Command.RPC, sid, 5, 0, (w) => encodeTyped(w, null)),
    );
    session.client.close();
    await settled();
    finish(int(1));
    await settled();
    expect(session.host.ended).toMatchObject([{ reason: undefined }]);
  });
});

describe('a client that asks and does not read', () => {
  it('is not read from any more when 16 MiB are waiting for it, and goes on when it has taken them', async () => {
    const image = struct('', { value: 'ubyte[]' });
    const pv = SharedPV.mailbox(Value.create(image, { value: new Uint8Array(1024 * 1024) }));
    const { session, sid } = await ready({ p: pv });
    session.peer.write(init(Command.GET, sid, 5));
    await session.peer.replies();
    session.peer.transport.pauseReading();
    const asked = 200;
    session.peer.write(Buffer.concat(Array.from({ length: asked }, () => request(Command.GET, sid, 5, 0))));
    await settled();
    const { unsentBytes } = session.client.connection;
    expect(unsentBytes).toBeGreaterThan(16 * 1024 * 1024);
    expect(unsentBytes).toBeLessThan(18 * 1024 * 1024);
    // Silence that the server causes itself is not held against the client.
    const now = performance.now();
    for (let t = 1; t < 40; t++) session.client.connection.tick(now + t * 1000);
    expect(session.host.ended).toEqual([]);
    session.peer.transport.resumeReading();
    const replies = await session.peer.replies();
    expect(replies).toHaveLength(asked);
    expect(new Set(replies.map((m) => head(m).status.type))).toEqual(new Set([0]));
    await stillWorks(session);
  });

  it('has to take some of it within 40 s, and is disconnected otherwise, however much it sends', async () => {
    const image = struct('', { value: 'ubyte[]' });
    const pv = SharedPV.mailbox(Value.create(image, { value: new Uint8Array(20 * 1024 * 1024) }));
    const { session, sid } = await ready({ p: pv });
    session.peer.write(init(Command.GET, sid, 5));
    await session.peer.replies();
    const { connection } = session.client;
    // Whole numbers: forty times a second is forty seconds exactly.
    let now = Math.ceil(performance.now());
    const seconds = (n: number): void => {
      for (let t = 0; t < n; t++) {
        now += 1000;
        connection.tick(now);
      }
    };
    const { transport } = session.peer;
    for (let round = 0; round < 3; round++) {
      transport.pauseReading();
      session.peer.write(request(Command.GET, sid, 5, 0));
      await settled();
      seconds(39);
      // It takes one answer at the last moment.
      transport.resumeReading();
      await session.peer.replies();
      seconds(2);
    }
    expect(session.host.ended).toEqual([]);
    transport.pauseReading();
    session.peer.write(request(Command.GET, sid, 5, 0));
    await settled();
    for (let t = 0; t < 41; t++) {
      session.peer.write(NEXT);
      await settled();
      seconds(1);
    }
    expect(session.closedBecause).toMatch(/the peer took none of \d{8} bytes for 40 s$/);
  });
});
