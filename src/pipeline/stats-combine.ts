/**
 * The statistics of several consumers as those of one system. Rules of PvaPy (mpDataConsumerController.py), without
 * its faults: a consumer that processed nothing has no first and last object to contribute, and one that has not
 * ended counts up to its last report.
 */

/** Statistics of one consumer, as far as they are combined; other members are left alone. */
export interface CombinableStats {
  readonly receiverStats?: object | undefined;
  readonly publisherStats?: object | undefined;
  readonly queueStats?: object | undefined;
  readonly processorStats?: object | undefined;
  readonly rateStats?: object | undefined;
  readonly resourceStats?: object | undefined;
}

export type StatsGroup = { readonly [name: string]: number };

/** Statistics of a system of consumers. */
export interface CombinedStats {
  readonly receiverStats: StatsGroup;
  readonly publisherStats: StatsGroup;
  readonly queueStats: StatsGroup;
  readonly processorStats: StatsGroup;
  readonly rateStats: StatsGroup;
  readonly resourceStats: StatsGroup;
}

const PROCESSOR_SUMS = [
  'nProcessed',
  'nMissed',
  'nErrors',
  'processedRate',
  'missedRate',
  'errorRate',
  'nInFlight',
  'nLost',
] as const;

/** All numbers of the groups, added by name; rates too, because the consumers work side by side. */
function sums(groups: readonly (object | undefined)[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const group of groups) {
    for (const [name, value] of Object.entries(group ?? {})) {
      if (typeof value === 'number') total[name] = (total[name] ?? 0) + value;
    }
  }
  return total;
}

function figure(group: object, name: string): number {
  const value: unknown = Reflect.get(group, name);
  return typeof value === 'number' ? value : 0;
}

function smallest(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
}

function largest(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.max(...values);
}

function combineProcessors(all: readonly object[]): Record<string, number> {
  const total = sums(all);
  const started = all.filter((stats) => figure(stats, 'startTime') > 0);
  const busy = all.filter((stats) => figure(stats, 'firstObjectTime') > 0);
  const each = (group: readonly object[], name: string) => group.map((stats) => figure(stats, name));

  const startTime = smallest(each(started, 'startTime'));
  const reportedUntil = started.map(
    (stats) => figure(stats, 'endTime') || figure(stats, 'startTime') + figure(stats, 'runtime'),
  );
  const allEnded = started.every((stats) => figure(stats, 'endTime') > 0);
  const firstObjectTime = smallest(each(busy, 'firstObjectTime'));
  const lastObjectTime = largest(each(busy, 'lastObjectTime'));
  return {
    ...Object.fromEntries(PROCESSOR_SUMS.map((name) => [name, total[name] ?? 0])),
    // In totals only.
    ...(total['nSkipped'] !== undefined && { nSkipped: total['nSkipped'] }),
    ...(total['nInitial'] !== undefined && { nInitial: total['nInitial'] }),
    startTime,
    endTime: allEnded ? largest(each(started, 'endTime')) : 0,
    runtime: largest(reportedUntil) - startTime,
    firstObjectId: smallest(each(busy, 'firstObjectId')),
    lastObjectId: largest(each(busy, 'lastObjectId')),
    firstObjectTime,
    lastObjectTime,
    receivingTime: lastObjectTime - firstObjectTime,
  };
}

function combineRates(all: readonly object[]): Record<string, number> {
  return { ...sums(all), window: largest(all.map((stats) => figure(stats, 'window'))) };
}

/**
 * The combined statistics of consumers: receiver, publisher, queue and resource figures are added; so are the processors'
 * counts and rates, while their times and ids run from the first consumer's first to the last consumer's last.
 * `endTime` is 0 until every consumer has ended. Times in seconds, rates in Hz.
 */
export function combineStats(all: readonly CombinableStats[]): CombinedStats {
  return {
    receiverStats: sums(all.map((stats) => stats.receiverStats)),
    publisherStats: sums(all.map((stats) => stats.publisherStats)),
    queueStats: sums(all.map((stats) => stats.queueStats)),
    processorStats: combineProcessors(
      all.map((stats) => stats.processorStats).filter((stats) => stats !== undefined),
    ),
    rateStats: combineRates(all.map((stats) => stats.rateStats).filter((stats) => stats !== undefined)),
    resourceStats: sums(all.map((stats) => stats.resourceStats)),
  };
}
