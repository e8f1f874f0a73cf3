/**
 * `npm run bench:chains`: several stages one after the other on this machine, beside PvaPy in the same run.
 *
 * The parts: `monitor`, `pva` and `rpc` (the highest rate without a lost frame of simulator -> consumer -> consumer, for
 * each way in which one consumer feeds another), `metadata` (the same of a consumer that adds the values of six
 * metadata channels to each frame; lossless: every frame got all six), `collector` (latency that sorting four producers
 * adds) and `mirror` (CPU time a mirror server needs for each byte, beside a raw socket copy). Everything is done in
 * rounds, ours and PvaPy's in turn; the table shows medians. Writes bench/results/chains-*.json.
 *
 * Lossless, for both alike: from the second consumer's first object, which must come in the first half of the stream,
 * to the last frame published it processed as many objects as there are ids, without an error. PvaPy's known faults are
 * kept out of it: its stages are started one after the other and connected before the first frame, in mode `pva` and
 * `rpc` by the initial image, and an object that its hosted input shows twice in the place of the one before it counts.
 *
 *   npm run bench:chains                              everything (about an hour)
 *   npm run bench:chains -- --only monitor,mirror     some parts
 *   npm run bench:chains -- --rounds 1 --seconds 2    less exact, but shorter
 *   npm run bench:chains -- --quick                   one run each at a low rate: does the benchmark itself work?
 *   npm run bench:chains -- --ours                    without PvaPy
 */

import { pairsOf } from '../frames/pairs.ts';
import { benchOptions } from '../options.ts';
import { ourSuite, pvapySuite } from '../pair-run.ts';
import { ensurePeers } from '../peers/python-env.ts';
import { machine, writeResults } from '../report.ts';
import { type Figure, table } from '../result.ts';
import { CHAIN_MODES } from './chain-run.ts';
import { collectorFigures, mirrorFigures } from './fixed-rate-figures.ts';
import { chainFigures, type Effort, metadataFigures } from './lossless-figures.ts';

const PARTS = [...CHAIN_MODES, 'metadata', 'collector', 'mirror'] as const;

const values = benchOptions('npm run bench:chains', {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  ours: { type: 'boolean', default: false },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
const seconds = Number(values.seconds ?? (quick ? 1 : 3));
const only = values.only?.split(',') ?? PARTS;
const unknown = only.filter((part) => !PARTS.some((p) => p === part));
if (unknown.length > 0 || !(rounds >= 1) || !(seconds > 0)) {
  console.error(
    `npm run bench:chains: --only takes ${PARTS.join(', ')}; --rounds and --seconds take numbers above 0`,
  );
  process.exit(2);
}

const peers = values.ours ? undefined : await ensurePeers();
const ours = ourSuite();
const peer = peers?.available ? pvapySuite(peers) : undefined;
const suites = peer ? [ours, peer] : [ours];
// Ours, PvaPy's, and PvaPy's simulator with our consumer.
const pairs = pairsOf(ours, peer).slice(0, 3);
const log = (text: string): void => void process.stderr.write(`${text}\n`);
const effort: Effort = { rounds, seconds, quick, log };
console.log(`${machine()}; ${rounds} rounds, runs of ${seconds} s; peer: ${peer?.name ?? 'none'}`);

const figures: Figure[] = [];
for (const part of PARTS) {
  if (!only.includes(part)) continue;
  log(`${part} ...`);
  if (part === 'metadata') figures.push(...(await metadataFigures(pairs, effort)));
  else if (part === 'collector') figures.push(...(await collectorFigures(suites, effort)));
  else if (part === 'mirror') figures.push(...(await mirrorFigures(suites, effort)));
  else figures.push(...(await chainFigures(suites, [part], effort)));
}
console.log(table(figures, peer?.name ?? '-'));
console.log('medians [least..greatest]; ratio: how much better ours is than PvaPy; above 1 is better');
const LOSSLESS = [
  'lossless: as many objects processed as ids, from the first object of the last stage, which comes in the first half',
  'of the stream, to the last frame published; with metadata: every frame published got all its values',
];
console.log(LOSSLESS.join('\n'));
writeResults('chains-', { rounds, seconds, figures });
