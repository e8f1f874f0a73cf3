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

const COUNTERS = [
  ['processorStats', 'nMissed', 'missed'],
  ['receiverStats', 'nRejected', 'refused by the receiver'],
  ['queueStats', 'nRejected', 'refused by the receiver queue'],
  ['collectorStats', 'nRejected', 'too late for the collector'],
  ['collectorStats', 'nIncomplete', 'ids with objects (tiles) missing'],
  ['processorStats', 'nInFlight', 'not processed when it ended'],
  ['processorStats', 'nErrors', 'failed to be processed'],
  ['processorStats', 'nLost', 'lost after they were processed'],
  ['publisherStats', 'nErrors', 'failed to be published'],
  ['publisherStats', 'nUnsent', 'not sent when it ended'],
] as const;

/** @throws CommandExit with one line on standard error and exit code 3, if any counter is not 0 */
export function failOnLoss(program: string, stats: LossCounters): void {
  const losses = [
    ...COUNTERS.map(([group, name, text]) => [countIn(stats[group], name), text] as const),
    ...lossesOfProducers(stats),
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

/** What never came as far as the collector's cache. */
function lossesOfProducers(stats: object): [count: number, text: string][] {
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
