/**
 * PVXS (p4p's client) against our Server: every type read, written and monitored, RPCs, requests, errors, a fast counter
 * without loss, flow control, and large arrays. What the client puts is checked on our side.
 */
import { userInfo } from 'node:os';
import { SharedPV, struct, Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterPut, readCatalogue } from './catalogue.ts';
import { consecutive, countsOf, sameBits, valueOfUpdate } from './compare.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient } from './p4p.ts';
import type { MonitorEvent, PeerClient } from './peer-client.ts';
import { changedOf, gotValueOf, structureOf, typeDefOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('a PVXS client with our server', () => {
  let ours: OurServer;
  let client: PeerClient;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    env = peerEnv(await freePorts());
    ours = await OurServer.start(env, 'our:');
    client = await startP4pClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ours?.close();
  });

  it.each(readCatalogue())('reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `our:${name}`;
    expect(await client.get(pv)).toMatchObject({ type, value });
    await client.subscribe(name, pv);
    expect((await client.next(name, 1))[0]).toMatchObject({ event: 'update', type, value });

    await client.put(pv, put);
    const changed = changedOf(structureOf(typeDefOf(type), put));
    const puts = ours.takePuts(name);
    expect(puts).toMatchObject([{ type, value: put, changed, method: 'ca', account: userInfo().username }]);
    const after = afterPut(type, value, put);
    expect(gotValueOf(ours.pv(name).fetch())).toMatchObject({ value: after });
    expect(await client.get(pv)).toMatchObject({ type, value: after });
    const [update] = await client.next(name, 1);
    expect(update).toMatchObject({ event: 'update', value: after, changed });

    // Without reading before, as a client may.
    await client.put(pv, put, { get: false });
    expect((await client.next(name, 1))[0]).toMatchObject({ event: 'update', value: after, changed });
    expect(ours.takePuts(name)).toMatchObject([{ value: put, changed }]);
    await client.unsubscribe(name);
  });

  it('sends and takes only the fields a request selects', async () => {
    const got = await client.get('our:nt:scalar', { request: 'field(alarm.status,value)' });
    expect(got.changed).toEqual(['alarm.status', 'value']);
    expect(got.value).toMatchObject({
      alarm: { severity: 0, status: 1, message: '' },
      display: { units: '' },
    });

    await client.subscribe('fields', 'our:struct:nested', { request: 'field(a.e)' });
    expect((await client.next('fields', 1))[0]).toMatchObject({ event: 'update', changed: ['a.e'] });
    await client.put('our:struct:nested', { g: { h: '5' } });
    await client.put('our:struct:nested', { a: { e: 0.125, b: { c: 7 } } });
    const events = await client.next('fields', 1);
    await client.unsubscribe('fields');
    expect(events).toMatchObject([
      { event: 'update', changed: ['a.e'], value: { a: { e: 0.125, b: { c: 0 } } } },
    ]);
  });

  it('says what is wrong with a request', async () => {
    await expect(client.get('our:nt:scalar', { request: 'field(nothing)' })).rejects.toMatchObject({
      kind: 'remote',
      message: expect.stringContaining('nothing'),
    });
  });

  it('refuses a put to a read-only PV, and what a handler refuses', async () => {
    await expect(client.put('our:read-only', 2)).rejects.toMatchObject({
      kind: 'remote',
      message: 'put not permitted: this PV is read-only',
    });
    expect((await client.get('our:read-only')).value).toMatchObject({ value: 1.25 });

    const careful = new SharedPV({
      onPut: async (pv, value) => {
        if (Number(value.get('value')) > 10) {
          throw new Error('10 is the most');
        }
        pv.post(value);
      },
    });
    careful.open(ours.pv('read-only').fetch());
    ours.server.addPV('our:careful', careful);
    await client.put('our:careful', 10);
    await expect(client.put('our:careful', 11)).rejects.toMatchObject({
      kind: 'remote',
      message: '10 is the most',
    });
    expect((await client.get('our:careful')).value).toMatchObject({ value: 10 });
  });

  it('answers RPCs', async () => {
    const sum = await client.rpc('our:rpc:add', {
      lhs: { type: 'd', value: 1.5 },
      rhs: { type: 'L', value: '9007199254740992' },
    });
    expect(sum?.type).toMatchObject(['S', 'epics:nt/NTScalar:1.0', expect.anything()]);
    expect(sum?.value).toMatchObject({ value: 9007199254740994 });
    for (const { type, value } of readCatalogue()) {
      // PVXS cannot assign null to a union or an any, which are null anyway.
      const given = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
      const echo = await client.rpcWith('our:rpc:echo', { type, value: given });
      expect([echo?.type, echo?.value]).toEqual([type, value]);
    }
    expect(await client.rpc('our:rpc:void', {})).toBeNull();
    await expect(client.rpc('our:rpc:error', {})).rejects.toMatchObject({
      kind: 'remote',
      message: 'this RPC always fails',
    });
    await expect(client.rpc('our:scalar:int', {})).rejects.toMatchObject({
      kind: 'remote',
      message: expect.stringMatching(/RPC/),
    });
  });

  it('has no answer for a channel it does not serve', async () => {
    await expect(client.get('our:no-such-pv', { timeout: 0.5 })).rejects.toMatchObject({ kind: 'timeout' });
  });

  it.each(['record[queueSize=1000]', 'record[queueSize=1000,pipeline=true,ackAny=10]'])(
    'loses no update of a counter at 500 Hz with %s',
    async (request) => {
      await client.subscribe('counter', 'our:counter', { request });
      await client.next('counter', 1);
      const stop = ours.startCounting(500);
      const counts = countsOf(await client.next('counter', 1000, { timeout: 30 }));
      stop();
      await client.unsubscribe('counter');
      expect(counts).toEqual(consecutive(counts));
    },
  );

  it('sends the first and the last of a burst that is longer than the queue', async () => {
    await client.subscribe('burst', 'our:counter', { request: 'record[queueSize=4]field(value)' });
    const [before] = countsOf(await client.next('burst', 1)) as [number];
    ours.count(10_000);
    const counts: number[] = [];
    while (counts.at(-1) !== before + 10_000) {
      counts.push(...countsOf(await client.next('burst', 1)));
    }
    await client.unsubscribe('burst');
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(counts.length);
  });

  it('does not let a client that hangs hold up another one, and gives it the newest value at last', async () => {
    const frames = 100;
    const type = struct('', { id: 'int', data: 'ubyte[]' });
    const pv = SharedPV.readonly(Value.create(type, { id: 0, data: new Uint8Array(262_144) }));
    ours.server.addPV('our:frames', pv);
    const hung = await startP4pClient(peers, env);
    const frameOf = (event: MonitorEvent | undefined) =>
      event?.event === 'update' ? (event.value as { id: number; data: number[] }) : undefined;
    try {
      await hung.subscribe('frames', 'our:frames');
      expect(frameOf((await hung.next('frames', 1))[0])?.id).toBe(0);
      await client.subscribe('frames', 'our:frames', { request: 'field(id)' });
      expect(frameOf((await client.next('frames', 1))[0])?.id).toBe(0);

      hung.child.signal('SIGSTOP');
      for (let id = 1; id <= frames; id++) {
        pv.post(Value.create(type, { id, data: new Uint8Array(262_144).fill(id) }));
        expect(frameOf((await client.next('frames', 1))[0])?.id).toBe(id);
      }
      hung.child.signal('SIGCONT');
      const ids: number[] = [];
      while (ids.at(-1) !== frames) {
        const frame = frameOf((await hung.next('frames', 1))[0]);
        ids.push(frame?.id ?? Number.NaN);
        // An id comes with its own data, however many updates were merged.
        expect(frame?.data.at(-1)).toBe(frame?.id);
      }
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
      expect(ids.length).toBeLessThan(frames);
    } finally {
      hung.child.signal('SIGCONT');
      await hung.stop();
      await client.unsubscribe('frames');
    }
  });

  it('tells subscribers when a PV ends, closes and comes back', async () => {
    const pv = new SharedPV();
    pv.open(ours.pv('read-only').fetch());
    ours.server.addPV('our:short', pv);
    await client.subscribe('short', 'our:short');
    await client.next('short', 1);
    pv.finish();
    expect(await client.next('short', 1)).toEqual([{ event: 'finished' }]);
    await client.unsubscribe('short');

    await client.subscribe('short', 'our:short');
    await client.next('short', 1);
    ours.server.removePV('our:short');
    expect(await client.next('short', 1)).toEqual([{ event: 'disconnected' }]);
    ours.server.addPV('our:short', SharedPV.readonly(ours.pv('read-only').fetch()));
    expect(await client.next('short', 1, { timeout: 15 })).toMatchObject([{ event: 'update' }]);
    await client.unsubscribe('short');
  });

  it('transfers arrays of 10 MB, both ways', async () => {
    const length = 1_310_720;
    const big = Array.from({ length }, (_, index) => index);
    await client.put('our:array:double', { value: big }, { timeout: 30 });
    expect(sameBits(ours.pv('array:double').fetch().get('value'), Float64Array.from(big))).toBe(true);
    ours.takePuts('array:double');

    await client.subscribe('big', 'our:array:double');
    const nextArray = async () =>
      Float64Array.from(valueOfUpdate((await client.next('big', 1, { timeout: 30 }))[0]) as number[]);
    expect(sameBits(await nextArray(), Float64Array.from(big))).toBe(true);
    const reversed = Float64Array.from(big).reverse();
    ours.pv('array:double').post(Value.create(ours.pv('array:double').fetch().type, { value: reversed }));
    expect(sameBits(await nextArray(), reversed)).toBe(true);
    await client.unsubscribe('big');
  });
});
