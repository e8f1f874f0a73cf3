/**
 * Our Context against PVXS (p4p's server): every type read, written and monitored, RPCs, errors, a fast counter without
 * loss, a server that is killed and started again, and large arrays.
 */
import { userInfo } from 'node:os';
import {
  Context,
  clientConfigFromEnv,
  NoConvertError,
  NoFieldError,
  NTNDArray,
  RemoteError,
  struct,
  TimeoutError,
  UnionValue,
  Value,
} from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterPut, readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { consecutive, sameBits } from './compare.ts';
import { MonitorLog } from './monitor-log.ts';
import { startP4pServer } from './p4p.ts';
import { changedOf, gotValueOf, inputOf, peerTypeOf, structureOf, typeDefOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const COUNTER_RATE = 500;

describe.skipIf(!peers.available)('our client with a PVXS server', () => {
  let server: Child;
  let context: Context;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    context = new Context(clientConfigFromEnv(env));
    server = await startP4pServer(peers, env, 'p4p:', { counterRate: COUNTER_RATE });
  });

  afterAll(async () => {
    await context?.close();
    await server?.stop();
  });

  it.each(readCatalogue())('reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `p4p:${name}`;
    expect(peerTypeOf((await context.info(pv)).type)).toEqual(type);
    expect(gotValueOf(await context.get(pv))).toMatchObject({ type, value });
    const monitor = new MonitorLog(context, pv);
    const [first] = await monitor.values(1);
    expect(gotValueOf(first as Value)).toMatchObject({ type, value });

    await context.put(pv, inputOf(typeDefOf(type), put));
    const changed = afterPut(type, value, put);
    expect(gotValueOf(await context.get(pv))).toMatchObject({ type, value: changed });
    const [second] = await monitor.values(1);
    monitor.close();
    expect(gotValueOf(second as Value)).toMatchObject({ type, value: changed });
    // Only what was put has changed, for the server and for its subscribers.
    expect(changedOf(second as Value)).toEqual(changedOf(structureOf(typeDefOf(type), put)));
    // What the first update showed does not change with the next one.
    expect(gotValueOf(first as Value)).toMatchObject({ value });
  });

  it('gets and monitors only the fields a request selects', async () => {
    const value = await context.get('p4p:nt:scalar', { pvRequest: 'field(alarm.status,value)' });
    expect(changedOf(value)).toEqual(['alarm.status', 'value']);

    const monitor = new MonitorLog(context, 'p4p:struct:nested', 'field(a.e)');
    expect((await monitor.values(1)).map(changedOf)).toEqual([['a.e']]);
    await context.put('p4p:struct:nested', { g: { h: 5n } });
    await context.put('p4p:struct:nested', { a: { e: 0.125, b: { c: 7 } } });
    const [update] = await monitor.values(1);
    monitor.close();
    expect(changedOf(update as Value)).toEqual(['a.e']);
    expect(update?.get('a.e')).toBe(0.125);
    await expect(context.get('p4p:nt:scalar', { pvRequest: 'field(nothing.there)' })).rejects.toThrow(
      RemoteError,
    );
  });

  it('puts only the fields given, with and without reading before', async () => {
    const extremes = 'p4p:struct:extremes';
    await context.put(extremes, { longMax: 2n ** 63n - 1n }, { fetch: false });
    await context.put(extremes, { ulongMax: 2n ** 64n - 2n, beyondDouble: 2n ** 53n + 1n });
    const value = await context.get(extremes);
    expect([value.get('longMax'), value.get('ulongMax'), value.get('beyondDouble')]).toEqual([
      2n ** 63n - 1n,
      2n ** 64n - 2n,
      2n ** 53n + 1n,
    ]);
    const before = (await context.get('p4p:scalar:float')).get('value') as number;
    await context.put('p4p:scalar:float', (type, present) =>
      Value.create(type, { value: (present?.get('value') as number) / 2 }),
    );
    expect((await context.get('p4p:scalar:float')).get('value')).toBe(before / 2);
  });

  it('refuses before it sends what a field cannot hold', async () => {
    await context.put('p4p:scalar:ubyte', 255);
    await expect(context.put('p4p:scalar:ubyte', 256)).rejects.toThrow(NoConvertError);
    await expect(context.put('p4p:scalar:ubyte', { nothing: 1 })).rejects.toThrow(NoFieldError);
    expect((await context.get('p4p:scalar:ubyte')).get('value')).toBe(255);
  });

  it('puts an enum by label and by index', async () => {
    const index = async () => (await context.get('p4p:nt:enum')).get('value.index');
    await context.put('p4p:nt:enum', 'Closed');
    expect(await index()).toBe(0);
    await context.put('p4p:nt:enum', 1);
    expect(await index()).toBe(1);
    await context.put('p4p:nt:enum', '2');
    expect(await index()).toBe(2);
    await expect(context.put('p4p:nt:enum', 'Ajar')).rejects.toThrow(/Ajar.*Closed, Open, Stuck/);
  });

  it('selects union members by name', async () => {
    const put = (value: unknown) => context.put('p4p:struct:union', { choice: value });
    const get = async () => (await context.get('p4p:struct:union')).get('choice') as UnionValue;
    for (const [index, member, value] of [
      [0, 'number', -5],
      [1, 'text', 'é'],
      [2, 'list', Float64Array.of(0.5, Number.NaN)],
    ] as const) {
      const { type } = await get();
      await put(new UnionValue(type, index, value));
      expect(await get()).toMatchObject({ member, value });
    }
  });

  it('reads and writes an image', async () => {
    const image = new NTNDArray(await context.get('p4p:nt:ndarray-empty'));
    image.pixels = Uint16Array.of(1, 2, 3, 4, 5, 65535);
    image.dimensions = [3, 2];
    image.uniqueId = 77;
    image.setAttribute('Energy', 8.5);
    await context.put('p4p:nt:ndarray-empty', image.value);
    const back = new NTNDArray(await context.get('p4p:nt:ndarray-empty'));
    expect(back.pixels).toEqual(Uint16Array.of(1, 2, 3, 4, 5, 65535));
    expect([back.width, back.height, back.uniqueId, back.uncompressedSize]).toEqual([3, 2, 77, 12]);
    expect(back.attributes).toEqual(new Map([['Energy', 8.5]]));
  });

  it('calls RPCs', async () => {
    const uri = (name: string, query: Record<string, unknown>, types: Record<string, 'double' | 'ulong'>) =>
      Value.create(
        struct('epics:nt/NTURI:1.0', {
          scheme: 'string',
          authority: 'string',
          path: 'string',
          query: struct('', types),
        }),
        { scheme: 'pva', path: name, query },
      );
    const sum = await context.rpc(
      'p4p:rpc:add',
      uri('p4p:rpc:add', { lhs: 1.5, rhs: 2n ** 53n }, { lhs: 'double', rhs: 'ulong' }),
    );
    expect(sum?.id).toBe('epics:nt/NTScalar:1.0');
    expect(sum?.get('value')).toBe(9007199254740994);

    // PVXS cannot send an array of unions on that it received: it spoils the selectors.
    for (const { type, value } of readCatalogue().filter(({ name }) => name !== 'struct:unions')) {
      const argument = structureOf(typeDefOf(type), value);
      const echo = await context.rpc('p4p:rpc:echo', argument);
      expect(gotValueOf(echo as Value)).toMatchObject({ type, value });
    }
    expect(await context.rpc('p4p:rpc:void', uri('p4p:rpc:void', {}, {}))).toBeNull();
    await expect(context.rpc('p4p:rpc:error', uri('p4p:rpc:error', {}, {}))).rejects.toThrow(
      new RemoteError('p4p:rpc:error: this RPC always fails'),
    );
    await expect(context.rpc('p4p:scalar:int', uri('', {}, {}))).rejects.toThrow(RemoteError);
  });

  it('tells the server who it is', async () => {
    const alice = new Context({ ...context.config, user: 'alice', host: 'beamline' });
    for (const [client, account] of [
      [context, userInfo().username],
      [alice, 'alice'],
    ] as const) {
      const answer = await client.rpc('p4p:rpc:account', Value.create(struct('', { nothing: 'int' })));
      expect(answer?.get('value')).toBe(account);
    }
    await alice.close();
  });

  it('says that no server has a channel', async () => {
    await expect(context.get('p4p:no-such-pv', { timeout: 0.5 })).rejects.toThrow(TimeoutError);
    await expect(context.get('p4p:no-such-pv', { timeout: 0.5 })).rejects.toThrow(
      /no server has this channel/,
    );
  });

  it.each([
    'record[queueSize=1000]field(value)',
    'record[pipeline=true,queueSize=1000,ackAny=10]field(value)',
  ])(`loses no update of a counter at ${COUNTER_RATE} Hz with %s`, async (request) => {
    const updates = 2 * COUNTER_RATE;
    const monitor = new MonitorLog(context, 'p4p:counter', request);
    const values = await monitor.values(updates);
    monitor.close();
    const counts = values.map((value) => Number(value.get('value')));
    expect(counts).toEqual(consecutive(counts));
    expect(monitor.subscription.stats).toMatchObject({ overruns: 0, squashed: 0 });
  });

  it('iterates over a monitor and ends with the loop', async () => {
    const counts: number[] = [];
    const options = { pvRequest: 'record[queueSize=1000]', queueSize: 1000 };
    for await (const value of context.monitor('p4p:counter', options)) {
      if (counts.push(Number(value.get('value'))) === 100) break;
    }
    expect(counts).toEqual(consecutive(counts));
  });

  it('transfers arrays of 10 MB, both ways', async () => {
    const big = Float64Array.from({ length: 1_310_720 }, (_, index) => index * 0.1);
    const monitor = new MonitorLog(context, 'p4p:array:double');
    await monitor.values(1);
    await context.put('p4p:array:double', big);
    const [update] = await monitor.values(1);
    monitor.close();
    expect(sameBits(update?.get('value'), big)).toBe(true);
    expect(sameBits((await context.get('p4p:array:double')).get('value'), big)).toBe(true);

    const texts = Array.from({ length: 200_000 }, (_, index) => `text ${index} ${'é'.repeat(index % 20)}`);
    await context.put('p4p:array:string', texts);
    expect((await context.get('p4p:array:string')).get('value')).toEqual(texts);
  });
});

describe.skipIf(!peers.available)('our client when a PVXS server goes away', () => {
  it('resumes its monitors and requests when the server is back after it was killed', async () => {
    const env = peerEnv(await freePorts());
    const context = new Context(clientConfigFromEnv(env));
    let server = await startP4pServer(peers, env, 'p4p:');
    try {
      const monitor = new MonitorLog(context, 'p4p:scalar:int');
      const counter = new MonitorLog(context, 'p4p:counter', 'record[queueSize=1000]');
      await monitor.values(1);
      await counter.values(2);
      await context.put('p4p:scalar:int', 5);
      expect((await monitor.values(1))[0]?.get('value')).toBe(5);

      server.signal('SIGKILL');
      await monitor.next('disconnected');
      await counter.next('disconnected');
      expect(monitor.subscription.stats.connected).toBe(false);
      await server.exited;
      const asked = context.get('p4p:scalar:double', { timeout: 30 });

      server = await startP4pServer(peers, env, 'p4p:');
      await monitor.next('connected', 20_000);
      const [again] = await monitor.values(1);
      expect(gotValueOf(again as Value).changed).toContain('value');
      expect(again?.get('value')).toBe(-2147483648);
      await counter.next('connected', 20_000);
      const counts = (await counter.values(5)).map((value) => Number(value.get('value')));
      expect(counts).toEqual(consecutive(counts));
      expect((await asked).get('value')).toBeDefined();
      await context.put('p4p:scalar:int', 6);
      expect((await monitor.values(1))[0]?.get('value')).toBe(6);
    } finally {
      await context.close();
      await server.stop();
    }
  });

  it('notices a server that hangs, and resumes when it goes on', async () => {
    const env = peerEnv(await freePorts());
    const context = new Context({ ...clientConfigFromEnv(env), tcpTimeout: 2 });
    const server = await startP4pServer(peers, env, 'p4p:');
    try {
      const monitor = new MonitorLog(context, 'p4p:scalar:int');
      await monitor.values(1);
      server.signal('SIGSTOP');
      // The signal takes effect a little later.
      const getUntilItHangs = async (): Promise<never> => {
        for (;;) {
          await context.get('p4p:scalar:int', { timeout: 0.5 });
        }
      };
      await expect(getUntilItHangs()).rejects.toThrow(/no reply within 0.5 s/);
      expect((await monitor.next('disconnected')).why).toMatch(/^connection to 127\.0\.0\.1:\d+ lost: ./);
      server.signal('SIGCONT');
      await monitor.next('connected', 20_000);
      expect((await monitor.values(1))[0]?.get('value')).toBe(-2147483648);
    } finally {
      server.signal('SIGCONT');
      await context.close();
      await server.stop();
    }
  });
});
