/** A client against a server of either byte order: requests, values, and type ids that count even where nobody listens. */
import { describe, expect, it } from 'vitest';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeResponseHead, encodeTyped } from '../../src/message/operation.ts';
import { encodePutResponse } from '../../src/message/put.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { OK } from '../../src/wire/status.ts';
import { settled } from '../support/memory-transport.ts';
import { readerOf } from '../support/raw-peer.ts';
import {
  ANY,
  INT,
  ids,
  int,
  monitorInit,
  OPTIONS,
  replyInit,
  replyValue,
  update,
} from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

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
