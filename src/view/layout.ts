/**
 * What a live view shows, and how that becomes lines for a terminal of a given size. Pure: no terminal, no clock. It
 * imports nothing, so that any command can fill it.
 */
import { stripVTControlCharacters } from 'node:util';

/** Cells as text; columns of figures are aligned right, others left. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Text of one or more lines, or a table. */
export type Section = string | Table;

/** Everything on the screen but the log. */
export interface ViewModel {
  /** The first line. */
  readonly title: string;
  /** Below it, one after the other, with an empty line in front of each. */
  readonly sections: readonly Section[];
}

/** Of a terminal, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Most lines of the log that are on the screen. */
const LOG_ROWS = 10;

/** The text on one line, without what a terminal would take for a command. */
function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\t', '  ')
    .replaceAll(/\p{Cc}/gu, ' ');
}

/** The table's head and its rows, without blanks at the ends of lines. */
export function tableLines({ columns, rows }: Table): string[] {
  const all = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((cells) => [...(cells[i] ?? '')].length)));
  const figures = columns.map(
    (_, i) => rows.length > 0 && rows.every((cells) => !/\p{L}/u.test(cells[i] ?? '')),
  );
  return all.map((cells) =>
    widths
      .map((width, i) => {
        const cell = cells[i] ?? '';
        const blanks = ' '.repeat(width - [...cell].length);
        return figures[i] ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd(),
  );
}

function bodyLines(model: ViewModel): string[] {
  const sections = model.sections.map((s) => (typeof s === 'string' ? s.split('\n') : tableLines(s)));
  return [model.title, ...sections.flatMap((lines) => ['', ...lines])];
}

/** The last lines of the log with a head, as many as fit; none without a log. */
function logLines(log: readonly string[], rows: number): string[] {
  const shown = Math.min(log.length, LOG_ROWS, rows - 2);
  if (shown <= 0) return [];
  return ['', log.length > shown ? `Log (the last ${shown} lines)` : 'Log', ...log.slice(-shown)];
}

/**
 * The lines of the whole screen: at most `rows` of them, none longer than `columns`. What does not fit is cut, never
 * wrapped; the log gives way to the body down to two thirds of the screen, then the body ends with a line that says
 * how much of it is missing.
 *
 * @param log newest last
 */
export function layout(model: ViewModel, log: readonly string[], size: Size): string[] {
  const body = bodyLines(model);
  const forLog = Math.max(Math.floor(size.rows / 3), size.rows - body.length);
  const logged = logLines(log, forLog);
  const room = Math.max(0, size.rows - logged.length);
  const shown =
    body.length <= room
      ? body
      : [...body.slice(0, Math.max(0, room - 1)), `... ${body.length - room + 1} more lines`].slice(0, room);
  return [...shown, ...logged].map((line) => [...printable(line)].slice(0, size.columns).join(''));
}
