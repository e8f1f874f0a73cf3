/** A whole client against a whole server in memory: what get, put, rpc, info and monitor do, and what they send. */
import { describe, expect, it } from 'vitest';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';
import { names } from '../support/raw-peer.ts';
import { ntScalar } from '../support/types.ts';

const DOUBLE = ntScalar('double');
const double = (value: number): Value => Value.create(DOUBLE, { value });
const OPTIONS = { timeout: 0 };

describe('get', () => {
  it('returns the whole value and leaves nothing behind', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(4.5)) });
    const value = await s.run(new GetRequest(s.channel('p'), OPTIONS));
    expect(value.get('value')).toBe(4.5);
    expect(value.id).toBe('epics:nt/NTScalar:1.0');
    await settled();
    expect(names(s.sentByClient())).toEqual([
      'CONNECTION_VALIDATION',
      'CREATE_CHANNEL',
      'GET',
      'GET',
      'DESTROY_REQUEST',
    ]);
  });

  it('returns only the fields asked for, in the whole type', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(4.5)) });
    const value = await s.run(new GetRequest(s.channel('p'), { ...OPTIONS, pvRequest: 'field(alarm)' }));
    expect([value.isMarked('value'), value.isMarked('alarm.status')]).toEqual([false, true]);
    expect(value.type.equals(DOUBLE)).toBe(true);
  });

  it('shares channel and connection between operations, each with an ioid of its own', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)), q: SharedPV.mailbox(double(2)) });
    const all = await Promise.all(
      ['p', 'q', 'p'].map((name) => s.run(new GetRequest(s.channel(name), OPTIONS))),
    );
    expect(all.map((v) => v.get('value'))).toEqual([1, 2, 1]);
    expect(s.connections).toHaveLength(1);
    await settled();
    const sent = s.sentByClient();
    expect(names(sent).filter((n) => n === 'CREATE_CHANNEL')).toHaveLength(2);
    const ioids = sent.filter((m) => m.name === 'GET').map((m) => m.payload.readUInt32LE(4));
    expect(new Set(ioids).size).toBe(3);
  });

  it('waits for a PV that opens later, after INIT was asked', async () => {
    const pv = new SharedPV();
    const s = new JoinedSession({ p: pv });
    const pending = s.run(new GetRequest(s.channel('p'), OPTIONS));
    await settled();
    expect(names(s.sentByClient()).at(-1)).toBe('GET');
    pv.open(double(7));
    expect((await pending).get('value')).toBe(7);
  });

  it('cancelled while others hear of the lost connection is not asked again', async () => {
    const pv = new SharedPV();
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)), q: pv });
    const abort = new AbortController();
    s.monitor('p', { update: () => {}, disconnected: () => abort.abort() });
    await settled();
    // The PV behind it answers later, so that the get is still under way.
    s.pvs.set('p', pv);
    const late = s.run(new GetRequest(s.channel('p'), { ...OPTIONS, signal: abort.signal }));
    const refused = expect(late).rejects.toMatchObject({ code: 'PVA_CANCELLED' });
    s.serverDown();
    await refused;
    s.serverUp();
    await settled();
    pv.open(double(2));
    await settled();
    const gets = s.sentByClient().filter((m) => m.name === 'GET');
    expect(gets.length).toBeLessThanOrEqual(2);
    expect(s.currentLink.operationCount).toBe(1);
  });

  it('fails with what the server says, and INIT that failed needs no DESTROY_REQUEST', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)) });
    const pending = s.run(new GetRequest(s.channel('p'), { ...OPTIONS, pvRequest: 'field(nope)' }));
    await expect(pending).rejects.toMatchObject({
      code: 'PVA_REMOTE',
      message: 'p: none of the requested fields exists: nope',
    });
    await settled();
    expect(names(s.sentByClient())).not.toContain('DESTROY_REQUEST');
  });
});

describe('put', () => {
  it('sets the field value, a field, several, or what a function makes of the present value', async () => {
    const pv = SharedPV.mailbox(double(1));
    const s = new JoinedSession({ p: pv });
    const put = (input: unknown): Promise<void> => s.run(new PutRequest(s.channel('p'), input, OPTIONS));
    await put(2.5);
    expect(pv.fetch().get('value')).toBe(2.5);
    await put('3.5');
    expect(pv.fetch().get('value')).toBe(3.5);
    await put({ 'alarm.severity': 2, alarm: { message: 'hot' } });
    expect(pv.fetch().toJS()).toMatchObject({ value: 3.5, alarm: { severity: 2, message: 'hot' } });
    await put((type: typeof DOUBLE, present: Value | undefined) =>
      Value.create(type, { value: Number(present?.get('value')) + 1 }),
    );
    expect(pv.fetch().get('value')).toBe(4.5);
    const whole = double(9);
    await put(whole);
    expect(pv.fetch().get('value')).toBe(9);
  });

  it('of an enum takes a label, an index, an index as text, and refuses what is no choice', async () => {
    const pv = SharedPV.mailbox(NTEnum.create(['Off', 'On', '7'], 'Off'));
    const s = new JoinedSession({ e: pv });
    const put = (input: unknown): Promise<void> => s.run(new PutRequest(s.channel('e'), input, OPTIONS));
    const label = (): string | undefined => NTEnum.label(pv.fetch());
    await put('On');
    expect(label()).toBe('On');
    await put(0);
    expect(label()).toBe('Off');
    await put('1');
    expect(label()).toBe('On');
    await put('7');
    expect(label()).toBe('7');
    await expect(put('Standby')).rejects.toMatchObject({
      code: 'PVA_NO_CONVERT',
      message: "'Standby' is no choice of this enum; there are: Off, On, 7",
    });
    expect(label()).toBe('7');
  });

  it('reads back first unless told not to', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)) });
    const subs = (): number[] =>
      s
        .sentByClient()
        .filter((m) => m.name === 'PUT')
        .map((m) => m.payload[8] as number);
    await s.run(new PutRequest(s.channel('p'), 2, OPTIONS));
    expect(subs()).toEqual([0x08, 0x40, 0x00]);
    await s.run(new PutRequest(s.channel('p'), 2, { ...OPTIONS, fetch: false }));
    expect(subs()).toEqual([0x08, 0x40, 0x00, 0x08, 0x00]);
  });

  it('that the caller got wrong fails alone: connection and other operations go on', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)), n: new SharedPV() });
    (s.pvs.get('n') as SharedPV).open(Value.create(struct('', { a: 'int', b: 'string' })));
    const put = (name: string, input: unknown): Promise<void> =>
      s.run(new PutRequest(s.channel(name), input, OPTIONS));
    await expect(put('p', 'warm')).rejects.toMatchObject({ code: 'PVA_NO_CONVERT' });
    await expect(put('p', { nope: 1 })).rejects.toMatchObject({ code: 'PVA_NO_FIELD' });
    await expect(put('n', 5)).rejects.toThrow("this channel has no field 'value': give an object with a, b");
    const broken = (): Value => {
      throw new TypeError('my mistake');
    };
    await expect(put('p', broken)).rejects.toThrow(TypeError);
    const mustReturn = 'the function given to put() must return a Value of the type it was given';
    await expect(put('p', () => undefined)).rejects.toThrow(mustReturn);
    await expect(put('p', () => Value.create(struct('', { value: 'int' })))).rejects.toThrow(mustReturn);
    await put('p', 3);
    expect((s.pvs.get('p') as SharedPV).fetch().get('value')).toBe(3);
    expect([s.connections.length, s.lost]).toEqual([1, []]);
    await settled();
    // Each that had got as far as INIT told the server that it is over.
    expect(s.sentByClient().filter((m) => m.name === 'DESTROY_REQUEST')).toHaveLength(7);
  });

  it('refused by the server fails with its words', async () => {
    const s = new JoinedSession({ p: SharedPV.readonly(double(1)) });
    await expect(s.run(new PutRequest(s.channel('p'), 3, OPTIONS))).rejects.toMatchObject({
      code: 'PVA_REMOTE',
      message: 'p: put not permitted: this PV is read-only',
    });
  });
});

describe('rpc', () => {
  const ARGUMENT = struct('', { a: 'int', choice: union('', { x: 'int', y: 'string' }) });
  it('carries any structure there and back, or null', async () => {
    const pv = new SharedPV({ onRpc: (_pv, argument) => argument });
    const s = new JoinedSession({ f: pv });
    const call = (argument: Value | null): Promise<Value | null> =>
      s.run(new RpcRequest(s.channel('f'), argument, OPTIONS));
    const back = await call(Value.create(ARGUMENT, { a: 5, 'choice->y': 'text' }));
    expect(back?.get('choice->y')).toBe('text');
    expect(back?.type.equals(ARGUMENT)).toBe(true);
    expect(await call(null)).toBeNull();
  });

  it('works on a PV that has no value yet', async () => {
    const s = new JoinedSession({ f: new SharedPV({ onRpc: async () => null }) });
    expect(await s.run(new RpcRequest(s.channel('f'), null, OPTIONS))).toBeNull();
  });
});

describe('info', () => {
  it('gives type and server, in one message', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)) });
    const info = await s.run(new InfoRequest(s.channel('p'), OPTIONS));
    expect(info.type.toString()).toBe(DOUBLE.toString());
    expect(info.server).toBe('memory:1');
    await settled();
    expect(names(s.sentByClient())).toEqual(['CONNECTION_VALIDATION', 'CREATE_CHANNEL', 'GET_FIELD']);
  });

  it('waits for a PV that opens later; one given up leaves nothing in the server', async () => {
    const pv = new SharedPV();
    const s = new JoinedSession({ p: pv });
    const abort = new AbortController();
    const given = s.run(new InfoRequest(s.channel('p'), { ...OPTIONS, signal: abort.signal }));
    const kept = s.run(new InfoRequest(s.channel('p'), OPTIONS));
    await settled();
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'PVA_CANCELLED' });
    await settled();
    expect(names(s.sentByClient())).not.toContain('DESTROY_REQUEST');
    const waiting = (pv as unknown as { waiting: Set<unknown> }).waiting;
    expect(waiting.size).toBe(2);
    s.serverDown();
    await settled();
    expect(waiting.size).toBe(0);
    s.serverUp();
    await settled();
    pv.open(double(1));
    expect((await kept).type.equals(DOUBLE)).toBe(true);
  });
});

describe('several clients of one channel', () => {
  it('see each other: a put arrives at a monitor', async () => {
    const pv = SharedPV.mailbox(double(1));
    const one = new JoinedSession({ p: pv });
    const two = new JoinedSession({ p: pv });
    const seen: unknown[] = [];
    const subscription = one.monitor('p', {
      update: (v) => {
        seen.push(v.get('value'));
      },
    });
    await settled();
    await two.run(new PutRequest(two.channel('p'), 2, OPTIONS));
    await settled();
    expect(seen).toEqual([1, 2]);
    expect([pv.clientCount, pv.subscriberCount]).toEqual([2, 1]);
    subscription.close();
    await settled();
    expect([pv.clientCount, pv.subscriberCount]).toEqual([2, 0]);
  });
});

describe('giving up', () => {
  it('by signal or time limit tells the server, and the late reply is no surprise', async () => {
    let finish = (_: null): void => {};
    const pv = new SharedPV({ onRpc: () => new Promise<null>((resolve) => (finish = resolve)) });
    const s = new JoinedSession({ f: pv });
    const abort = new AbortController();
    const cancelled = s.run(new RpcRequest(s.channel('f'), null, { ...OPTIONS, signal: abort.signal }));
    await settled();
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'PVA_CANCELLED', message: 'f: cancelled' });
    const late = s.run(new RpcRequest(s.channel('f'), null, { timeout: 0.02 }));
    await expect(late).rejects.toMatchObject({
      code: 'PVA_TIMEOUT',
      message: 'f: no reply within 0.02 s',
    });
    finish(null);
    await settled();
    expect(s.sentByClient().filter((m) => m.name === 'DESTROY_REQUEST')).toHaveLength(2);
    expect(s.lost).toEqual([]);
  });

  it('before it began never begins', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(double(1)) });
    const signal = AbortSignal.abort();
    await expect(s.run(new GetRequest(s.channel('p'), { ...OPTIONS, signal }))).rejects.toMatchObject({
      code: 'PVA_CANCELLED',
    });
    await settled();
    expect(names(s.sentByClient())).not.toContain('GET');
  });

  it('says what was missing', async () => {
    const s = new JoinedSession({});
    await expect(s.run(new GetRequest(s.channel('nobody'), { timeout: 0.01 }))).rejects.toThrow(
      'nobody: no server has this channel within 0.01 s',
    );
  });
});
