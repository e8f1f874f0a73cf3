/**
 * pvAccessCPP (pvapy's client) against our Server: types, registry ids, segmented messages, request options, the
 * distributor and RPCs.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterPut, readCatalogue } from './catalogue.ts';
import { consecutive, countsOf, sameBits, withoutIds } from './compare.ts';
import { OurServer } from './our-server.ts';
import { startPvapyClient } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { gotValueOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('a pvAccessCPP client with our server', () => {
  let ours: OurServer;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    ours = await OurServer.start(env, 'our:');
    client = await startPvapyClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ours?.close();
  });

  // pvapy cannot read a null element of an array of structures or unions.
  const entries = readCatalogue().filter(({ value }) => !Object.values(value).some(hasNullElement));

  it.each(entries)('reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `our:${name}`;
    expect(withoutIds(await client.info(pv))).toEqual(withoutIds(type));
    expect(withoutIds((await client.get(pv)).value)).toEqual(withoutIds(value));
    await client.subscribe(name, pv);
    const [first] = await client.next(name, 1);
    expect(withoutIds(first)).toMatchObject({ event: 'update', value: withoutIds(value) });

    await client.put(pv, put);
    const after = withoutIds(afterPut(type, value, put));
    expect(ours.takePuts(name).map((received) => withoutIds(received.value))).toEqual([after]);
    expect(withoutIds(gotValueOf(ours.pv(name).fetch()).value)).toEqual(after);
    expect(withoutIds((await client.get(pv)).value)).toEqual(after);
    const [second] = await client.next(name, 1);
    await client.unsubscribe(name);
    expect(withoutIds(second)).toMatchObject({ event: 'update', value: after });
  });

  it('puts arrays in segments', async () => {
    for (const length of [8_191, 8_192, 8_193, 100_000, 1_310_720]) {
      const big = Float64Array.from({ length }, (_, index) => index / 2);
      await client.put('our:array:double', { value: [...big] }, { timeout: 30 });
      const put = ours.pv('array:double').fetch();
      expect(sameBits(put.get('value'), big)).toBe(true);
    }
    // What came behind the array in the same message is in its place.
    expect(gotValueOf(ours.pv('array:double').fetch()).value).toMatchObject({
      timeStamp: { secondsPastEpoch: '1700000000' },
    });
    const texts = Array.from({ length: 20_000 }, (_, index) => `text ${index}`);
    await client.put('our:array:string', { value: texts }, { timeout: 30 });
    expect(ours.pv('array:string').fetch().get('value')).toEqual(texts);
  });

  it('sends the fields a request selects', async () => {
    const scalar = ours.pv('nt:scalar').fetch();
    const [severity, units] = [scalar.get('alarm.severity'), scalar.get('display.units')];
    const request = 'field(alarm{status,severity},display.units)';
    const { value } = await client.get('our:nt:scalar', { request });
    // The type stays whole, what was not asked for has its default.
    expect(value).toMatchObject({
      alarm: { severity, status: 1, message: '' },
      display: { units, description: '' },
    });

    await client.subscribe('fields', 'our:struct:nested', { request: 'field(a.e)' });
    await client.next('fields', 1);
    const nested = ours.pv('struct:nested');
    nested.post(nested.fetch().cloneEmpty().set('g.h', 6));
    nested.post(
      nested
        .fetch()
        .cloneEmpty()
        .set('a', { e: 0.125, b: { c: 7 } }),
    );
    expect(await client.next('fields', 1)).toMatchObject([{ event: 'update', value: { a: { e: 0.125 } } }]);
    await client.unsubscribe('fields');
    await expect(client.get('our:nt:scalar', { request: 'field(nothing)' })).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('nothing'),
    });
  });

  it('refuses a put to a read-only PV', async () => {
    await expect(client.put('our:read-only', 2)).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('put not permitted: this PV is read-only'),
    });
    expect((await client.get('our:read-only')).value).toMatchObject({ value: 1.25 });
  });

  it('answers RPCs', async () => {
    const args = { lhs: { type: 'd', value: 1.5 }, rhs: { type: 'i', value: -2 } };
    expect((await client.rpc('our:rpc:add', args))?.value).toMatchObject({ value: -0.5 });
    // The whole argument came and went as it was, twice, so that the types' ids are used again.
    for (let i = 0; i < 2; i++) {
      const echo = await client.rpc('our:rpc:echo', { text: { type: 's', value: 'é' }, ...args });
      expect(echo?.value).toMatchObject({ scheme: 'pva', query: { text: 'é', lhs: 1.5, rhs: -2 } });
    }
    await expect(client.rpc('our:rpc:error', {})).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('this RPC always fails'),
    });
  });

  it('puts and gets in one operation, and uses the type ids of its request again', async () => {
    const fields = 'value,alarm{message,status}';
    const got = await client.putGet('our:scalar:int', '7', `putField(${fields})getField(${fields})`);
    expect(got.value).toMatchObject({ value: 7, alarm: { message: 'hot', status: 1 } });
    // The client sends this as the ids that it defined in the request before.
    const { value } = await client.get('our:scalar:int', { request: `field(${fields})` });
    expect(value).toMatchObject({ value: 7, alarm: { message: 'hot', status: 1 } });
    expect(ours.takePuts('scalar:int').at(-1)?.value).toMatchObject({ value: 7 });
  });

  it('loses no update of a counter at 500 Hz with record[queueSize=100]', async () => {
    await client.subscribe('counter', 'our:counter', { request: 'record[queueSize=100]field()' });
    await client.next('counter', 1);
    const stop = ours.startCounting(500);
    const counts = countsOf(await client.next('counter', 1000, { timeout: 30 }));
    stop();
    await client.unsubscribe('counter');
    expect(counts).toEqual(consecutive(counts));
  });

  it('queues as many updates as a client asks for', async () => {
    await client.subscribe('queue', 'our:counter', { request: 'record[queueSize=500]field()' });
    const [before] = countsOf(await client.next('queue', 1)) as [number];
    ours.count(500);
    const counts = countsOf(await client.next('queue', 500, { timeout: 30 }));
    await client.unsubscribe('queue');
    expect(counts).toEqual(Array.from({ length: 500 }, (_, index) => before + 1 + index));
  });

  describe('the distributor', () => {
    /** What each of some monitors of the counter gets of the next `total` numbers, counted from 1; shares in order. */
    async function sharesOf(requests: readonly string[], total: number, shareLength: number) {
      const subs = requests.map((_, index) => `share ${index}`);
      let base = 0;
      for (const [index, sub] of subs.entries()) {
        await client.subscribe(sub, 'our:counter', { request: requests[index] as string });
        base = countsOf(await client.next(sub, 1))[0] as number;
      }
      ours.count(total);
      const shares: number[][] = [];
      for (const sub of subs) {
        shares.push(countsOf(await client.next(sub, shareLength)).map((count) => count - base));
      }
      for (const sub of subs) {
        await client.unsubscribe(sub);
      }
      return shares;
    }

    it('deals out single updates to the clients of a group', async () => {
      const request = 'record[queueSize=100]field(_[pydistributor=updates:1])';
      expect(byFirst(await sharesOf([request, request, request], 30, 10))).toEqual([
        every(3, 1, 10),
        every(3, 2, 10),
        every(3, 3, 10),
      ]);
    });

    it('gives a set of clients the same updates, several at a time', async () => {
      const request = (set: string) => `record[queueSize=100]field(_[pydistributor=set:${set};updates:3])`;
      const shares = await sharesOf([request('S1'), request('S1'), request('S2'), request('S2')], 12, 6);
      const [odd, even] = [
        [1, 2, 3, 7, 8, 9],
        [4, 5, 6, 10, 11, 12],
      ];
      expect(byFirst(shares)).toEqual([odd, odd, even, even]);
      expect(shares[0]).toEqual(shares[1]);
    });

    it('keeps groups apart', async () => {
      const request = (group: string, updates: number) =>
        `record[queueSize=100]field(_[distributor=group:${group};trigger:value;updates:${updates}])`;
      const requests = [request('G1', 1), request('G1', 1), request('G2', 3), request('G2', 3)];
      const shares = await sharesOf(requests, 12, 6);
      expect(byFirst(shares.slice(0, 2))).toEqual([every(2, 1, 6), every(2, 2, 6)]);
      expect(byFirst(shares.slice(2))).toEqual([
        [1, 2, 3, 7, 8, 9],
        [4, 5, 6, 10, 11, 12],
      ]);
    });
  });
});

/** `count` numbers from `first` on, `step` apart. */
function every(step: number, first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index * step);
}

/** Which client gets which share depends on the order in which they connected. */
function byFirst(shares: readonly number[][]): number[][] {
  return [...shares].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

function hasNullElement(value: unknown): boolean {
  return Array.isArray(value) && value.includes(null);
}
