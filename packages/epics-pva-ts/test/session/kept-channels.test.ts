/** ChannelPut and ChannelRPC: what they send, in which order, and what becomes of requests when something fails. */
import { describe, expect, it } from 'vitest';
import { ChannelPut, type ChannelPutOptions, ChannelRPC } from '../../src/client/kept-channels.ts';
import { MAX_WAITING_REQUESTS } from '../../src/limits.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';
import { names } from '../support/raw-peer.ts';
import { ntScalar } from '../support/types.ts';

const DOUBLE = ntScalar('double');
const double = (value: number): Value => Value.create(DOUBLE, { value });
const OPTIONS = { timeout: 0, fetch: false };

function putTo(s: JoinedSession, options: ChannelPutOptions = {}): ChannelPut {
  return new ChannelPut(s.channel('p'), { ...OPTIONS, ...options }, () => {});
}

/** Sub-commands of the PUTs sent, with their operations numbered in order of appearance. */
function puts(s: JoinedSession): string[] {
  const operations: number[] = [];
  return s
    .sentByClient()
    .filter((m) => m.name === 'PUT' || m.name === 'DESTROY_REQUEST')
    .map((m) => {
      const ioid = m.payload.readUInt32LE(4);
      if (!operations.includes(ioid)) operations.push(ioid);
      const what = { 8: 'INIT', 64: 'GET', 0: 'put' }[m.payload[8] as number];
      return `${m.name === 'PUT' ? what : 'DESTROY'} ${operations.indexOf(ioid) + 1}`;
    });
}

/** A PV that answers puts only when told to, with what was put so far. */
function slow(): { pv: SharedPV; put: number[]; answer(error?: Error): void } {
  const put: number[] = [];
  const answers: ((error?: Error) => void)[] = [];
  const pv = new SharedPV({
    onPut: (_pv, value) => {
      put.push(value.get('value') as number);
      return new Promise((resolve, reject) => answers.push((error) => (error ? reject(error) : resolve())));
    },
  });
  pv.open(double(0));
  return { pv, put, answer: (error) => answers.shift()?.(error) };
}

describe('a ChannelPut', () => {
  it('initialises its operation once, and destroys it when it is closed', async () => {
    const pv = SharedPV.mailbox(double(0));
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s);
    for (const value of [1, 2, 3]) await channel.put(value);
    expect(pv.fetch().get('value')).toBe(3);
    channel.close();
    await settled();
    expect(puts(s)).toEqual(['INIT 1', 'put 1', 'put 1', 'put 1', 'DESTROY 1']);
    expect(names(s.sentByClient()).filter((n) => n === 'CREATE_CHANNEL')).toHaveLength(1);
  });

  it('reads back before each put, unless told not to', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)) });
    const channel = putTo(s, { fetch: true });
    const add = (type: typeof DOUBLE, present?: Value): Value =>
      Value.create(type, { value: Number(present?.get('value')) + 1 });
    for (let i = 0; i < 2; i++) await channel.put(add);
    expect(puts(s)).toEqual(['INIT 1', 'GET 1', 'put 1', 'GET 1', 'put 1']);
    expect((s.pvs.get('p') as SharedPV).fetch().get('value')).toBe(3);
  });

  it('has one put on its way; the others wait, in order', async () => {
    const { pv, put, answer } = slow();
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s);
    const all = [1, 2, 3].map((value) => channel.put(value));
    await settled();
    expect([put, channel.pending]).toEqual([[1], 3]);
    for (const there of [
      [1, 2],
      [1, 2, 3],
      [1, 2, 3],
    ]) {
      answer();
      await settled();
      expect(put).toEqual(there);
    }
    await Promise.all(all);
    expect(channel.pending).toBe(0);
  });

  it('with more in flight opens as many operations as it needs; no put overtakes another', async () => {
    const { pv, put, answer } = slow();
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s, { inFlight: 3 });
    const all = [channel.put(1)];
    await settled();
    // The second needs an operation of its own while the first one's becomes free.
    all.push(channel.put(2), channel.put(3));
    answer();
    await settled();
    expect(put).toEqual([1, 2, 3]);
    for (let value = 4; value < 10; value++) all.push(channel.put(value));
    await settled();
    expect(put).toEqual([1, 2, 3, 4]);
    for (let i = 0; i < 9; i++) {
      answer();
      await settled();
    }
    await Promise.all(all);
    expect(put).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(puts(s).filter((what) => what.startsWith('INIT'))).toEqual(['INIT 1', 'INIT 2', 'INIT 3']);
  });

  it('with more in flight keeps the order though each put reads before, and a connection is lost', async () => {
    const put: number[] = [];
    const answers: (() => void)[] = [];
    const reads: (() => void)[] = [];
    const type = DOUBLE;
    const pv: ServedPV = {
      whenOpen: (ready) => {
        ready(type);
        return () => {};
      },
      attach: () => () => {},
      subscribe: () => () => {},
      rpc: () => null,
      // Reading takes the longer the earlier it was asked for.
      get: () => new Promise((resolve) => reads.push(() => resolve(double(0)))),
      put: (value) => {
        put.push(value.get('value') as number);
        return new Promise((resolve) => answers.push(resolve));
      },
    };
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s, { fetch: true, inFlight: 2 });
    const turn = async (): Promise<void> => {
      for (const read of reads.splice(0).reverse()) read();
      await settled();
    };
    const all = [1, 2].map((value) => channel.put(value));
    for (let i = 0; i < 4; i++) await turn();
    for (const answer of answers.splice(0)) answer();
    await Promise.all(all);
    // Both operations are there now.
    const [three, four, five] = [3, 4, 5].map((value) => channel.put(value));
    const lost = expect(three).rejects.toMatchObject({ code: 'PVA_DISCONNECTED' });
    await settled();
    await turn();
    expect(put).toEqual([1, 2, 3]);
    s.serverDown();
    await lost;
    s.serverUp();
    for (let i = 0; i < 6; i++) await turn();
    for (const answer of answers.splice(0)) answer();
    await settled();
    for (const answer of answers.splice(0)) answer();
    await Promise.all([four, five]);
    expect(put).toEqual([1, 2, 3, 4, 5]);
    expect(s.currentLink.operationCount).toBe(1);
  });

  it('of a put that fails gives up the operation, and the next one opens another', async () => {
    const { pv, put, answer } = slow();
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s);
    const [first, second] = [channel.put(1), channel.put(2)];
    await settled();
    answer(new Error('out of range'));
    await expect(first).rejects.toMatchObject({ code: 'PVA_REMOTE', message: 'p: out of range' });
    await settled();
    answer();
    await second;
    expect(put).toEqual([1, 2]);
    expect(puts(s)).toEqual(['INIT 1', 'put 1', 'DESTROY 1', 'INIT 2', 'put 2']);
    // What the caller gets wrong concerns nobody else, and leaves nothing in the server.
    await expect(channel.put('warm')).rejects.toMatchObject({ code: 'PVA_NO_CONVERT' });
    const after = channel.put(3);
    await settled();
    answer();
    await after;
    expect(puts(s).slice(5)).toEqual(['DESTROY 2', 'INIT 3', 'put 3']);
    expect(s.now.served.operationCount).toBe(1);
  });

  it('says for each put that INIT was refused', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)) });
    const channel = putTo(s, { pvRequest: 'field(nope)' });
    const refused = { code: 'PVA_REMOTE', message: 'p: none of the requested fields exists: nope' };
    const all = [channel.put(1), channel.put(2)].map((put) => expect(put).rejects.toMatchObject(refused));
    await Promise.all(all);
  });

  it('when the connection is lost: what was sent fails, what waits is put on the next one', async () => {
    const { pv, put, answer } = slow();
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s, { inFlight: 2 });
    const before = channel.put(0);
    await settled();
    answer();
    await before;
    const sent = [channel.put(1), channel.put(2)];
    const waiting = [channel.put(3), channel.put(4)];
    const lost = sent.map((one) => expect(one).rejects.toMatchObject({ code: 'PVA_DISCONNECTED' }));
    await settled();
    expect(put).toEqual([0, 1, 2]);
    s.serverDown();
    await Promise.all(lost);
    s.serverUp();
    await settled();
    expect(put).toEqual([0, 1, 2, 3, 4]);
    for (let i = 0; i < 4; i++) answer();
    await Promise.all(waiting);
    const last = channel.put(5);
    await settled();
    answer();
    await last;
  });

  it('when the server removes its channel, does not use what was initialised there', async () => {
    const pv = SharedPV.mailbox(double(0));
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s);
    await channel.put(1);
    pv.close();
    await settled();
    pv.open(double(0));
    await channel.put(2);
    expect(pv.fetch().get('value')).toBe(2);
    expect(puts(s).filter((what) => what.startsWith('INIT'))).toEqual(['INIT 1', 'INIT 2']);
  });

  it('takes a time limit or a signal for each put, also for one that waits', async () => {
    const { pv, put, answer } = slow();
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s);
    const first = channel.put(1);
    const abort = new AbortController();
    const given = channel.put(2, { signal: abort.signal });
    const late = expect(channel.put(3, { timeout: 0.02 })).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'PVA_CANCELLED' });
    await late;
    expect(channel.pending).toBe(1);
    const waits = expect(channel.put(4, { timeout: 0.02 })).rejects;
    await waits.toThrow('p: not sent, because those before it are not answered within 0.02 s');
    answer();
    await first;
    expect(put).toEqual([1]);
  });

  it('has a time limit of its own, which a put without one keeps', async () => {
    const s = new JoinedSession({});
    const channel = putTo(s, { timeout: 0.02 });
    await expect(channel.put(1, {})).rejects.toThrow('p: no server has this channel within 0.02 s');
  });

  it('closed: what is on its way is answered, what waits and what comes fails', async () => {
    const { pv, answer } = slow();
    const s = new JoinedSession({ p: pv });
    const channel = putTo(s);
    const [sent, waits] = [channel.put(1), channel.put(2)];
    const refused = expect(waits).rejects.toMatchObject({ code: 'PVA_DISCONNECTED' });
    await settled();
    channel.close();
    await refused;
    await expect(channel.put(3)).rejects.toMatchObject({ code: 'PVA_LOCAL_PROTOCOL' });
    answer();
    await sent;
    await settled();
    expect(puts(s)).toEqual(['INIT 1', 'put 1', 'DESTROY 1']);
  });

  it('closed before it was connected: nothing is sent, and nothing is left in the server', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(0)) });
    let ended = 0;
    const channel = new ChannelPut(s.channel('p'), OPTIONS, () => ended++);
    const both = [channel.put(1), channel.put(2)];
    channel.close();
    expect(ended).toBe(1);
    for (const put of both) await expect(put).rejects.toThrow('p: closed before it was sent');
    await settled();
    expect([ended, s.now.served.operationCount, s.currentLink.operationCount]).toEqual([1, 0, 0]);
  });

  it('closed still fails what is on its way when its Context ends', async () => {
    const { pv } = slow();
    const channel = putTo(new JoinedSession({ p: pv }));
    const put = channel.put(1);
    await settled();
    channel.close();
    channel.fail(new Error('the Context was closed'));
    await expect(put).rejects.toMatchObject({ code: 'PVA_DISCONNECTED', message: 'the Context was closed' });
  });

  it('refuses what goes beyond its queue', async () => {
    const s = new JoinedSession({});
    const channel = putTo(s);
    const all = Array.from({ length: MAX_WAITING_REQUESTS + 2 }, (_, i) => channel.put(i));
    await expect(all.at(-1)).rejects.toThrow('p: 1000 requests are waiting already');
    expect(channel.pending).toBe(MAX_WAITING_REQUESTS + 1);
    channel.fail(new Error('the end'));
    for (const one of all.slice(0, -1)) await expect(one).rejects.toThrow('the end');
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %s in flight', (inFlight) => {
    expect(() => putTo(new JoinedSession({}), { inFlight })).toThrow(
      /inFlight is .* an integer of at least 1/,
    );
  });
});

describe('a ChannelRPC', () => {
  const ARGUMENT = struct('', { a: 'int' });

  it('initialises its operation once; arguments and results come as they are', async () => {
    const types = new Set<unknown>();
    const pv = new SharedPV({
      onRpc: (_pv, argument) => {
        types.add(argument?.type);
        return argument && Value.create(ARGUMENT, { a: (argument.get('a') as number) + 1 });
      },
    });
    const s = new JoinedSession({ f: pv });
    const channel = new ChannelRPC(s.channel('f'), { timeout: 0 }, () => {});
    for (const a of [1, 2, 3])
      expect((await channel.rpc(Value.create(ARGUMENT, { a })))?.get('a')).toBe(a + 1);
    expect(await channel.rpc(null)).toBeNull();
    const sent = names(s.sentByClient());
    expect(sent.filter((name) => name === 'RPC')).toHaveLength(5);
    // The same description is the same type, not one built anew for each call; null has none.
    expect(types.size).toBe(2);
  });
});
