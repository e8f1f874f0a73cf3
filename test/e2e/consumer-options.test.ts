/** Options of hpc-consumer that shape what it serves, prints, writes and receives. */
import { describe, expect } from 'vitest';
import { control, idsFrom, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { it, until } from './support/world.ts';

const CHANNELS =
  '-ic pvapy:image -cc consumer:*:control -sc consumer:*:status -oc consumer:*:output --server-queue-size 1000';

/** Says of each image what of it has arrived. */
const LOOKING = `
import { UserDataProcessor } from 'epics-hpc';
export class Looking extends UserDataProcessor {
  ids = []; nWithPixels = 0; nWithTime = 0;
  process(frame) {
    this.ids.push(frame.uniqueId);
    if (frame.pixels) this.nWithPixels++;
    if (frame.timeStamp.secondsPastEpoch > 0n) this.nWithTime++;
  }
  getStats() { return { ids: this.ids, nWithPixels: this.nWithPixels, nWithTime: this.nWithTime }; }
  getStatsPvaTypes() { return { ids: 'int[]', nWithPixels: 'uint', nWithTime: 'uint' }; }
}`;

describe.concurrent('names of channels', () => {
  it('_ and the id format give PvaPy’s names', async ({ world }) => {
    const consumers = await world.start(
      'hpc-consumer -ic pvapy:image -oc _ -sc _ -cc _ -ifs 03d -cid 7,10 -pc UserDataProcessor',
    );
    const detector = await Detector.start(world);
    await detector.subscribers(2);
    await detector.publish(1);
    for (const id of [7, 10]) {
      const prefix = `pvapy:consumer:${String(id).padStart(3, '0')}`;
      for (const [channel, field, expected] of [
        ['status', 'consumerId', id],
        ['control', 'consumerId', id],
      ] as const) {
        const value = await world.context.get(`${prefix}:${channel}`, { timeout: 15 });
        expect(value.get(field)).toBe(expected);
      }
      await until(async () => {
        const image = await world.context.get(`${prefix}:output`, { timeout: 15 });
        expect(image.get('uniqueId')).toBe(1);
      });
    }
    expect(await consumers.stop()).toMatchObject({ code: 0, killed: false });
  });
});

describe.concurrent('reports and logs', () => {
  it.for([1, 2])('come in the period and of the groups asked for: %i consumer(s)', async (n, { world }) => {
    const consumers = await world.start(
      `hpc-consumer -ic pvapy:image -nc ${n} -pc UserDataProcessor -rp 0.2 -rs processor,queue -rqs 10`,
    );
    const output = (): string => consumers.lines.map((line) => `${line.text}\n`).join('');
    const reports = (id: number): number =>
      output().match(new RegExp(`^\\{ ?'consumerId': ${id},`, 'gm'))?.length ?? 0;
    await until(() => {
      if (Math.min(...idsFrom(1, n).map(reports)) < 3) throw consumers.error('has not reported three times');
    });
    expect(await consumers.stop({ signal: 'SIGTERM' })).toMatchObject({ code: 0, killed: false });
    expect(output()).toContain(`'processorStats': {`);
    expect(output()).toContain(`'queueStats': {`);
    expect(output()).not.toMatch(/receiverStats|publisherStats/);
    expect(output().includes('Combined System Stats:')).toBe(n > 1);
  });

  it('end with the runtime, also of several consumers', async ({ world }) => {
    const { code, stdout, stderr } = await world.run('hpc-consumer -ic pvapy:image -nc 2 -rt 1');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Combined System Stats:');
  });

  it('the log goes to a file as JSON lines, too', async ({ world }) => {
    const consumers = await world.start(
      `hpc-consumer -ic pvapy:image -nc 2 -pc UserDataProcessor -ll info -lf ${world.folder}/consumer.log`,
    );
    for (const id of [1, 2]) {
      await consumers.waitForLine(
        new RegExp(`^[\\d-]+ [\\d:.]+ INFO consumer\\.${id}: monitoring pvapy:image`),
        15_000,
      );
      await consumers.waitForLine(new RegExp(`INFO hpc-consumer: consumer ${id} runs as process`), 15_000);
    }
    expect(await consumers.stop()).toMatchObject({ code: 0, killed: false });
    const records = world.lines('consumer.log').map((line) => JSON.parse(line) as Record<string, unknown>);
    const texts = records.map(({ level, name, msg }) => [level, name, msg]);
    for (const id of [1, 2]) {
      const message = `monitoring pvapy:image with request 'field()'`;
      expect(texts).toContainEqual(['info', `consumer.${id}`, message]);
      const started = expect.stringMatching(new RegExp(`^consumer ${id} runs as process \\d+$`));
      expect(texts).toContainEqual(['info', 'hpc-consumer', started]);
    }
  });
});

describe.concurrent('what is received', () => {
  it('only the fields asked for, and always the object id', async ({ world }) => {
    const detector = await Detector.start(world);
    await world.start(
      `hpc-consumer ${CHANNELS} -pf ${world.file('looking.js', LOOKING)} -fr timeStamp -ll info`,
    );
    await detector.subscribers(1);
    await detector.publish(20);
    const s = await statusWhen(world, 1, 'done', (x) => x.processorStats.lastObjectId === 20);
    expect(s.processorStats).toMatchObject({ nProcessed: 20, nErrors: 0, nMissed: 0 });
    expect(s.userStats).toMatchObject({ nWithPixels: 0, nWithTime: 20 });
  });

  it.for([
    [0, [0, 1, 2, 3, 4]],
    [3, [3, 4]],
  ] as const)('without the first %i updates', async ([skip, expected], { world }) => {
    const detector = await Detector.start(world);
    await world.start(`hpc-consumer ${CHANNELS} -pf ${world.file('looking.js', LOOKING)} -siu ${skip}`);
    await detector.subscribers(1);
    await detector.publish(4);
    const s = await statusWhen(world, 1, 'done', (x) => x.processorStats.lastObjectId === 4);
    expect(Array.from(s.userStats?.['ids'] as Int32Array)).toEqual(expected);
    expect(s.receiverStats.nReceived).toBe(5);
  });

  it('goes on by itself when the source has gone and come back', async ({ world }) => {
    const first = await Detector.start(world);
    const consumer = await world.start(
      `hpc-consumer ${CHANNELS} -pf ${world.file('looking.js', LOOKING)} -ll warning`,
    );
    await first.subscribers(1);
    await first.publish(5);
    await statusWhen(world, 1, 'at 5', (x) => x.processorStats.lastObjectId === 5);
    await first.close();
    await consumer.waitForLine(
      /WARNING consumer\.1: pvapy:image: connection to 127\.0\.0\.1:\d+ lost/,
      10_000,
    );
    const second = await Detector.start(world);
    await second.subscribers(1);
    await second.publish(3);
    const s = await statusWhen(world, 1, 'at 3', (x) => x.processorStats.lastObjectId === 3);
    // What the new source holds at first, an empty image, is no object, as it was none the first time.
    expect(Array.from(s.userStats?.['ids'] as Int32Array)).toEqual([1, 2, 3, 4, 5, 1, 2, 3]);
    expect(s.processorStats).toMatchObject({ nProcessed: 8, nMissed: 0, nErrors: 0 });
  });

  it('without as many updates as a configure command says', async ({ world }) => {
    const detector = await Detector.start(world);
    await world.start(`hpc-consumer ${CHANNELS} -pf ${world.file('looking.js', LOOKING)}`);
    await detector.subscribers(1);
    await detector.publish(10);
    await statusWhen(world, 1, 'at 10', (x) => x.processorStats.lastObjectId === 10);
    expect(await control(world, 1, 'configure', '{"skipInitialUpdates": 2}')).toBe(
      'Configuration successful',
    );
    await detector.publish(5);
    const s = await statusWhen(world, 1, 'at 15', (x) => x.processorStats.lastObjectId === 15);
    expect(Array.from(s.userStats?.['ids'] as Int32Array)).toEqual([...idsFrom(1, 10), 13, 14, 15]);
  });
});
