/** Replies that come late, twice or to nobody, and channels that the server removes and brings back with another type. */
import { describe, expect, it } from 'vitest';
import { PutGetReadRequest, PutGetRequest } from '../../src/client/put-get-request.ts';
import { GetRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeCreateChannelResponse } from '../../src/message/channel.ts';
import { encodeResponseHead, encodeTyped } from '../../src/message/operation.ts';
import { encodePutResponse } from '../../src/message/put.ts';
import { encodePutGetResponse } from '../../src/message/put-get.ts';
import { encodeServerMessage } from '../../src/message/request-control.ts';
import { Value } from '../../src/value/value.ts';
import { errorStatus, OK, StatusType } from '../../src/wire/status.ts';
import { settled } from '../support/memory-transport.ts';
import { names, type RawMessage, readerOf } from '../support/raw-peer.ts';
import {
  INT,
  ids,
  int,
  monitorInit,
  OPTIONS,
  replyInit,
  replyValue,
  TEXT,
  update,
} from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('a reply nobody expects', () => {
  it('to INIT of a put-get a second time is not answered again', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const twice = async (request: { begin(): { promise: Promise<Value> } }): Promise<number[]> => {
      const pending = request.begin().promise;
      const { ioid } = ids(await s.request());
      const init = (): void =>
        s.send(Command.PUT_GET, (w) =>
          encodePutGetResponse(w, { ioid, subcommand: 8, status: OK, putType: INT, type: INT }),
        );
      init();
      init();
      const asked = (await s.requests()).map((m) => ids(m).subcommand);
      for (const subcommand of [0x80, 0x40, 0]) replyValue(s, Command.PUT_GET, ioid, subcommand, int(4));
      expect((await pending).get('value')).toBe(4);
      await s.requests();
      return asked;
    };
    expect(await twice(new PutGetRequest(channel, 5, OPTIONS))).toEqual([0x80]);
    expect(await twice(new PutGetReadRequest(channel, 'get', OPTIONS))).toEqual([0x40]);
    expect(s.lost).toEqual([]);
  });

  it('for an unknown ioid is ignored: values, MESSAGE, DESTROY_CHANNEL, ACL_CHANGE, unknown commands', async () => {
    const s = new ScriptedServer();
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    const { ioid } = ids(await s.request());
    replyValue(s, Command.GET, 99, 0, int(1));
    replyInit(s, Command.PUT, 98, INT);
    update(s, 97, int(1));
    s.send(Command.MESSAGE, (w) =>
      encodeServerMessage(w, { ioid: 96, severity: 3, message: 'bad request id' }),
    );
    s.send(Command.ACL_CHANGE, (w) => w.bytes(Buffer.from([1, 0, 0, 0, 7])));
    s.send(Command.AUTHNZ, (w) => w.u8(0xff));
    s.send(Command.DESTROY_CHANNEL, (w) => w.bytes(Buffer.from([9, 0, 0, 0, 1, 0, 0, 0])));
    s.send(0x7f, (w) => w.bytes(Buffer.from([1, 2, 3])));
    replyInit(s, Command.GET, ioid, INT);
    await s.request();
    replyValue(s, Command.GET, ioid, 0, int(5));
    expect((await get).get('value')).toBe(5);
    expect(s.lost).toEqual([]);
  });

  it('a second time changes nothing: INIT, read back, put, call', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const put = s.run(new PutRequest(channel, 5, OPTIONS));
    const { ioid } = ids(await s.request());
    // A put is not done before it was sent, whatever the server says.
    s.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand: 0, status: OK }));
    replyInit(s, Command.PUT, ioid, INT);
    await s.request();
    replyValue(s, Command.PUT, ioid, 0x40, int(1));
    replyValue(s, Command.PUT, ioid, 0x40, int(1));
    expect((await s.requests()).map((m) => ids(m).subcommand)).toEqual([0]);
    s.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand: 0, status: OK }));
    s.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand: 0, status: OK }));
    await put;
    await s.requests();

    const call = s.run(new RpcRequest(channel, null, OPTIONS));
    const rpc = ids(await s.request()).ioid;
    const init = (): void =>
      s.send(Command.RPC, (w) => encodeResponseHead(w, { ioid: rpc, subcommand: 8, status: OK }));
    const result = (): void =>
      s.send(Command.RPC, (w) => {
        encodeResponseHead(w, { ioid: rpc, subcommand: 0, status: OK });
        encodeTyped(w, int(1));
      });
    result();
    init();
    init();
    expect(await s.requests()).toHaveLength(1);
    result();
    expect((await call)?.get('value')).toBe(1);
  });

  it('CREATE_CHANNEL twice: the second sid is given back', async () => {
    const s = new ScriptedServer({ createChannels: false });
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    expect((await s.request()).name).toBe('CREATE_CHANNEL');
    const created = (sid: number): void =>
      s.send(Command.CREATE_CHANNEL, (w) => encodeCreateChannelResponse(w, { cid: 1, sid, status: OK }));
    created(5);
    created(6);
    s.send(Command.CREATE_CHANNEL, (w) =>
      encodeCreateChannelResponse(w, { cid: 1, sid: 0xffffffff, status: errorStatus('no') }),
    );
    created(7);
    const messages = await s.requests();
    expect(names(messages)).toEqual(['GET', 'DESTROY_CHANNEL', 'DESTROY_CHANNEL']);
    expect(messages.slice(1).map((m) => [readerOf(m).u32(), m.payload.readUInt32LE(4)])).toEqual([
      [6, 1],
      [7, 1],
    ]);
    const { ioid, sid } = ids(messages[0] as RawMessage);
    expect(sid).toBe(5);
    replyInit(s, Command.GET, ioid, INT);
    await s.request();
    replyValue(s, Command.GET, ioid, 0, int(5));
    await get;
  });

  it('CREATE_CHANNEL for a name no longer wanted: it is given back', async () => {
    const s = new ScriptedServer({ createChannels: false });
    const channel = s.channel('a');
    const abort = new AbortController();
    const get = s.run(new GetRequest(channel, { ...OPTIONS, signal: abort.signal }));
    await s.request();
    abort.abort();
    await expect(get).rejects.toThrow('cancelled');
    channel.close();
    s.send(Command.CREATE_CHANNEL, (w) => encodeCreateChannelResponse(w, { cid: 1, sid: 5, status: OK }));
    expect(names(await s.requests())).toEqual(['DESTROY_CHANNEL']);
  });

  it('CREATE_CHANNEL refused: the name is searched again', async () => {
    const s = new ScriptedServer({ createChannels: false });
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    await s.request();
    s.send(Command.CREATE_CHANNEL, (w) =>
      encodeCreateChannelResponse(w, {
        cid: 1,
        sid: 0xffffffff,
        status: errorStatus('Refused to create Channel', StatusType.FATAL),
      }),
    );
    expect((await s.request()).name).toBe('CREATE_CHANNEL');
    s.createChannel(1);
    const { ioid } = ids(await s.request());
    replyInit(s, Command.GET, ioid, INT);
    await s.request();
    replyValue(s, Command.GET, ioid, 0, int(5));
    expect((await get).get('value')).toBe(5);
  });
});

describe('a channel the server removes', () => {
  it('is searched again; a get is asked again with another ioid, and the old reply is not taken for it', async () => {
    const s = new ScriptedServer();
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    const first = ids(await s.request());
    replyInit(s, Command.GET, first.ioid, INT);
    await s.request();
    s.destroyChannel('a');
    const second = ids(await s.request());
    expect(second.ioid).not.toBe(first.ioid);
    expect(second.sid).not.toBe(first.sid);
    replyInit(s, Command.GET, second.ioid, TEXT);
    await s.request();
    replyValue(s, Command.GET, first.ioid, 0, int(1));
    replyValue(s, Command.GET, second.ioid, 0, Value.create(TEXT, { value: 'new', other: 2 }));
    expect((await get).toJS()).toEqual({ value: 'new', other: 2 });
    expect([s.peers.length, s.lost]).toEqual([1, []]);
  });

  it('and comes back with another type: a monitor begins anew, late updates of the old one are dropped', async () => {
    const s = new ScriptedServer();
    const events: string[] = [];
    s.monitor(s.channel('a'), {
      connected: (server, type) => events.push(`connected ${server} ${type.members.map((m) => m.name)}`),
      disconnected: (why) => events.push(`disconnected: ${why}`),
      update: (v) => {
        events.push(`update ${JSON.stringify(v.toJS())}`);
      },
    });
    const first = ids(await s.request()).ioid;
    monitorInit(s, first, TEXT);
    await s.request();
    update(s, first, Value.create(TEXT, { value: 'x', other: 1 }));
    update(s, first, Value.create(TEXT, { other: 2 }));
    s.destroyChannel('a');
    const second = ids(await s.request()).ioid;
    expect(second).not.toBe(first);
    monitorInit(s, second, INT);
    await s.request();
    // Late, in the old type: it must neither be delivered nor be decoded as the new one.
    update(s, first, Value.create(TEXT, { value: 'a longer text than an int', other: 3 }));
    update(s, second, int(5));
    await settled();
    expect(events).toEqual([
      'connected script:1 value,other',
      'update {"value":"x","other":1}',
      'update {"value":"x","other":2}',
      'disconnected: server script:1 removed the channel',
      'connected script:1 value',
      'update {"value":5}',
    ]);
    expect(s.lost).toEqual([]);
  });

  it('before a put was sent: it is sent once, there', async () => {
    const s = new ScriptedServer();
    const put = s.run(new PutRequest(s.channel('a'), 5, OPTIONS));
    const first = ids(await s.request());
    replyInit(s, Command.PUT, first.ioid, INT);
    await s.request();
    s.destroyChannel('a');
    const second = ids(await s.request());
    replyInit(s, Command.PUT, second.ioid, INT);
    await s.request();
    replyValue(s, Command.PUT, second.ioid, 0x40, int(1));
    expect(ids(await s.request())).toEqual({ ...second, subcommand: 0 });
    s.send(Command.PUT, (w) => encodePutResponse(w, { ioid: second.ioid, subcommand: 0, status: OK }));
    await put;
  });

  it('after a put or a call was sent: it fails, for it may have been done', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const put = s.run(new PutRequest(channel, 5, { ...OPTIONS, fetch: false }));
    const call = s.run(new RpcRequest(channel, null, OPTIONS));
    const [p, r] = (await s.requests()).map((m) => ids(m).ioid) as [number, number];
    replyInit(s, Command.PUT, p, INT);
    s.send(Command.RPC, (w) => encodeResponseHead(w, { ioid: r, subcommand: 8, status: OK }));
    expect(await s.requests()).toHaveLength(2);
    s.destroyChannel('a');
    for (const pending of [put, call])
      await expect(pending).rejects.toMatchObject({
        code: 'PVA_DISCONNECTED',
        message:
          'a: server script:1 removed the channel before the reply came; it is unknown whether the request was carried out',
      });
    expect(await s.requests()).toEqual([]);
  });
});
