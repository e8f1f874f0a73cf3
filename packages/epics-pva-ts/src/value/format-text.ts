/**
 * Scalars, arrays of scalars and strings as pvData prints them: what the nt and raw formats have in common.
 * Source: pvDataCPP's output, pva-protocol.md 9.1. Its wrong digit for 9 in `\xNN` is a fault and not reproduced.
 */
import { Buffer } from 'node:buffer';
import { formatDouble } from './format-number.ts';
import type { Kind } from './type-code.ts';
import type { TypeDef } from './type-def.ts';
import type { PvData } from './value.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
};

/** Everything but printable ASCII, and what has an escape of its own. */
const SPECIAL = /[^\x20-\x7e]|[\\'"]/gu;

function hexBytes(c: string): string {
  return Array.from(
    Buffer.from(c, 'utf8'),
    (b) => `\\x${b.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

/** Escapes as in C, text outside ASCII as the bytes of its UTF-8; `csv` doubles a double quote instead. */
function escapeText(s: string, style: 'c' | 'csv'): string {
  return s.replace(SPECIAL, (c) => (c === '"' && style === 'csv' ? '""' : (ESCAPES[c] ?? hexBytes(c))));
}

/** A string as pvget prints it: escaped and in double quotes only if it holds blanks or special characters. */
export function quoteIfNeeded(s: string): string {
  const escaped = escapeText(s, 'c');
  return escaped !== s || s.includes(' ') ? `"${escaped}"` : s;
}

/** A table cell: quoted if it holds a blank, comma, double quote or backslash. */
export function quoteCell(s: string): string {
  const escaped = escapeText(s, 'csv');
  return /[" ,\\]/.test(s) ? `"${escaped}"` : escaped;
}

/** Is it a scalar or an array of scalars: something with a one-line text? */
export function isPlain(type: TypeDef): boolean {
  return type.kind !== 'struct' && type.kind !== 'union' && type.kind !== 'any';
}

/** One scalar; strings as they are. */
export function scalarText(kind: Kind, v: PvData): string {
  if (kind === 'double') return formatDouble(v as number);
  if (kind === 'float') return formatDouble(Math.fround(v as number));
  return String(v);
}

/**
 * A scalar or array of scalars on one line: `3.25`, `[1,2.5]`, `[a, "b c"]`; of an array with more than `limit`
 * elements (0: any number) the first ones and `...`.
 */
export function plainText(type: TypeDef, v: PvData, limit = 0): string {
  const { kind } = type;
  if (!type.isArray) return kind === 'string' ? quoteIfNeeded(v as string) : scalarText(kind, v);
  const all = v as unknown as ArrayLike<PvData>;
  const shown = limit > 0 && all.length > limit ? Array.prototype.slice.call(all, 0, limit) : all;
  const texts =
    kind === 'string' ? (shown as string[]).map(quoteIfNeeded) : elementTexts(type, shown as PvData);
  if (shown !== all) texts.push('...');
  return `[${texts.join(kind === 'string' ? ', ' : ',')}]`;
}

/** The elements of an array of scalars, one text each, strings as they are. */
export function elementTexts(type: TypeDef, v: PvData): string[] {
  return Array.from(v as unknown as ArrayLike<PvData>, (e) => scalarText(type.kind, e));
}
