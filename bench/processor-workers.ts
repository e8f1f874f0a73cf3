/**
 * What processor workers gain and cost: frames a second through a processor that computes for a given time, in this
 * process and in 1 and 2 workers. The network is left out. Run it with `node dist/bench/processor-workers.js`; with
 * `--quick` it says only whether the benchmark itself works.
 */
import { join } from 'node:path';
import * as pva from 'epics-pva-ts';
import { NTNDArray } from 'epics-pva-ts';
import * as hpc from '../src/index.ts';
import { createLogging } from '../src/log.ts';
import { Farm } from '../src/pipeline/workers/farm.ts';
import { WorkerPool } from '../src/pipeline/workers/worker-pool.ts';
import { loadProcessorClass } from '../src/processor/load-processor.ts';
import type { PvObject, UserDataProcessor } from '../src/processor/user-data-processor.ts';
import { benchOptions } from './options.ts';
import { repositoryRoot } from './peers/python-env.ts';

const { quick } = benchOptions('processor-workers', { quick: { type: 'boolean', default: false } });
const SIZE = 512;
const SECONDS = quick ? 0.2 : 3;
const WARM_UP_MS = quick ? 50 : 500;
const COMPUTE_MS = quick ? [1] : [0, 1, 5, 20];
const WORKERS = [0, 1, 2];
const PROCESSOR = {
  processorFile: join(repositoryRoot(), 'bench', 'processors', 'busy-processor.ts'),
  processorClass: 'BusyProcessor',
};

type Offer = (frame: NTNDArray) => void | Promise<void>;

/** Offers frames for some seconds; frames a second that were published. */
async function measure(offer: Offer, published: () => number): Promise<number> {
  const pixels = new Uint8Array(SIZE * SIZE).map((_, i) => i);
  const frame = NTNDArray.create({ pixels, dimensions: [SIZE, SIZE], uniqueId: 1 });
  frame.value.mark();
  // The first ones pay for compiling.
  const warm = performance.now() + WARM_UP_MS;
  while (performance.now() < warm) await offer(frame);
  const before = published();
  const start = performance.now();
  let turn = start;
  while (performance.now() - start < SECONDS * 1000) {
    await offer(frame);
    if (performance.now() - turn < 5) continue;
    turn = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return ((published() - before) * 1000) / (performance.now() - start);
}

async function inThisProcess(ms: number): Promise<number> {
  const Processor = await loadProcessorClass({
    ...PROCESSOR,
    builtins: {},
    virtualModules: { 'epics-hpc': hpc, 'epics-pva-ts': pva },
  });
  if (!Processor) throw new Error('no processor');
  const processor = new Processor({ ms }) as UserDataProcessor;
  let n = 0;
  processor.dataPublisher = { publish: (_object: PvObject) => n++ };
  return measure(
    (frame) => void processor.process(frame),
    () => n,
  );
}

async function inWorkers(ms: number, nWorkers: number): Promise<number> {
  const farm = new Farm(new URL('../commands/processor-worker-child-entry.cjs', import.meta.url));
  const channels = {
    inputChannel: 'in',
    outputChannel: 'out',
    statusChannel: undefined,
    controlChannel: undefined,
  };
  const pool = new WorkerPool({
    nWorkers,
    queueSize: 4 * nWorkers,
    spec: {
      ...PROCESSOR,
      id: 1,
      name: 'bench.worker',
      channels,
      inputMode: 'pva',
      outputMode: 'pvas',
      objectIdField: 'uniqueId',
      skipInitialUpdates: 0,
      objectIdOffset: 1,
      nSequentialUpdates: 1,
      fieldRequest: '',
      processorArgs: { ms },
      logLevel: undefined,
      logFile: undefined,
    },
    spawn: farm.spawn,
    logger: createLogging({ name: 'bench' }).logger,
    onFailure: (error) => {
      throw error;
    },
  });
  let n = 0;
  await pool.open();
  await pool.start({ open: () => {}, publish: () => n++, lost: () => {} });
  const rate = await measure(
    (frame) => pool.process(frame.value, () => {}),
    () => n,
  );
  await pool.drain(5000);
  await pool.stop();
  return rate;
}

process.stdout.write(`${SIZE} x ${SIZE} uint8, frames/s by ms of computation and workers\n`);
for (const ms of COMPUTE_MS) {
  const rates: string[] = [];
  for (const workers of WORKERS) {
    const rate = workers === 0 ? await inThisProcess(ms) : await inWorkers(ms, workers);
    rates.push(`${workers} workers ${rate.toFixed(0)}`);
  }
  process.stdout.write(`${ms} ms: ${rates.join(', ')}\n`);
}
