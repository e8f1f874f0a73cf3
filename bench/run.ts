/**
 * `npm run bench`: what this suite does on this machine, beside PvaPy in the same run.
 *
 * For each size: the highest rate of a ladder at which no frame is lost for 10 s, simulator -> one pass-through
 * consumer with output channel, two processes; then the latency from publish to process at 1,000 frames/s. Without
 * Python 3.11 or PyPI only our own figures are printed. Prints one table, writes bench/results/*.json.
 *
 *   npm run bench                     everything (about 25 minutes)
 *   npm run bench -- --quick          one run a size at a low rate: does the benchmark itself work?
 *   npm run bench -- --size 512       one size
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { highestLossless } from './highest-lossless.ts';
import { ourSuite, type PeerRun, pvapySuite, runPair, type Suite } from './pair-run.ts';
import { ensurePeers, repositoryRoot } from './peers/python-env.ts';

interface Work {
  readonly size: number;
  readonly serverQueueSize: number;
  readonly nFrames: number;
  /** Rates to try, in frames/s. */
  readonly ladder: readonly number[];
}

/** Steps of about 8 %, so that a ratio means something. */
function steps(from: number, to: number, factor = 1.04): number[] {
  const rates: number[] = [];
  for (let r = from; r <= to; r *= factor) rates.push(Math.round(r));
  return rates;
}

const WORKS: readonly Work[] = [
  { size: 128, serverQueueSize: 1000, nFrames: 100, ladder: steps(8000, 90_000, 1.08) },
  { size: 512, serverQueueSize: 100, nFrames: 100, ladder: steps(3000, 22_000, 1.08) },
  { size: 4096, serverQueueSize: 20, nFrames: 10, ladder: steps(60, 450, 1.08) },
];

interface Row {
  readonly work: string;
  readonly suite: string;
  readonly run: PeerRun | undefined;
  readonly latency?: PeerRun['latency'];
  readonly tried: number;
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    size: { type: 'string' },
    seconds: { type: 'string' },
    ours: { type: 'boolean' },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 1 : 10));

async function best(suite: Suite, work: Work): Promise<Row> {
  const pair = { simulator: suite, consumer: suite };
  const one = (fps: number): Promise<PeerRun> => {
    process.stderr.write(`  ${suite.name} ${work.size}x${work.size} at ${fps}/s ... `);
    return runPair(pair, {
      nx: work.size,
      ny: work.size,
      fps,
      seconds,
      serverQueueSize: work.serverQueueSize,
      nFrames: work.nFrames,
    }).then((run) => {
      process.stderr.write(
        run.lossless ? `lossless, ${run.achievedFps.toFixed(0)}/s\n` : `lost ${run.missed}\n`,
      );
      return run;
    });
  };
  const ladder = values.quick ? work.ladder.slice(0, 1) : work.ladder;
  const { best: run, runs } = await highestLossless(one, ladder, { attempts: values.quick ? 1 : 2 });
  const timed = await runPair(pair, {
    nx: work.size,
    ny: work.size,
    fps: Math.min(1000, work.ladder[0] as number),
    seconds: Math.min(seconds, 5),
    serverQueueSize: work.serverQueueSize,
    nFrames: work.nFrames,
    processor: 'latency',
  });
  return {
    work: `${work.size}x${work.size} uint8`,
    suite: suite.name,
    run,
    latency: timed.latency,
    tried: runs.length,
  };
}

function cells(row: Row): string[] {
  const { run, latency } = row;
  const f = (v: number | undefined, digits: number): string => (v === undefined ? '-' : v.toFixed(digits));
  return [
    row.work,
    row.suite,
    f(run?.achievedFps, 0),
    f(run?.megabytesPerSecond, 0),
    f(run?.producer.cpuSeconds, 1),
    f(run?.consumer.cpuSeconds, 1),
    f(run && run.producer.peakRss / 1e6, 0),
    f(run && run.consumer.peakRss / 1e6, 0),
    f(latency?.p50, 0),
    f(latency?.p99, 0),
  ];
}

const TITLES = [
  'work',
  'suite',
  'frames/s',
  'MB/s',
  'CPU s sim',
  'CPU s cons',
  'MB sim',
  'MB cons',
  'p50 us',
  'p99 us',
];

function print(rows: readonly Row[]): void {
  const lines = rows.map(cells);
  const widths = TITLES.map((t, i) => Math.max(t.length, ...lines.map((l) => (l[i] as string).length)));
  const text = (l: readonly string[]): string =>
    l.map((c, i) => (i < 2 ? c.padEnd(widths[i] as number) : c.padStart(widths[i] as number))).join('  ');
  console.log([text(TITLES), ...lines.map(text)].join('\n'));
  for (const work of new Set(rows.map((r) => r.work))) {
    const of = (suite: string): Row | undefined => rows.find((r) => r.work === work && r.suite === suite);
    const ours = of('epics-hpc')?.run?.achievedFps;
    const theirs = of('PvaPy')?.run?.achievedFps;
    if (ours && theirs) console.log(`${work}: ${(ours / theirs).toFixed(2)} x PvaPy's highest lossless rate`);
  }
}

const peers = values.ours ? undefined : await ensurePeers();
const suites = peers?.available ? [ourSuite(), pvapySuite(peers)] : [ourSuite()];
const machine = `${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ${os.platform()}`;
console.log(`${machine}; ${seconds} s a run; suites: ${suites.map((s) => s.name).join(', ')}`);
const rows: Row[] = [];
for (const work of WORKS) {
  if (values.size !== undefined && Number(values.size) !== work.size) continue;
  for (const suite of suites) rows.push(await best(suite, work));
}
print(rows);
const folder = join(repositoryRoot(), 'bench', 'results');
mkdirSync(folder, { recursive: true });
const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`);
writeFileSync(file, `${JSON.stringify({ machine, seconds, rows }, null, 2)}\n`);
console.log(`written to ${file}`);
