/**
 * Channels, their ids and operations' ids, right and wrong: errors have a reply where the protocol has one, lost state
 * closes, unknown ids are ignored (pva-protocol.md 3.7, 3.8).
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { decodeCreateChannelResponse } from '../../src/message/channel.ts';
import { decodeGetFieldResponse, encodeGetFieldRequest } from '../../src/message/get-field.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import type { Value } from '../../src/value/value.ts';
import { messageBytes, type RawMessage, readerOf } from '../support/raw-peer.ts';
import { destroyRequest, init, request } from '../support/requests.ts';
import { closes, create, destroyChannel, int, ready, stillWorks } from '../support/server-asking.ts';
import { ServerSession } from '../support/server-session.ts';

describe('channels', () => {
  const created = (m: RawMessage): string => {
    const { cid, sid, status } = decodeCreateChannelResponse(readerOf(m));
    return `${cid} ${sid === 0xffffffff ? 'refused' : 'ok'} ${status.type} ${status.message}`.trim();
  };

  it('of unknown, empty and too long names are refused; the limit is 500 bytes, not characters', async () => {
    const long = 'x'.repeat(500);
    const { session } = await ready({ p: SharedPV.mailbox(int(1)), [long]: SharedPV.mailbox(int(2)) });
    session.peer.write(create([5, 'nope']), create([6, '']), create([7, `${long}x`]), create([8, long]));
    session.peer.write(create([9, 'é'.repeat(251)]));
    expect((await session.peer.replies()).map(created)).toEqual([
      "5 refused 3 this server has no channel 'nope'",
      '6 refused 3 a channel name has 1 to 500 bytes',
      '7 refused 3 a channel name has 1 to 500 bytes',
      '8 ok 0',
      '9 refused 3 a channel name has 1 to 500 bytes',
    ]);
    await stillWorks(session);
  });

  it('asked for in one message are answered one by one', async () => {
    const { session } = await ready();
    session.peer.write(create([5, 'p'], [6, 'nope'], [7, 'p']), create());
    expect((await session.peer.replies()).map(created)).toEqual([
      '5 ok 0',
      "6 refused 3 this server has no channel 'nope'",
      '7 ok 0',
    ]);
    expect(session.client.channelNames()).toEqual(['p', 'p', 'p']);
  });

  it('that the host cannot open are refused with what it says', async () => {
    const session = await ServerSession.ready();
    session.host.open = () => {
      throw new Error('the device is switched off');
    };
    session.peer.write(create([5, 'p']));
    expect((await session.peer.replies()).map(created)).toEqual(['5 refused 3 the device is switched off']);
    await stillWorks(session);
  });

  it('are limited in number', async () => {
    const { session } = await ready();
    const list = Array.from({ length: 20_000 }, (_, i): [number, string] => [i + 10, 'p']);
    session.peer.write(create(...list));
    const replies = (await session.peer.replies()).map(created);
    expect(replies).toHaveLength(20_000);
    expect(replies.at(-2)).toBe('20008 ok 0');
    expect(replies.at(-1)).toBe('20009 refused 3 too many channels (20000) on this connection');
    await stillWorks(session);
  });

  it('are destroyed with their operations, and the message comes back', async () => {
    const pv = SharedPV.mailbox(int(1));
    const { session, sid, ask } = await ready({ p: pv });
    await ask(init(Command.MONITOR, sid, 1), request(Command.MONITOR, sid, 1, 0x44));
    expect([pv.subscriberCount, pv.clientCount]).toEqual([1, 1]);
    const destroy = destroyChannel(sid, 1);
    const [reply] = await session.peer.exchange(destroy);
    expect(reply).toBe(`ca 02 40 08 08 00 00 00 0${sid} 00 00 00 01 00 00 00`);
    expect([pv.subscriberCount, pv.clientCount]).toEqual([0, 0]);
    // Twice is silence, and its ids are free.
    expect(await session.peer.exchange(destroy)).toEqual([]);
    expect(await ask(init(Command.GET, sid, 1))).toEqual(['GET 1 08 ERROR bad channel id']);
    await stillWorks(session);
  });

  it('unknown ones are destroyed in silence', async () => {
    const { session } = await ready();
    expect(await session.peer.exchange(destroyChannel(99, 1))).toEqual([]);
    await stillWorks(session);
  });

  it('get the cid they were created with when they are destroyed, whatever the request says', async () => {
    const { session, sid } = await ready();
    expect(await session.peer.exchange(destroyChannel(sid, 0xdead))).toEqual([
      `ca 02 40 08 08 00 00 00 0${sid} 00 00 00 01 00 00 00`,
    ]);
  });
});

describe('wrong ids', () => {
  it('INIT with a stale or unknown sid is an error reply', async () => {
    const { session, sid, ask } = await ready();
    for (const command of [Command.GET, Command.PUT, Command.RPC, Command.MONITOR])
      expect(await ask(init(command, sid + 1, 5))).toMatchObject([/ 5 08 ERROR bad channel id$/]);
    await stillWorks(session);
  });

  it('GET_FIELD with an unknown sid is an error reply', async () => {
    const { session, sid } = await ready();
    session.peer.send(Command.GET_FIELD, (w) =>
      encodeGetFieldRequest(w, { sid: sid + 1, ioid: 5, subfield: '' }),
    );
    const reply = decodeGetFieldResponse(readerOf(await session.peer.reply()), new DecodeContext());
    expect(reply).toMatchObject({ ioid: 5, status: { type: 2, message: 'bad channel id' } });
  });

  it('an execution with an unknown ioid is an error reply with its sub-command; the last request is silent', async () => {
    const { session, sid, ask } = await ready();
    const nothing = int(1);
    expect(
      await ask(
        request(Command.GET, sid, 5, 0x40),
        request(Command.PUT, sid, 6, 0x00, (w) => nothing.encodePartial(w)),
        request(Command.PUT, sid, 7, 0x40),
        request(Command.RPC, sid, 8, 0x00, (w) => encodeTyped(w, null)),
        request(Command.GET, sid, 9, 0x10),
        request(Command.MONITOR, sid, 10, 0x44),
        request(Command.MONITOR, sid, 10, 0x80, (w) => w.u32(1)),
        destroyRequest(sid, 11),
        messageBytes(Command.CANCEL_REQUEST, (w) => {
          w.u32(sid);
          w.u32(11);
        }),
      ),
    ).toEqual([
      'GET 5 40 ERROR bad request id',
      'PUT 6 00 ERROR bad request id',
      'PUT 7 40 ERROR bad request id',
      'RPC 8 00 ERROR bad request id',
    ]);
    await stillWorks(session);
  });

  it('an ioid in use closes the connection, on whatever channel', async () => {
    for (const other of [false, true]) {
      const { session, sid, ask } = await ready();
      const second = other ? await session.createChannel('p', 2) : sid;
      await ask(init(Command.GET, sid, 5));
      await closes(
        session,
        /PVA_REMOTE_PROTOCOL PUT: operation id 5 is in use/,
        init(Command.PUT, second, 5),
      );
    }
  });

  it('an execution of another command than INIT closes the connection', async () => {
    const { session, sid, ask } = await ready();
    await ask(init(Command.GET, sid, 5));
    await closes(session, /MONITOR for an operation of another kind/, request(Command.MONITOR, sid, 5, 0x44));
  });
});

describe('several executions at once', () => {
  it('of one operation: the second is refused, the first one is answered', async () => {
    let finish = (_: Value): void => {};
    const pv = new SharedPV({ onRpc: () => new Promise<Value>((resolve) => (finish = resolve)) });
    const { sid, ask } = await ready({ p: pv });
    const call = request(Command.RPC, sid, 5, 0, (w) => encodeTyped(w, null));
    expect(await ask(init(Command.RPC, sid, 5), call, call)).toEqual([
      'RPC 5 08 OK',
      'RPC 5 00 ERROR other request pending',
    ]);
    finish(int(3));
    expect(await ask()).toEqual(['RPC 5 00 OK']);
    expect(await ask(call)).toEqual([]);
    finish(int(3));
    expect(await ask()).toEqual(['RPC 5 00 OK']);
  });

  it('of several operations run side by side; a destroyed one is not answered', async () => {
    const finish: ((v: Value) => void)[] = [];
    const pv = new SharedPV({ onRpc: () => new Promise<Value>((resolve) => finish.push(resolve)) });
    const { sid, ask } = await ready({ p: pv });
    const call = (ioid: number): Buffer => request(Command.RPC, sid, ioid, 0, (w) => encodeTyped(w, null));
    for (const ioid of [5, 6, 7]) await ask(init(Command.RPC, sid, ioid), call(ioid));
    await ask(destroyRequest(sid, 6));
    for (const f of finish.reverse()) f(int(3));
    expect(await ask()).toEqual(['RPC 7 00 OK', 'RPC 5 00 OK']);
  });
});
