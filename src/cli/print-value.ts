/**
 * Values as `pvget`, `pvmonitor` and `pvput` print them, by the options of the command line (EPICS base pvget.cpp).
 */
import { type BitSet, type FormatMode, type FormatOptions, formatValue, type Value } from 'epics-pva-ts';

/** Options of the tools that print values. */
export interface PrintOptions {
  readonly mode: FormatMode;
  readonly verbose: number;
  readonly limit: number;
  readonly summary: boolean;
}

/** Verbose means raw, unless it is json that is wanted. */
function formatOptions({ mode, verbose, limit, summary }: PrintOptions): FormatOptions {
  return { mode: mode === 'nt' && verbose > 0 ? 'raw' : mode, arrayLimit: limit, imageSummary: summary };
}

/** Fields to print in bold: only a terminal can. */
function bold(marks: BitSet): { highlight?: BitSet } {
  return process.stdout.isTTY ? { highlight: marks } : {};
}

/** A value with all its fields, as pvput prints it. */
export function wholeText(value: Value, options: PrintOptions): string {
  return formatValue(value, formatOptions(options));
}

/** A value that was asked for, as pvget prints it: what was received, with `-vv` all. */
export function getText(value: Value, options: PrintOptions): string {
  const { verbose } = options;
  return formatValue(value, {
    ...formatOptions(options),
    ...(verbose >= 2 ? bold(value.marks) : { changedOnly: true }),
  });
}

/**
 * An update as pvmonitor prints it: what changed, with `-vv` what ever came, with `-vvv` all.
 *
 * @param received the fields that came since the channel was connected
 */
export function updateText(value: Value, received: BitSet, options: PrintOptions): string {
  const { verbose } = options;
  if (verbose < 2) return formatValue(value, { ...formatOptions(options), changedOnly: true });
  const show = verbose >= 3 ? {} : { show: received };
  return formatValue(value, { ...formatOptions(options), ...show, ...bold(value.marks) });
}
