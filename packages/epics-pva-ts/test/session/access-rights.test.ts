/** ACL_CHANGE on both sides, and AUTHNZ and ORIGIN_TAG, which mean nothing on a connection and must hurt nobody. */
import { describe, expect, it } from 'vitest';
import { ProcessRequest } from '../../src/client/process-request.ts';
import { PutGetRequest } from '../../src/client/put-get-request.ts';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { ServerLink } from '../../src/client/server-link.ts';
import { Command } from '../../src/frame/command.ts';
import { type AccessRights, encodeAclChange, FULL_ACCESS } from '../../src/message/acl-change.ts';
import { SUB } from '../../src/message/operation.ts';
import { encodeOriginTag } from '../../src/message/origin-tag.ts';
import { ServerClient } from '../../src/server/server-client.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { greeting } from '../support/client-session.ts';
import { fromHex } from '../support/hex.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { MemoryTransport, settled } from '../support/memory-transport.ts';
import { messageBytes, names, RawPeer } from '../support/raw-peer.ts';
import { init, request, summary } from '../support/requests.ts';
import { ids, int, monitorInit, replyInit, replyValue } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { ready, stillWorks } from '../support/server-asking.ts';
import { hostOf, ServerSession } from '../support/server-session.ts';

const INT = struct('', { value: 'int' });
const NOTHING: AccessRights = { put: false, putGet: false, rpc: false };
const OPTIONS = { timeout: 0 };

function able(): SharedPV {
  const pv = new SharedPV({
    onPut: (self, value) => self.post(value),
    onProcess: () => {},
    onRpc: () => null,
  });
  pv.open(Value.create(INT, { value: 1 }));
  return pv;
}

describe('access rights', () => {
  it('taken away are told to the client and keep it from everything but reading, until they are given back', async () => {
    const s = new JoinedSession({ p: able() });
    const seen: AccessRights[] = [];
    s.monitor('p', { update: () => {}, accessRights: (rights) => void seen.push(rights) });
    const channel = s.channel('p');
    const outcome = (pending: Promise<unknown>): Promise<string> =>
      pending.then(
        () => 'done',
        (error: Error) => error.message,
      );
    const all = async (): Promise<string[]> => [
      await outcome(s.run(new GetRequest(channel, OPTIONS))),
      await outcome(s.run(new PutRequest(channel, 5, OPTIONS))),
      await outcome(s.run(new PutGetRequest(channel, 5, OPTIONS))),
      await outcome(s.run(new ProcessRequest(channel, OPTIONS))),
      await outcome(s.run(new RpcRequest(channel, null, OPTIONS))),
    ];
    expect(await all()).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect((await s.run(new InfoRequest(channel, OPTIONS))).accessRights).toEqual(FULL_ACCESS);
    const [served] = s.now.served.channelList();
    served?.setRights(NOTHING);
    served?.setRights({ ...NOTHING });
    expect(await all()).toEqual([
      'done',
      'p: put not permitted: no right to put',
      'p: put-get not permitted: no right to put',
      'p: processing not permitted: no right to put',
      'p: RPC not permitted: no right to call',
    ]);
    expect((await s.run(new InfoRequest(channel, OPTIONS))).accessRights).toEqual(NOTHING);
    served?.setRights(FULL_ACCESS);
    expect(await all()).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(seen).toEqual([NOTHING, FULL_ACCESS]);
  });

  it('told only are a hint: the PV decides', async () => {
    const s = new JoinedSession({ p: able() });
    const channel = s.channel('p');
    await s.run(new GetRequest(channel, OPTIONS));
    s.now.served.channelList()[0]?.setWritable(false);
    await settled();
    expect(channel.accessRights).toEqual(NOTHING);
    await s.run(new PutRequest(channel, 5, OPTIONS));
  });

  it('to put are needed for processing, also before a get', async () => {
    const s = new JoinedSession({ p: able() });
    const channel = s.channel('p');
    const get = (pvRequest: string): Promise<Value> =>
      s.run(new GetRequest(channel, { ...OPTIONS, pvRequest }));
    await get('record[process=true]field()');
    s.now.served.channelList()[0]?.setRights({ ...FULL_ACCESS, put: false });
    await expect(get('record[process=true]field()')).rejects.toThrow(
      'p: processing not permitted: no right to put',
    );
    expect((await get('record[process=false]field()')).get('value')).toBe(1);
  });

  it('that the PV refuses are told as refused, whatever else the channel has', async () => {
    const s = new JoinedSession({ p: able() });
    const channel = s.channel('p');
    await s.run(new GetRequest(channel, OPTIONS));
    const [served] = s.now.served.channelList();
    served?.setWritable(false);
    served?.setRights({ ...FULL_ACCESS, rpc: false });
    await settled();
    expect(channel.accessRights).toEqual(NOTHING);
    served?.setWritable(true);
    await settled();
    expect(channel.accessRights).toEqual({ ...FULL_ACCESS, rpc: false });
  });

  it('a channel begins with are told in front of its creation, as core-pva does it', async () => {
    const pvs = new Map([['p', able()]]);
    const [near, far] = MemoryTransport.pair();
    const asked: string[] = [];
    const client = new ServerClient(
      {
        ...hostOf(pvs),
        rights: (name, { method }) => {
          asked.push(`${name} ${method}`);
          return { ...FULL_ACCESS, put: false };
        },
      },
      far,
    );
    far.attach(client.connection);
    const peer = new RawPeer(near);
    peer.write('ca 02 00 01 13 00 00 00 00 00 01 00 ff 7f 00 00 09 61 6e 6f 6e 79 6d 6f 75 73 ff');
    await peer.replies();
    peer.write('ca 02 00 07 08 00 00 00 01 00 78 56 34 12 01 70');
    const replies = await peer.replies();
    expect(replies.map((m) => m.hex)).toEqual([
      'ca 02 40 06 05 00 00 00 78 56 34 12 06',
      'ca 02 40 07 09 00 00 00 78 56 34 12 01 00 00 00 ff',
    ]);
    expect(asked).toEqual(['p anonymous']);
  });

  it('are known to a monitor that begins later, and forgotten with the connection', async () => {
    const s = new ScriptedServer({ createChannels: false });
    const channel = s.channel('a');
    const seen: AccessRights[] = [];
    s.monitor(channel, { update: () => {}, accessRights: (rights) => void seen.push(rights) });
    await s.requests();
    // Before the channel is there, and for one that nobody knows.
    s.send(Command.ACL_CHANGE, (w) => encodeAclChange(w, { cid: 1, rights: NOTHING }));
    s.send(Command.ACL_CHANGE, (w) => encodeAclChange(w, { cid: 77, rights: NOTHING }));
    await settled();
    expect([seen, channel.accessRights]).toEqual([[], NOTHING]);
    s.createChannel(1);
    await settled();
    expect(seen).toEqual([NOTHING]);
    s.destroyChannel('a');
    await settled();
    expect(channel.accessRights).toEqual(FULL_ACCESS);
  });

  it('are a hint: the client asks all the same', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const put = s.run(new PutRequest(channel, 5, { ...OPTIONS, fetch: false }));
    const { ioid } = ids(await s.request());
    s.send(Command.ACL_CHANGE, (w) => encodeAclChange(w, { cid: 1, rights: NOTHING }));
    replyInit(s, Command.PUT, ioid, INT);
    expect(ids(await s.request()).subcommand).toBe(SUB.EXEC);
    s.send(Command.PUT, (w) => w.bytes(Buffer.from([...idBytes(ioid), 0, 0xff])));
    await put;
  });
});

const idBytes = (id: number): number[] => [id & 0xff, (id >> 8) & 0xff, (id >> 16) & 0xff, id >>> 24];
/** AUTHNZ that defines type id 9 as a structure, with a value of it. */
const AUTHNZ = 'fd 09 00 80 00 01 05 66 69 65 6c 64 80 00 00';

describe('AUTHNZ', () => {
  it('to the server is ignored, noted once, and what it defines holds for later messages', async () => {
    const notes: string[] = [];
    const session = new ServerSession({ p: SharedPV.mailbox(int(1)) });
    Object.assign(session.host, { notice: (text: string) => notes.push(text) });
    const authnz = messageBytes(Command.AUTHNZ, (w) => w.bytes(fromHex(AUTHNZ)));
    await session.peer.replies();
    // Before the handshake is complete too: that is where a method of several steps would send it.
    session.peer.write(authnz, authnz);
    session.peer.write('ca 02 00 01 13 00 00 00 00 00 01 00 ff 7f 00 00 09 61 6e 6f 6e 79 6d 6f 75 73 ff');
    expect(names(await session.peer.replies())).toEqual(['CONNECTION_VALIDATED']);
    const sid = await session.createChannel('p');
    session.peer.write(authnz);
    session.peer.write(request(Command.GET, sid, 5, SUB.INIT, (w) => w.bytes(fromHex('fe 09 00'))));
    expect((await session.peer.replies()).map(summary)).toEqual(['GET 5 08 OK']);
    expect(notes).toEqual(['memory:client sent AUTHNZ, which no authentication method in use has: ignored']);
  });

  it('that does not hold what it claims to closes the connection', async () => {
    const { session } = await ready();
    session.peer.write(messageBytes(Command.AUTHNZ, (w) => w.bytes(fromHex('80 00 01 01 61 60 05'))));
    await session.peer.replies();
    expect(session.closedBecause).toMatch(/^PVA_DECODE AUTHNZ: /);
  });

  it('is no larger than the handshake, on a validated connection either', async () => {
    const { session } = await ready();
    const bytes = Buffer.alloc(64 * 1024 + 1);
    bytes.set([0x28, 0xfe]);
    bytes.writeUInt32LE(bytes.length - 6, 2);
    session.peer.write(messageBytes(Command.AUTHNZ, (w) => w.bytes(bytes)));
    await session.peer.replies();
    expect(session.closedBecause).toBe(
      'PVA_DECODE AUTHNZ: 65537 bytes of authentication data, at most 65536 are taken',
    );
  });

  it('to the client is ignored and noted, and its types are known afterwards', async () => {
    const notes: string[] = [];
    const [near, far] = MemoryTransport.pair();
    const peer = new RawPeer(far);
    const link = new ServerLink({
      endpoint: { address: 'memory', port: 1 },
      timeout: 40,
      user: '',
      host: '',
      notice: (text) => notes.push(text),
      search: { onResponse: () => {} },
      connect: () => Object.assign(near, { attach: MemoryTransport.prototype.attach }),
      ready: () => {},
      closed: () => {},
    });
    peer.write(greeting(true));
    await peer.replies();
    peer.send(Command.AUTHNZ, (w) => w.bytes(fromHex(AUTHNZ)), { fromServer: true });
    peer.write('ca 02 40 09 01 00 00 00 ff');
    // A reply nobody waits for, of the type that AUTHNZ has defined.
    peer.send(Command.GET_FIELD, (w) => w.bytes(fromHex('01 00 00 00 ff fe 09 00')), { fromServer: true });
    await settled();
    expect([link.connection.isReady, peer.closed]).toEqual([true, false]);
    expect(notes).toEqual(['memory:server sent AUTHNZ, which no authentication method in use has: ignored']);
  });
});

describe('ORIGIN_TAG', () => {
  const tag = (fromServer: boolean): Buffer =>
    messageBytes(Command.ORIGIN_TAG, (w) => encodeOriginTag(w, { address: '127.0.0.1' }), { fromServer });

  it('on a connection is ignored by the server, before and after the handshake', async () => {
    const early = new ServerSession();
    early.peer.write(tag(false));
    await settled();
    expect(early.closedBecause).toBeUndefined();
    const { session, sid, ask } = await ready();
    expect(await ask(tag(false), init(Command.GET, sid, 5))).toEqual(['GET 5 08 OK']);
    await stillWorks(session);
  });

  it('on a connection is ignored by the client', async () => {
    const s = new ScriptedServer();
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    const { ioid } = ids(await s.request());
    s.peer.write(tag(true));
    replyInit(s, Command.GET, ioid, INT);
    s.peer.write(tag(true));
    await s.request();
    replyValue(s, Command.GET, ioid, 0, int(5));
    expect((await get).get('value')).toBe(5);
    monitorInit(s, 1, INT);
    expect(s.lost).toEqual([]);
  });
});
