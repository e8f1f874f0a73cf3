/**
 * The nt format of pvget: normative types on one line or as a table, everything else raw.
 *
 * Any structure with a scalar, array or enum `value` counts, whatever its id; NTNDArray has a union and prints raw.
 * Source: pva-protocol.md 9.1, pvDataCPP's output.
 */
import { alarmText, enumParts, structMember, timeText } from './format-meta.ts';
import { enumText } from './format-raw.ts';
import { elementTexts, isPlain, plainText, quoteCell } from './format-text.ts';
import { Value } from './value.ts';

function timeOf(top: Value): string {
  const t = structMember(top, 'timeStamp');
  return t ? timeText(t) : '';
}

function alarmOf(top: Value): string {
  const alarm = structMember(top, 'alarm');
  return alarm ? alarmText(alarm) : '';
}

/** The nt text ending with a newline, or null if this structure has no such format. `limit` as in plainText(). */
export function formatNt(value: Value, limit = 0): string | null {
  if (/^epics:nt\/NTTable:1(\.|$)/.test(value.type.id)) return formatTable(value);
  const type = value.type.member('value');
  if (!type) return null;
  const v = value.get('value');
  if (isPlain(type)) {
    const text = plainText(type, v, limit);
    return type.isArray
      ? `${timeOf(value)}${alarmOf(value)}${text}\n`
      : `${timeOf(value)}${text} ${alarmOf(value)}\n`;
  }
  if (v instanceof Value && enumParts(v)) return `${timeOf(value)}${alarmOf(value)}${enumText(v)}\n`;
  return null;
}

/** Time and alarm, a line of labels, then the rows; columns right aligned, as many rows as the shortest has. */
function formatTable(table: Value): string | null {
  const columns = structMember(table, 'value');
  if (!columns || columns.type.members.length === 0) return null;
  if (columns.type.members.some((m) => !m.type.isArray || !isPlain(m.type))) return null;

  const labels =
    table.type.member('labels')?.displayId === 'string[]' ? (table.get('labels') as string[]) : [];
  const cells = columns.type.members.map((m) => elementTexts(m.type, columns.get(m.name)).map(quoteCell));
  const heads = columns.type.members.map((m, i) => {
    const label = labels[i];
    return label === undefined ? m.name : quoteCell(label);
  });
  const widths = cells.map((column, i) =>
    column.reduce((w, c) => Math.max(w, c.length), heads[i]?.length ?? 0),
  );
  const line = (texts: readonly string[]) => texts.map((t, i) => t.padStart(widths[i] as number)).join(' ');

  const time = table.has('timeStamp') ? `${timeOf(table)} ` : '';
  const alarm = table.has('alarm') ? `${alarmOf(table)} ` : '';
  const lines = [`${time}${alarm}`, line(heads)];
  const rows = Math.min(...cells.map((column) => column.length));
  for (let r = 0; r < rows; r++) lines.push(line(cells.map((column) => column[r] as string)));
  return `${lines.join('\n')}\n`;
}
