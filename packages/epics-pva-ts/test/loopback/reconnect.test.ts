/** Servers that go away and come back on the same ports: what goes on by itself, and what fails and says so. */
import { describe, expect, it } from 'vitest';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve, serveAgain } from '../support/loopback.ts';

const PAIR = struct('', { a: 'int', b: 'string' });
const pair = (a: number, b: string): Value => Value.create(PAIR, { a, b });

describe('a server that comes back', () => {
  it('has its monitors again, each with a complete first update, whatever type it has now', async () => {
    const pv = SharedPV.mailbox(pair(1, 'one'));
    const first = await serve({ p: pv, q: SharedPV.mailbox(pair(5, 'five')) });
    const context = clientOf(first);
    const events = new Happenings<unknown>();
    const subscription = context.monitor(
      'p',
      {},
      {
        connected: (_server, type) => events.push(`connected ${type.members.map((m) => m.name)}`),
        disconnected: (why) => events.push(why.replace(/:.*/, '')),
        update: (v) => events.push(v.toJS()),
      },
    );
    const other = new Happenings<unknown>();
    context.monitor('q', {}, { update: (v) => other.push(v.toJS()) });
    await events.count(2);
    pv.post(Value.create(PAIR, { a: 2 }));
    await events.count(3);
    await first.close();
    await events.count(4);
    expect(subscription.stats).toMatchObject({ received: 2, connected: false });
    const three = struct('', { c: 'double' });
    await serveAgain(first, {
      p: SharedPV.mailbox(Value.create(three, { c: 3 })),
      q: SharedPV.mailbox(pair(6, 'six')),
    });
    await events.count(6);
    await other.count(2);
    expect(events.all).toEqual([
      'connected a,b',
      { a: 1, b: 'one' },
      // Only a was sent; b is known from before.
      { a: 2, b: 'one' },
      'connection to 127.0.0.1',
      'connected c',
      { c: 3 },
    ]);
    expect(other.all).toEqual([
      { a: 5, b: 'five' },
      { a: 6, b: 'six' },
    ]);
  });

  it('answers a get that was waiting for it, and one that was under way', async () => {
    const first = await serve({ p: new SharedPV() });
    const context = clientOf(first);
    // Asked for and not answered: the PV is not open yet.
    const underWay = context.get('p', { timeout: 0 });
    const info = context.info('p', { timeout: 0 });
    await expect.poll(() => first.clientCount).toBe(1);
    await first.close();
    const waiting = context.get('p', { timeout: 0 });
    await serveAgain(first, { p: SharedPV.mailbox(pair(7, 'seven')) });
    for (const get of [underWay, waiting]) expect((await get).toJS()).toEqual({ a: 7, b: 'seven' });
    expect((await info).type.equals(PAIR)).toBe(true);
  });

  it('is not given a put or call a second time: they fail, for nobody knows whether they were done', async () => {
    const received = new Happenings<string>();
    const stuck = new SharedPV({
      onPut: () => {
        received.push('put');
        return new Promise(() => {});
      },
      onRpc: () => {
        received.push('call');
        return new Promise(() => {});
      },
    });
    stuck.open(pair(1, 'one'));
    const first = await serve({ p: stuck });
    const context = clientOf(first);
    const put = context.put('p', { a: 5 }, { timeout: 0 });
    const call = context.rpc('p', null, { timeout: 0 });
    await received.count(2);
    await Promise.all([
      first.close(),
      expect(put).rejects.toMatchObject({ code: 'PVA_DISCONNECTED', message: /unknown whether the request/ }),
      expect(call).rejects.toMatchObject({ code: 'PVA_DISCONNECTED' }),
    ]);
    const again = SharedPV.mailbox(pair(1, 'one'));
    await serveAgain(first, { p: again });
    expect((await context.get('p')).get('a')).toBe(1);
    expect(again.postCount).toBe(0);
  });

  it('gets a put that had not been sent yet', async () => {
    const first = await serve({ p: new SharedPV() });
    const context = clientOf(first);
    const put = context.put('p', { a: 5 }, { timeout: 0 });
    await expect.poll(() => first.clientCount).toBe(1);
    await first.close();
    const pv = SharedPV.mailbox(pair(1, 'one'));
    await serveAgain(first, { p: pv });
    await put;
    expect([pv.fetch().get('a'), pv.postCount]).toEqual([5, 1]);
  });

  it('on another TCP port is found there', async () => {
    const first = await serve({ p: SharedPV.mailbox(pair(1, 'one')) });
    const context = clientOf(first);
    const seen = new Happenings<unknown>();
    context.monitor('p', {}, { update: (v) => seen.push(v.get('a')) });
    await seen.count(1);
    await first.close();
    const second = await serveAgain(first, { p: SharedPV.mailbox(pair(2, 'two')) }, { tcpPort: 0 });
    await seen.count(2);
    expect(seen.all).toEqual([1, 2]);
    expect((await context.info('p')).server).toBe(`127.0.0.1:${second.tcpPort}`);
  });

  it('is read on by for await as if nothing had happened', async () => {
    const first = await serve({ p: SharedPV.mailbox(pair(1, 'one')) });
    const context = clientOf(first);
    const seen: unknown[] = [];
    for await (const v of context.monitor('p')) {
      seen.push(v.get('a'));
      if (seen.length === 1) {
        await first.close();
        await serveAgain(first, { p: SharedPV.mailbox(pair(2, 'two')) });
      } else break;
    }
    expect(seen).toEqual([1, 2]);
  });
});

describe('a TCP port that is taken', () => {
  it('is replaced by a free one, and clients find the server there', async () => {
    const log: string[] = [];
    const first = await serve({ p: SharedPV.mailbox(pair(1, 'one')) });
    const second = await serveAgain(
      first,
      { q: SharedPV.mailbox(pair(2, 'two')) },
      { log: (_level, text) => log.push(text) },
    );
    expect(second.tcpPort).not.toBe(first.tcpPort);
    expect(second.udpPort).toBe(first.udpPort);
    expect(log).toContain(`TCP port ${first.tcpPort} is taken, using a free one`);
    const context = clientOf(first);
    expect((await context.get('q')).get('b')).toBe('two');
    expect((await context.get('p')).get('b')).toBe('one');
  });
});

describe('a server', () => {
  it('starts once, and not after it was closed', async () => {
    const server = await serve({});
    await expect(server.start()).rejects.toMatchObject({ code: 'PVA_LOCAL_PROTOCOL' });
    await Promise.all([server.close(), server.close()]);
    await expect(server.start()).rejects.toThrow('this server is closed');
  });

  it('that cannot listen says where and why, and leaves nothing open', async () => {
    await expect(serve({}, { interfaces: ['203.0.113.5'] })).rejects.toMatchObject({
      code: 'PVA_LISTEN',
      message: expect.stringMatching(/^cannot listen on TCP 203\.0\.113\.5:0: .*EADDRNOTAVAIL/),
    });
  });
});
