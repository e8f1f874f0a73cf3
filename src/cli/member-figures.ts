/** The statistics of a command as the few figures `hpc-pipeline` balances (pipeline-file/stage-messages.ts). */
import type { MirrorTotals } from '../mirror/mirror-channel.ts';
import { type MemberFigures, NO_FIGURES } from '../pipeline-file/stage-messages.ts';

type Group = Readonly<Record<string, unknown>> | undefined;

function count(group: unknown, name: string): number {
  const value = (group as Group)?.[name];
  return typeof value === 'number' ? value : 0;
}

/**
 * The totals of a consumer or a collector.
 * @param skipInitialUpdates of a collector: the number of first updates of each connection that are no objects
 */
export function stageFigures(stats: object, skipInitialUpdates = 1): MemberFigures {
  const groups = stats as Readonly<Record<string, unknown>>;
  const { processorStats: processor, publisherStats: publisher, collectorStats: collector } = groups;
  // What was lost afterwards did not come through: for the chain it is an error.
  const lost = count(processor, 'nLost');
  const nSkipped = count(processor, 'nSkipped');
  const published = count(publisher, 'nPublished');
  /** The skipped ones come from what channels held first; the rest of either is left out, or taken, on purpose. */
  const arrived = (nReceived: number, nInitial: number) => {
    const initial = Math.max(0, nInitial - nSkipped);
    return {
      received: nReceived - nInitial,
      initial,
      skipped: Math.max(0, nSkipped - nInitial),
      published: published - Math.min(initial, count(publisher, 'nUnheard')),
    };
  };
  const common = {
    metadataConnected: count(groups, 'nMetadataConnected'),
    processed: count(processor, 'nProcessed') - lost,
    errors: count(processor, 'nErrors') + lost,
    publishErrors: count(publisher, 'nErrors'),
  };
  if (collector === undefined) {
    const { receiverStats: receiver, queueStats: queue } = groups;
    const received = count(receiver, 'nReceived');
    return {
      id: count(groups, 'consumerId'),
      connected: received > 0 ? 1 : 0,
      deaths: count(groups, 'nDeaths'),
      ...common,
      ...arrived(received, count(processor, 'nInitial')),
      // A receiver that serves its channel counts what the queue refused, too.
      rejected: Math.max(count(receiver, 'nRejected'), count(queue, 'nRejected')),
      queued: Math.max(count(queue, 'nQueued'), count(processor, 'nInFlight')),
      missed: count(processor, 'nMissed'),
    };
  }
  const sources = Object.entries(groups).flatMap(([name, value]) =>
    name.startsWith('producerStats_') ? [value as { receiverStats: object; queueStats?: object }] : [],
  );
  const sum = (read: (source: (typeof sources)[number]) => number): number =>
    sources.reduce((total, source) => total + read(source), 0);
  const connected = sum((s) => (count(s.receiverStats, 'nReceived') > 0 ? 1 : 0));
  // Each connection begins with one, and skips as many as it is told to.
  const connections = skipInitialUpdates > 0 ? Math.ceil(nSkipped / skipInitialUpdates) : 0;
  return {
    id: count(groups, 'collectorId'),
    connected,
    deaths: 0,
    ...common,
    ...arrived(
      sum((s) => count(s.receiverStats, 'nReceived')),
      Math.max(connected, connections),
    ),
    rejected:
      count(collector, 'nRejected') +
      sum((s) => count(s.receiverStats, 'nRejected') + count(s.queueStats, 'nRejected')),
    queued: Math.max(
      count(collector, 'nCached') + sum((s) => count(s.queueStats, 'nQueued')),
      count(processor, 'nInFlight'),
    ),
    missed: count(collector, 'nMissed'),
  };
}

/** Channels of a mirror server, in the order of its map; each passes on what it receives and processes nothing. */
export function mirrorFigures(totals: Iterable<MirrorTotals>): MemberFigures[] {
  return [...totals].map(({ nReceived, nInitial, nPublished, nOpened }, id) => {
    const published = nPublished - nOpened;
    const connected = nReceived > 0 ? 1 : 0;
    return { ...NO_FIGURES, id, connected, received: nReceived - nInitial, processed: published, published };
  });
}

/** A simulator publishes only. */
export function sourceFigures(published: number): MemberFigures {
  return { ...NO_FIGURES, id: 0, published };
}
