/**
 * Numbers and booleans from the text of a command line, read as C does in EPICS base: `0x1f`, `017` (octal for
 * integers), `1e3`, `inf`. The messages begin with base's words, which scripts may look for.
 */
import { NoConvertError, type ScalarKind } from 'epics-pva-ts';

/** Digits of what begins an integer, to tell "no number" from "a number and more". */
const INTEGER = /^[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/;
const FLOAT = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F]+)$/;
const NOT_FINITE = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;

const BITS: Partial<Record<ScalarKind, number>> = {
  byte: 8,
  ubyte: 8,
  short: 16,
  ushort: 16,
  int: 32,
  uint: 32,
  long: 64,
  ulong: 64,
};

const MAX_FLOAT = 3.4028234663852886e38;

function fail(why: string, kind: ScalarKind, text: string): never {
  throw new NoConvertError(`parseToPOD: ${why} ('${text}' for ${kind})`);
}

function startsLikeNumber(text: string): boolean {
  return /^[+-]?\.?\d/.test(text);
}

function parseInteger(kind: ScalarKind, bits: number, text: string): bigint {
  const trimmed = text.trim();
  const digits = INTEGER.exec(trimmed)?.[1];
  if (digits === undefined)
    return fail(startsLikeNumber(trimmed) ? 'Extraneous characters' : 'No digits to convert', kind, text);
  const magnitude = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const n = trimmed.startsWith('-') ? -magnitude : magnitude;
  const [low, high] = kind.startsWith('u')
    ? [0n, (1n << BigInt(bits)) - 1n]
    : [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
  if (n > high || n < low)
    fail(low === 0n && n < 0n ? 'Too small to represent' : 'Too large to represent', kind, text);
  return n;
}

function parseFloatingPoint(kind: ScalarKind, text: string): number {
  const trimmed = text.trim();
  const special = NOT_FINITE.exec(trimmed);
  if (special) return special[2] ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!FLOAT.test(trimmed))
    return fail(startsLikeNumber(trimmed) ? 'Extraneous characters' : 'No digits to convert', kind, text);
  const magnitude = Number(trimmed.replace(/^[+-]/, ''));
  if (magnitude > (kind === 'float' ? MAX_FLOAT : Number.MAX_VALUE))
    fail('Too large to represent', kind, text);
  return trimmed.startsWith('-') ? -magnitude : magnitude;
}

function parseBoolean(text: string): boolean {
  if (/^(?:true|1)$/i.test(text)) return true;
  if (/^(?:false|0)$/i.test(text)) return false;
  return fail('string no match true/false', 'boolean', text);
}

/** The value of a scalar from its text. @throws NoConvertError saying what is wrong with the text */
export function parseScalarText(kind: ScalarKind, text: string): string | boolean | number | bigint {
  if (kind === 'string') return text;
  if (kind === 'boolean') return parseBoolean(text);
  const bits = BITS[kind];
  return bits === undefined ? parseFloatingPoint(kind, text) : parseInteger(kind, bits, text);
}
