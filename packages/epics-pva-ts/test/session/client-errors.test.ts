/** What a client makes of a server's errors, and of bytes that are wrong: the caller is told, other servers are not touched. */
import { describe, expect, it } from 'vitest';
import { GetRequest, PutRequest } from '../../src/client/requests.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeResponseHead } from '../../src/message/operation.ts';
import { encodePutResponse } from '../../src/message/put.ts';
import { encodeServerMessage } from '../../src/message/request-control.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import { errorStatus, OK, type Status, StatusType } from '../../src/wire/status.ts';
import { settled } from '../support/memory-transport.ts';
import { INT, ids, int, monitorInit, OPTIONS, replyInit, replyValue } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { NT_ENUM } from '../support/types.ts';

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
    const abort = new AbortController();
    const other = bad.run(new GetRequest(bad.channel('b'), { timeout: 0, signal: abort.signal }));
    const { ioid } = ids(await good.request());
    await bad.request();
    bad.up = false;
    bad.peer.write('00 00 00 00 00 00 00 00');
    replyInit(good, Command.GET, ioid, INT);
    await good.request();
    replyValue(good, Command.GET, ioid, 0, int(9));
    expect((await get).get('value')).toBe(9);
    abort.abort();
    await expect(other).rejects.toThrow();
    expect([good.lost, bad.lost.length]).toEqual([[], 1]);
  });
});
