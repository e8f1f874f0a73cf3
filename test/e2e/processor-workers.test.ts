/** A processor in worker processes: same results in the same order as in one, and what happens when workers die. */
import type { Value } from 'epics-pva-ts';
import { describe, expect, vi } from 'vitest';
import { control, expectLedger, idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { consume, done, fixture, running, watch } from './support/processing.ts';
import { exists, Unguarded } from './support/unguarded.ts';
import { it, until, type World } from './support/world.ts';

// Each test here starts up to five processes.
vi.setConfig({ maxConcurrency: 2 });

const idOf = (value: Value): number => Number(value.get('uniqueId'));
const uneven = (ms: number, workers = 2): string =>
  `${fixture('worker-processors', 'Uneven')} --processor-args '{"ms": ${ms}}' --processor-workers ${workers} --receiver-queue-size 1000 --log-level info`;
const allDone = (world: World, n: number): Promise<Status> =>
  statusWhen(world, 1, `${n} done`, (s) => s.processorStats.nProcessed + s.processorStats.nErrors === n);

interface WorkerStats {
  readonly nInFlight: number;
  readonly nRestarts: number;
  readonly [worker: `worker_${number}`]: { processId: number; nProcessed: number; nErrors: number };
}
const workerStats = (s: Status): WorkerStats => s.userStats?.['workerStats'] as WorkerStats;

/** Process ids of the workers, from the log. */
async function workerPids(group: Unguarded, count: number): Promise<number[]> {
  const pids: number[] = [];
  for (let id = 1; id <= count; id++) {
    const [, pid] = await group.printed(new RegExp(`worker ${id} runs as process (\\d+)`));
    pids.push(Number(pid));
  }
  return pids;
}

describe.concurrent('processor workers', () => {
  it('publish in the order of the objects, each once, whatever the time each takes', async ({ world }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, uneven(40, 3));
    const seen = watch(world, 'consumer:1:output', idOf);
    await until(() => expect(seen).toEqual([0]));
    await detector.publish(200, 500);
    const s = await allDone(world, 200);
    const good = idsFrom(1, 200).filter((id) => id % 50 !== 49);
    await until(() => expect(seen.slice(1)).toEqual(good));
    expect(s.processorStats).toMatchObject({ nProcessed: 196, nErrors: 4, nMissed: 0, lastObjectId: 200 });
    expect(s.publisherStats).toMatchObject({ nPublished: 196, nErrors: 0 });
    expectLedger(s, 200);
    const workers = [1, 2, 3].map((id) => workerStats(s)[`worker_${id}`]);
    expect(workers.every((w) => (w?.nProcessed ?? 0) > 0)).toBe(true);
    expect(workers.reduce((n, w) => n + (w?.nProcessed ?? 0) + (w?.nErrors ?? 0), 0)).toBe(200);
    const summed = await statusWhen(world, 1, 'summed', (x) => x.userStats?.['nSeen'] === 196);
    expect(summed.userStats).toMatchObject({ unit: 'mm' });
  });

  it('may publish any number of times for an image, with the type they declare', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('output-processors', 'ZeroOneTwo')} -pw 2`;
    await consume(world, detector, line);
    const seen = watch(world, 'consumer:1:output', idOf);
    await until(() => expect(seen).toEqual([0]));
    await detector.publish(60);
    await allDone(world, 60);
    const wanted = idsFrom(1, 60).flatMap((id) => new Array<number>(id % 3).fill(id));
    await until(() => expect(seen.slice(1)).toEqual(wanted));
  });

  it('have no output when the processor has none, and try again when it cannot say yet', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    await consume(world, detector, `${fixture('output-processors', 'Sink')} -pw 2`);
    const other = fixture('output-processors', 'NeedsImage').replace('hpc-consumer', 'hpc-consumer -id 2');
    await world.start(`${other} -pw 1`);
    await detector.subscribers(2);
    await detector.publish(6, 100);
    const s = await done(world, 1, 6);
    expect(s.publisherStats).toMatchObject({ nPublished: 0, nErrors: 0 });
    const t = await statusWhen(
      world,
      2,
      'done',
      (x) => x.processorStats.nProcessed + x.processorStats.nErrors === 6,
    );
    expect(t.processorStats).toMatchObject({ nProcessed: 4, nErrors: 2, nMissed: 0 });
    expect(t.publisherStats.nPublished).toBe(4);
  });

  it('take commands of the control channel together', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, uneven(1));
    await detector.subscribers(1);
    await workerPids(group, 2);
    const events = (): string[] => world.lines('events');
    expect(await control(world, 1, 'configure', '{"gain": 2}')).toBe('Configuration successful');
    for (const id of [1, 2]) expect(events()).toContain(`${id} configure {"gain":2}`);
    expect(await control(world, 1, 'configure', '{"gain": 0}')).toBe(
      'Configuration failed: a gain of 0 shows nothing',
    );
    await detector.publish(20, 200);
    await statusWhen(world, 1, 'seen', (s) => s.userStats?.['nSeen'] === 20);
    expect(await control(world, 1, 'reset_stats')).toBe('Stats reset successful');
    expect((await status(world, 1)).userStats).toMatchObject({ nSeen: 0 });
    for (const id of [1, 2])
      await until(() => expect(events().filter((line) => line === `${id} resetStats`).length).toBe(2));
    await detector.publish(3, 200);
    const s = await statusWhen(world, 1, 'seen', (x) => x.userStats?.['nSeen'] === 3);
    expect(s.processorStats).toMatchObject({ nProcessed: 3, nErrors: 0 });
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    for (const id of [1, 2])
      expect(events().filter((line) => line.startsWith(`${id} s`))).toEqual([`${id} start`, `${id} stop`]);
    await group.nothingLeft();
  });

  it.for(['pva => pvas', 'rpc => rpc'])(
    'take what is put or called, each with its own pixels: %s',
    async (modes, { world }) => {
      const [output, input] = modes.split(' => ');
      const detector = await Detector.start(world);
      const channels = '-cc consumer:*:control -sc consumer:*:status';
      await world.start(
        `hpc-consumer -id 2 -im ${input} -ic stage2 -oc consumer:*:output ${channels} -pf test/e2e/fixtures/served-processors.ts -pc SlowlyServed -pw 2 -wqs 3`,
        { HPC_TEST_FOLDER: world.folder },
      );
      await running(world, 2);
      await world.start(
        `hpc-consumer -ic pvapy:image -om ${output} -oc stage2 ${channels} -pc UserDataProcessor -pw 1 -sqs 1000`,
      );
      await detector.subscribers(1);
      await detector.publish(60);
      const s = await statusWhen(world, 2, 'done', (x) => x.processorStats.nProcessed === 60);
      expect(s.receiverStats).toMatchObject({ nReceived: 60, nRejected: 0, nErrors: 0 });
      expect(s.processorStats).toMatchObject({ nErrors: 0, nMissed: 0, firstObjectId: 1 });
      const sum = (id: number): number => pixelsOf(id).reduce((a, b) => a + b, 0);
      expect(new Set(world.lines('ids-2'))).toEqual(new Set(idsFrom(1, 60).map((id) => `${id} ${sum(id)}`)));
    },
  );

  it('belong to each of several consumers', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${uneven(2, 1)} --n-consumers 2`);
    await detector.subscribers(2);
    await detector.publish(30, 300);
    for (const id of [1, 2]) {
      const s = await statusWhen(world, id, 'done', (x) => x.processorStats.nProcessed === 30);
      expect(s.processorStats).toMatchObject({ nErrors: 0, nMissed: 0 });
    }
    group.signalGroup('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    expect(group.stdout).not.toMatch(/died/);
    await group.nothingLeft();
  });

  it('also serve a collector', async ({ world }) => {
    const detector = await Detector.start(world, { channel: 'consumer:1:output' });
    await world.start(
      `hpc-collector -ic consumer:*:output -pid 1 -oc collected -sc _ -cc _ -pw 2 -rqs 1000 -sqs 1000 -pf test/e2e/fixtures/worker-processors.ts -pc Uneven`,
      { HPC_TEST_FOLDER: world.folder },
    );
    await detector.subscribers(1);
    const seen = watch(world, 'collected', idOf);
    await until(() => expect(seen).toEqual([0]));
    await detector.publish(40, 400);
    await until(() => expect(seen.slice(1)).toEqual(idsFrom(1, 40)));
  });
});

describe.concurrent('a worker that is killed', () => {
  it('takes its object with it, once, is replaced, and the others go on in order', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, uneven(3000));
    await detector.subscribers(1);
    const [, second = 0] = await workerPids(group, 2);
    expect(await control(world, 1, 'configure', '{"gain": 3}')).toBe('Configuration successful');
    const seen = watch(world, 'consumer:1:output', idOf);
    await until(() => expect(seen).toEqual([0]));
    await detector.publish(8);
    // While it works on one that takes almost two seconds or more.
    const lost = await until(() => {
      const begun = world.lines('events').filter((line) => line.startsWith('2 begin'));
      const id = Number(begun.at(-1)?.split(' ')[2]);
      expect((id * 7919) % 13).toBeGreaterThanOrEqual(8);
      return id;
    });
    process.kill(second, 'SIGKILL');
    await group.printed(new RegExp(`worker 2 \\(process ${second}\\) died: killed by SIGKILL; restart 1`));
    const s = await allDone(world, 8);
    expect(s.processorStats).toMatchObject({ nProcessed: 7, nErrors: 1, nMissed: 0 });
    expectLedger(s, 8);
    expect(workerStats(s)).toMatchObject({ nInFlight: 0, nRestarts: 1 });
    await until(() => expect(seen.slice(1)).toEqual(idsFrom(1, 8).filter((id) => id !== lost)));
    // The new one knows what the old one was told.
    await until(() => {
      const own = world.lines('events').filter((line) => line.startsWith('2 c'));
      expect(own.slice(-2)).toEqual(['2 constructor', '2 configure {"gain":3}']);
    });
    group.signalGroup('SIGINT');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    await group.nothingLeft();
  });

  it('again and again, ends the consumer with one line', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('worker-processors', 'Ending')} -pw 1 --receiver-queue-size 1000`;
    const group = Unguarded.start(world, line);
    await detector.subscribers(1);
    await detector.publish(20);
    expect(await group.exited).toEqual({ code: 1, signal: null });
    expect(group.stderr).toMatch(
      /^hpc-consumer: error: 6 worker processes died within 60 s, the last one: worker 1 \(process \d+\) died: exit code 9 \(HPC_WORKERS\)\n$/,
    );
    expect(group.stdout).toContain(
      "'nErrors': 20, 'nInFlight': 0, 'nLost': 0, 'nMissed': 0, 'nProcessed': 0",
    );
    await group.nothingLeft();
  });

  it('again and again, ends all of several consumers with one line', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('worker-processors', 'Ending')} -pw 1 -rqs 1000 --n-consumers 2`;
    const group = Unguarded.start(world, line);
    await detector.subscribers(2);
    await detector.publish(20);
    expect(await group.exited).toEqual({ code: 1, signal: null });
    expect(group.stderr).toMatch(/^hpc-consumer: error: 6 worker processes died [^\n]* \(HPC_WORKERS\)\n$/);
    await group.nothingLeft();
  });

  it('with its consumer leaves nothing behind', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(
      world,
      `${fixture('worker-processors', 'Stubborn')} -pw 2 -rqs 10 --log-level info`,
    );
    await detector.subscribers(1);
    const pids = await workerPids(group, 2);
    await detector.publish(2);
    await until(() => expect(pids.map(exists)).toEqual([true, true]));
    group.signal('SIGKILL');
    await group.exited;
    await until(() => expect(pids.filter(exists)).toEqual([]));
    await group.nothingLeft();
  });
});

describe.concurrent('at the end', () => {
  it('what is in flight is done first', async ({ world }) => {
    const detector = await Detector.start(world);
    const group = Unguarded.start(world, `${uneven(100)} --drain-timeout 30`);
    await detector.subscribers(1);
    await detector.publish(20);
    await until(() => expect(world.lines('events').some((line) => line.includes('begin'))).toBe(true));
    await statusWhen(world, 1, 'received', (s) => s.receiverStats.nReceived === 21);
    group.signalGroup('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    expect(group.stdout).toMatch(/'nErrors': 0, 'nInFlight': 0, 'nLost': 0, 'nMissed': 0, 'nProcessed': 20,/);
    expect(group.stdout).toMatch(/'nPublished': 20,/);
    expect(group.stderr).toBe('');
    await group.nothingLeft();
  });

  it('workers that do not end are killed, and their objects counted as errors', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('worker-processors', 'Stubborn')} -pw 2 -rqs 10 --log-level info`;
    const group = Unguarded.start(world, line);
    await detector.subscribers(1);
    await detector.publish(4);
    await statusWhen(world, 1, 'received', (s) => s.receiverStats.nReceived === 5);
    group.signal('SIGTERM');
    expect(await group.exited).toEqual({ code: 0, signal: null });
    await group.printed(/workers did not end in time; 4 object\(s\) failed/);
    expect(group.stdout).toMatch(/'nErrors': 4, 'nInFlight': 0, 'nLost': 0, 'nMissed': 0, 'nProcessed': 0,/);
    await group.nothingLeft();
  });
});
