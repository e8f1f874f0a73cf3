/** The statistics of a command as the few figures `hpc-pipeline` balances (pipeline-file/stage-messages.ts). */
import type { MirrorTotals } from '../mirror/mirror-channel.ts';
import { type MemberFigures, NO_FIGURES } from '../pipeline-file/stage-messages.ts';

type Group = Readonly<Record<string, unknown>> | undefined;

function count(group: unknown, name: string): number {
  const value = (group as Group)?.[name];
  return typeof value === 'number' ? value : 0;
}

/** The statistics of a consumer or a collector. */
export function stageFigures(stats: object): MemberFigures {
  const groups = stats as Readonly<Record<string, unknown>>;
  const { processorStats: processor, publisherStats: publisher, collectorStats: collector } = groups;
  // What was lost afterwards did not come through: for the chain it is an error.
  const lost = count(processor, 'nLost');
  const skipped = count(processor, 'nSkipped');
  const common = {
    metadataConnected: count(groups, 'nMetadataConnected'),
    processed: count(processor, 'nProcessed') - lost,
    errors: count(processor, 'nErrors') + lost,
    published: count(publisher, 'nPublished'),
    publishErrors: count(publisher, 'nErrors'),
  };
  if (collector === undefined) {
    const { receiverStats: receiver, queueStats: queue } = groups;
    const received = count(receiver, 'nReceived');
    return {
      id: count(groups, 'consumerId'),
      connected: received > 0 ? 1 : 0,
      deaths: count(groups, 'nDeaths'),
      received: received - skipped,
      ...common,
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
  return {
    id: count(groups, 'collectorId'),
    connected: sum((s) => (count(s.receiverStats, 'nReceived') > 0 ? 1 : 0)),
    deaths: 0,
    received: sum((s) => count(s.receiverStats, 'nReceived')) - skipped,
    ...common,
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
