/**
 * Python's format specifications for whole numbers (`03d`, `04x`, `*>5`), which PvaPy's `--id-format-spec` takes.
 * Rules: "Format Specification Mini-Language" of the Python documentation, without digit grouping and without the
 * types that turn the number into something else (c, e, f, g, %).
 */
import { UserError } from '../errors.ts';

const SPECIFICATION = /^(?:(.)?([<>=^]))?([+\- ])?(#)?(0)?(\d+)?([a-zA-Z%])?$/su;
const MAX_WIDTH = 100;

type NumberType = 'b' | 'd' | 'n' | 'o' | 'x' | 'X';

const DIGITS: Readonly<Record<NumberType, { readonly radix: number; readonly prefix: string }>> = {
  b: { radix: 2, prefix: '0b' },
  d: { radix: 10, prefix: '' },
  n: { radix: 10, prefix: '' },
  o: { radix: 8, prefix: '0o' },
  x: { radix: 16, prefix: '0x' },
  X: { radix: 16, prefix: '0X' },
};

function isNumberType(type: string): type is NumberType {
  return type in DIGITS;
}

function refuse(specification: string, reason: string): never {
  throw new UserError(
    'HPC_CHANNEL_NAME',
    `id format specification '${specification}': ${reason}; use for example 03d, which makes 001 of 1`,
  );
}

/**
 * A whole number by a Python format specification: `formatId(7, '03d')` is `007`. An empty specification, or none,
 * gives the plain decimal number.
 * @throws UserError `HPC_CHANNEL_NAME` if the specification is not one for whole numbers.
 */
export function formatId(id: number, specification = ''): string {
  const match = SPECIFICATION.exec(specification);
  if (!match) refuse(specification, 'not a Python format specification for whole numbers');
  const [, fillText, alignText, sign, alternate, zero, widthText = '0', type = 'd'] = match;
  if (!isNumberType(type)) refuse(specification, `type '${type}' is not one of b, d, n, o, x, X`);
  const width = Number(widthText);
  if (width > MAX_WIDTH) refuse(specification, `the width is more than ${MAX_WIDTH}`);
  const fill = fillText ?? (zero === undefined ? ' ' : '0');
  const align = alignText ?? (zero === undefined ? '>' : '=');

  const { radix, prefix } = DIGITS[type];
  const magnitude = Math.abs(id).toString(radix);
  const digits = type === 'X' ? magnitude.toUpperCase() : magnitude;
  const signText = id < 0 ? '-' : sign === '+' || sign === ' ' ? sign : '';
  const head = signText + (alternate === undefined ? '' : prefix);

  const missing = Math.max(0, width - head.length - digits.length);
  const before = align === '>' ? missing : align === '^' ? Math.floor(missing / 2) : 0;
  if (align === '=') return head + fill.repeat(missing) + digits;
  return fill.repeat(before) + head + digits + fill.repeat(missing - before);
}
