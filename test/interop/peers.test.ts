/**
 * The real peers work on their own on this machine: PVXS with PVXS, pvAccessCPP with PVXS, PvaPy's simulator with PvaPy's
 * consumer, and a real IOC. When one of these fails, the environment is at fault and not our code.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INPUT, runStream } from '../../bench/chains/stream-run.ts';
import { pvapySuite } from '../../bench/pair-run.ts';
import { afterPut, readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { type Ioc, startIoc } from './ioc.ts';
import { startP4pClient, startP4pServer, startPvapyClient } from './p4p.ts';
import type { MonitorEvent, PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';
import { type ConsumerOptions, type ConsumerReport, startPvapyConsumer } from './pvapy.ts';

const peers = await ensurePeers();
/** PVXS queues 4 updates by default, and joins those that come while a process stands still. */
const UNSQUASHED = 'record[queueSize=1000]field()';

function monitored(event: MonitorEvent | undefined): unknown {
  return event?.event === 'update' ? (event.value as { value: unknown }).value : event;
}

describe.skipIf(!peers.available)('p4p (PVXS)', () => {
  let server: Child;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    server = await startP4pServer(peers, env, 'p4p:', { counterRate: 50 });
    client = await startP4pClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await server?.stop();
  });

  it.each(readCatalogue())('serves, reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `p4p:${name}`;
    expect(await client.info(pv)).toEqual(type);
    await client.subscribe(name, pv);
    const [first] = await client.next(name, 1);
    expect(first).toMatchObject({ event: 'update', type, value });

    await client.put(pv, put);
    const changed = afterPut(type, value, put);
    expect(await client.get(pv)).toMatchObject({ type, value: changed });
    const [second] = await client.next(name, 1);
    await client.unsubscribe(name);
    expect(second).toMatchObject({ event: 'update', value: changed });
  });

  it('marks as changed only what the server sent', async () => {
    await client.subscribe('marks', 'p4p:struct:nested');
    await client.next('marks', 1);
    await client.put('p4p:struct:nested', { a: { e: 0.25 } });
    const [update] = await client.next('marks', 1);
    await client.unsubscribe('marks');
    expect(update).toMatchObject({ event: 'update', changed: ['a.e'] });
  });

  it('returns the members a request selects', async () => {
    const got = await client.get('p4p:nt:scalar', { request: 'field(alarm.status,value)' });
    expect(got.changed).toEqual(['alarm.status', 'value']);
  });

  it('calls an RPC with arguments of several types', async () => {
    const sum = await client.rpc('p4p:rpc:add', {
      lhs: { type: 'd', value: 1.5 },
      rhs: { type: 'L', value: '9007199254740992' },
    });
    expect(sum?.value).toMatchObject({ value: 9007199254740994 });

    const args = {
      text: { type: 's', value: 'é' },
      flags: { type: 'a?', value: [true, false] },
      big: { type: 'L', value: '18446744073709551615' },
      small: { type: 'b', value: -128 },
    };
    const echo = await client.rpc('p4p:rpc:echo', args);
    expect(echo?.type).toMatchObject(['S', 'epics:nt/NTURI:1.0', expect.anything()]);
    expect(echo?.value).toMatchObject({
      path: 'p4p:rpc:echo',
      query: { text: 'é', flags: [true, false], big: '18446744073709551615', small: -128 },
    });
    expect(await client.rpc('p4p:rpc:void', {})).toBeNull();
  });

  it('tells an error of the server from a channel that does not answer', async () => {
    await expect(client.rpc('p4p:rpc:error', {})).rejects.toMatchObject({
      kind: 'remote',
      message: 'this RPC always fails',
    });
    await expect(client.get('p4p:no-such-pv', { timeout: 1 })).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('delivers a counter in order', async () => {
    const events = await client.monitor('p4p:counter', 20, { request: UNSQUASHED, timeout: 30 });
    const counts = events.map((event) => Number(monitored(event)));
    expect(counts).toEqual(counts.map((_, index) => (counts[0] ?? Number.NaN) + index));
  });

  it('reports a server that goes away', async () => {
    const env = peerEnv(await freePorts());
    const shortLived = await startP4pServer(peers, env, 'short:');
    const witness = await startP4pClient(peers, env);
    await witness.subscribe('end', 'short:scalar:int');
    await witness.next('end', 1);
    await shortLived.stop();
    expect(await witness.next('end', 1)).toEqual([{ event: 'disconnected' }]);
    await witness.stop();
  });
});

describe.skipIf(!peers.available)('pvapy (pvAccessCPP) client with a PVXS server', () => {
  let server: Child;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    server = await startP4pServer(peers, env, 'cpp:');
    client = await startPvapyClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await server?.stop();
  });

  // pvapy cannot read a null element of an array of structures or unions.
  const entries = readCatalogue().filter(({ value }) => !Object.values(value).some(hasNullElement));

  it.each(entries)('reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `cpp:${name}`;
    expect(withoutIds((await client.get(pv)).value)).toEqual(withoutIds(value));
    await client.subscribe(name, pv);
    const [first] = await client.next(name, 1);
    expect(withoutIds(first)).toMatchObject({ event: 'update', value: withoutIds(value) });

    await client.put(pv, put);
    const changed = withoutIds(afterPut(type, value, put));
    expect(withoutIds((await client.get(pv)).value)).toEqual(changed);
    const [second] = await client.next(name, 1);
    await client.unsubscribe(name);
    expect(withoutIds(second)).toMatchObject({ event: 'update', value: changed });
  });

  it('asks for the type of a PV and calls an RPC', async () => {
    const entry = entries.find(({ name }) => name === 'struct:union');
    expect(withoutIds(await client.info('cpp:struct:union'))).toEqual(withoutIds(entry?.type));
    const args = { lhs: { type: 'd', value: 1.5 }, rhs: { type: 'i', value: -2 } };
    const sum = await client.rpc('cpp:rpc:add', args);
    expect(sum?.type).toMatchObject(['S', 'epics:nt/NTScalar:1.0', expect.anything()]);
    expect(sum?.value).toMatchObject({ value: -0.5 });
    await expect(client.rpc('cpp:rpc:error', {})).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('this RPC always fails'),
    });
  });

  it('takes a request and says what is wrong with one', async () => {
    expect((await client.get('cpp:struct:nested', { request: 'field(g)' })).value).toMatchObject({
      g: { h: '9223372036854775807' },
    });
    await expect(client.get('cpp:struct:nested', { request: 'field((' })).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('invalid pvRequest'),
    });
  });
});

/** pvapy does not say the type ids of what an any holds. */
function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\["(a?[SU])",("[^"]*"|null),/g, '["$1",null,'));
}

function hasNullElement(value: unknown): boolean {
  return Array.isArray(value) && value.includes(null);
}

describe.skipIf(!peers.available)('two groups of processes on one host', () => {
  it('do not see each other, neither PVXS nor pvAccessCPP', async () => {
    const [here, there] = [peerEnv(await freePorts()), peerEnv(await freePorts())];
    const children: { stop(): Promise<unknown> }[] = [];
    try {
      // The same name in both groups and different values; and a name that only one group has.
      for (const [env, prefix] of [
        [here, 'same:'],
        [there, 'same:'],
        [there, 'there:'],
      ] as const) {
        children.push(await startP4pServer(peers, env, prefix));
      }
      const inside = await startP4pClient(peers, there);
      children.push(inside);
      await inside.put('same:scalar:int', 5);
      for (const start of [startP4pClient, startPvapyClient]) {
        const client = await start(peers, here);
        children.push(client);
        const other = await start(peers, there);
        children.push(other);
        expect((await client.get('same:scalar:int')).value).toMatchObject({ value: -2147483648 });
        expect((await other.get('same:scalar:int')).value).toMatchObject({ value: 5 });
        expect((await other.get('there:scalar:int')).value).toMatchObject({ value: -2147483648 });
        await expect(client.get('there:scalar:int', { timeout: 1 })).rejects.toMatchObject({
          kind: 'timeout',
        });
      }
    } finally {
      await Promise.all(children.map((child) => child.stop()));
    }
  });
});

describe.skipIf(!peers.available)('PvaPy streaming', () => {
  const RATE = 200;

  /** Runs its simulator with a consumer that is connected before the first frame. */
  function stream(
    size: number,
    options: Partial<ConsumerOptions>,
    done: (reports: readonly ConsumerReport[], published: number) => boolean,
  ): Promise<{ published: number; reports: ConsumerReport[] }> {
    const suite = pvapySuite(peers);
    return runStream(
      { size, fps: RATE, seconds: 4 },
      { startDelay: 8, longestStartDelay: 32, shutdownDelay: 5 },
      async (run) => {
        await run.simulate(suite);
        const consumer = await startPvapyConsumer(suite, run.env, {
          inputChannel: INPUT,
          serverQueueSize: 1000,
          ...options,
        });
        run.own(consumer.child);
        if (!run.inTime) return undefined;
        await run.lastFrame();
        const { published } = await run.published();
        await consumer.waitForReports((reports) => done(reports, published), 20_000);
        return { published, reports: await consumer.finish() };
      },
      'the consumer was not connected',
    );
  }

  it(`passes ${RATE} frames a second from its simulator through its consumer without loss`, async () => {
    const { published, reports } = await stream(
      128,
      { outputChannel: '_' },
      ([report], last) => report?.lastObjectId === last,
    );
    expect(published).toBeGreaterThan(1);
    expect(reports[0]).toMatchObject({
      consumerId: 1,
      nReceived: published + 1,
      nProcessed: published,
      nPublished: published,
      nMissed: 0,
      nOverruns: 0,
      nErrors: 0,
      firstObjectId: 1,
      lastObjectId: published,
    });
  });

  it('shares the frames among two consumers by its distributor', async () => {
    const { published, reports } = await stream(
      256,
      {
        consumerId: 3,
        nConsumers: 2,
        distributorGroup: 'group',
        distributorTrigger: 'uniqueId',
        distributorUpdates: 1,
      },
      (all, last) => all.reduce((n, report) => n + report.nProcessed, 0) === last,
    );
    expect(published).toBeGreaterThan(1);
    expect(reports.map((report) => report.consumerId)).toEqual([3, 4]);
    expect(reports.map((report) => report.nMissed)).toEqual([0, 0]);
    // Which of the two gets the first frame depends on who connected first.
    const shares = reports.map((report) => report.nProcessed).sort((a, b) => b - a);
    expect(shares).toEqual([Math.ceil(published / 2), Math.floor(published / 2)]);
  });
});

describe.skipIf(!peers.available)('a real IOC (softIoc with QSRV 2)', () => {
  let ioc: Ioc;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    ioc = await startIoc(peers, env, 'ioc:');
    client = await startP4pClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ioc?.stop();
  });

  it.each([
    ['ai', { value: 3.25, display: { units: 'mm', precision: 3, description: 'beam position' } }],
    ['ao', { value: 1.5 }],
    ['bi', { value: { index: 1, choices: ['Closed', 'Open'] } }],
    ['bo', { value: { index: 0, choices: ['Off', 'On'] } }],
    ['mbbo', { value: { index: 1, choices: ['Idle', 'Exposing', 'Reading', 'Fault'] } }],
    ['longin', { value: -2147483648 }],
    ['longout', { value: 7 }],
    ['int64in', { value: '9007199254740993' }],
    ['int64out', { value: '-9007199254740993' }],
    ['stringin', { value: 'forty characters at most' }],
    ['stringout', { value: 'text' }],
    ['waveform:double', { value: [1.5, -2.25, 1e300] }],
    ['waveform:char', { value: [1, 2, -3] }],
    ['waveform:string', { value: ['one', 'two'] }],
    ['waveform:long', { value: [2147483647, -2147483648] }],
    ['group', { x: 1, y: 2 }],
  ])('is read by a PVXS client: %s', async (record, expected) => {
    expect((await client.get(`ioc:${record}`)).value).toMatchObject(expected);
  });

  it('serves long strings whole', async () => {
    const text = 'a long string, which no stringin could hold because it has more than forty characters';
    expect((await client.get('ioc:lsi')).value).toMatchObject({ value: text });
    await client.put('ioc:lso', text);
    expect((await client.get('ioc:lso')).value).toMatchObject({ value: text });
  });

  it('takes puts and raises alarms', async () => {
    await client.put('ioc:limits', 9);
    expect((await client.get('ioc:limits')).value).toMatchObject({ value: 9, alarm: { severity: 2 } });
    await client.put('ioc:mbbo', { value: { index: 3 } });
    expect((await client.get('ioc:mbbo')).value).toMatchObject({
      value: { index: 3 },
      alarm: { severity: 2 },
    });
    await client.put('ioc:group', { x: 10, y: 20 });
    expect((await client.get('ioc:group:y')).value).toMatchObject({ value: 20 });
  });

  it('counts at 10 Hz', async () => {
    const events = await client.monitor('ioc:counter', 5, { request: UNSQUASHED, timeout: 30 });
    const counts = events.map((event) => Number(monitored(event)));
    expect(counts).toEqual(counts.map((_, index) => (counts[0] ?? Number.NaN) + index));
  });

  it('ends when its standard input does', async () => {
    const other = await startIoc(peers, peerEnv(await freePorts()), 'other:');
    expect(await other.stop()).toEqual({ code: 0, signal: null, killed: false });
  });
});
