/** What users of get, put, rpc, info and monitor rely on, over real sockets: selection, labels, limits, errors. */
import { once, setMaxListeners } from 'node:events';
import net from 'node:net';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/client/context.ts';
import { TimeoutError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { decodeTyped, encodeTyped } from '../../src/message/operation.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { NTScalar, NTScalarArray } from '../../src/nt/nt-scalar.ts';
import { NTURI } from '../../src/nt/nt-uri.ts';
import { Server, VERSION } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { Source } from '../../src/server/source.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import type { WireReader } from '../../src/wire/reader.ts';
import type { Status } from '../../src/wire/status.ts';
import { clientOf, Happenings, keep, serve } from '../support/loopback.ts';
import type { RawMessage } from '../support/raw-peer.ts';
import { head, init, request } from '../support/requests.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const DOUBLE = NTScalar.build('double', { display: true });
const double = (value: number): Value => Value.create(DOUBLE, { value, 'display.units': 'mm' });

describe('a server', () => {
  it('that is closed while it starts leaves no port open', async () => {
    const server = Server.isolated();
    const starting = expect(server.start()).rejects.toThrow('this server was closed while it started');
    await server.close();
    const { tcpPort } = server;
    await starting;
    const socket = net.connect(tcpPort, '127.0.0.1');
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('field selection', () => {
  it('brings the fields asked for, by get and monitor', async () => {
    const pv = SharedPV.mailbox(double(1));
    const context = clientOf(await serve({ p: pv }));
    const some = await context.get('p', { pvRequest: 'field(value,display.units)' });
    const came = some.type.nodes.filter((n) => !n.isStruct && some.isMarked(n.path)).map((n) => n.path);
    expect(came).toEqual(['value', 'display.units']);
    const updates = new Happenings<unknown>();
    context.monitor(
      'p',
      { pvRequest: 'alarm.severity' },
      { update: (v) => updates.push(v.get('alarm.severity')) },
    );
    await updates.count(1);
    pv.post(Value.create(DOUBLE, { value: 2 }));
    pv.post(Value.create(DOUBLE, { 'alarm.severity': 2 }));
    await updates.count(2);
    expect(updates.all).toEqual([0, 2]);
  });

  it('of nothing that exists, or in words nobody understands, is an error', async () => {
    const context = clientOf(await serve({ p: SharedPV.mailbox(double(1)) }));
    await expect(context.get('p', { pvRequest: 'field(nope)' })).rejects.toMatchObject({
      code: 'PVA_REMOTE',
      message: 'p: none of the requested fields exists: nope',
    });
    await expect(context.get('p', { pvRequest: 'field(value' })).rejects.toMatchObject({
      code: 'PVA_PV_REQUEST',
    });
    expect(() => context.monitor('p', { pvRequest: 'record[' })).toThrow(/position/);
  });
});

describe('an enum', () => {
  it('is put by label, and every update knows the choices', async () => {
    const pv = SharedPV.mailbox(NTEnum.create(['Open', 'Closed', 'Moving']));
    const context = clientOf(await serve({ valve: pv }));
    const labels = new Happenings<string | undefined>();
    context.monitor('valve', {}, { update: (v) => labels.push(NTEnum.label(v)) });
    await labels.count(1);
    await context.put('valve', 'Moving');
    await context.put('valve', 1);
    await labels.count(3);
    expect(labels.all).toEqual(['Open', 'Moving', 'Closed']);
    await expect(context.put('valve', 'Ajar')).rejects.toThrow(
      "'Ajar' is no choice of this enum; there are: Open, Closed, Moving",
    );
  });
});

describe('time limits and signals', () => {
  it('end a wait for a channel nobody has, a PV that is not open, an answer that does not come', async () => {
    const silent = new SharedPV({ onRpc: () => new Promise(() => {}) });
    const context = clientOf(await serve({ closed: new SharedPV(), silent }));
    // Long enough to be connected by then on any machine: what is missing is the channel, the value, the reply.
    const limit = { timeout: 2 };
    const failures = await Promise.all(
      [
        context.get('nobody', limit),
        context.get('closed', limit),
        context.info('closed', limit),
        context.put('closed', 1, limit),
        context.rpc('silent', null, limit),
      ].map((p) => p.catch((e) => e)),
    );
    for (const e of failures) expect(e).toBeInstanceOf(TimeoutError);
    expect(failures.map((e) => e.message)).toEqual([
      'nobody: no server has this channel within 2 s',
      ...['closed', 'closed', 'closed', 'silent'].map((name) => `${name}: no reply within 2 s`),
    ]);
  });

  it('by signal, before, during and after', async () => {
    const context = clientOf(await serve({ p: SharedPV.mailbox(double(1)), closed: new SharedPV() }));
    const abort = new AbortController();
    const options = { signal: abort.signal, timeout: 0 };
    const waiting = [
      context.get('closed', options),
      context.put('closed', 1, options),
      context.get('nobody', options),
    ];
    const subscription = context.monitor('p', { signal: abort.signal });
    const read = (async () => {
      const seen: unknown[] = [];
      for await (const v of subscription) {
        seen.push(v.get('value'));
        abort.abort();
      }
      return seen;
    })();
    await expect(read).rejects.toMatchObject({ code: 'PVA_CANCELLED', message: 'p: cancelled' });
    for (const p of waiting) await expect(p).rejects.toMatchObject({ code: 'PVA_CANCELLED' });
    await expect(context.get('p', options)).rejects.toMatchObject({ code: 'PVA_CANCELLED' });
    expect((await context.get('p')).get('value')).toBe(1);
  });

  it('that do not strike cost nothing: 2000 requests at once', async () => {
    const pv = new SharedPV({ onRpc: (_pv, v) => v });
    pv.open(double(1));
    const server = await serve({ p: pv });
    const context = clientOf(server);
    const signal = new AbortController().signal;
    setMaxListeners(0, signal);
    const all = await Promise.all(
      Array.from({ length: 2000 }, async (_, i) =>
        i % 2 === 0
          ? (await context.get('p', { signal })).get('value')
          : (await context.rpc('p', double(1), { signal }))?.get('value'),
      ),
    );
    expect(new Set(all)).toEqual(new Set([1]));
    expect(server.clientCount).toBe(1);
  });
});

describe('a closed context', () => {
  it('fails what was under way and refuses what is new', async () => {
    const server = await serve({ p: SharedPV.mailbox(double(1)), closed: new SharedPV() });
    const context = new Context(server.clientConfig());
    const pending = [context.get('closed', { timeout: 0 }), context.get('nobody', { timeout: 0 })];
    const subscription = context.monitor('p');
    const read = (async () => {
      let n = 0;
      for await (const _ of subscription) n++;
      return n;
    })();
    await context.get('p');
    await Promise.all([context.close(), context.close()]);
    for (const p of pending)
      await expect(p).rejects.toMatchObject({ code: 'PVA_DISCONNECTED', message: 'the Context was closed' });
    expect(await read).toBe(1);
    await expect(context.get('p')).rejects.toMatchObject({ code: 'PVA_LOCAL_PROTOCOL' });
    expect(() => context.monitor('p')).toThrow('this Context is closed');
    await expect.poll(() => server.clientCount).toBe(0);
  });

  it('closes by itself at the end of a block', async () => {
    const server = await serve({ p: SharedPV.mailbox(double(3)) });
    {
      await using context = new Context(server.clientConfig());
      expect((await context.get('p')).get('value')).toBe(3);
    }
    await expect.poll(() => server.clientCount).toBe(0);
  });
});

describe('names', () => {
  it('may be anything of 1 to 500 bytes', async () => {
    const odd = ['a b', 'ü:€', '{IOC}Det-1:image1.VAL$', 'x'.repeat(500), '$(P)"\'\\', 'server2'];
    const context = clientOf(
      await serve(Object.fromEntries(odd.map((name, i) => [name, SharedPV.mailbox(double(i))]))),
    );
    const got = await Promise.all(odd.map(async (name) => (await context.get(name)).get('value')));
    expect(got).toEqual(odd.map((_, i) => i));
    await expect(context.get('')).rejects.toMatchObject({ code: 'PVA_LOCAL_PROTOCOL' });
    await expect(context.get('x'.repeat(501))).rejects.toThrow(/1 to 500 bytes/);
  });

  it('of PVs may be added and removed while the server runs', async () => {
    const server = await serve({});
    const context = clientOf(server);
    const value = context.get('late', { timeout: 0 });
    server.addPV('late', SharedPV.mailbox(double(8)));
    expect((await value).get('value')).toBe(8);
    expect(() => server.addPV('late', new SharedPV())).toThrow("a PV named 'late' is already served");
    const events = new Happenings<string>();
    context.monitor('late', {}, { update: () => events.push('update'), disconnected: events.push });
    await events.count(1);
    server.removePV('late');
    await events.count(2);
    expect(events.all[1]).toMatch(/removed the channel/);
    await expect(context.get('late', { timeout: 0.1 })).rejects.toBeInstanceOf(TimeoutError);
  });

  it('may come from a source that makes PVs when they are asked for', async () => {
    const source: Source = {
      has: (name) => /^calc:\d+$/.test(name),
      open: (name) =>
        name.startsWith('calc:') ? SharedPV.readonly(double(Number(name.slice(5)) ** 2)) : undefined,
    };
    const server = keep(Server.isolated());
    server.addSource(source);
    const context = clientOf(await server.start());
    expect((await context.get('calc:12')).get('value')).toBe(144);
    await expect(context.get('calc:x', { timeout: 0.1 })).rejects.toBeInstanceOf(TimeoutError);
  });
});

describe('who asks', () => {
  it('is known to the server, with what the client claims to be', async () => {
    const seen: unknown[] = [];
    const pv = new SharedPV({
      onRpc: (_pv, _argument, client) => {
        seen.push(client);
        return null;
      },
    });
    const context = clientOf(await serve({ f: pv }), { user: 'operator', host: 'console' });
    expect(await context.rpc('f', null)).toBeNull();
    expect(seen).toEqual([
      {
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        method: 'ca',
        account: 'operator',
        host: 'console',
      },
    ]);
  });
});

describe('the channel "server"', () => {
  it('is not found by a search, but whoever knows the address asks it for channels and version', async () => {
    const server = await serve({ b: new SharedPV(), a: new SharedPV() });
    const context = clientOf(server);
    await expect(context.rpc('server', null, { timeout: 0.1 })).rejects.toBeInstanceOf(TimeoutError);
    const peer = await TcpPeer.ready(server);
    const sid = await peer.createChannel('server');
    const ask = async (ioid: number, argument: Value): Promise<{ status: Status; r: WireReader }> => {
      peer.write(
        init(Command.RPC, sid, ioid),
        request(Command.RPC, sid, ioid, 0, (w) => encodeTyped(w, argument)),
      );
      const isReply = (m: RawMessage): boolean => m.command === Command.RPC && head(m).ioid === ioid;
      await peer.messages.until((all) => all.filter(isReply).length === 2);
      return head(peer.messages.all.findLast(isReply) as RawMessage);
    };
    const uri = NTURI.create('server', { op: 'channels' });
    const answer = async (ioid: number, argument: Value): Promise<Value> =>
      decodeTyped((await ask(ioid, argument)).r, new DecodeContext()) as Value;
    const op = (value: string): Value => Value.create(struct('', { op: 'string' }), { op: value });
    // The reply types are those of PVXS (channels) and pvAccessCPP (info), names sorted.
    const channels = await answer(1, uri);
    expect(channels.type.equals(NTScalarArray.build('string'))).toBe(true);
    expect(channels.get('value')).toEqual(['a', 'b']);
    const info = await answer(2, op('info'));
    expect(info.toJS()).toEqual({
      process: String(process.pid),
      startTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      version: `epics-pva-ts ${VERSION}`,
      implLang: 'TypeScript',
      host: hostname(),
    });
    const helps = [op('help'), NTURI.create('server', { help: '' })];
    for (const [i, argument] of helps.entries()) {
      const help = await answer(3 + i, argument);
      expect([help.id, help.get('value')]).toEqual([
        'epics:nt/NTScalar:1.0',
        expect.stringContaining('names of the channels'),
      ]);
    }
    const errors = [(await ask(5, op('dance'))).status, (await ask(6, Value.create(struct('', {})))).status];
    expect(errors.map((e) => [e.type, e.message])).toEqual([
      [2, "unsupported operation 'dance': there are channels, info and help"],
      [2, "there is no string field 'op': op=channels, info or help"],
    ]);
    // Whoever gets it is not kept waiting.
    peer.write(init(Command.GET, sid, 7), request(Command.GET, sid, 7, 0));
    const isReply = (m: RawMessage): boolean => m.command === Command.GET && head(m).ioid === 7;
    await peer.messages.until((got) => got.filter(isReply).length === 2);
    peer.close();
  });
});

describe('two clients', () => {
  it('have connections of their own and see the same', async () => {
    const pv = SharedPV.mailbox(Value.create(struct('', { value: 'int' })));
    const server = await serve({ p: pv });
    const clients = [clientOf(server), clientOf(server)] as const;
    const seen = clients.map((c) => {
      const happenings = new Happenings<unknown>();
      c.monitor('p', {}, { update: (v) => happenings.push(v.get('value')) });
      return happenings;
    });
    for (const s of seen) await s.count(1);
    for (let i = 1; i <= 50; i++) await (clients[i % 2] as Context).put('p', i);
    const all = Array.from({ length: 51 }, (_, i) => i);
    for (const s of seen) {
      await s.count(51);
      expect(s.all).toEqual(all);
    }
    expect([server.clientCount, pv.subscriberCount]).toEqual([2, 2]);
    await clients[0].close();
    await expect.poll(() => [server.clientCount, pv.subscriberCount]).toEqual([1, 1]);
    pv.post(Value.create(struct('', { value: 'int' }), { value: 99 }));
    await seen[1]?.count(52);
    expect(seen[0]?.all).toHaveLength(51);
  });
});
