/**
 * Any stage of a chain is killed (SIGKILL) and started again: the others go on, find it again, and what was lost is
 * counted, exactly, by the next stage (docs/explanation/accounting.md).
 */
import { describe, expect } from 'vitest';
import { lastOf, processedUpTo, RECORDING, Stage } from './support/chain.ts';
import { idsFrom, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { holdSimulator } from './support/held-simulator.ts';
import { mirrorRows } from './support/mirror.ts';
import { it, until, type World } from './support/world.ts';

const PASS = '-pc UserDataProcessor';

/** Two consumers one behind the other, which have had 50 images. */
async function chainOfTwo(world: World): Promise<{ detector: Detector; middle: Stage; last: Stage }> {
  const detector = await Detector.start(world, { nx: 32, ny: 32 });
  const middle = await Stage.start(world, '1', `hpc-consumer -ic pvapy:image -id 1 ${PASS}`);
  const last = await Stage.start(world, '2', `hpc-consumer -ic consumer:1:output -id 2 ${RECORDING}`);
  await detector.subscribers(1);
  await last.received();
  await detector.publish(50);
  await processedUpTo(world, 2, 50);
  return { detector, middle, last };
}

describe('a stage that is killed and comes back', () => {
  it('a consumer in the middle: the next stage counts what was published meanwhile', async ({ world }) => {
    const { detector, middle, last } = await chainOfTwo(world);

    await middle.kill();
    await detector.subscribers(0);
    await last.disconnected('consumer:1:output');
    await detector.publish(30);
    await middle.restart();
    // What the detector's channel held was the middle's initial update; the last stage had not seen it.
    await processedUpTo(world, 2, 80);
    await detector.publish(20);
    expect(await processedUpTo(world, 2, 100)).toEqual([...idsFrom(1, 50), ...idsFrom(80, 100)]);
    const { processorStats: p } = await last.statsAt(100);
    expect(p).toMatchObject({ nProcessed: 71, nMissed: 29, nErrors: 0 });

    // Nothing is published while it is away: nothing is lost, and nothing counts twice.
    await middle.kill();
    await detector.subscribers(0);
    await middle.restart();
    await last.received(73);
    await detector.publish(20);
    expect((await processedUpTo(world, 2, 120)).slice(-20)).toEqual(idsFrom(101, 120));
    const end = await last.statsAt(120);
    expect(end.processorStats).toMatchObject({ nProcessed: 91, nMissed: 29, nErrors: 0 });
    expect((await middle.statsAt(120)).processorStats).toMatchObject({
      firstObjectId: 101,
      nProcessed: 20,
      nMissed: 0,
    });
  });

  it('the last stage: the ids of its two lives say what was published meanwhile', async ({ world }) => {
    const { detector, middle, last } = await chainOfTwo(world);

    await last.kill();
    await detector.publish(30);
    const one = await middle.statsAt(80);
    expect(one.processorStats).toMatchObject({ nProcessed: 80, nMissed: 0, nErrors: 0 });
    expect(one.publisherStats).toMatchObject({ nPublished: 80, nErrors: 0 });
    await last.restart();
    // The last one of what it has missed is its initial update.
    await last.received();
    await detector.publish(20);
    expect(await processedUpTo(world, 2, 100)).toEqual([...idsFrom(1, 50), ...idsFrom(81, 100)]);
    const { processorStats } = await last.statsAt(100);
    expect(processorStats).toMatchObject({ firstObjectId: 81, nProcessed: 20, nMissed: 0, nErrors: 0 });
  });

  it('one of two parallel consumers: its share goes to the other, the collector counts the rest', async ({
    world,
  }) => {
    const detector = await Detector.start(world, { nx: 32, ny: 32 });
    const worker = (id: number): Promise<Stage> =>
      Stage.start(world, String(id), `hpc-consumer -ic pvapy:image -id ${id} -dg g -du 1 -oo 2 ${PASS}`);
    const [one, two] = await Promise.all([worker(1), worker(2)]);
    const collector = await Stage.start(
      world,
      'sorted',
      `hpc-collector -ic consumer:*:output -pid 1,2 -id 9 -ccs 200 ${RECORDING}`,
    );
    await detector.subscribers(2);
    await collector.received();
    await detector.publish(50);
    await processedUpTo(world, 9, 50);

    await two.kill();
    await detector.subscribers(1);
    await collector.disconnected('consumer:2:output');
    await detector.publish(30);
    // The other consumer has it all to itself now.
    await processedUpTo(world, 9, 80);
    await two.restart();
    await detector.subscribers(2);
    // 25 objects and the initial one, and that of the new connection.
    await collector.received(27);
    await detector.publish(20);
    expect(await processedUpTo(world, 9, 100)).toEqual(idsFrom(1, 100));
    await until(() => expect(one.child.running && two.child.running).toBe(true));
    const s = await collector.statsAt(100);
    expect(s.collectorStats).toMatchObject({ nCollected: 100, nMissed: 0, nRejected: 0, nCached: 0 });
  });

  it('the collector: the stage behind it counts what was collected by nobody', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 32, ny: 32 });
    const workers = await Stage.start(world, '*', `hpc-consumer -ic pvapy:image -nc 2 -dg g -du 1 ${PASS}`);
    const collector = await Stage.start(
      world,
      'sorted',
      `hpc-collector -ic consumer:*:output -pid 1,2 -ccs 200 ${PASS}`,
    );
    const last = await Stage.start(
      world,
      'last',
      `hpc-consumer -ic consumer:sorted:output -id 9 ${RECORDING}`,
    );
    await detector.subscribers(2);
    await collector.received();
    await last.received();
    await detector.publish(50);
    await processedUpTo(world, 9, 50);

    await collector.kill();
    await last.disconnected('consumer:sorted:output');
    await detector.publish(30);
    for (const [name, id] of [
      ['1', await lastOf(world, '1')],
      ['2', await lastOf(world, '2')],
    ] as const)
      expect((await workers.statsAt(id, name)).processorStats).toMatchObject({ nMissed: 0, nErrors: 0 });
    await collector.restart();
    await collector.received();
    await last.received(52);
    await detector.publish(20);
    const ids = await processedUpTo(world, 9, 100);
    expect((await collector.statsAt(100)).collectorStats).toMatchObject({
      nCollected: 20,
      nMissed: 0,
      nRejected: 0,
    });
    // What one of its producers held when it came back is what it shows first: the last or the last but one.
    const shown = ids[50] as number;
    expect([79, 80]).toContain(shown);
    expect(ids).toEqual([...idsFrom(1, 50), shown, ...idsFrom(81, 100)]);
    expect((await last.statsAt(100)).processorStats).toMatchObject({
      nProcessed: 71,
      nMissed: 29,
      nErrors: 0,
    });
  });

  it('a mirror server: what stands behind it finds it again and counts what was published meanwhile', async ({
    world,
  }) => {
    const command = 'mirror-server -cm (mirror:image,pvapy:image,pva,500) -sc mirror:status';
    const row = async (): Promise<unknown> => (await mirrorRows(world)).get('mirror:image');
    const detector = await Detector.start(world, { nx: 32, ny: 32 });
    const first = await world.start(command);
    const last = await Stage.start(world, '2', `hpc-consumer -ic mirror:image -id 2 ${RECORDING}`);
    await detector.subscribers(1);
    await last.received();
    await detector.publish(50);
    await processedUpTo(world, 2, 50);
    await until(async () => expect(await row()).toMatchObject({ nReceived: 51n, nPublished: 51n }));

    first.signal('SIGKILL');
    await first.waitForExit(20_000);
    await detector.subscribers(0);
    await last.disconnected('mirror:image');
    await detector.publish(30);
    const second = await world.start(command);
    // What the detector's channel holds is the mirror's first update, and news to the consumer.
    await processedUpTo(world, 2, 80);
    await detector.publish(20);
    expect(await processedUpTo(world, 2, 100)).toEqual([...idsFrom(1, 50), ...idsFrom(80, 100)]);
    const { processorStats } = await last.statsAt(100);
    expect(processorStats).toMatchObject({ nProcessed: 71, nMissed: 29, nErrors: 0 });
    await until(async () => expect(await row()).toMatchObject({ nReceived: 21n, nPublished: 21n }));

    // While images flow, too, every one is processed or missed.
    const since = last.child.lineCount;
    await detector.publish(50, 200);
    second.signal('SIGKILL');
    await second.waitForExit(20_000);
    const back = world.start(command).then(() => detector.subscribers(1));
    await detector.publishUntil(back, 200);
    await last.child.waitForLine(/connected to mirror:image/, 15_000, since);
    await detector.publish(50, 200);
    const { published } = detector;
    const ids = await processedUpTo(world, 2, published);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    const { processorStats: p } = await last.statsAt(published);
    expect(p).toMatchObject({ firstObjectId: 1, nProcessed: ids.length, nErrors: 0 });
    expect(ids.length + (p['nMissed'] as number)).toBe(published);
  });

  it.for(['middle', 'collector'] as const)('while images flow: %s', async (kind, { world }) => {
    const detector = await Detector.start(world, { channel: 'image:1', nx: 32, ny: 32 });
    const killed =
      kind === 'middle'
        ? await Stage.start(world, 'killed', `hpc-consumer -ic image:1 -id 1 ${PASS}`)
        : await Stage.start(world, 'killed', `hpc-collector -ic image:* -pid 1 -ccs 200 ${PASS}`);
    const last = await Stage.start(
      world,
      'last',
      `hpc-consumer -ic consumer:killed:output -id 9 ${RECORDING}`,
    );
    await detector.subscribers(1);
    await last.received();
    await detector.publish(50, 200);
    await killed.kill();
    const back = killed.restart().then(() => detector.subscribers(1));
    await detector.publishUntil(back, 200);
    await detector.publish(50, 200);
    const { published } = detector;
    const ids = await processedUpTo(world, 9, published);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    const { processorStats: p } = await last.statsAt(published);
    expect(p).toMatchObject({ firstObjectId: 1, nProcessed: ids.length, nErrors: 0 });
    expect(p['nMissed']).toBeGreaterThan(0);
    expect((p['nProcessed'] as number) + (p['nMissed'] as number)).toBe(published);
  });

  it('the simulator: numbering begins again, and every frame of both its lives is accounted for', async ({
    world,
  }) => {
    const simulator = 'ad-sim-server -cn pvapy:image -nx 32 -ny 32 -fps 200 -rt 0.5 -rp 0';
    const workers = await Stage.start(world, '*', `hpc-consumer -ic pvapy:image -nc 2 -dg g -du 1 ${PASS}`);
    const collector = await Stage.start(
      world,
      'sorted',
      `hpc-collector -ic consumer:*:output -pid 1,2 -id 9 -ccs 200 ${RECORDING}`,
    );
    for (const id of [1, 2])
      await workers.child.waitForLine(new RegExp(`consumer\\.${id}: monitoring`), 15_000);
    const received = async (): Promise<number> => {
      const each = await Promise.all(['1', '2'].map((id) => statusWhen(world, id, 'there', () => true)));
      return each.reduce((n, s) => n + s.receiverStats.nReceived, 0);
    };
    const { child: first, go } = await holdSimulator(world, simulator);
    await until(async () => expect(await received()).toBe(2));
    await collector.received();
    go();
    await first.waitForLine(/^Server exiting after/, 15_000);
    const published = Number((await world.context.get('pvapy:image')).get('uniqueId'));
    await processedUpTo(world, 9, published);

    const since = workers.child.lineCount;
    first.signal('SIGKILL');
    for (const id of [1, 2])
      await workers.child.waitForLine(new RegExp(`WARNING consumer\\.${id}: pvapy:image`), 15_000, since);
    const { child: second, go: goAgain } = await holdSimulator(world, simulator);
    for (const id of [1, 2])
      await workers.child.waitForLine(
        new RegExp(`consumer\\.${id}: connected to pvapy:image`),
        15_000,
        since,
      );
    // The frames of its first life, and an initial update of each connection.
    await until(async () => expect(await received()).toBe(published + 4));
    goAgain();
    await second.waitForLine(/^Server exiting after/, 15_000);
    const more = Number((await world.context.get('pvapy:image')).get('uniqueId'));
    const ids = await processedUpTo(world, 9, more, more > published ? 1 : 2);
    expect(ids).toEqual([...idsFrom(1, published), ...idsFrom(1, more)]);
    const s = await collector.statsAt(more);
    expect(s.collectorStats).toMatchObject({
      nCollected: published + more,
      nMissed: 0,
      nRejected: 0,
      nCached: 0,
      nRestarts: 1,
      nIncomplete: 0,
    });
    expect(s.processorStats).toMatchObject({ nProcessed: published + more, nMissed: 0, nErrors: 0 });
  });
});
