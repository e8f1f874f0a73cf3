/**
 * mirror-server among real peers: their simulator, clients and records behind and in front of ours, their mirror server
 * between our stages. Every update exactly once, and what a client asked for.
 */
import { Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ourSuite, pvapySuite, type Suite } from '../../bench/pair-run.ts';
import { type Child, spawnChild } from '../../bench/peers/child.ts';
import {
  type ConsumerOptions,
  type PvapyConsumer,
  startPvapyConsumer,
} from '../../bench/peers/pvapy-consumer.ts';
import { type PvapySimulator, startPvapySimulator } from '../../bench/peers/pvapy-simulator.ts';
import { idsFrom } from '../e2e/support/consumer.ts';
import { holdSimulator } from '../e2e/support/held-simulator.ts';
import { mirrorRows } from '../e2e/support/mirror.ts';
import { until, World } from '../e2e/support/world.ts';
import { startIoc } from './ioc.ts';
import { MonitorLog } from './monitor-log.ts';
import { startP4pClient, startPvapyClient } from './p4p.ts';
import type { MonitorEvent, PeerClient, TypedValue } from './peer-client.ts';
import { changedOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();
const ours = ourSuite();
const theirs = peers.available ? pvapySuite(peers) : ours;
const FRAMES = 400;
/** FRAMES of them, as soon as it is told to. */
const SIMULATOR = `ad-sim-server -cn sim:image -nx 16 -ny 8 -nf 10 -fps 200 -rt ${FRAMES / 200} -rp 0`;

let world: World;
let children: { stop(): Promise<unknown> }[];

beforeEach(async () => {
  world = await World.create();
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await world[Symbol.asyncDispose]();
});

/** Ends with the test. */
function own<T extends { stop(): Promise<unknown> }>(child: T): T {
  children.push(child);
  return child;
}

/** Theirs, of `sim:image`: square images for 2 s. */
async function theirSimulator(options: {
  readonly size: number;
  readonly startDelay: number;
  readonly shutdownDelay: number;
}): Promise<PvapySimulator> {
  const { size, ...delays } = options;
  const image = { channel: 'sim:image', nx: size, ny: size, fps: 200, runtime: 2 };
  return own(await startPvapySimulator(theirs, world.env, { ...image, ...delays }));
}

async function mirror(map: string): Promise<Child> {
  const child = await world.start(`mirror-server -cm '${map}' -sc mirror:status -ll warning`);
  await child.waitForLine(/^Started mirror server/, 30_000);
  return child;
}

/** A pass-through consumer that has its initial update. */
async function consumer(suite: Suite, options: ConsumerOptions): Promise<PvapyConsumer> {
  const started = await startPvapyConsumer(suite, world.env, { serverQueueSize: FRAMES, ...options });
  own(started.child);
  expect(started.reports()[0]).toMatchObject({ nReceived: 1, nProcessed: 0 });
  return started;
}

/** Every frame from 1 to the last one processed, and the initial one received. */
async function expectAll(consumer: PvapyConsumer, published: number): Promise<void> {
  const [report] = await consumer.waitForReports(
    ([newest]) => (newest?.lastObjectId ?? 0) >= published,
    30_000,
  );
  expect(report).toMatchObject({
    nReceived: published + 1,
    nProcessed: published,
    nMissed: 0,
    nErrors: 0,
    nOverruns: 0,
    firstObjectId: 1,
  });
}

/** What a peer got, without which members were sent: an IOC marks more of them for a get than for a monitor. */
function typed({ type, value }: TypedValue): TypedValue {
  return { type, value };
}

function idsOf(events: readonly MonitorEvent[]): unknown[] {
  return events.map((event) => event.event === 'update' && (event.value as { uniqueId: number }).uniqueId);
}

describe.skipIf(!peers.available)('mirror-server', () => {
  it("between PvaPy's simulator and our consumer passes every frame on once", async () => {
    const server = await mirror(`(mirror:image,sim:image,pva,${FRAMES})`);
    const simulator = await theirSimulator({ size: 64, startDelay: 15, shutdownDelay: 15 });
    const last = await consumer(ours, { inputChannel: 'mirror:image' });
    await simulator.waitForLastFrame(60_000);
    const published = Number((await world.context.get('sim:image')).get('uniqueId'));
    expect(published).toBeGreaterThan(1);
    await expectAll(last, published);
    expect((await world.context.get('mirror:image')).toJS()).toEqual(
      (await world.context.get('sim:image')).toJS(),
    );
    await until(async () =>
      expect((await mirrorRows(world)).get('mirror:image')).toMatchObject({
        nReceived: BigInt(published + 1),
        nPublished: BigInt(published + 1),
        nOverruns: 0n,
        nDisconnects: 0n,
      }),
    );
    expect(await server.stop()).toMatchObject({ code: 0, killed: false });
  });

  it("shares the stream of PvaPy's simulator among three monitors by its distributor, each frame once", async () => {
    const shared = '_[pydistributor=updates:1;group:mirror;trigger:uniqueId]';
    await mirror(`(mirror:image,sim:image,pva,${FRAMES},3,${shared})`);
    const simulator = await theirSimulator({ size: 16, startDelay: 10, shutdownDelay: 5 });
    const ids: number[] = [];
    world.context.monitor(
      'mirror:image',
      { pvRequest: `record[queueSize=${FRAMES}]field(uniqueId)` },
      { update: (value) => void ids.push(Number(value.get('uniqueId'))) },
    );
    const row = async (): Promise<unknown> => (await mirrorRows(world)).get('mirror:image');
    await until(async () => {
      expect(await row()).toMatchObject({ connectedMonitors: 3, nReceived: 3n, nPublished: 1n });
      expect(ids).toEqual([0]);
    });
    await simulator.waitForLastFrame(60_000);
    const published = Number((await world.context.get('sim:image')).get('uniqueId'));
    expect(published).toBeGreaterThan(1);
    await until(async () => {
      // Every frame to one monitor, and one initial update to each.
      expect(await row()).toMatchObject({
        nReceived: BigInt(published + 3),
        nPublished: BigInt(published + 1),
        nOverruns: 0n,
      });
      expect(ids).toHaveLength(published + 1);
    });
    expect([...ids].sort((a, b) => a - b)).toEqual(idsFrom(0, published));
  });

  it("serves PvaPy's consumer and p4p clients, each with the fields it asked for", async () => {
    await mirror(`(mirror:image,sim:image,pva,${FRAMES})`);
    const simulator = await holdSimulator(world, SIMULATOR);
    const last = await consumer(theirs, { inputChannel: 'mirror:image' });
    const client = own(await startP4pClient(peers, world.env));
    expect(typed(await client.get('mirror:image', { timeout: 20 }))).toEqual(
      typed(await client.get('sim:image')),
    );
    const options = `record[queueSize=${FRAMES}]`;
    await client.subscribe('whole', 'mirror:image', { request: `${options}field()` });
    await client.subscribe('ids', 'mirror:image', { request: `${options}field(uniqueId,dimension)` });
    for (const sub of ['whole', 'ids']) expect(idsOf(await client.next(sub, 1))).toEqual([0]);

    simulator.go();
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 30_000);
    await expectAll(last, FRAMES);
    const [some, whole] = [await client.next('ids', FRAMES), await client.next('whole', FRAMES)];
    for (const events of [some, whole]) expect(idsOf(events)).toEqual(idsFrom(1, FRAMES));
    const sent = (event: MonitorEvent | undefined): unknown => event?.event === 'update' && event.changed;
    for (const event of some) expect(sent(event)).toEqual(['dimension', 'uniqueId']);
    expect(sent(whole.at(-1))).toContain('value');

    const asked = { request: 'field(uniqueId,dimension)' };
    const got = await client.get('mirror:image', asked);
    expect(typed(got)).toEqual(typed(await client.get('sim:image', asked)));
    expect(got.value).toMatchObject({ uniqueId: FRAMES, dimension: [{ size: 16 }, { size: 8 }] });
    await until(async () =>
      expect((await mirrorRows(world)).get('mirror:image')).toMatchObject({
        nReceived: BigInt(FRAMES + 1),
        nPublished: BigInt(FRAMES + 1),
        nOverruns: 0n,
      }),
    );
  });

  it("of PvaPy's passes every frame on between our stages", async () => {
    const pvapy = own(
      await spawnChild({
        command: peers.bin('pvapy-mirror-server'),
        args: ['-cm', `(mirror:image,sim:image,pva,${FRAMES})`],
        env: world.env,
      }),
    );
    await pvapy.waitForLine(/^Started mirror server/, 30_000);
    const simulator = await holdSimulator(world, SIMULATOR);
    const last = await consumer(ours, { inputChannel: 'mirror:image' });
    simulator.go();
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 30_000);
    await expectAll(last, FRAMES);
    expect((await world.context.get('mirror:image')).toJS()).toEqual(
      (await world.context.get('sim:image')).toJS(),
    );
    await pvapy.stop();
    expect(pvapy.lines.at(-1)?.text).toMatch(
      new RegExp(`^Channel mirror:image @ .*'nReceived': ${FRAMES + 1}, 'nOverruns': 0`),
    );
  });

  it.each([
    ['p4p', startP4pClient, 'remote'],
    ['pvapy', startPvapyClient, 'error'],
  ] as const)('refuses a put and a call of %s, and says where to', async (_name, start, kind) => {
    const pv = SharedPV.mailbox(Value.create(struct('', { value: 'int' }), { value: 1 }));
    world.own(await new Server({ ...serverConfigFromEnv(world.env) }).addPV('source', pv).start());
    await mirror('(mirror,source)');
    const client: PeerClient = own(await start(peers, world.env));
    expect((await client.get('mirror', { timeout: 20 })).value).toEqual({ value: 1 });
    await expect(client.put('mirror', { value: 5 })).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(/put not permitted: a mirror is read-only; put to its source 'source'/),
    });
    await expect(client.rpc('mirror', {})).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(/RPC not permitted: .* call its source 'source'/),
    });
    for (const name of ['mirror', 'source']) expect((await client.get(name)).value).toEqual({ value: 1 });
    await client.put('source', { value: 6 });
    await until(async () => expect((await client.get('mirror')).value).toEqual({ value: 6 }));
  });

  it('of records of an IOC holds all of their fields, and passes on what changed', async () => {
    const ioc = own(await startIoc(peers, world.env, 'ioc:'));
    await mirror(
      '(mirror:limits,ioc:limits,pva,20),(mirror:mbbo,ioc:mbbo),(mirror:counter,ioc:counter,pva,20)',
    );
    const client = own(await startP4pClient(peers, world.env));
    const { context } = world;
    for (const name of ['limits', 'mbbo'])
      expect(typed(await client.get(`mirror:${name}`, { timeout: 20 }))).toEqual(
        typed(await client.get(`ioc:${name}`)),
      );

    const log = new MonitorLog(context, 'mirror:limits', 'record[queueSize=20]field()');
    await client.subscribe('limits', 'mirror:limits', { request: 'record[queueSize=20]field(value,alarm)' });
    expect((await log.values(1))[0]?.get('value')).toBe(0);
    expect(await client.next('limits', 1)).toMatchObject([{ event: 'update', value: { value: 0 } }]);
    const puts = [6, 9, -6, -9, 0];
    for (const value of puts) await context.put('ioc:limits', value);
    const updates = await log.values(puts.length);
    expect(updates.map((update) => update.get('value'))).toEqual(puts);
    expect(updates.map((update) => update.get('alarm.message'))).toEqual(['HIGH', 'HIHI', 'LOW', 'LOLO', '']);
    for (const update of updates) {
      expect(changedOf(update)).toContain('value');
      expect(changedOf(update)).not.toContain('display.units');
    }
    const seen = await client.next('limits', puts.length);
    expect(seen.map((event) => event.event === 'update' && event.value)).toMatchObject(
      puts.map((value) => ({ value })),
    );
    expect(typed(await client.get('mirror:limits'))).toEqual(typed(await client.get('ioc:limits')));

    await context.put('ioc:mbbo', 'Fault');
    await until(async () =>
      expect((await client.get('mirror:mbbo')).value).toMatchObject({
        value: { index: 3 },
        alarm: { severity: 2 },
      }),
    );
    const counter = new MonitorLog(context, 'mirror:counter', 'record[queueSize=20]field(value)');
    const counts = (await counter.values(10)).map((value) => Number(value.get('value')));
    expect(counts).toEqual(idsFrom(counts[0] as number, (counts[0] as number) + 9));

    // The IOC goes, its mirrors too.
    await ioc.stop();
    for (const monitor of [log, counter]) await monitor.next('disconnected');
  });
});
