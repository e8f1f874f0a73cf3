/** The live view of `npm start`: a table on a terminal, a line now and then elsewhere. Pure text, no terminal codes. */
import type { ConsumerStats } from '../pipeline/consumer-stats.ts';
import type { ProcessorStats } from '../processor/processor-counts.ts';

export interface DemoState {
  /** Seconds since the start. */
  readonly elapsed: number;
  readonly published: number;
  readonly publishRate: number;
  readonly consumers: readonly DemoRow[];
}

export interface DemoRow {
  readonly id: number;
  /** Frames per second since the view before. */
  readonly rate: number;
  readonly received: number;
  readonly processed: number;
  readonly missed: number;
  readonly queued: number;
}

/** Frames a consumer received, the empty initial update not counted. */
export function receivedFrames(stats: {
  readonly processorStats: Pick<ProcessorStats, 'nProcessed' | 'nErrors'>;
}): number {
  const { nProcessed, nErrors } = stats.processorStats;
  return nProcessed + nErrors;
}

export function rowOf(stats: ConsumerStats, before: ConsumerStats | undefined): DemoRow {
  const received = receivedFrames(stats);
  const seconds = stats.objectTime - (before?.objectTime ?? stats.objectTime);
  return {
    id: stats.consumerId,
    rate: before && seconds > 0 ? (received - receivedFrames(before)) / seconds : 0,
    received,
    processed: stats.processorStats.nProcessed,
    missed: stats.processorStats.nMissed,
    queued: stats.queueStats?.nQueued ?? 0,
  };
}

const COLUMNS = ['', 'frames/s', 'received', 'processed', 'missed', 'queue'];

export function tableText(s: DemoState): string {
  const rows = s.consumers.map((c) => [
    `consumer ${c.id}`,
    c.rate.toFixed(1),
    String(c.received),
    String(c.processed),
    String(c.missed),
    String(c.queued),
  ]);
  const total = (pick: (c: DemoRow) => number): number => s.consumers.reduce((n, c) => n + pick(c), 0);
  rows.push([
    'together',
    total((c) => c.rate).toFixed(1),
    String(total((c) => c.received)),
    String(total((c) => c.processed)),
    String(total((c) => c.missed)),
    String(total((c) => c.queued)),
  ]);
  const widths = COLUMNS.map((title, i) =>
    Math.max(10, title.length, ...rows.map((r) => (r[i] as string).length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (i === 0 ? c.padEnd(widths[i] as number) : c.padStart(widths[i] as number)))
      .join('  ');
  return [
    `simulator   published ${s.published} frames, ${s.publishRate.toFixed(1)} frames/s, ${s.elapsed.toFixed(0)} s`,
    '',
    line(COLUMNS),
    ...rows.map(line),
  ].join('\n');
}

export function plainLine(s: DemoState): string {
  const consumers = s.consumers.map(
    (c) =>
      `consumer ${c.id}: ${c.rate.toFixed(0)}/s received=${c.received} processed=${c.processed} missed=${c.missed} queue=${c.queued}`,
  );
  return [`${s.elapsed.toFixed(0).padStart(3)} s published=${s.published}`, ...consumers].join(' | ');
}

/** Do the counts of both ends add up? `lost` is what the consumers themselves found missing. */
export function ledgerLine(
  published: number,
  received: number,
  lost: number,
): { line: string; balanced: boolean } {
  const balanced = received + lost === published;
  return {
    line: `ledger: published=${published} received=${received} lost=${lost} ${balanced ? 'balanced' : 'UNBALANCED'}`,
    balanced,
  };
}
