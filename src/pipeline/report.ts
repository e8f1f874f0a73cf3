/**
 * Statistics as PvaPy's consumers print them: the text of a nested Python dictionary, keys sorted, rates in Hz and
 * times in s with four decimals, a line for each group when it does not fit on one. Tools that read PvaPy's reports
 * read ours. Format observed from PvaPy 5.6 (pprint with indent 2, width 512, depth 4).
 */
import { UserError } from '../errors.ts';

/** The groups that `--report-stats` chooses from. */
const REPORT_GROUPS = [
  'receiver',
  'publisher',
  'queue',
  'metadata',
  'processor',
  'user',
  'collector',
  'producer',
  'rate',
  'latency',
  'resource',
] as const;
export type ReportGroup = (typeof REPORT_GROUPS)[number];

/** A report: scalars such as `consumerId`, and groups such as `receiverStats`. */
export type Report = { readonly [key: string]: unknown };

const INDENT = 2;
const WIDTH = 512;
const DEPTH = 4;

const TIMES = new Set([
  'runtime',
  'startTime',
  'endTime',
  'receivingTime',
  'firstObjectTime',
  'lastObjectTime',
  'objectTime',
  'window',
  'unreportedTime',
  'cpuTime',
]);

const LATENCY = /^(processed|published|addedLatency)(P\d+|Max)$/;

/**
 * The groups meant by `--report-stats`: a comma list of the groups above, or all.
 * @throws UserError `HPC_BAD_ARGUMENT` for an unknown group; the message lists the groups.
 */
export function parseReportStats(text: string): ReadonlySet<ReportGroup> {
  const groups = new Set<ReportGroup>();
  for (const name of text.split(',').map((item) => item.trim().toLowerCase())) {
    const group = REPORT_GROUPS.find((candidate) => candidate === name);
    if (group !== undefined) groups.add(group);
    else if (name === 'all') for (const every of REPORT_GROUPS) groups.add(every);
    else if (name !== '') {
      throw new UserError(
        'HPC_BAD_ARGUMENT',
        `--report-stats: unknown group '${name}'; the groups are ${REPORT_GROUPS.join(', ')}, all`,
      );
    }
  }
  return groups;
}

/**
 * The report without the groups that are not wanted; what is not in a group (ids, channel) stays. A group is a key
 * such as `receiverStats`, or `metadataStats_1`.
 */
export function filterReport(report: Report, groups: ReadonlySet<ReportGroup>): Report {
  const unwanted = REPORT_GROUPS.filter((group) => !groups.has(group));
  const isUnwanted = (key: string) =>
    unwanted.some((group) => key === `${group}Stats` || key.startsWith(`${group}Stats_`));
  return Object.fromEntries(Object.entries(report).filter(([key]) => !isUnwanted(key)));
}

/** The unit of a framework figure; a processor's own figures have none that we know. */
function unitOf(key: string, group: string): string {
  if (group === 'userStats') return '';
  if (key.endsWith('BytesPerSecond')) return 'B/s';
  if (LATENCY.test(key)) return 'µs';
  return key.endsWith('Rate') ? 'Hz' : TIMES.has(key) ? 's' : '';
}

function numberText(value: number, unit: string): string {
  if (Number.isNaN(value)) return `nan${unit}`;
  if (!Number.isFinite(value)) return `${value > 0 ? 'inf' : '-inf'}${unit}`;
  if (unit === '') return String(value);
  // Latencies are far below what four decimals of a second show.
  if (unit === 'µs') return `${(value * 1e6).toFixed(1)}${unit}`;
  return value === 0 ? `0.0${unit}` : `${value.toFixed(4)}${unit}`;
}

function stringText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `${quote}${escaped}${quote}`;
}

function isDictionary(value: unknown): value is Report {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function scalarText(value: unknown, unit: string): string {
  if (typeof value === 'number') return numberText(value, unit);
  if (typeof value === 'string') return stringText(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === undefined || value === null) return 'None';
  if (typeof value === 'bigint') return `${value}${unit}`;
  return stringText(String(value));
}

function isSequence(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

function sortedEntries(value: Report): [string, unknown][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The value on one line. `key` and `group` say which figure it is. */
function flatText(value: unknown, key: string, group: string, level: number): string {
  if (isSequence(value)) {
    if (value.length === 0) return '[]';
    if (level >= DEPTH) return '[...]';
    return `[${Array.from(value, (item) => flatText(item, key, group, level + 1)).join(', ')}]`;
  }
  if (!isDictionary(value)) return scalarText(value, unitOf(key, group));
  const entries = sortedEntries(value);
  if (entries.length === 0) return '{}';
  if (level >= DEPTH) return '{...}';
  const items = entries.map(
    ([name, item]) => `${stringText(name)}: ${flatText(item, name, groupOf(name, group), level + 1)}`,
  );
  return `{${items.join(', ')}}`;
}

/** `userStats` goes for everything below it. */
function groupOf(key: string, group: string): string {
  return group === 'userStats' ? group : key;
}

/**
 * The value broken over lines when it is wider than what is left of the width from `column` on; `closing` is the
 * room for the brackets and the comma behind it.
 */
function wrappedText(
  value: unknown,
  key: string,
  group: string,
  place: { readonly level: number; readonly column: number; readonly closing: number },
): string {
  const { level, column, closing } = place;
  const flat = flatText(value, key, group, level);
  if (!isDictionary(value) || level >= DEPTH || flat.length <= WIDTH - column - closing) return flat;
  const inner = column + INDENT;
  const entries = sortedEntries(value);
  const items = entries.map(([name, item], index) => {
    const head = `${stringText(name)}: `;
    const last = index === entries.length - 1;
    const itemPlace = { level: level + 1, column: inner + head.length, closing: last ? closing + 1 : 1 };
    return head + wrappedText(item, name, groupOf(name, group), itemPlace);
  });
  return `{ ${items.join(`,\n${' '.repeat(inner)}`)}}`;
}

/** The report as text, without a final line feed. */
export function formatReport(report: Report): string {
  return wrappedText(report, '', '', { level: 0, column: 0, closing: 0 });
}
