/** Several consumers in child processes: who dies is replaced, who is told to end ends, and nobody is left behind. */
import { describe, expect } from 'vitest';
import { control, idsFrom, status, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { exists, Unguarded } from './support/unguarded.ts';
import { it, until, type World } from './support/world.ts';

const LINE =
  'hpc-consumer --input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status --log-level info';
const RECORDING = `${LINE} --processor-file test/e2e/fixtures/recording-image-processor.ts --processor-class HpcAdImageProcessor`;
const lifecycle = (name: string): string =>
  `${LINE} --processor-file test/e2e/fixtures/lifecycle-processor.ts --processor-class ${name}`;

const combined = (nProcessed: number): RegExp =>
  new RegExp(`\nCombined System Stats:\n\n{ (?:.*\n)+  'processorStats': {.*'nProcessed': ${nProcessed},`);

const processed = (world: World, id: number): number[] => world.lines(`ids-${id}`).map(Number);

async function allProcessed(world: World, id: number, last: number): Promise<void> {
  await until(() => expect(processed(world, id).at(-1), `consumer ${id}`).toBe(last));
}

/** Waits until consumer 2 runs for the second time: who looks for two subscribers only may come when they are three again. */
const restarted = (group: Unguarded): Promise<void> =>
  until(() => expect(group.stdout.match(/consumer 2 runs as process/g) ?? []).toHaveLength(2));

describe.concurrent('a consumer that is killed', () => {
  it('is reported, restarted and counted, and the others do not notice', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${RECORDING} --n-consumers 3 --server-queue-size 100`);
    await detector.subscribers(3);
    const [, second = 0] = await group.consumerPids([1, 2, 3]);
    await detector.publish(30, 200);
    await allProcessed(world, 2, 30);

    process.kill(second, 'SIGKILL');
    const back = restarted(group).then(() => detector.subscribers(3));
    await detector.publishUntil(back, 200);
    await detector.publish(30, 200);

    const { published } = detector;
    for (const id of [1, 2, 3]) await allProcessed(world, id, published);
    for (const id of [1, 3]) {
      expect(processed(world, id)).toEqual(idsFrom(1, published));
      const s = await statusWhen(world, id, 'done', (x) => x.processorStats.lastObjectId === published);
      expect(s.processorStats).toMatchObject({ nProcessed: published, nMissed: 0, nErrors: 0 });
    }
    // Two lives: all up to the end of the first, all from the beginning of the second.
    const ids = processed(world, 2);
    const s = await statusWhen(world, 2, 'done', (x) => x.processorStats.lastObjectId === published);
    const { firstObjectId } = s.processorStats;
    const before = ids.slice(0, ids.indexOf(firstObjectId));
    expect(before).toEqual(idsFrom(1, before.length));
    expect(ids.slice(before.length)).toEqual(idsFrom(firstObjectId, published));
    expect(s.processorStats).toMatchObject({ nProcessed: published - firstObjectId + 1, nMissed: 0 });
    const lostWhileDead = firstObjectId - 1 - before.length;
    expect(lostWhileDead).toBeGreaterThan(0);
    expect(ids.length + lostWhileDead).toBe(published);

    await group.printed(
      new RegExp(
        `ERROR hpc-consumer: consumer 2 \\(process ${second}\\) died: killed by SIGKILL; restart 1 in 0\\.5 s`,
      ),
    );
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    expect(group.stdout).toContain('Restarted consumers: 1\n');
    expect(group.stderr).toBe('');
    await group.nothingLeft();
  });

  it('leaves its share of a distributed stream to the others: nobody gets an image twice', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const line = `${RECORDING} --n-consumers 3 --distributor-updates 1 --server-queue-size 100`;
    const group = Unguarded.start(world, line);
    await detector.subscribers(3);
    const [, second = 0] = await group.consumerPids([1, 2, 3]);
    await detector.publish(30, 200);
    await until(() => expect([1, 2, 3].map((id) => processed(world, id).length)).toEqual([10, 10, 10]));

    process.kill(second, 'SIGKILL');
    // Its sockets are closed before its parent hears of its death.
    const gone = group.printed(/consumer 2 \(process \d+\) died/).then(() => detector.published);
    const back = gone.then(() => restarted(group)).then(() => detector.subscribers(3));
    await detector.publishUntil(back, 200);
    await detector.publish(30, 200);
    const { published } = detector;
    await until(() => expect(Math.max(...[1, 2, 3].flatMap((id) => processed(world, id)))).toBe(published));
    await until(() => {
      const tails = [1, 2, 3].map((id) => processed(world, id).filter((i) => i > published - 30).length);
      expect(tails).toEqual([10, 10, 10]);
    });
    const ids = [1, 2, 3].flatMap((id) => processed(world, id));
    expect(new Set(ids).size).toBe(ids.length);
    // All that is lost is the dead consumer's share, every third image, until the server saw it gone.
    const lost = idsFrom(1, published).filter((id) => !ids.includes(id));
    const [first = 31] = lost;
    expect(first).toBeGreaterThan(30);
    expect(lost).toEqual(lost.map((_, i) => first + 3 * i));
    expect(lost.at(-1) ?? 31).toBeLessThanOrEqual(await gone);
    expect(ids.length + lost.length).toBe(published);
  });

  it('by an error of its own says so in one line, and is restarted', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${lifecycle('Careless')} --n-consumers 2`);
    await detector.subscribers(2);
    await detector.publish(3);
    await group.printed(/consumer 1 \(process \d+\) died: exit code 1; restart 1/);
    await group.printed(/consumer 2 \(process \d+\) died: exit code 1; restart 1/);
    await group.printed(/nobody waits for this/);
    await detector.subscribers(2);
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    const lines = group.stderr.trimEnd().split('\n').sort();
    expect(lines).toEqual([
      expect.stringMatching(/^consumer\.1: internal error: Error: nobody waits for this/),
      expect.stringMatching(/^consumer\.2: internal error: Error: nobody waits for this/),
    ]);
    await group.nothingLeft();
  });
});

describe.concurrent('when the parent is killed', () => {
  it.for(['Lifecycle', 'Blocking'])('no consumer survives it: %s', async (name, { world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${lifecycle(name)} --n-consumers 2`);
    await detector.subscribers(2);
    const pids = await group.consumerPids([1, 2]);
    await detector.publish(1);
    for (const id of [1, 2]) await until(() => expect(world.lines(`events-${id}`)).toContain('process 1'));
    group.signal('SIGKILL');
    await group.exited;
    await until(() => expect(pids.filter(exists)).toEqual([]));
    await detector.subscribers(0);
    await group.nothingLeft();
  });
});

describe.concurrent('when the parent is told to end', () => {
  it.for([
    ['SIGTERM', 'kill'],
    ['SIGINT', 'Ctrl-C in its terminal'],
    ['SIGHUP', 'the end of its terminal'],
  ] as const)('by %s (%s) all consumers end in order, with all reports', async ([signal], { world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${lifecycle('Lifecycle')} --n-consumers 3`);
    await detector.subscribers(3);
    await detector.publish(5);
    for (const id of [1, 2, 3]) await until(() => expect(world.lines(`events-${id}`)).toContain('process 5'));
    if (signal === 'SIGTERM') group.signal(signal);
    else group.signalGroup(signal);
    expect(await group.exited).toEqual({ code: 0, signal: null });
    for (const id of [1, 2, 3]) {
      expect(world.lines(`events-${id}`).at(-1)).toBe('stop');
      const report = new RegExp(`^\\{ 'consumerId': ${id},(?:\\n .*)*'nProcessed': 5,`, 'm');
      expect(group.stdout).toMatch(report);
    }
    expect(group.stdout).toMatch(combined(15));
    expect(group.stdout).not.toContain('Restarted');
    expect(group.stderr).toBe('');
    await group.nothingLeft();
  });
});

describe.concurrent('the control command stop', () => {
  it('ends that consumer alone; when all have ended the parent ends', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${RECORDING} --n-consumers 3 --server-queue-size 100`);
    await detector.subscribers(3);
    const pids = await group.consumerPids([1, 2, 3]);
    await detector.publish(10);
    await allProcessed(world, 2, 10);
    expect(await control(world, 2, 'stop')).toBe('Stop flag set');
    await detector.subscribers(2);
    await until(() => expect(pids.map(exists)).toEqual([true, false, true]));
    await detector.publish(10);
    for (const id of [1, 3]) {
      await allProcessed(world, id, 20);
      expect(processed(world, id)).toEqual(idsFrom(1, 20));
    }
    expect(processed(world, 2)).toEqual(idsFrom(1, 10));
    await expect(status(world, 1)).resolves.toMatchObject({ consumerId: 1 });
    for (const id of [1, 3]) await control(world, id, 'stop');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    expect(group.stdout).toMatch(combined(50));
    expect(group.stdout).not.toMatch(/died|Restarted/);
    await group.nothingLeft();
  });
});

describe.concurrent('consumers that cannot start', () => {
  it.for([
    ['--processor-file no-such-file.ts', /processor file 'no-such-file\.ts' cannot be read/],
    ['--processor-class NoSuchClass', /'NoSuchClass' is not a ready-made processor/],
  ] as const)('say why in one line and leave nothing behind: %s', async ([options, message], { world }) => {
    const group = Unguarded.start(world, `hpc-consumer -ic pvapy:image -nc 3 ${options}`);
    expect(await group.exited).toEqual({ code: 1, signal: null });
    await group.nothingLeft();
    expect(group.stderr).toMatch(/^hpc-consumer: error: [^\n]*\(HPC_\w+\)\n$/);
    expect(group.stderr).toMatch(message);
    expect(group.stdout).toBe('');
  });
});
