/**
 * A client against servers that are slow, late, repetitive, removed or simply different, in both byte orders. What
 * was cancelled is still decoded, what is not understood is ignored, what is wrong closes that connection only.
 */
import { describe, expect, it } from 'vitest';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeCreateChannelResponse } from '../../src/message/channel.ts';
import { encodeGetResponse } from '../../src/message/get.ts';
import { encodeMonitorResponse } from '../../src/message/monitor.ts';
import { encodeResponseHead, encodeTyped, SUB } from '../../src/message/operation.ts';
import { encodePutResponse } from '../../src/message/put.ts';
import { encodeServerMessage } from '../../src/message/request-control.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { errorStatus, OK, type Status, StatusType } from '../../src/wire/status.ts';
import { settled } from '../support/memory-transport.ts';
import { names, type RawMessage, readerOf } from '../support/raw-peer.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { NT_ENUM } from '../support/types.ts';

const INT = struct('', { value: 'int' });
const TEXT = struct('', { value: 'string', other: 'int' });
const ANY = struct('', { value: 'any' });
const int = (value: number): Value => Value.create(INT, { value });
const OPTIONS = { timeout: 0 };

function ids(m: RawMessage): { sid: number; ioid: number; subcommand: number } {
  const r = readerOf(m);
  return { sid: r.u32(), ioid: r.u32(), subcommand: r.remaining > 0 ? r.u8() : -1 };
}

/** Replies of GET and of PUT's read back. */
function replyInit(
  s: ScriptedServer,
  command: number,
  ioid: number,
  type: TypeDef,
  status: Status = OK,
): void {
  s.send(command, (w) => encodeGetResponse(w, { ioid, subcommand: SUB.INIT, status, type }));
}
function replyValue(
  s: ScriptedServer,
  command: number,
  ioid: number,
  subcommand: number,
  value: Value,
): void {
  s.send(command, (w) => {
    encodeResponseHead(w, { ioid, subcommand, status: OK });
    value.encodePartial(w);
  });
}
function update(s: ScriptedServer, ioid: number, value: Value): void {
  s.send(Command.MONITOR, (w) =>
    encodeMonitorResponse(w, { ioid, subcommand: SUB.EXEC, status: OK, value, overrun: new BitSet() }),
  );
}
function monitorInit(s: ScriptedServer, ioid: number, type: TypeDef | undefined, status: Status = OK): void {
  s.send(Command.MONITOR, (w) => encodeMonitorResponse(w, { ioid, subcommand: SUB.INIT, status, type }));
}

for (const littleEndian of [true, false])
  describe(`a ${littleEndian ? 'little' : 'big'} endian server`, () => {
    it('gets every request in its own byte order, and is understood', async () => {
      const s = new ScriptedServer({ littleEndian });
      const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
      const init = await s.request();
      expect(init.littleEndian).toBe(littleEndian);
      const { ioid, sid, subcommand } = ids(init);
      expect([sid, subcommand]).toEqual([s.sids.get('a'), 0x08]);
      replyInit(s, Command.GET, ioid, INT);
      expect(ids(await s.request())).toEqual({ sid, ioid, subcommand: 0 });
      replyValue(s, Command.GET, ioid, 0, int(-5));
      expect((await get).get('value')).toBe(-5);
      const destroy = await s.request();
      expect([destroy.name, ids(destroy).ioid]).toEqual(['DESTROY_REQUEST', ioid]);
    });

    it('is put to, called and monitored', async () => {
      const s = new ScriptedServer({ littleEndian });
      const channel = s.channel('a');
      const put = s.run(new PutRequest(channel, 77, OPTIONS));
      let m = await s.request();
      const { ioid, sid } = ids(m);
      replyInit(s, Command.PUT, ioid, INT);
      expect(ids(await s.request()).subcommand).toBe(0x40);
      replyValue(s, Command.PUT, ioid, 0x40, int(1));
      m = await s.request();
      expect(ids(m)).toEqual({ sid, ioid, subcommand: 0 });
      const r = readerOf(m);
      r.skip(9);
      expect([BitSet.decode(r).toArray(), r.i32(), r.remaining]).toEqual([[1], 77, 0]);
      s.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand: 0, status: OK }));
      await put;
      await s.requests();

      const call = s.run(new RpcRequest(channel, int(3), OPTIONS));
      m = await s.request();
      const rpc = ids(m).ioid;
      s.send(Command.RPC, (w) => encodeResponseHead(w, { ioid: rpc, subcommand: 8, status: OK }));
      await s.request();
      s.send(Command.RPC, (w) => {
        encodeResponseHead(w, { ioid: rpc, subcommand: 0, status: OK });
        encodeTyped(w, int(4));
      });
      expect((await call)?.get('value')).toBe(4);
      await s.requests();

      const seen: unknown[] = [];
      const subscription = s.monitor(channel, {
        update: (v) => {
          seen.push(v.get('value'));
        },
      });
      const mon = ids(await s.request()).ioid;
      monitorInit(s, mon, INT);
      expect(ids(await s.request()).subcommand).toBe(0x44);
      update(s, mon, int(1));
      update(s, mon, int(2));
      await settled();
      expect(seen).toEqual([1, 2]);
      subscription.close();
      expect((await s.request()).name).toBe('DESTROY_REQUEST');
    });

    it('may use type ids, in values too, and their definitions count even where nobody listens any more', async () => {
      const s = new ScriptedServer({ littleEndian });
      const channel = s.channel('a');
      const abort = new AbortController();
      const cancelled = s.run(new GetRequest(channel, { ...OPTIONS, signal: abort.signal }));
      const { ioid } = ids(await s.request());
      replyInit(s, Command.GET, ioid, ANY);
      await s.request();
      abort.abort();
      await expect(cancelled).rejects.toThrow('cancelled');
      expect((await s.request()).name).toBe('DESTROY_REQUEST');
      // The reply was under way: it defines type 7 inside the any.
      s.send(Command.GET, (w) => {
        encodeResponseHead(w, { ioid, subcommand: 0, status: OK });
        BitSet.of(1).encode(w);
        w.u8(0xfd);
        w.u16(7);
        w.u8(0x22);
        w.i32(1);
      });
      const get = s.run(new GetRequest(channel, OPTIONS));
      const second = ids(await s.request()).ioid;
      s.send(Command.GET, (w) => {
        encodeResponseHead(w, { ioid: second, subcommand: 8, status: OK });
        w.bytes(Buffer.from([0x80, 0, 1, 1, 0x76, 0xfe]));
        w.u16(7);
      });
      await s.request();
      s.send(Command.GET, (w) => {
        encodeResponseHead(w, { ioid: second, subcommand: 0, status: OK });
        BitSet.of(1).encode(w);
        w.i32(42);
      });
      expect((await get).toJS()).toEqual({ v: 42 });
      expect(s.lost).toEqual([]);
    });

    it('may define types in replies to an INIT, a call or a GET_FIELD that was given up', async () => {
      const s = new ScriptedServer({ littleEndian });
      const channel = s.channel('a');
      const abort = new AbortController();
      const options = { ...OPTIONS, signal: abort.signal };
      const all = [
        s.run(new GetRequest(channel, options)),
        s.run(new RpcRequest(channel, null, options)),
        s.run(new InfoRequest(channel, options)),
      ];
      const [get, rpc, info] = (await s.requests()).map((m) => ids(m).ioid);
      s.send(Command.RPC, (w) => encodeResponseHead(w, { ioid: rpc as number, subcommand: 8, status: OK }));
      await s.request();
      abort.abort();
      for (const p of all) await expect(p).rejects.toThrow('cancelled');
      const struct1 = (id: number): Buffer =>
        Buffer.from([0xfd, littleEndian ? id : 0, littleEndian ? 0 : id, 0x80, 0, 1, 1, 0x60 + id, 0x22]);
      s.send(Command.GET, (w) => {
        encodeResponseHead(w, { ioid: get as number, subcommand: 8, status: OK });
        w.bytes(struct1(1));
      });
      s.send(Command.RPC, (w) => {
        encodeResponseHead(w, { ioid: rpc as number, subcommand: 0, status: OK });
        w.bytes(struct1(2));
        w.i32(5);
      });
      s.send(Command.GET_FIELD, (w) => {
        w.u32(info as number);
        w.u8(0xff);
        w.bytes(struct1(3));
      });
      await s.requests();
      for (const [id, name] of [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ] as const) {
        const asked = s.run(new InfoRequest(channel, OPTIONS));
        const { ioid } = ids(await s.request());
        s.send(Command.GET_FIELD, (w) => {
          w.u32(ioid);
          w.u8(0xff);
          w.u8(0xfe);
          w.u16(id);
        });
        expect((await asked).type.members.map((m) => m.name)).toEqual([name]);
      }
    });
  });

describe('a reply nobody expects', () => {
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

describe('errors of the server', () => {
  it('carry its Status, or the MESSAGE before it when that has no text', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const failing = async (status: Status, hint?: string): Promise<string> => {
      const get = s.run(new GetRequest(channel, OPTIONS));
      const { ioid } = ids(await s.request());
      if (hint) s.send(Command.MESSAGE, (w) => encodeServerMessage(w, { ioid, severity: 2, message: hint }));
      replyInit(s, Command.GET, ioid, INT, status);
      const error = await get.catch((e) => e);
      expect(error.code).toBe('PVA_REMOTE');
      expect(await s.requests()).toEqual([]);
      return error.message;
    };
    expect(await failing(errorStatus('not today'))).toBe('a: not today');
    expect(await failing(errorStatus('', StatusType.FATAL), "No field 'x'")).toBe("a: No field 'x'");
    expect(await failing(errorStatus(''))).toBe('a: the server gave no reason');
  });

  it('with an execution end the operation, and the server is told', async () => {
    const s = new ScriptedServer();
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    const { ioid } = ids(await s.request());
    replyInit(s, Command.GET, ioid, INT);
    await s.request();
    s.send(Command.GET, (w) => encodeResponseHead(w, { ioid, subcommand: 0, status: errorStatus('later') }));
    await expect(get).rejects.toThrow('a: later');
    expect((await s.request()).name).toBe('DESTROY_REQUEST');
  });

  it('with a warning are success', async () => {
    const s = new ScriptedServer();
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    const { ioid } = ids(await s.request());
    replyInit(s, Command.GET, ioid, INT, errorStatus('hm', StatusType.WARNING));
    await s.request();
    replyValue(s, Command.GET, ioid, 0, int(1));
    expect((await get).get('value')).toBe(1);
  });

  it('when reading back do not stop a put, only an enum label cannot be understood then', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const noReadBack = async (type: TypeDef): Promise<number> => {
      const { ioid } = ids(await s.request());
      replyInit(s, Command.PUT, ioid, type);
      await s.request();
      s.send(Command.PUT, (w) =>
        encodeResponseHead(w, { ioid, subcommand: 0x40, status: errorStatus('write only') }),
      );
      return ioid;
    };
    const put = s.run(new PutRequest(channel, 5, OPTIONS));
    const ioid = await noReadBack(INT);
    expect(ids(await s.request()).subcommand).toBe(0);
    s.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand: 0, status: OK }));
    await put;
    await s.requests();
    const label = s.run(new PutRequest(channel, 'On', OPTIONS));
    await noReadBack(NT_ENUM);
    await expect(label).rejects.toMatchObject({
      code: 'PVA_NO_CONVERT',
      message: "'On' is no choice of this enum",
    });
    expect((await s.request()).name).toBe('DESTROY_REQUEST');
    expect(s.lost).toEqual([]);
  });

  it('of a monitor go to its error callback, or end a for await', async () => {
    const s = new ScriptedServer();
    const channel = s.channel('a');
    const errors: string[] = [];
    const refused = s.monitor(channel, { update: () => {}, error: (e) => errors.push(e.message) });
    monitorInit(s, ids(await s.request()).ioid, undefined, errorStatus('too many'));
    await settled();
    expect([errors, refused.stats.connected]).toEqual([['a: too many'], false]);
    const read = (async () => {
      for await (const _ of s.monitor(channel)) expect.unreachable();
    })();
    monitorInit(s, ids(await s.request()).ioid, undefined, errorStatus('still too many'));
    await expect(read).rejects.toMatchObject({ code: 'PVA_REMOTE', message: 'a: still too many' });
    expect(await s.requests()).toEqual([]);
    // The first one tries again when the channel comes back.
    s.destroyChannel('a');
    monitorInit(s, ids(await s.request()).ioid, INT);
    await s.request();
    expect(refused.stats.connected).toBe(true);
  });
});

describe('wrong bytes of the server', () => {
  it('close that connection with a reason; a get is asked again on the next one', async () => {
    const s = new ScriptedServer();
    const get = s.run(new GetRequest(s.channel('a'), OPTIONS));
    const { ioid } = ids(await s.request());
    s.send(Command.GET, (w) => {
      encodeResponseHead(w, { ioid, subcommand: 8, status: OK });
      w.bytes(Buffer.from([0x80, 0, 5, 1]));
    });
    const again = ids(await s.request()).ioid;
    expect(s.lost).toEqual([expect.stringMatching(/^GET: count 5 at offset \d+ needs more than the 1 byte/)]);
    expect(s.peers.map((p) => p.closed)).toEqual([true, false]);
    replyInit(s, Command.GET, again, INT);
    await s.request();
    replyValue(s, Command.GET, again, 0, int(9));
    expect((await get).get('value')).toBe(9);
  });

  it('in a value are noticed when it comes, and with a type that is no structure', async () => {
    for (const bytes of [[0x22], [0xff], [0xfe, 9, 0]]) {
      const s = new ScriptedServer();
      const abort = new AbortController();
      const get = s.run(new GetRequest(s.channel('a'), { ...OPTIONS, signal: abort.signal }));
      const { ioid } = ids(await s.request());
      s.up = false;
      s.send(Command.GET, (w) => {
        encodeResponseHead(w, { ioid, subcommand: 8, status: OK });
        w.bytes(Buffer.from(bytes));
      });
      await s.requests();
      expect(s.lost).toHaveLength(1);
      abort.abort();
      await expect(get).rejects.toThrow();
    }
  });

  it('for one server do not touch the connection to another', async () => {
    const good = new ScriptedServer();
    const bad = new ScriptedServer();
    const get = good.run(new GetRequest(good.channel('a'), OPTIONS));
    const other = bad.run(new GetRequest(bad.channel('b'), { timeout: 0.05 }));
    const { ioid } = ids(await good.request());
    await bad.request();
    bad.up = false;
    bad.peer.write('00 00 00 00 00 00 00 00');
    replyInit(good, Command.GET, ioid, INT);
    await good.request();
    replyValue(good, Command.GET, ioid, 0, int(9));
    expect((await get).get('value')).toBe(9);
    await expect(other).rejects.toThrow();
    expect([good.lost, bad.lost.length]).toEqual([[], 1]);
  });
});
