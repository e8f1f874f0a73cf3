/** A PV from before it has a type until it has another one, seen by its clients. */
import { describe, expect, it } from 'vitest';
import { GetRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { OperationInfo } from '../../src/server/request-info.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { MonitorSink } from '../../src/server/source.ts';
import { PvRequest } from '../../src/value/pv-request.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';
import { create } from '../support/server-asking.ts';
import { ServerSession } from '../support/server-session.ts';
import { surfaced } from '../support/surfaced.ts';
import { ntScalar } from '../support/types.ts';

const INT = struct('', { value: 'int' });
const TEXT = struct('', { text: 'string' });
const int = (value: number): Value => Value.create(INT, { value });
const OPTIONS = { timeout: 0 };
const CLIENT = { peer: '127.0.0.1:1', method: 'anonymous', account: '', host: '' };

describe('a PV', () => {
  it('that opens after its clients came answers them all', async () => {
    const pv = new SharedPV();
    const s = new JoinedSession({ p: pv });
    const seen: unknown[] = [];
    const update = (v: Value): void => {
      seen.push(v.toJS());
    };
    s.monitor('p', { update });
    const get = s.run(new GetRequest(s.channel('p'), OPTIONS));
    const put = s.run(new PutRequest(s.channel('p'), 5, OPTIONS));
    const putRefused = put.catch((e) => e.message);
    await settled();
    expect([pv.isOpen, seen]).toEqual([false, []]);
    pv.open(int(1));
    expect((await get).get('value')).toBe(1);
    expect(await putRefused).toBe('p: put not permitted: this PV is read-only');
    await settled();
    expect(seen).toEqual([{ value: 1 }]);
  });

  it('that closes disconnects its clients; opened again with another type they all come back', async () => {
    const pv = new SharedPV();
    pv.open(int(1));
    const s = new JoinedSession({ p: pv });
    const events: unknown[] = [];
    const subscription = s.monitor('p', {
      connected: (_server, type) => events.push(`connected ${type.members[0]?.name}`),
      disconnected: (why) => events.push(`disconnected ${why}`),
      update: (v) => {
        events.push(v.toJS());
      },
    });
    await settled();
    pv.close();
    const get = s.run(new GetRequest(s.channel('p'), OPTIONS));
    await settled();
    expect(subscription.stats.connected).toBe(false);
    expect([pv.isOpen, pv.subscriberCount]).toEqual([false, 0]);
    pv.open(Value.create(TEXT, { text: 'new' }));
    expect((await get).toJS()).toEqual({ text: 'new' });
    await settled();
    pv.post(Value.create(TEXT, { text: 'newer' }));
    await settled();
    expect(events).toEqual([
      'connected value',
      { value: 1 },
      'disconnected server memory:1 removed the channel',
      'connected text',
      { text: 'new' },
      { text: 'newer' },
    ]);
    expect([s.connections.length, s.lost]).toEqual([1, []]);
  });

  it('tells of its first and its last client, each time', async () => {
    const events: string[] = [];
    const pv = new SharedPV({
      onFirstConnect: (self) => {
        events.push(`first ${self.clientCount}`);
        if (!self.isOpen) self.open(int(1));
      },
      onLastDisconnect: (self) => events.push(`last ${self.clientCount}`),
    });
    const one = new JoinedSession({ p: pv });
    expect((await one.run(new GetRequest(one.channel('p'), OPTIONS))).get('value')).toBe(1);
    const two = new JoinedSession({ p: pv });
    await two.run(new GetRequest(two.channel('p'), OPTIONS));
    one.serverDown();
    await settled();
    expect(events).toEqual(['first 1']);
    two.serverDown();
    await settled();
    expect(events).toEqual(['first 1', 'last 0']);
    one.serverUp();
    await settled();
    expect(events).toEqual(['first 1', 'last 0', 'first 1']);
  });

  it('may be closed by who is told of its first client, who is refused and leaves nothing behind', async () => {
    const events: string[] = [];
    const pv = new SharedPV({
      onFirstConnect: (self) => self.close(),
      onLastDisconnect: () => events.push('last'),
    });
    pv.open(int(1));
    const session = await ServerSession.ready({ p: pv });
    await expect(session.createChannel('p')).rejects.toThrow("'p' was closed when this channel was created");
    expect([session.client.channelNames(), pv.clientCount, events]).toEqual([[], 0, ['last']]);
    // The next one finds it as it is.
    pv.setHandlers({ onFirstConnect: () => {} });
    await session.createChannel('p', 2);
    expect([session.client.channelNames(), pv.clientCount]).toEqual([['p'], 1]);
    expect(session.closedBecause).toBeUndefined();
  });

  it('is left when the connection ends while it is told of its first client', async () => {
    const pv = new SharedPV({ onFirstConnect: () => session.client.close() });
    const session = await ServerSession.ready({ p: pv });
    session.peer.write(create([1, 'p']));
    await settled();
    expect([session.client.channelNames(), pv.clientCount]).toEqual([[], 0]);
  });

  it('whose callbacks throw serves its clients all the same; what they threw surfaces', async () => {
    const fail = (text: string) => (): never => {
      throw new Error(text);
    };
    const pv = new SharedPV({ onFirstConnect: fail('first'), onLastDisconnect: fail('last') });
    pv.open(int(1));
    const messages = await surfaced(2, async () => {
      const s = new JoinedSession({ p: pv });
      expect((await s.run(new GetRequest(s.channel('p'), OPTIONS))).get('value')).toBe(1);
      s.serverDown();
      await settled();
      expect(pv.clientCount).toBe(0);
    });
    expect(messages).toEqual(['first', 'last']);
  });

  it('keeps what was posted: fetch and new clients have every field as it was last', async () => {
    const type = ntScalar('double');
    const pv = SharedPV.readonly(Value.create(type, { value: 1 }));
    pv.post(Value.create(type, { 'alarm.severity': 2 }));
    pv.post(Value.create(type, { value: 3 }));
    pv.post(Value.create(type, { 'timeStamp.userTag': 9 }));
    pv.post(Value.create(type, { value: 4, 'alarm.message': 'm' }));
    expect(pv.fetch().toJS()).toMatchObject({
      value: 4,
      alarm: { severity: 2, message: 'm' },
      timeStamp: { userTag: 9 },
    });
    const s = new JoinedSession({ p: pv });
    const value = await s.run(new GetRequest(s.channel('p'), OPTIONS));
    expect(value.toJS()).toEqual(pv.fetch().toJS());
    expect(pv.postCount).toBe(4);
  });

  it('posts the changed fields of a plain object, and nothing else', async () => {
    const type = ntScalar('double');
    const pv = SharedPV.readonly(Value.create(type, { value: 1 }));
    const s = new JoinedSession({ p: pv });
    const seen: unknown[] = [];
    s.monitor('p', {
      update: (v) => {
        seen.push(v.type.nodes.filter((n) => !n.isStruct && v.isMarked(n.path)).map((n) => n.path));
      },
    });
    await settled();
    pv.post({ value: 2, 'alarm.severity': 1 });
    pv.post({ timeStamp: { nanoseconds: 5 } });
    await settled();
    expect(seen.slice(1)).toEqual([['value', 'alarm.severity'], ['timeStamp.nanoseconds']]);
    expect(() => pv.post({ nope: 1 })).toThrow("no field 'nope'");
    expect(() => pv.post({ value: 'text' })).toThrow();
    expect([pv.postCount, pv.fetch().get('value')]).toEqual([2, 2]);
  });

  it('may get other handlers at any time; a mailbox and a read-only PV may have some, too', async () => {
    const events: string[] = [];
    const handlers = { onRpc: () => int(7), onFirstConnect: () => events.push('first') };
    const pv = SharedPV.readonly(int(1), handlers);
    const box = SharedPV.mailbox(int(1), handlers);
    const s = new JoinedSession({ p: pv, box });
    const put = (name: string, v: number): Promise<void> =>
      s.run(new PutRequest(s.channel(name), v, OPTIONS));
    await expect(put('p', 5)).rejects.toThrow('read-only');
    await put('box', 5);
    expect(box.fetch().get('value')).toBe(5);
    expect((await s.run(new RpcRequest(s.channel('p'), null, OPTIONS)))?.get('value')).toBe(7);
    pv.setHandlers({ onPut: (self, value) => self.post(value) });
    await put('p', 6);
    expect([pv.fetch().get('value'), events]).toEqual([6, ['first', 'first']]);
    expect((await s.run(new RpcRequest(s.channel('p'), null, OPTIONS)))?.get('value')).toBe(7);
  });

  it('is not changed by what happens to a posted or fetched value later', () => {
    const pv = SharedPV.readonly(int(1));
    const value = int(2);
    pv.post(value);
    value.set('value', 3);
    pv.fetch().set('value', 4);
    expect(pv.fetch().get('value')).toBe(2);
  });

  it('refuses what is wrong: post before open, open twice, another type', () => {
    const pv = new SharedPV();
    expect(() => pv.post(int(1))).toThrow('post() before open()');
    expect(() => pv.fetch()).toThrow('fetch() before open()');
    pv.open(INT);
    expect(pv.fetch().get('value')).toBe(0);
    expect(() => pv.open(INT)).toThrow('already open');
    expect(() => pv.post(Value.create(TEXT))).toThrow(/open it with the new type/);
    pv.post(Value.create(struct('', { value: 'int' }), { value: 6 }));
    expect(pv.fetch().get('value')).toBe(6);
    pv.close();
    expect(() => pv.post(int(1))).toThrow('post() before open()');
  });

  it('that is a mailbox stamps what is put with the time, unless the client did', async () => {
    const type = ntScalar('int');
    const pv = SharedPV.mailbox(Value.create(type));
    const s = new JoinedSession({ p: pv });
    const before = BigInt(Math.floor(Date.now() / 1000));
    await s.run(new PutRequest(s.channel('p'), 5, OPTIONS));
    expect(pv.fetch().get('timeStamp.secondsPastEpoch')).toBeGreaterThanOrEqual(before);
    await s.run(new PutRequest(s.channel('p'), { value: 6, 'timeStamp.secondsPastEpoch': 7n }, OPTIONS));
    expect(pv.fetch().get('timeStamp.secondsPastEpoch')).toBe(7n);
  });

  it('that is a mailbox gives no two puts the same time, so that a distributor takes none for a repetition', async () => {
    const pv = SharedPV.mailbox(Value.create(ntScalar('int')));
    const times = new Set<string>();
    for (let i = 0; i < 100; i++) {
      await pv.put(
        Value.create(ntScalar('int'), { value: i }),
        CLIENT,
        new OperationInfo(new PvRequest(null)),
      );
      const now = pv.fetch();
      times.add(`${now.get('timeStamp.secondsPastEpoch')}.${now.get('timeStamp.nanoseconds')}`);
    }
    expect(times.size).toBe(100);
  });

  it('encodes an update once for all who want every field', () => {
    const pv = SharedPV.readonly(int(1));
    const chunks: unknown[] = [];
    const sink: MonitorSink = {
      // As a monitor whose connection takes the bytes at once.
      push: (update) => {
        update.retain();
        chunks.push(update.chunks());
        update.release();
      },
      finish: () => {},
    };
    for (let i = 0; i < 3; i++) pv.subscribe({ ...sink }, new PvRequest(null));
    chunks.length = 0;
    pv.post(int(2));
    expect(chunks).toHaveLength(3);
    expect(new Set(chunks).size).toBe(1);
  });
});
