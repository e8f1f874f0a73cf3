/** What a collector and a mirror server cost at a fixed rate: added latency, and CPU time for each byte. */
import type { Suite } from '../pair-run.ts';
import { type Figure, median } from '../result.ts';
import { type CollectorRun, runCollector } from './collector-run.ts';
import type { Effort } from './lossless-figures.ts';
import { type MirrorRun, runMirror } from './mirror-run.ts';
import { rawCopyUse } from './raw-copy.ts';

const PRODUCERS = 4;
const COLLECTOR_SIZE = 128;
const COLLECTOR_FPS = 1000;
/** Goal of the added latency, in frame periods. */
const PERIODS_GOAL = 2;
/** Objects our collector may keep back: more cost no time, because none waits for the cache to fill. */
const OUR_CACHE = 1000;
/** What a run may lose by accident: it is repeated so often. */
const ATTEMPTS = 3;

const MIRROR_SIZE = 512;
const MIRROR_FPS = 2000;
/** An NTNDArray's fields and the header beside its pixels. */
const HEAD_BYTES = 400;
/** In %. */
const MIRROR_GOAL = 15;
/** At least so long, in s: CPU time counts in steps of 10 ms, and a collector's last frames wait for its end. */
const LEAST_SECONDS = 5;

/** The first suite is ours, the second, if there is one, the peer's. */
export async function collectorFigures(suites: readonly Suite[], effort: Effort): Promise<Figure[]> {
  const runs: CollectorRun[][] = suites.map(() => []);
  const fps = effort.quick ? COLLECTOR_FPS / 10 : COLLECTOR_FPS;
  const seconds = effort.quick ? effort.seconds : Math.max(LEAST_SECONDS, effort.seconds);
  // PvaPy's collector releases nothing before its cache is full: it has the smallest with which it leaves no gap.
  const cacheSizes: number[] = suites.map((_, i) => (i === 0 ? OUR_CACHE : PRODUCERS));
  for (let round = 1; round <= effort.rounds; round++)
    for (const [i, suite] of suites.entries())
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const cacheSize = cacheSizes[i] as number;
        const run = await runCollector(suite, {
          producers: PRODUCERS,
          size: COLLECTOR_SIZE,
          fps,
          seconds,
          serverQueueSize: COLLECTOR_FPS,
          cacheSize,
        });
        const outcome = run.withoutGaps ? `p99 ${run.latency?.p99.toFixed(0)} us` : 'gaps';
        effort.log(`  round ${round}, collector, ${suite.name}, cache of ${cacheSize}: ${outcome}`);
        if (run.withoutGaps) {
          runs[i]?.push(run);
          break;
        }
        cacheSizes[i] = 2 * cacheSize;
      }
  const [ours, peer] = runs as [CollectorRun[], CollectorRun[] | undefined];
  return (['p50', 'p99'] as const).map((p) => {
    const each = (of: readonly CollectorRun[]): number[] => of.map((run) => run.latency?.[p] ?? Number.NaN);
    return {
      what: `collector of ${PRODUCERS} at ${fps}/s: publish to release, ${p}`,
      unit: 'us',
      ours: median(each(ours)),
      peer: peer && median(each(peer)),
      oursEach: each(ours),
      ...(peer && { peerEach: each(peer) }),
      better: 'less',
      goal: (PERIODS_GOAL * 1e6) / fps,
      runs: { ours, peer },
    };
  });
}

/** The first suite is ours, the second, if there is one, the peer's; simulator and consumer are always ours. */
export async function mirrorFigures(suites: readonly Suite[], effort: Effort): Promise<Figure[]> {
  const runs: MirrorRun[][] = suites.map(() => []);
  const raw: number[] = [];
  const fps = effort.quick ? MIRROR_FPS / 10 : MIRROR_FPS;
  const seconds = effort.quick ? effort.seconds : Math.max(LEAST_SECONDS, effort.seconds);
  for (let round = 1; round <= effort.rounds; round++) {
    const copies: number[] = [];
    const copy = async (): Promise<void> => {
      const { cpuSeconds, bytes } = await rawCopyUse(MIRROR_SIZE * MIRROR_SIZE + HEAD_BYTES, fps, seconds);
      copies.push(cpuSeconds / (bytes / 1e9));
    };
    await copy();
    for (const [i, suite] of suites.entries()) {
      const run = await runMirror(suite, suites[0] as Suite, {
        size: MIRROR_SIZE,
        fps,
        seconds,
        // Quick asks whether it works: nothing is lost then, whatever else the machine does.
        serverQueueSize: effort.quick ? MIRROR_FPS : MIRROR_FPS / 10,
      });
      effort.log(
        `  round ${round}, mirror, ${suite.name}: ${run.mirrored} of ${run.published} frames, ${run.cpuPerGigabyte.toFixed(3)} s/GB`,
      );
      runs[i]?.push(run);
      // Before our mirror and after it: one run of the same copy differs from the next by 10 % and more.
      if (i === 0) await copy();
    }
    raw.push(copies.reduce((sum, each) => sum + each, 0) / copies.length);
  }
  const [ours, peer] = runs as [MirrorRun[], MirrorRun[] | undefined];
  const cpu = (of: readonly MirrorRun[]): number[] => of.map((run) => run.cpuPerGigabyte);
  const added = (of: readonly MirrorRun[]): number[] =>
    cpu(of).map((seconds, round) => 100 * (seconds / (raw[round] as number) - 1));
  const name = `mirror, ${MIRROR_SIZE}x${MIRROR_SIZE} at ${fps}/s`;
  return [
    {
      what: `${name}: CPU`,
      unit: 's/GB',
      ours: median(cpu(ours)),
      peer: peer && median(cpu(peer)),
      oursEach: cpu(ours),
      ...(peer && { peerEach: cpu(peer) }),
      better: 'less',
      ratioGoal: 1,
      runs: { ours, peer, raw },
    },
    {
      what: `${name}: over a raw socket copy's ${median(raw).toFixed(3)} s/GB`,
      unit: '%',
      ours: median(added(ours)),
      oursEach: added(ours),
      better: 'less',
      goal: MIRROR_GOAL,
    },
  ];
}
