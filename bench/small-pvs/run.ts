/**
 * `npm run bench:small`: the speed of small PVs on this machine, beside PVXS (through p4p) in the same run.
 *
 * Without Python 3.11 or PyPI only our own figures are printed. Prints one table, writes bench/results/small-*.json.
 *
 *   npm run bench:small                              everything (about 10 minutes)
 *   npm run bench:small -- --quick                   short runs, no search for the highest rates
 *   npm run bench:small -- --only get,codec          some of: monitors, updates, get, codec
 *   npm run bench:small -- --ours                    without the peer
 */
import { benchOptions } from '../options.ts';
import { ensurePeers } from '../peers/python-env.ts';
import { machine, writeResults } from '../report.ts';
import { type Figure, table } from '../result.ts';
import { fastUpdates } from './fast-updates.ts';
import { getLatency } from './get-latency.ts';
import { headCodec } from './head-codec.ts';
import { manyMonitors } from './many-monitors.ts';
import { ours, pvxs } from './roles.ts';

const values = benchOptions('npm run bench:small', {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  ours: { type: 'boolean', default: false },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
});
const { quick } = values;
const seconds = Number(values.seconds ?? (quick ? 2 : 5));
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
const only = values.only?.split(',');

const peers = values.ours ? undefined : await ensurePeers();
const peer = peers?.available ? pvxs(peers) : undefined;
const us = ours();
console.log(`${machine()}; ${rounds} runs of ${seconds} s, medians; peer: ${peer?.name ?? 'none'}`);

const benchmarks: Record<string, () => Promise<Figure[]>> = {
  codec: () => headCodec({ times: quick ? 50_000 : 200_000, rounds: Math.max(5, rounds) }),
  get: () => getLatency({ ours: us, peer, gets: quick ? 3000 : 10_000, rounds }),
  monitors: () => manyMonitors({ ours: us, peer, seconds, rounds }),
  updates: () => fastUpdates({ ours: us, peer, seconds: Math.min(seconds, 3), rounds, quick }),
};
const figures: Figure[] = [];
for (const [name, run] of Object.entries(benchmarks)) {
  if (only && !only.includes(name)) continue;
  process.stderr.write(`${name} ...\n`);
  figures.push(...(await run()));
}
console.log(table(figures, 'PVXS'));
console.log('ratio: how much better ours is than PVXS through p4p; above 1 is better');
writeResults('small-', { rounds, seconds, figures });
