/** `--fail-on-loss`: exit code 3 and one line for losses that no counter of a consumer itself can show. */
import { describe, expect } from 'vitest';
import type { Child } from '../../bench/peers/child.ts';
import { control, status, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { Unguarded } from './support/unguarded.ts';
import { it, until, type World } from './support/world.ts';

const CONSUMERS =
  'hpc-consumer -nc 2 -ic pvapy:image -sc consumer:*:status -pc UserDataProcessor -ll info --fail-on-loss';

describe.concurrent('several consumers', () => {
  it('lost what one that was killed did not report', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, CONSUMERS);
    await detector.subscribers(2);
    const [, second = 0] = await group.consumerPids([1, 2]);
    process.kill(second, 'SIGKILL');
    await detector.subscribers(1);
    await detector.subscribers(2);
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 3, signal: null });
    expect(group.stderr).toMatch(
      /^hpc-consumer: objects were lost: (\d+ held by consumers that died, )?an unknown number by consumers that died \(\d+\.\d{3} s not reported\) \(--fail-on-loss\)\n$/,
    );
  });

  it('of which none died lost nothing', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, CONSUMERS);
    await detector.subscribers(2);
    await group.consumerPids([1, 2]);
    for (const id of [1, 2]) await status(world, id);
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    expect(group.stderr).toBe('');
  });
});

describe.concurrent('what was lost before `reset_stats`', () => {
  it.for([1, 2])('counts all the same: %d consumer(s)', async (count, { world }) => {
    const detector = await Detector.start(world);
    const consumer = await world.start(
      `hpc-consumer -nc ${count} -ic pvapy:image -sc consumer:*:status -cc consumer:*:control -pc UserDataProcessor --fail-on-loss`,
    );
    await detector.subscribers(count);
    await detector.publish(3, 100);
    await statusWhen(world, 1, 'begun', (s) => s.processorStats.nProcessed === 3);
    expect(await control(world, 1, 'pause')).toBe('Pause successful');
    await detector.subscribers(count - 1);
    await detector.publish(5, 100);
    expect(await control(world, 1, 'resume')).toBe('Resume successful');
    await detector.subscribers(count);
    // The last one of the five is what the channel held.
    await statusWhen(world, 1, 'back', (s) => s.processorStats.nMissed === 4);
    expect(await control(world, 1, 'reset_stats')).toBe('Stats reset successful');
    expect((await status(world, 1)).processorStats).toMatchObject({ nProcessed: 0, nMissed: 0 });
    consumer.signal('SIGTERM');
    expect(await consumer.waitForExit(15_000)).toMatchObject({ code: 3 });
    const errors = consumer.lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text);
    expect(errors.at(-1)).toBe('hpc-consumer: objects were lost: 4 missed (--fail-on-loss)');
  });
});

describe.concurrent('a collector', () => {
  /** Two producers, each of which has a tile of every image; collects so many tiles of the first and the second. */
  async function collect(world: World, first: number, second: number): Promise<Child> {
    const [one, two] = [
      await Detector.start(world, { channel: 'tile:1' }),
      await Detector.start(world, { channel: 'tile:2' }),
    ];
    // The second producer's tiles wait for the first one's, however late these are.
    const collector = await world.start(
      'hpc-collector -ic tile:* -sc c:status -sp 0.1 -sqs 100 --objects-per-id 2 --gap-timeout 3 --fail-on-loss',
    );
    await Promise.all([one.subscribers(1), two.subscribers(1)]);
    await two.publish(second);
    await one.publish(first);
    await until(async () => {
      const s = await world.context.get('c:status');
      expect(s.get('collectorStats.nCollected')).toBe(first + second);
    });
    collector.signal('SIGTERM');
    return collector;
  }

  const lines = ({ lines: all }: Child): string[] =>
    all.filter(({ stream }) => stream === 'stderr').map(({ text }) => text);

  it('lost what is missing of an image', async ({ world }) => {
    const collector = await collect(world, 4, 2);
    expect(await collector.waitForExit(15_000)).toMatchObject({ code: 3 });
    expect(lines(collector)).toEqual([
      // Nobody can tell whether more is to come of the last one.
      'hpc-collector: objects were lost: 1 ids with objects (tiles) missing (--fail-on-loss)',
    ]);
  });

  it('lost nothing of complete images', async ({ world }) => {
    const collector = await collect(world, 4, 4);
    expect(await collector.waitForExit(15_000)).toMatchObject({ code: 0 });
    expect(lines(collector)).toEqual([]);
  });
});
