/** mirror-server between a simulator and its clients: nothing lost, nothing changed, sources may come and go. */
import { setTimeout } from 'node:timers/promises';
import {
  arrayOf,
  NTNDArray,
  NTTable,
  Server,
  SharedPV,
  serverConfigFromEnv,
  struct,
  Value,
} from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { idsFrom } from './support/consumer.ts';
import { holdSimulator } from './support/held-simulator.ts';
import { mirrorRows } from './support/mirror.ts';
import { it, until, type World } from './support/world.ts';

const SIMULATOR = 'ad-sim-server -cn pvapy:image -nx 64 -ny 64 -nf 10 -rp 0';

/** Collects the image ids of a channel as they arrive. */
function collect(world: World, channel: string): number[] {
  const ids: number[] = [];
  world.context.monitor(
    channel,
    { pvRequest: 'record[queueSize=1000]field(uniqueId)' },
    { update: (value) => void ids.push(Number(value.get('uniqueId'))) },
  );
  return ids;
}

describe.concurrent('mirror-server', () => {
  it('serves the frames of a simulator again, every one, bit for bit', async ({ world }) => {
    const mirror = await world.start(
      'mirror-server -cm (mirror:image,pvapy:image,pva,1000) -sc mirror:status -ll info',
    );
    await mirror.waitForLine(/^Started mirror server @ \d+\.\d{3}$/, 15_000);
    const ids = collect(world, 'mirror:image');
    const simulator = await holdSimulator(world, `${SIMULATOR} -fps 500 -rt 2`);
    await until(() => expect(ids).toEqual([0]));
    simulator.go();
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 25_000);
    const source = await world.context.get('pvapy:image');
    const published = Number(source.get('uniqueId'));
    expect(published).toBe(1000);
    await until(() => expect(ids.at(-1)).toBe(published));
    expect(ids).toEqual(idsFrom(0, published));

    const copy = await world.context.get('mirror:image');
    expect(NTNDArray.is(copy)).toBe(true);
    expect(copy.toJS()).toEqual(source.toJS());
    await until(async () => {
      expect((await mirrorRows(world)).get('mirror:image')).toMatchObject({
        source: 'pvapy:image',
        connected: true,
        nReceived: BigInt(published + 1),
        nOverruns: 0n,
        nPublished: BigInt(published + 1),
        nDisconnects: 0n,
        monitors: 1,
        connectedMonitors: 1,
      });
    });
    const row = (await mirrorRows(world)).get('mirror:image');
    expect(Number(row?.['nBytes'])).toBeGreaterThan((published + 1) * 64 * 64 * 0.99);
    expect(await mirror.stop()).toMatchObject({ code: 0, killed: false });
    expect(mirror.lines.at(-1)?.text).toMatch(
      new RegExp(`^Channel mirror:image @ \\d+\\.\\d{3}: {'nReceived': ${published + 1}, 'nOverruns': 0}$`),
    );
  });

  it('shares the stream among several monitors, in order', async ({ world }) => {
    const mirror = await world.start(
      "mirror-server -cm '(mirror:image,pvapy:image,pva,1000,3,_[pydistributor=updates:1;group:mirror;trigger:uniqueId])'",
    );
    await mirror.waitForLine(/^Started mirror server/, 15_000);
    const ids = collect(world, 'mirror:image');
    const simulator = await holdSimulator(world, `${SIMULATOR} -fps 300 -rt 1`);
    await until(() => expect(ids).toEqual([0]));
    simulator.go();
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 25_000);
    await until(() => expect(ids.at(-1)).toBe(300));
    expect(ids).toEqual(idsFrom(0, 300));
  });

  it('goes away with its source and comes back with it, in its new type', async ({ world }) => {
    const source = async (value: Value): Promise<Server> =>
      world.own(
        await new Server({ ...serverConfigFromEnv(world.env) })
          .addPV('source', SharedPV.mailbox(value))
          .start(),
      );
    const first = await source(Value.create(struct('first:1.0', { value: 'int' }), { value: 1 }));
    const mirror = await world.start("mirror-server -cm '(mirror,source)' -sc mirror:status -ll warning");
    const seen: string[] = [];
    world.context.monitor(
      'mirror',
      {},
      {
        update: (v) => void seen.push(`${v.id} ${v.get('value')}`),
        disconnected: () => void seen.push('gone'),
      },
    );
    await until(() => expect(seen).toEqual(['first:1.0 1']));
    await world.context.put('source', 2);
    await until(() => expect(seen).toEqual(['first:1.0 1', 'first:1.0 2']));

    await first.close();
    await until(() => expect(seen.at(-1)).toBe('gone'));
    await mirror.waitForLine(/WARNING mirror-server: mirror: source source is gone/, 5_000);
    await source(Value.create(struct('second:1.0', { value: 'string' }), { value: 'new' }));
    await until(() => expect(seen.at(-1)).toBe('second:1.0 new'), 30_000);
    await until(async () =>
      expect((await mirrorRows(world)).get('mirror')).toMatchObject({ connected: true, nDisconnects: 1n }),
    );
  });

  it('tells rates and bytes a second of each channel, and at once when a source comes or goes', async ({
    world,
  }) => {
    const type = struct('', { n: 'int', data: 'ubyte[]' });
    const pv = SharedPV.readonly(Value.create(type, { n: 0, data: new Uint8Array(1000) }));
    const server = world.own(
      await new Server({ ...serverConfigFromEnv(world.env) }).addPV('source', pv).start(),
    );
    await world.start("mirror-server -cm '(busy,source),(idle,nowhere)' -sc mirror:status");
    await world.context.get('busy', { timeout: 30 });
    let n = 0;
    const timer = setInterval(() => {
      pv.post(Value.create(type, { n: ++n, data: new Uint8Array(1000) }));
    }, 10);
    try {
      await until(async () => {
        const [busy, idle] = ['busy', 'idle'].map(async (name) => (await mirrorRows(world)).get(name));
        const { receivedRate, publishedRate, bytesPerSecond, overrunRate } = (await busy) as Record<
          string,
          number
        >;
        expect(receivedRate).toBeGreaterThan(5);
        expect(publishedRate).toBe(receivedRate);
        expect((bytesPerSecond as number) / (receivedRate as number)).toBeGreaterThan(1000);
        expect((bytesPerSecond as number) / (receivedRate as number)).toBeLessThan(1100);
        expect(overrunRate).toBeGreaterThanOrEqual(0);
        expect(await idle).toMatchObject({
          connected: false,
          monitors: 1,
          connectedMonitors: 0,
          receivedRate: 0,
          bytesPerSecond: 0,
        });
      });
    } finally {
      clearInterval(timer);
    }
    await server.close();
    await until(async () =>
      expect((await mirrorRows(world)).get('busy')).toMatchObject({ connected: false, connectedMonitors: 0 }),
    );
  });

  it('in a circle with another one serves nothing, whoever fed the circle', async ({ world }) => {
    await world.start("mirror-server -cm '(a,b)' -sc mirror:status:1 -ll warning");
    await world.start("mirror-server -cm '(b,a)' -sc mirror:status:2 -ll warning");
    const received = async (server: number): Promise<Record<string, unknown>> =>
      (await world.context.get(`mirror:status:${server}`, { timeout: 30 })).get('value') as never;
    for (const server of [1, 2]) await received(server);
    // A real source of b: a mirrors it, and the other one mirrors a as another b.
    const pv = SharedPV.readonly(Value.create(struct('', { n: 'int' }), { n: 1 }));
    const source = world.own(await new Server({ ...serverConfigFromEnv(world.env) }).addPV('b', pv).start());
    expect((await world.context.get('a', { timeout: 30 })).get('n')).toBe(1);
    await source.close();
    const connected = async (server: number): Promise<unknown> =>
      NTTable.rows(await world.context.get(`mirror:status:${server}`))[0];
    await until(async () => {
      for (const server of [1, 2]) expect(await connected(server)).toMatchObject({ connected: false });
    }, 30_000);
    await expect(world.context.get('a', { timeout: 2 })).rejects.toThrow();
    // Nothing goes round.
    const before = await connected(1);
    await expect(world.context.get('b', { timeout: 2 })).rejects.toThrow();
    expect(await connected(1)).toEqual({
      ...(before as object),
      receivedRate: 0,
      publishedRate: 0,
      bytesPerSecond: 0,
    });
  });

  it('says of mirrors without a source which they are and what to do, in a circle too, and once', async ({
    world,
  }) => {
    const first = await world.start("mirror-server -cm '(a,b),(image,detector)'");
    const second = await world.start("mirror-server -cm '(b,a)'");
    const line =
      /ERROR mirror-server: no source for 10 s, still searching: a from b, image from detector; .*\(a circle of mirror servers\)/;
    await first.waitForLine(line, 30_000);
    await second.waitForLine(/ERROR mirror-server: no source for 10 s, still searching: b from a; /, 30_000);
    // The original of the circle comes and goes: that is said again, and of nobody else.
    const pv = SharedPV.readonly(Value.create(struct('', { n: 'int' }), { n: 1 }));
    const source = await new Server({ ...serverConfigFromEnv(world.env) }).addPV('b', pv).start();
    world.own(source);
    await world.context.get('a', { timeout: 30 });
    await source.close();
    await first.waitForLine(/ERROR mirror-server: no source for 10 s, still searching: a from b; /, 30_000);
    const said = first.lines.filter(({ text }) => text.includes('no source for'));
    expect(said).toHaveLength(2);
  });

  it('refuses puts: they would change nothing but the copy', async ({ world }) => {
    world.own(
      await new Server({ ...serverConfigFromEnv(world.env) })
        .addPV('source', SharedPV.mailbox(Value.create(struct('', { value: 'int' }), { value: 1 })))
        .start(),
    );
    await world.start("mirror-server -cm '(mirror,source)'");
    await world.context.get('mirror', { timeout: 15 });
    await expect(world.context.put('mirror', 5)).rejects.toThrow(
      "put not permitted: a mirror is read-only; put to its source 'source'",
    );
    expect((await world.context.get('mirror')).get('value')).toBe(1);
  });

  it('passes arrays of 27,000 structures on at 10 Hz, every one of 3 s', async ({ world }) => {
    const TOTAL = 30;
    const type = struct('', {
      count: 'int',
      rows: arrayOf(struct('row_t', { name: 'string', value: 'double', severity: 'int' })),
    });
    const pv = SharedPV.readonly(Value.create(type, {}));
    world.own(await new Server({ ...serverConfigFromEnv(world.env) }).addPV('big', pv).start());
    // Both queues hold all of them: on a busy computer they wait there, and none may be overwritten.
    await world.start(`mirror-server -cm '(mirror:big,big,pva,${TOTAL})' -sc mirror:status`);
    const counts: number[] = [];
    const lengths = new Set<number>();
    let last: unknown;
    let nOverruns = 0;
    world.context.monitor(
      'mirror:big',
      { pvRequest: `record[queueSize=${TOTAL}]field()` },
      {
        update: (v, overrun) => {
          if (!overrun.isEmpty()) nOverruns++;
          counts.push(Number(v.get('count')));
          if (counts.length > 1) lengths.add((v.get('rows') as readonly unknown[]).length);
          if (counts.length > TOTAL) last = v.toJS();
        },
      },
    );
    await until(() => expect(counts).toEqual([0]), 15_000);
    const rows = Array.from({ length: 27_000 }, (_, i) => ({
      name: `row ${i}`,
      value: i / 2,
      severity: i % 4,
    }));
    const start = performance.now();
    for (let count = 1; count <= TOTAL; count++) {
      const early = start + count * 100 - performance.now();
      if (early > 0) await setTimeout(early);
      pv.post(Value.create(type, { count, rows }));
    }
    await until(() => expect(counts.at(-1)).toBe(TOTAL), 30_000);
    expect(counts).toEqual(idsFrom(0, TOTAL));
    expect(nOverruns).toBe(0);
    expect([...lengths]).toEqual([27_000]);
    expect(last).toEqual({ count: TOTAL, rows });
    await until(async () =>
      expect((await mirrorRows(world)).get('mirror:big')).toMatchObject({
        nReceived: BigInt(TOTAL + 1),
        nPublished: BigInt(TOTAL + 1),
        nOverruns: 0n,
        nDisconnects: 0n,
      }),
    );
  });

  it.for<[string, RegExp]>([
    ["mirror-server -cm '(a,a)'", /^mirror-server: error: channels would mirror themselves: a from a/],
    [
      "mirror-server -cm '(a,b,ca)'",
      /Channel Access is not offered; write \(a,b,pva\), .* \(HPC_CHANNEL_MAP\)/,
    ],
    [
      "mirror-server -cm '(a,b,pva,0,2)'",
      /2 monitors that do not share by a distributor .* write \(a,b,pva,0,1\), or .* \(HPC_CHANNEL_MAP\)/,
    ],
    ["mirror-server -cm '(a,b)' -sc a", /'a' would be status channel and mirror/],
  ])('%s ends with one line', async ([line, message], { world }) => {
    const { code, stdout, stderr } = await world.run(line);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
