/** What the live views of `hpc-consumer` and `hpc-collector` show, from the statistics that they also print. */
import type { CollectorStats } from '../pipeline/collector/collector-stats.ts';
import type { ConsumerStats } from '../pipeline/consumer-stats.ts';
import type { ResourceStats } from '../pipeline/figures/process-resources.ts';
import type { RatedSourceStats } from '../pipeline/source-stats.ts';
import type { Section, Table, ViewModel } from '../view/layout.ts';
import { LiveView } from '../view/live-view.ts';
import type { Rates } from '../view/rates.ts';

/** Time between two looks at the statistics (ms). */
export const VIEW_PERIOD_MS = 500;

/**
 * The live view of a command, if it is to have one: standard output is a terminal, and neither `--disable-curses` nor
 * a log level was given (PvaPy).
 */
export function openView(o: { disableCurses: boolean; logLevel?: string | undefined }): LiveView | undefined {
  return o.disableCurses || o.logLevel !== undefined ? undefined : LiveView.open();
}

/** `1:02:03`. */
export function clock(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** A figure of a group, `-` where there is none. */
function figure(group: object | undefined, name: string): string {
  const value: unknown = group === undefined ? undefined : Reflect.get(group, name);
  return typeof value === 'number' ? String(value) : '-';
}

const QUEUE = ['refused', 'queued'] as const;
const queueCells = (queue: object | undefined): string[] => [
  figure(queue, 'nRejected'),
  figure(queue, 'nQueued'),
];

/** The state of a stage or channel; while it is running, what its counter of received objects shows. */
export function activity(state: string, nReceived: number, rate: number): string {
  if (state !== 'running') return state;
  if (nReceived === 0) return 'waiting';
  return rate > 0 ? 'receiving' : 'idle';
}

/** What the processes behind these statistics cost, all together. */
function costs(all: readonly { readonly resourceStats: ResourceStats }[], rates: Rates, now: number): string {
  if (all.length === 0) return '';
  const sum = (name: keyof ResourceStats): number => all.reduce((n, s) => n + s.resourceStats[name], 0);
  const percent = 100 * rates.of('cpuTime', sum('cpuTime'), now);
  return `   cpu ${percent.toFixed(0)} %   ${(sum('residentBytes') / 1e6).toFixed(0)} MB`;
}

function metadataRows(name: string, stats: object, rates: Rates, now: number): string[][] {
  return Object.entries(stats)
    .filter(([key]) => key.startsWith('metadataStats_'))
    .map(([key, value]) => {
      const { channel, receiverStats, queueStats } = value as RatedSourceStats;
      const rate = rates.of(`${name} ${key}`, receiverStats.nReceived, now);
      return [
        name,
        channel,
        String(receiverStats.nReceived),
        rate.toFixed(1),
        String(receiverStats.nOverruns),
        ...queueCells(queueStats),
      ];
    });
}

function metadataTable(rows: readonly string[][]): Table[] {
  if (rows.length === 0) return [];
  return [{ columns: ['', 'metadata channel', 'received', 'per s', 'overruns', ...QUEUE], rows }];
}

/** A row for each stage with its processor's own figures, in the columns that any of them has. */
function userTable(stages: readonly { name: string; user: Record<string, unknown> | undefined }[]): Table[] {
  const columns = [...new Set(stages.flatMap(({ user }) => Object.keys(user ?? {})))].sort();
  if (columns.length === 0) return [];
  const text = (value: unknown): string => {
    if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(4);
    return value === undefined ? '-' : String(value);
  };
  return [
    {
      columns: ['processor', ...columns],
      rows: stages.map(({ name, user }) => [name, ...columns.map((column) => text(user?.[column]))]),
    },
  ];
}

/** What a consumer without statistics does: `starting`, `restarting`, `ended`; with them `running`. */
export interface ConsumerLine {
  readonly id: number;
  readonly state: string;
  readonly stats: ConsumerStats | undefined;
}

const CONSUMER_COLUMNS = [
  'consumer',
  'state',
  'received',
  'per s',
  'processed',
  'per s',
  'missed',
  'errors',
  'published',
  ...QUEUE,
];

function consumerCells({ id, state, stats }: ConsumerLine, rates: Rates, now: number): string[] {
  if (!stats) return [String(id), state];
  const { receiverStats: r, processorStats: p, publisherStats, queueStats } = stats;
  const received = rates.of(`${id} received`, r.nReceived, now);
  const processed = rates.of(`${id} processed`, p.nProcessed, now);
  return [
    String(id),
    activity(state === 'running' ? stats.state : state, r.nReceived, received),
    String(r.nReceived),
    received.toFixed(1),
    String(p.nProcessed),
    processed.toFixed(1),
    String(p.nMissed),
    String(p.nErrors + p.nLost),
    figure(publisherStats, 'nPublished'),
    ...queueCells(queueStats),
  ];
}

/** The sums of the columns of figures; `-` where no row has one. */
function togetherCells(rows: readonly string[][]): string[] {
  return CONSUMER_COLUMNS.map((_, i) => {
    if (i === 0) return 'all';
    const figures = rows.flatMap((cells) => (/\d/.test(cells[i] ?? '') ? [Number(cells[i])] : []));
    if (figures.length === 0 || i === 1) return i === 1 ? '' : '-';
    const sum = figures.reduce((a, b) => a + b, 0);
    return CONSUMER_COLUMNS[i] === 'per s' ? sum.toFixed(1) : String(sum);
  });
}

/**
 * One row for each consumer, and one for all when there are several.
 *
 * @param head what is in the first line in front of the time
 * @param elapsed seconds since the start
 * @param now in ms, for the rates
 */
export function consumersView(
  head: string,
  elapsed: number,
  lines: readonly ConsumerLine[],
  rates: Rates,
  now: number,
): ViewModel {
  const rows = lines.map((line) => consumerCells(line, rates, now));
  const known = lines.flatMap(({ id, stats }) => (stats ? [{ name: String(id), stats }] : []));
  const sections: Section[] = [
    { columns: CONSUMER_COLUMNS, rows: rows.length > 1 ? [...rows, togetherCells(rows)] : rows },
    ...metadataTable(known.flatMap(({ name, stats }) => metadataRows(name, stats, rates, now))),
    ...userTable(known.map(({ name, stats }) => ({ name, user: stats.userStats }))),
  ];
  const cost = costs(
    known.map(({ stats }) => stats),
    rates,
    now,
  );
  return { title: `${head}   ${clock(elapsed)}${cost}`, sections };
}

/** A row for the collector and one for each producer. */
export function collectorView(
  head: string,
  elapsed: number,
  stats: CollectorStats,
  rates: Rates,
  now: number,
): ViewModel {
  const { collectorStats: c, processorStats: p, publisherStats, userStats } = stats;
  const name = String(stats.collectorId);
  const collected = rates.of('collected', c.nCollected, now);
  const producers = Object.entries(stats)
    .filter(([key]) => key.startsWith('producerStats_'))
    .map(([key, value]) => {
      const { producerId, channel, receiverStats, queueStats, connected } = value as RatedSourceStats;
      const { nReceived, nRejected, nOverruns } = receiverStats;
      const rate = rates.of(key, nReceived, now);
      return [
        String(producerId),
        activity(connected ? 'running' : 'disconnected', nReceived, rate),
        channel,
        String(nReceived),
        rate.toFixed(1),
        String(nRejected),
        String(nOverruns),
        ...queueCells(queueStats),
      ];
    });
  const columns = [
    'collector',
    'state',
    'collected',
    'per s',
    'missed',
    'late',
    'cached',
    'processed',
    'errors',
  ];
  const row = [
    name,
    activity(stats.state, c.nCollected, collected),
    String(c.nCollected),
    collected.toFixed(1),
    String(c.nMissed),
    String(c.nRejected),
    String(c.nCached),
    String(p.nProcessed),
    String(p.nErrors + p.nLost),
    figure(publisherStats, 'nPublished'),
  ];
  const sections: Section[] = [
    { columns: [...columns, 'published'], rows: [row] },
    {
      columns: ['producer', 'state', 'channel', 'received', 'per s', 'no id', 'overruns', ...QUEUE],
      rows: producers,
    },
    ...metadataTable(metadataRows(name, stats, rates, now)),
    ...userTable([{ name, user: userStats }]),
  ];
  return { title: `${head}   ${clock(elapsed)}${costs([stats], rates, now)}`, sections };
}
