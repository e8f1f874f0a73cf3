/**
 * Our Context against pvAccessCPP with pvDatabase (pvapy's server): types with registry ids, types reduced to the
 * fields asked for, segmented messages, its monitor queue and distributor, RPCs, a server that is killed.
 *
 * Not `record[pipeline=true]`: with it pvDatabase sends updates it has sent before, to pvAccessCPP's and PVXS's clients too.
 */
import {
  Context,
  clientConfigFromEnv,
  NTNDArray,
  RemoteError,
  struct,
  TimeoutError,
  type TypeSpec,
  Value,
} from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterPut, readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { consecutive, sameBits, withoutIds } from './compare.ts';
import { MonitorLog } from './monitor-log.ts';
import { startPvapyServer } from './p4p.ts';
import { gotValueOf, inputOf, peerTypeOf, typeDefOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const RATE = 200;

describe.skipIf(!peers.available)('our client with a pvAccessCPP server', () => {
  let server: Child;
  let context: Context;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    context = new Context(clientConfigFromEnv(env));
    server = await startPvapyServer(peers, env, 'cpp:', { rate: RATE });
  });

  afterAll(async () => {
    await context?.close();
    await server?.stop();
  });

  it.each(readCatalogue())('reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `cpp:${name}`;
    const [before, after] = [served(value), served(afterPut(type, value, put))];
    expect(withoutIds(peerTypeOf((await context.info(pv)).type))).toEqual(withoutIds(type));
    expect(withoutIds(gotValueOf(await context.get(pv)))).toMatchObject({ value: before });
    const monitor = new MonitorLog(context, pv);
    const [first] = await monitor.values(1);
    expect(withoutIds(gotValueOf(first as Value))).toMatchObject({ value: before });

    await context.put(pv, inputOf(typeDefOf(type), put));
    expect(withoutIds(gotValueOf(await context.get(pv)))).toMatchObject({ value: after });
    const [second] = await monitor.values(1);
    monitor.close();
    expect(withoutIds(gotValueOf(second as Value))).toMatchObject({ value: after });
  });

  it('takes the type as the server reduces it to the fields asked for', async () => {
    await context.put('cpp:nt:scalar', -4.5);
    const value = await context.get('cpp:nt:scalar', { pvRequest: 'field(alarm.status,value)' });
    expect(value.type.members.map(({ name }) => name)).toEqual(['alarm', 'value']);
    expect(value.toJS()).toMatchObject({ alarm: { status: 1 }, value: -4.5 });
    expect((await context.info('cpp:nt:scalar')).type.id).toBe('epics:nt/NTScalar:1.0');

    await context.put('cpp:struct:nested', { a: { b: { c: 3 } } });
    const monitor = new MonitorLog(context, 'cpp:struct:nested', 'field(a.b)');
    const [first] = await monitor.values(1);
    expect(first?.toJS()).toEqual({ a: { b: { c: 3, d: ['x'] } } });
    await context.put('cpp:struct:nested', { g: { h: 77n } });
    await context.put('cpp:struct:nested', { a: { b: { d: ['y', 'z'] } } }, { pvRequest: 'field(a.b.d)' });
    const [update] = await monitor.values(1);
    expect(update?.toJS()).toEqual({ a: { b: { c: 3, d: ['y', 'z'] } } });
    monitor.close();
    await expect(context.get('cpp:nt:scalar', { pvRequest: 'field(nothing)' })).rejects.toThrow(RemoteError);
  });

  it('uses a type again that the server defined before by an id', async () => {
    // The server sends one definition for each connection and refers to it from then on.
    for (let i = 0; i < 3; i++) {
      const names = ['scalar:int', 'nt:enum', 'nt:scalar', 'nt:ndarray', 'struct:anys'];
      const values = await Promise.all(names.map((name) => context.get(`cpp:${name}`)));
      expect(values.map(({ type }) => withoutIds(peerTypeOf(type)))).toEqual(
        names.map((name) => withoutIds(readCatalogue().find((entry) => entry.name === name)?.type)),
      );
    }
  });

  it('puts an enum by label', async () => {
    await context.put('cpp:nt:enum', 'Closed');
    expect((await context.get('cpp:nt:enum')).get('value.index')).toBe(0);
    await expect(context.put('cpp:nt:enum', 'Ajar')).rejects.toThrow(/Closed, Open, Stuck/);
  });

  it('transfers arrays in segments, up to 10 MB', async () => {
    for (const length of [8_191, 8_192, 8_193, 100_000, 1_310_720]) {
      const big = Float64Array.from({ length }, (_, index) => index / 2);
      const monitor = new MonitorLog(context, 'cpp:array:double');
      await monitor.values(1);
      await context.put('cpp:array:double', big);
      const [update] = await monitor.values(1);
      monitor.close();
      expect(sameBits(update?.get('value'), big)).toBe(true);
      const value = await context.get('cpp:array:double');
      expect(sameBits(value.get('value'), big)).toBe(true);
      expect(value.get('alarm.message')).toBe('hot');
    }
    const texts = Array.from({ length: 100_000 }, (_, index) => `text ${index}`);
    await context.put('cpp:array:string', texts);
    expect((await context.get('cpp:array:string')).get('value')).toEqual(texts);
  });

  it(`loses no image at ${RATE} Hz with record[queueSize=1000]`, async () => {
    const monitor = new MonitorLog(context, 'cpp:image', 'record[queueSize=1000]field()');
    const images = (await monitor.values(2 * RATE)).map((value) => new NTNDArray(value));
    monitor.close();
    const ids = images.map((image) => image.uniqueId);
    expect(ids).toEqual(consecutive(ids));
    expect(monitor.subscription.stats).toMatchObject({ overruns: 0, squashed: 0 });
    // What was received first still holds its own pixels; the value that was there at the start may hold none.
    for (const image of images.filter(({ uniqueId }) => uniqueId > 0)) {
      expect(image.shape).toEqual([300, 300]);
      expect(sameBits(image.pixels, new Uint8Array(90_000).fill(image.uniqueId % 256))).toBe(true);
    }
  });

  it('shares the updates of its distributor', async () => {
    const request = 'record[queueSize=100]field(_[pydistributor=updates:1;trigger:value])';
    const monitors = [1, 2, 3].map(() => new MonitorLog(context, 'cpp:counter', request));
    for (const monitor of monitors) {
      await monitor.values(1);
    }
    // From here on all three take part.
    const from = Math.max(...monitors.map(latestCount)) + 3;
    const shares: number[][] = [];
    for (const monitor of monitors) {
      await monitor.until((event) => event.event === 'update' && countOf(event.value) > from + 60);
      const counts = monitor.events.flatMap((e) => (e.event === 'update' ? [countOf(e.value)] : []));
      shares.push(counts.filter((count) => count > from && count <= from + 60));
      monitor.close();
    }
    expect(shares.map((share) => share.length)).toEqual([20, 20, 20]);
    expect(shares.flat().sort((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, index) => from + 1 + index),
    );
  });

  it('calls RPCs', async () => {
    const call = (name: string, types: Record<string, TypeSpec>, query: Record<string, unknown>) =>
      context.rpc(
        name,
        Value.create(
          struct('epics:nt/NTURI:1.0', { scheme: 'string', path: 'string', query: struct('', types) }),
          { scheme: 'pva', path: name, query },
        ),
      );
    const types = { lhs: 'double', rhs: 'int' } as const;
    const sum = await call('cpp:rpc:add', types, { lhs: 1.5, rhs: -2 });
    expect(sum?.id).toBe('epics:nt/NTScalar:1.0');
    expect(sum?.get('value')).toBe(-0.5);
    const more = { ...types, text: 'string', numbers: 'ulong[]' } as const;
    const query = { lhs: 0.5, rhs: 7, text: 'é', numbers: BigUint64Array.of(2n ** 64n - 1n) };
    expect((await call('cpp:rpc:echo', more, query))?.toJS()).toEqual({
      scheme: 'pva',
      path: 'cpp:rpc:echo',
      query,
    });
    await expect(call('cpp:rpc:error', types, {})).rejects.toThrow(/this RPC always fails/);
  });

  it('says that no server has a channel', async () => {
    await expect(context.get('cpp:no-such-pv', { timeout: 0.5 })).rejects.toThrow(TimeoutError);
  });
});

describe.skipIf(!peers.available)('our client when a pvAccessCPP server goes away', () => {
  it('resumes its monitors and requests when the server is back after it was killed', async () => {
    const env = peerEnv(await freePorts());
    const context = new Context(clientConfigFromEnv(env));
    let server = await startPvapyServer(peers, env, 'cpp:');
    try {
      const monitor = new MonitorLog(context, 'cpp:scalar:int');
      await monitor.values(1);
      await context.put('cpp:scalar:int', 5);
      expect((await monitor.values(1))[0]?.get('value')).toBe(5);
      server.signal('SIGKILL');
      await monitor.next('disconnected');
      await server.exited;
      const asked = context.get('cpp:scalar:double', { timeout: 30 });
      server = await startPvapyServer(peers, env, 'cpp:');
      expect((await monitor.values(1, 20_000))[0]?.get('value')).toBe(-2147483648);
      expect((await asked).get('value')).toBe(Number.MAX_VALUE);
    } finally {
      await context.close();
      await server.stop();
    }
  });
});

function countOf(value: Value): number {
  return Number(value.get('value'));
}

function latestCount(monitor: MonitorLog): number {
  const event = monitor.events.findLast((e) => e.event === 'update');
  return event?.event === 'update' ? countOf(event.value) : 0;
}

/**
 * A value of the catalogue as pvapy_server.py can serve it: no null elements, no type ids, negative scalar bytes not
 * before they are put. A put processes the record, which sets its time stamp.
 */
function served(value: unknown): object {
  const shown = Object.entries(value as object)
    .filter(([name, member]) => name !== 'timeStamp' && name !== 'valueAlarm' && member !== -128)
    .map(([name, member]) => [name, Array.isArray(member) ? member.filter((e) => e !== null) : member]);
  return withoutIds(Object.fromEntries(shown)) as object;
}
