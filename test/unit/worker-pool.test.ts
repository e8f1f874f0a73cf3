/** A pool of real worker processes: every object is answered exactly once, in order, and no more are taken than agreed. */
import { struct, type TypeDef, Value } from 'epics-pva-ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { UserError } from '../../src/errors.ts';
import { createLogging } from '../../src/log.ts';
import { Changes } from '../../src/pipeline/workers/changes.ts';
import { Farm, type WorkerEvents } from '../../src/pipeline/workers/farm.ts';
import { OrderedResults } from '../../src/pipeline/workers/ordered-results.ts';
import { RestartLimit } from '../../src/pipeline/workers/restart-limit.ts';
import { combineFigures, poolFigures, sameFigures } from '../../src/pipeline/workers/worker-figures.ts';
import { WorkerPlaces, type WorkerPlacesOptions } from '../../src/pipeline/workers/worker-places.ts';
import { WorkerPool } from '../../src/pipeline/workers/worker-pool.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const type: TypeDef = struct('', { id: 'int', ms: 'int' });
const farm = new Farm(new URL('../../dist/commands/processor-worker-child-entry.cjs', import.meta.url));
afterAll(() => farm.kill());

interface Made {
  readonly pool: WorkerPool;
  readonly opened: (Value | TypeDef | null)[];
  readonly published: number[];
  readonly failures: UserError[];
}

async function makePool(nWorkers: number, queueSize: number): Promise<Made> {
  const opened: (Value | TypeDef | null)[] = [];
  const published: number[] = [];
  const failures: UserError[] = [];
  const channels = {
    inputChannel: 'in',
    outputChannel: 'out',
    statusChannel: undefined,
    controlChannel: undefined,
  };
  const pool = new WorkerPool({
    nWorkers,
    queueSize,
    spec: {
      id: 1,
      name: 'test.worker',
      channels,
      inputMode: 'pva',
      outputMode: 'pvas',
      objectIdField: 'id',
      skipInitialUpdates: 0,
      objectIdOffset: 1,
      nSequentialUpdates: 1,
      fieldRequest: '',
      processorArgs: {},
      processorFile: 'test/e2e/fixtures/worker-processors.ts',
      processorClass: 'Obedient',
      logLevel: 'critical',
      logFile: undefined,
    },
    spawn: farm.spawn,
    logger: createLogging({ name: 'test', output: { write() {} } }).logger,
    onFailure: (error) => failures.push(error),
  });
  await pool.open();
  await pool.start({
    open: (output) => opened.push(output),
    publish: (object) => published.push(Number(object.get('id'))),
    lost: () => {},
  });
  return { pool, opened, published, failures };
}

/** Offers all objects as the framework does; the ids of those that went well and of those that did not, in order. */
async function run(pool: WorkerPool, durations: readonly number[], limit: number) {
  const good: number[] = [];
  const bad: number[] = [];
  const answered: number[] = [];
  for (const [id, ms] of durations.entries()) {
    const value = Value.create(type, { id, ms });
    const wait = pool.process(value, (error) => {
      answered.push(id);
      (error ? bad : good).push(id);
    });
    value.release();
    expect(pool.nInFlight).toBeLessThanOrEqual(limit);
    expect(wait === undefined).toBe(pool.nInFlight < limit);
    await wait;
  }
  await vi.waitFor(() => expect(pool.nInFlight).toBe(0), { timeout: 20_000, interval: 2 });
  return { good, bad, answered };
}

describe('a pool of three workers', () => {
  let made: Made;
  beforeAll(async () => {
    made = await makePool(3, 7);
  });
  afterAll(() => made.pool.stop());

  it('answers and publishes in the order of the objects, each exactly once', async () => {
    const duration = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 9 }) },
      { weight: 2, arbitrary: fc.constant(-1) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(duration, { maxLength: 50 }), async (durations) => {
        made.published.length = 0;
        const { good, bad, answered } = await run(made.pool, durations, 7);
        expect(answered).toEqual([...durations.keys()]);
        expect(bad).toEqual([...durations.keys()].filter((id) => (durations[id] ?? 0) < 0));
        expect(made.published).toEqual(good);
      }),
      { numRuns: 15 },
    );
    expect(made.opened.length).toBe(1);
  });

  it('loses an object with its worker, in its place, and nothing else', async () => {
    made.published.length = 0;
    const durations = Array.from({ length: 60 }, (_, i) => (i === 10 || i === 40 ? 2000 : i % 7));
    const { good, bad, answered } = await run(made.pool, durations, 7);
    expect(answered).toEqual([...durations.keys()]);
    expect(bad).toEqual([10, 40]);
    expect(made.published).toEqual(good);
    expect(made.pool.stats).toMatchObject({ workerStats: { nInFlight: 0, nRestarts: 2 } });
    expect(made.failures).toEqual([]);
  });
});

describe('the figures of a worker that has died', () => {
  interface Worker {
    readonly nProcessed: number;
    readonly nErrors: number;
  }

  it('stay in the sum until they are reset, but for rates', async () => {
    const { pool } = await makePool(2, 4);
    const told = (nTaken: number): Promise<void> =>
      vi.waitFor(() => expect(pool.stats).toMatchObject({ nTaken, takenRate: 2, unit: 'mm' }), 20_000);
    const worker = (id: number): Worker =>
      (pool.stats['workerStats'] as Record<string, Worker>)[`worker_${id}`] as Worker;
    let taken = 10;
    await run(pool, new Array<number>(taken).fill(5), 4);
    // What it does from its last report to its death nobody knows.
    await told(taken);
    await run(pool, [2000], 4);
    const dead = worker(1).nErrors === 1 ? 1 : 2;
    const { nProcessed } = worker(dead);
    expect(nProcessed).toBeGreaterThan(0);
    // The new process has told its own figures when it has processed something.
    for (; worker(dead).nProcessed === nProcessed; taken += 2) await run(pool, [20, 20], 4);
    await told(taken);
    pool.resetStats();
    await told(0);
    await run(pool, [5], 4);
    await told(1);
    await pool.stop();
  });
});

describe('a pool whose worker always dies', () => {
  it('fails, says so once, and answers everything', async () => {
    const { pool, failures, published } = await makePool(1, 4);
    const durations = new Array<number>(30).fill(2000);
    const { good, bad, answered } = await run(pool, durations, 4);
    expect([good, published]).toEqual([[], []]);
    expect(bad).toEqual(answered);
    expect(answered).toEqual([...durations.keys()]);
    expect(failures.map((error) => error.code)).toEqual(['HPC_WORKERS']);
    await pool.stop();
  });
});

describe('results in order', () => {
  it('are delivered in the order in which they were begun, once, as early as possible', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 40 }), (priorities) => {
        const delivered: number[] = [];
        const order = new OrderedResults<number>((id) => delivered.push(id));
        const settles = priorities.map(() => order.take());
        const ends = [...priorities.keys()].sort((a, b) => (priorities[a] ?? 0) - (priorities[b] ?? 0));
        const ended = new Set<number>();
        for (const id of ends) {
          settles[id]?.(id);
          settles[id]?.(-1);
          ended.add(id);
          let known = 0;
          while (ended.has(known)) known++;
          expect(delivered).toEqual([...Array(known).keys()]);
          expect(order.length).toBe(priorities.length - known);
        }
      }),
    );
  });
});

describe('figures of several workers', () => {
  it('are added when their names say so; otherwise those that changed last count', () => {
    expect(
      combineFigures([
        {
          nSeen: 1,
          seenRate: 0.5,
          nBytesSaved: 2n,
          totalDose: 0.25,
          unit: 'mm',
          list: [1],
          processingTime: 2,
        },
        { nSeen: 2, seenRate: 1, nBytesSaved: 3n, totalDose: 0.5, unit: 'nm', list: [2], processingTime: 3 },
        { own: true },
      ]),
    ).toEqual({
      nSeen: 3,
      seenRate: 1.5,
      nBytesSaved: 5n,
      totalDose: 0.75,
      unit: 'nm',
      list: [2],
      processingTime: 5,
      own: true,
    });
  });

  it('of the ready-made processors make sense', () => {
    const last = { imageId: 7, minimum: 3, maximum: 200, mean: 20, sum: 2000 };
    expect(
      combineFigures([
        { imageId: 6, minimum: 1, maximum: 255, mean: 30, sum: 3000 },
        { ...last, nDark: 0 },
      ]),
    ).toEqual({ ...last, nDark: 0 });
    const file = {
      fileProcessingTime: 0.5,
      fileProcessingRate: 10,
      dataStorageRateMBps: 100,
      nFramesSaved: 5n,
    };
    expect(
      combineFigures([
        { ...file, lastFrameProcessedTime: 1_700_000_002.5, lastFileProcessedTime: 0 },
        { ...file, lastFrameProcessedTime: 1_700_000_001.5, lastFileProcessedTime: 1_700_000_001 },
      ]),
    ).toEqual({
      fileProcessingTime: 1,
      fileProcessingRate: 20,
      dataStorageRateMBps: 200,
      nFramesSaved: 10n,
      lastFrameProcessedTime: 1_700_000_002.5,
      lastFileProcessedTime: 1_700_000_001,
    });
  });

  it('are those of the worker that had something new to say, not of one that only reports again', () => {
    const worker = (changed: number, imageId: number) => {
      const counts = { nProcessed: 0, nErrors: 0, nRestarts: 0, processId: 1 };
      return { ...counts, figures: { imageId, nDark: 1 }, earlier: {}, changed };
    };
    expect(poolFigures([worker(9, 12), worker(8, 11)], 0)).toMatchObject({ imageId: 12, nDark: 2 });
    expect(sameFigures({ imageId: 12, list: [1] }, { imageId: 12, list: [1] })).toBe(true);
    expect(sameFigures({ imageId: 12, list: [1] }, { imageId: 12, list: [2] })).toBe(false);

    const workers: WorkerEvents[] = [];
    const places = new WorkerPlaces(
      {
        nWorkers: 2,
        spec: { name: 'test' } as WorkerPlacesOptions['spec'],
        spawn: (_spec, events) => {
          workers.push(events);
          return { pid: workers.length, send() {}, kill() {} };
        },
        logger: createLogging({ name: 'test', output: { write() {} } }).logger,
        onFailure() {},
      },
      { idle() {}, published() {}, lost() {}, failed() {} },
      new Changes(),
    );
    void places.open();
    const tell = (i: number, stats: Record<string, unknown>) =>
      workers[i]?.message({ type: 'stats', epoch: 0, stats });
    tell(0, { imageId: 1, nDark: 1 });
    tell(1, { imageId: 2, nDark: 1 });
    expect(places.stats(0)).toMatchObject({ imageId: 2, nDark: 2 });
    tell(0, { imageId: 1, nDark: 1 });
    expect(places.stats(0)).toMatchObject({ imageId: 2, nDark: 2 });
    tell(0, { imageId: 3, nDark: 2 });
    expect(places.stats(0)).toMatchObject({ imageId: 3, nDark: 3 });
  });
});

describe('the limit on restarts', () => {
  it('allows five in a minute for each worker, and forgets', () => {
    const limit = new RestartLimit(2);
    for (let i = 0; i < 10; i++) expect(limit.allows(i)).toBe(true);
    expect(limit.allows(59_000)).toBe(false);
    expect(limit.allows(61_000)).toBe(true);
  });
});
