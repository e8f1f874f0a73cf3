/**
 * What a server says to a client that asks for something wrong, and when it closes the connection: errors have a
 * reply where the protocol has one, lost state closes, unknown ids and commands are ignored (pva-protocol.md 3.8).
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import {
  decodeCreateChannelResponse,
  encodeCreateChannelRequest,
  encodeDestroyChannel,
} from '../../src/message/channel.ts';
import { decodeGetFieldResponse, encodeGetFieldRequest } from '../../src/message/get-field.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { decodeServerMessage } from '../../src/message/request-control.ts';
import {
  decodeSearchResponse,
  encodeSearchRequest,
  SearchFlag,
  searchRequest,
} from '../../src/message/search.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { bounded, struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { settled } from '../support/memory-transport.ts';
import { messageBytes, names, type RawMessage, readerOf } from '../support/raw-peer.ts';
import { destroyRequest, head, init, request, summary } from '../support/requests.ts';
import { GUID, ServerSession } from '../support/server-session.ts';

const INT = struct('', { value: 'int' });
const int = (value: number): Value => Value.create(INT, { value });

async function ready(
  pvs: Record<string, ServedPV> = { p: SharedPV.mailbox(int(1)) },
): Promise<{ session: ServerSession; sid: number; ask: (...b: (Buffer | string)[]) => Promise<string[]> }> {
  const session = await ServerSession.ready(pvs);
  const sid = await session.createChannel('p');
  const ask = async (...b: (Buffer | string)[]): Promise<string[]> => {
    session.peer.write(...b);
    return (await session.peer.replies()).map((m) => summary(m));
  };
  return { session, sid, ask };
}

const NEXT = 'ca 02 00 02 01 00 00 00 2a';
/** The connection still works: an ECHO comes back, and nothing else was said. */
async function stillWorks(session: ServerSession): Promise<void> {
  expect(await session.peer.exchange(NEXT)).toEqual(['ca 02 40 02 01 00 00 00 2a']);
}

async function closes(session: ServerSession, why: RegExp, ...bytes: (Buffer | string)[]): Promise<void> {
  session.peer.write(...bytes, NEXT);
  const replies = await session.peer.replies();
  expect(session.closedBecause).toMatch(why);
  expect(session.peer.closed).toBe(true);
  expect(names(replies)).not.toContain('ECHO');
}

function create(...list: [number, string][]): Buffer {
  const channels = list.map(([cid, name]) => ({ cid, name }));
  return messageBytes(Command.CREATE_CHANNEL, (w) => encodeCreateChannelRequest(w, { channels }));
}

function destroyChannel(sid: number, cid: number): Buffer {
  return messageBytes(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid, cid }));
}

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

describe('what users say', () => {
  it('goes to the client: refused puts, failed calls, now or later', async () => {
    const refuse = new Error('shutter is locked');
    for (const later of [false, true]) {
      const fail = (): Promise<never> => {
        if (later) return Promise.reject(refuse);
        throw refuse;
      };
      const pv = new SharedPV({ onPut: fail, onRpc: fail });
      pv.open(int(1));
      const { session, sid, ask } = await ready({ p: pv });
      expect(
        await ask(
          init(Command.PUT, sid, 5),
          request(Command.PUT, sid, 5, 0, (w) => int(2).encodePartial(w)),
          init(Command.RPC, sid, 6),
          request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
        ),
      ).toEqual([
        'PUT 5 08 OK',
        ...(later ? [] : ['PUT 5 00 ERROR shutter is locked']),
        'RPC 6 08 OK',
        ...(later ? ['PUT 5 00 ERROR shutter is locked'] : []),
        'RPC 6 00 ERROR shutter is locked',
      ]);
      expect(pv.fetch().get('value')).toBe(1);
      await stillWorks(session);
    }
  });

  it('is not a stack trace, and need not be an Error', async () => {
    const pv = new SharedPV({
      onRpc: () => {
        throw 'just text';
      },
    });
    const { sid, ask } = await ready({ p: pv });
    expect(
      await ask(
        init(Command.RPC, sid, 6),
        request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
      ),
    ).toEqual(['RPC 6 08 OK', 'RPC 6 00 ERROR just text']);
  });

  it('read-only PVs and PVs without RPC say so', async () => {
    const { sid, ask } = await ready({ p: SharedPV.readonly(int(1)) });
    expect(
      await ask(
        init(Command.PUT, sid, 5),
        request(Command.PUT, sid, 5, 0, (w) => int(2).encodePartial(w)),
        init(Command.RPC, sid, 6),
        request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
      ),
    ).toEqual([
      'PUT 5 08 OK',
      'PUT 5 00 ERROR put not permitted: this PV is read-only',
      'RPC 6 08 OK',
      'RPC 6 00 ERROR RPC not implemented by this PV',
    ]);
  });

  const FIXED = struct('', { value: bounded('int', 'fixed', 3) });
  it.each([false, true])(
    'a result that cannot be encoded is an error of that call only (later: %s)',
    async (later) => {
      const bad = Value.create(FIXED);
      bad.setNode(FIXED.node('value'), new Int32Array(2));
      const pv = new SharedPV({ onRpc: () => (later ? Promise.resolve(bad) : bad) });
      const { session, sid, ask } = await ready({ p: pv });
      expect(
        await ask(
          init(Command.RPC, sid, 6),
          request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
        ),
      ).toEqual(['RPC 6 08 OK', 'RPC 6 00 ERROR fixed array needs 3 elements, has 2']);
      // Nothing of the failed message is left in front of the next one.
      await stillWorks(session);
    },
  );

  it('a value of another type than the PV announced is an error, not bytes nobody can read', async () => {
    const pv: ServedPV = {
      whenOpen: (opened) => {
        opened(INT);
        return () => {};
      },
      get: () => Value.create(struct('', { value: 'string' }), { value: 'x' }),
      put: () => {},
      rpc: () => null,
      subscribe: () => () => {},
      attach: () => () => {},
    };
    const { sid, ask } = await ready({ p: pv });
    expect(await ask(init(Command.GET, sid, 5), request(Command.GET, sid, 5, 0))).toEqual([
      'GET 5 08 OK',
      'GET 5 00 ERROR the PV announced structure and gave another structure',
    ]);
  });
});

describe('pvRequests', () => {
  it('null means everything', async () => {
    const { sid, ask } = await ready();
    expect(await ask(init(Command.GET, sid, 5, null), request(Command.GET, sid, 5, 0))).toEqual([
      'GET 5 08 OK',
      'GET 5 00 OK',
    ]);
  });

  it('that select nothing are refused, and the ioid is free again', async () => {
    const { session, sid, ask } = await ready();
    for (const command of [Command.GET, Command.PUT, Command.MONITOR])
      expect(await ask(init(command, sid, 5, 'field(nope)'))).toMatchObject([
        / 5 08 ERROR none of the requested fields exists: nope$/,
      ]);
    expect(await ask(init(Command.GET, sid, 5))).toEqual(['GET 5 08 OK']);
    await stillWorks(session);
  });

  it('with some unknown fields get a warning and the rest', async () => {
    const { session, sid } = await ready();
    session.peer.write(init(Command.GET, sid, 5, 'field(value,nope)'));
    const [warning, reply] = await session.peer.replies();
    expect(decodeServerMessage(readerOf(warning as RawMessage))).toEqual({
      ioid: 5,
      severity: 1,
      message: 'no such field: nope',
    });
    expect(summary(reply as RawMessage)).toBe('GET 5 08 OK');
  });

  it('that are no structure close the connection', async () => {
    const { session, sid } = await ready();
    await closes(
      session,
      /PVA_DECODE GET: a structure expected, not int/,
      request(Command.GET, sid, 5, 8, (w) => w.bytes(Buffer.from([0x22, 1, 0, 0, 0]))),
    );
  });
});

describe('bytes', () => {
  it('behind a message are ignored', async () => {
    const { session, sid, ask } = await ready();
    const trailing = (w: { u32(n: number): void }): void => w.u32(0xdeadbeef);
    expect(
      await ask(
        request(Command.GET, sid, 5, 8, (w) => {
          encodeTyped(w, null);
          trailing(w);
        }),
        request(Command.GET, sid, 5, 0, trailing),
        request(Command.RPC, sid, 6, 8, (w) => {
          encodeTyped(w, null);
          trailing(w);
        }),
      ),
    ).toEqual(['GET 5 08 OK', 'GET 5 00 OK', 'RPC 6 08 OK']);
    expect(
      await ask(
        messageBytes(Command.DESTROY_REQUEST, (w) => w.bytes(Buffer.from([sid, 0, 0, 0, 5, 0, 0, 0, 7]))),
      ),
    ).toEqual([]);
    await stillWorks(session);
  });

  it('missing in a message close the connection, whichever is cut off', async () => {
    const put = (w: Parameters<Value['encodePartial']>[0]): void => int(2).encodePartial(w);
    const probe = await ready();
    const messages: [number, Buffer][] = [
      [Command.GET, init(Command.GET, probe.sid, 6, 'record[queueSize=3]field(value)')],
      [Command.PUT, request(Command.PUT, probe.sid, 5, 0, put)],
      [Command.MONITOR, request(Command.MONITOR, probe.sid, 7, 0x80, (w) => w.u32(4))],
      [Command.CREATE_CHANNEL, create([9, 'p'])],
      [Command.DESTROY_CHANNEL, destroyChannel(1, 1)],
      [Command.DESTROY_REQUEST, destroyRequest(1, 1)],
    ];
    for (const [command, whole] of messages)
      for (let length = whole.length - 9; length >= 0; length -= 3) {
        const { session, sid, ask } = await ready();
        expect(sid).toBe(probe.sid);
        await ask(init(Command.PUT, sid, 5));
        const cut = Buffer.from(whole.subarray(0, 8 + length));
        cut.writeUInt32LE(length, 4);
        await closes(session, /^PVA_DECODE .*(ends too early|needs more than|names in)/, cut);
        expect(session.closedBecause).toContain(
          `PVA_DECODE ${Object.entries(Command).find(([, c]) => c === command)?.[0]}: `,
        );
      }
  });

  it('of unknown commands and of those only servers send are ignored', async () => {
    const { session } = await ready();
    const ignored = [0x7f, 0xff, Command.MESSAGE, Command.ACL_CHANGE, Command.AUTHNZ, Command.MULTIPLE_DATA];
    for (const command of [...ignored, Command.BEACON, Command.SEARCH_RESPONSE, Command.ORIGIN_TAG])
      session.peer.write(messageBytes(command, (w) => w.bytes(Buffer.alloc(5, 0xff))));
    session.peer.write('ca 02 01 7f ff ff ff ff');
    await stillWorks(session);
  });

  it('that refer to a type never defined close the connection', async () => {
    const { session, sid } = await ready();
    const undefinedType = request(Command.GET, sid, 5, 8, (w) => w.bytes(Buffer.from([0xfe, 9, 0])));
    await closes(session, /GET: reference to type id 9, which was never defined/, undefinedType);
  });

  it('of operations this server does not have are answered, so that nobody waits', async () => {
    const { session, sid, ask } = await ready();
    expect(
      await ask(
        init(Command.PUT_GET, sid, 5),
        init(Command.ARRAY, sid, 6),
        init(Command.PROCESS, sid, 7),
        request(Command.PROCESS, sid, 7, 0x10),
      ),
    ).toEqual([
      'PUT_GET 5 08 ERROR PUT_GET is not supported by this server',
      'ARRAY 6 08 ERROR ARRAY is not supported by this server',
      'PROCESS 7 08 ERROR PROCESS is not supported by this server',
      'PROCESS 7 10 ERROR PROCESS is not supported by this server',
    ]);
    await stillWorks(session);
  });

  it('of a put to an operation that is gone still define their types', async () => {
    const any = struct('', { value: 'any' });
    const pv = SharedPV.mailbox(Value.create(any, { value: 1 }));
    const { session, sid, ask } = await ready({ p: pv });
    await ask(init(Command.PUT, sid, 5), destroyRequest(sid, 5));
    // Mask {1}, any = FD 7 int 42: the definition is used by the next message.
    const put = (ioid: number, hex: number[]): Buffer =>
      request(Command.PUT, sid, ioid, 0, (w) => w.bytes(Buffer.from([1, 2, ...hex])));
    expect(await ask(put(5, [0xfd, 7, 0, 0x22, 42, 0, 0, 0]))).toEqual(['PUT 5 00 ERROR bad request id']);
    expect(await ask(init(Command.PUT, sid, 6), put(6, [0xfe, 7, 0, 43, 0, 0, 0]))).toEqual([
      'PUT 6 08 OK',
      'PUT 6 00 OK',
    ]);
    expect(pv.fetch().toJS()).toEqual({ value: 43 });
    await stillWorks(session);
  });
});

describe('a search over TCP', () => {
  it('is answered on the connection with the names found', async () => {
    const { session } = await ready();
    const ask = (flags: number, ...list: string[]): Buffer =>
      messageBytes(Command.SEARCH, (w) =>
        encodeSearchRequest(
          w,
          searchRequest(
            list.map((name, cid) => ({ cid, name })),
            { sequence: 77, flags, replyPort: 0 },
          ),
        ),
      );
    session.peer.write(ask(SearchFlag.UNICAST, 'nope', 'p', 'server'));
    expect(decodeSearchResponse(readerOf(await session.peer.reply()))).toMatchObject({
      guid: GUID,
      sequence: 77,
      serverPort: 5075,
      protocol: 'tcp',
      found: true,
      cids: [1],
    });
    expect(await session.peer.exchange(ask(SearchFlag.UNICAST, 'nope'))).toEqual([]);
    session.peer.write(ask(SearchFlag.REPLY_REQUIRED, 'nope'));
    expect(decodeSearchResponse(readerOf(await session.peer.reply()))).toMatchObject({
      found: false,
      cids: [],
    });
  });
});

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
    for (let s = 1; s < 100; s++) session.client.connection.tick(performance.now() + s * 1000);
    expect(session.host.ended).toEqual([]);
    session.peer.transport.resumeReading();
    const replies = await session.peer.replies();
    expect(replies).toHaveLength(asked);
    expect(new Set(replies.map((m) => head(m).status.type))).toEqual(new Set([0]));
    await stillWorks(session);
  });
});
