/** `--fail-on-loss`: a stage that did not process and pass on everything ends with exit code 3. */
import type { SourceStats } from '../pipeline/source-stats.ts';
import { CommandExit } from './command-exit.ts';
import { EXIT } from './run-main.ts';

/** Counters in which a loss shows; groups a stage does not have are left out. A collector's producers have theirs. */
export interface LossCounters {
  readonly receiverStats?: object | undefined;
  readonly queueStats?: object | undefined;
  readonly collectorStats?: object | undefined;
  readonly processorStats?: object | undefined;
  readonly publisherStats?: object | undefined;
  /** Several consumers in processes of their own: see SystemStats. */
  readonly nLostInRestarts?: number | undefined;
  readonly unreportedTime?: number | undefined;
}

/** Those in which an object is that is in no other one. */
const COUNTERS = [
  ['collectorStats', 'nIncomplete', 'ids with objects (tiles) missing'],
  ['processorStats', 'nInFlight', 'not processed when it ended'],
  ['processorStats', 'nErrors', 'failed to be processed'],
  ['processorStats', 'nLost', 'lost after they were processed'],
  ['publisherStats', 'nErrors', 'failed to be published'],
  ['publisherStats', 'nUnsent', 'not sent when it ended'],
] as const;

type Loss = readonly [count: number, text: string];

/** @throws CommandExit with one line on standard error and exit code 3, if any counter is not 0 */
export function failOnLoss(program: string, stats: LossCounters): void {
  const losses = [
    ...neverProcessed(stats),
    ...COUNTERS.map(([group, name, text]): Loss => [countIn(stats[group], name), text]),
    [stats.nLostInRestarts ?? 0, 'held by consumers that died'] as const,
  ]
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`);
  // What they published and missed then, and what came until they were back, is in no counter.
  const { unreportedTime = 0 } = stats;
  if (unreportedTime > 0)
    losses.push(`an unknown number by consumers that died (${unreportedTime.toFixed(3)} s not reported)`);
  if (losses.length === 0) return;
  throw new CommandExit(EXIT.loss, {
    stderr: `${program}: objects were lost: ${losses.join(', ')} (--fail-on-loss)\n`,
  });
}

/**
 * Each object once: one that is refused is missing between the ids of those around it, too, and a receiver that serves
 * its channel counts what its queue refused.
 */
function neverProcessed(stats: LossCounters): Loss[] {
  const byQueue = countIn(stats.queueStats, 'nRejected');
  const refused: Loss[] = [
    [Math.max(0, countIn(stats.receiverStats, 'nRejected') - byQueue), 'refused by the receiver'],
    [byQueue, 'refused by the receiver queue'],
    [countIn(stats.collectorStats, 'nRejected'), 'too late for the collector'],
    ...lossesOfProducers(stats),
  ];
  const known = refused.reduce((n, [count]) => n + count, 0);
  return [[Math.max(0, countIn(stats.processorStats, 'nMissed') - known), 'missed'], ...refused];
}

/** What never came as far as the collector's cache. */
function lossesOfProducers(stats: object): Loss[] {
  const producers = Object.entries(stats).flatMap(([name, group]) =>
    name.startsWith('producerStats_') ? [group as SourceStats] : [],
  );
  const sum = (of: (producer: (typeof producers)[number]) => object | undefined): number =>
    producers.reduce((n, producer) => n + countIn(of(producer), 'nRejected'), 0);
  return [
    [sum(({ receiverStats }) => receiverStats), 'without an object id'],
    [sum(({ queueStats }) => queueStats), "refused by the producers' receiver queues"],
  ];
}

function countIn(group: object | undefined, name: string): number {
  const count: unknown = (group as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof count === 'number' ? count : 0;
}
