/**
 * `npm run bench`: what this suite does on this machine, beside PvaPy in the same run.
 *
 * The parts: `frames` (the highest rate without a lost frame, simulator -> pass-through consumer with output channel, of
 * both suites and of mixed pairs, beside a raw socket; CPU and memory), `sharing` (two and four consumers by the
 * distributor), `latency`, `start`, and `memory` (ten minutes of one stream; only when asked for). Everything is done in
 * rounds, ours and PvaPy's in turn; the table shows medians. Without Python 3.11 or PyPI only our own figures are
 * printed. Writes bench/results/*.json.
 *
 *   npm run bench                          everything but memory (about 40 minutes)
 *   npm run bench -- --only latency,start  some parts
 *   npm run bench -- --size 512            frames of one size
 *   npm run bench -- --rounds 1            less exact, but shorter
 *   npm run bench -- --quick               one run each at a low rate: does the benchmark itself work?
 *   npm run bench -- --ours                without PvaPy
 */

import { latencyFigures } from './frames/latency.ts';
import { losslessFigures, losslessRates } from './frames/lossless.ts';
import { memoryFigures } from './frames/memory.ts';
import { type Pair, pairsOf, WORKS, type Work } from './frames/pairs.ts';
import { startTimeFigures } from './frames/start-time.ts';
import { benchOptions } from './options.ts';
import { ourSuite, pvapySuite } from './pair-run.ts';
import { ensurePeers } from './peers/python-env.ts';
import { machine, writeResults } from './report.ts';
import { type Figure, table } from './result.ts';

const PARTS = ['frames', 'sharing', 'latency', 'start', 'memory'] as const;
const SHARED = WORKS.find((work) => work.size === 512) as Work;
const LONG_RUN_SECONDS = 600;

const values = benchOptions('npm run bench', {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  size: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  ours: { type: 'boolean', default: false },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const seconds = Number(values.seconds ?? (quick ? 1 : 3));
const only = values.only?.split(',') ?? PARTS.filter((part) => part !== 'memory');
const unknown = only.filter((part) => !PARTS.some((p) => p === part));
if (unknown.length > 0 || !(rounds >= 1) || !(seconds > 0)) {
  console.error(
    `npm run bench: --only takes ${PARTS.join(', ')}; --rounds and --seconds take numbers above 0`,
  );
  process.exit(2);
}

const peers = values.ours ? undefined : await ensurePeers();
const ours = ourSuite();
const peer = peers?.available ? pvapySuite(peers) : undefined;
const pairs = pairsOf(ours, peer);
const same: readonly Pair[] = pairs.slice(0, 2);
const log = (text: string): void => void process.stderr.write(`${text}\n`);
console.log(`${machine()}; ${rounds} rounds, runs of ${seconds} s; peer: ${peer?.name ?? 'none'}`);

/** Mixed pairs are measured at one size: what they show is that neither side slows the other down. */
const pairsAt = (work: Work): readonly Pair[] => (work === SHARED ? pairs : same);

const parts: Record<(typeof PARTS)[number], () => Promise<Figure[]>> = {
  frames: async () => {
    const figures: Figure[] = [];
    for (const work of WORKS)
      if (values.size === undefined || Number(values.size) === work.size)
        figures.push(
          ...losslessFigures(
            work,
            await losslessRates({ pairs: pairsAt(work), work, rounds, seconds, quick, log }),
          ),
        );
    return figures;
  },
  sharing: async () => {
    const figures: Figure[] = [];
    for (const nConsumers of [2, 4]) {
      const found = await losslessRates({
        pairs: same,
        work: SHARED,
        rounds,
        seconds,
        nConsumers,
        quick,
        log,
      });
      figures.push(...losslessFigures(SHARED, found, { nConsumers, ratioGoal: 1.5 }));
    }
    return figures;
  },
  latency: () => latencyFigures(same, rounds, quick ? 1 : 5),
  start: () => startTimeFigures(same, rounds),
  memory: () => memoryFigures(same[0] as Pair, values.seconds === undefined ? LONG_RUN_SECONDS : seconds),
};

const figures: Figure[] = [];
for (const part of PARTS) {
  if (!only.includes(part)) continue;
  log(`${part} ...`);
  figures.push(...(await parts[part]()));
}
console.log(table(figures, peer?.name ?? '-'));
console.log('medians [least..greatest]; ratio: how much better ours is than PvaPy; above 1 is better');
writeResults('', { rounds, seconds, figures });
