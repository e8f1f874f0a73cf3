/** Bytes too many, too few, unknown or out of place, and searches over TCP (pva-protocol.md 3, 3.8, 5.8). */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import {
  decodeSearchResponse,
  encodeSearchRequest,
  SearchFlag,
  searchRequest,
} from '../../src/message/search.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { messageBytes, readerOf } from '../support/raw-peer.ts';
import { destroyRequest, init, request } from '../support/requests.ts';
import { closes, create, destroyChannel, int, ready, stillWorks } from '../support/server-asking.ts';
import { GUID } from '../support/server-session.ts';

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
        init(Command.ARRAY, sid, 6, 'field(value)'),
        request(Command.ARRAY, sid, 6, 0x50),
        init(Command.PROCESS, sid, 7),
        request(Command.PROCESS, sid, 7, 0),
      ),
    ).toEqual([
      'ARRAY 6 08 ERROR ARRAY is not supported by this server; use GET or PUT of the whole array, or RPC',
      'ARRAY 6 50 ERROR ARRAY is not supported by this server; use GET or PUT of the whole array, or RPC',
      'PROCESS 7 08 ERROR processing not supported by this PV',
      'PROCESS 7 00 ERROR bad request id',
    ]);
    expect(session.client.operationCount).toBe(0);
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
