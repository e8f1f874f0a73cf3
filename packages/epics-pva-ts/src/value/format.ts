/**
 * formatValue: a structure as text, exactly as EPICS's pvget, pvmonitor and pvput print it, so that scripts written
 * for those read ours. The three formats are in format-nt.ts, format-raw.ts and format-json.ts.
 */
import type { BitSet } from '../wire/bit-set.ts';
import { expandMask, markedWithParents } from './format-fields.ts';
import { formatImage } from './format-image.ts';
import { formatJson } from './format-json.ts';
import { formatNt } from './format-nt.ts';
import { formatRaw } from './format-raw.ts';
import type { Value } from './value.ts';

/** pvget's `-M`: `nt` for people, `raw` with every field on its own line, `json` (JSON5) for programs. */
export type FormatMode = 'nt' | 'raw' | 'json';

/** How {@link formatValue} prints. */
export interface FormatOptions {
  /** Default `nt`; what has no nt format is printed raw. */
  readonly mode?: FormatMode;
  /** Channel name to print before the value, with one blank. */
  readonly name?: string;
  /** Pads the name to this many characters, to line up several channels. */
  readonly nameWidth?: number;
  /**
   * Raw and json: print only fields that were received or set, with the structures around them, as pvget and
   * `pvmonitor -v` do. Default false: all fields.
   */
  readonly changedOnly?: boolean;
  /** Raw and json: as `changedOnly` but with these fields, in the numbering of the structure (pvmonitor -vv). */
  readonly show?: BitSet;
  /** Raw: print these fields in bold, for terminals (pvget -vv, pvmonitor -vv). */
  readonly highlight?: BitSet;
  /** nt and raw: print at most this many elements of an array of scalars, then `...` (PVXS's `-#`); default 0, all. */
  readonly arrayLimit?: number;
  /** nt: print an NTNDArray on one line, without its pixels. Default false: raw, as pvget does. */
  readonly imageSummary?: boolean;
}

/**
 * A structure as pvget prints it, ending with a newline. Times are in the local time zone (`TZ`).
 *
 * @example formatValue(value, { name: 't:ao' }) // "t:ao 2026-11-21 01:33:26.236  3.25 \n"
 */
export function formatValue(value: Value, options: FormatOptions = {}): string {
  const prefix = options.name === undefined ? '' : `${options.name.padEnd(options.nameWidth ?? 0)} `;
  return prefix + body(value, options);
}

function body(value: Value, options: FormatOptions): string {
  const { mode = 'nt', changedOnly = false, highlight, arrayLimit = 0 } = options;
  if (mode === 'nt') {
    const text = (options.imageSummary ? formatImage(value) : null) ?? formatNt(value, arrayLimit);
    if (text !== null) return text;
  }
  const { nodes } = value.type;
  let show: BitSet | null = null;
  if (options.show) show = expandMask(options.show, nodes, true);
  else if (changedOnly) show = markedWithParents(value);
  if (mode === 'json') return formatJson(value, show);
  return formatRaw(value, show, highlight ? expandMask(highlight, nodes, false) : null, arrayLimit);
}
