/**
 * `npm run fuzz`: inputs for every fuzz target until the time is up, millions of them in a night.
 *
 * FUZZ_SECONDS (default 600) or FUZZ_COUNT (inputs for each target) say how long; FUZZ_TARGET takes one target;
 * FUZZ_SEED begins there and, with neither of the first two, runs this one input. Ends with 1 when something failed.
 */
import { parseArgs } from 'node:util';
import { FuzzFailure, runInputs } from './run-targets.ts';
import { TARGETS } from './targets.ts';

/** Inputs between two looks at the clock. */
const BATCH = 500;
/** Memory in use after which something is kept that should have gone. */
const MOST_HEAP = 1024 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: process.env['FUZZ_SECONDS'] },
    count: { type: 'string', default: process.env['FUZZ_COUNT'] },
    target: { type: 'string', default: process.env['FUZZ_TARGET'] },
    seed: { type: 'string', default: process.env['FUZZ_SEED'] },
  },
});
const isRepetition = values.seed !== undefined && values.seconds === undefined && values.count === undefined;
const count = isRepetition ? 1 : Number(values.count ?? Number.POSITIVE_INFINITY);
const deadline =
  performance.now() + 1000 * (isRepetition ? 3600 : Number(values.seconds ?? (values.count ? 86_400 : 600)));
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
const targets = [...TARGETS].filter(([name]) => values.target === undefined || name === values.target);
if (targets.length === 0 || Number.isNaN(seed) || Number.isNaN(count) || Number.isNaN(deadline)) {
  console.error(
    `FUZZ_TARGET is one of ${[...TARGETS.keys()].join(', ')}; seed, count and seconds are numbers`,
  );
  process.exit(2);
}

console.log(`FUZZ_SEED=${seed}, targets: ${targets.map(([name]) => name).join(', ')}`);
const done = new Map<string, number>(targets.map(([name]) => [name, 0]));
let reported = performance.now();
let failed = false;
try {
  for (let at = 0; at < count && performance.now() < deadline; at += BATCH) {
    for (const [name, { run }] of targets) {
      const end = Math.min(count, at + BATCH);
      await runInputs(name, run, seed + at, seed + end);
      done.set(name, end);
      // Timers and what waits for the next turn have theirs.
      await new Promise((resolve) => setImmediate(resolve));
      if (performance.now() >= deadline) break;
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    if (heapUsed + arrayBuffers > MOST_HEAP)
      throw new Error(
        `${Math.round((heapUsed + arrayBuffers) / 2 ** 20)} MiB are in use after input ${seed + at}`,
      );
    if (performance.now() - reported > 60_000) {
      reported = performance.now();
      console.log(`${[...done.values()].reduce((a, b) => a + b, 0)} inputs`);
    }
  }
} catch (error) {
  failed = true;
  console.error(
    error instanceof FuzzFailure ? `${error.message}\n` : '',
    error instanceof FuzzFailure ? error.cause : error,
  );
}
for (const [name, n] of done) console.log(`${name.padEnd(14)} ${n}`);
console.log(
  `${[...done.values()].reduce((a, b) => a + b, 0)} inputs, FUZZ_SEED=${seed}: ${failed ? 'failed' : 'nothing found'}`,
);
process.exitCode = failed ? 1 : 0;
