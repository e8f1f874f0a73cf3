/**
 * C's `%.<precision>g`, digit by digit, because pvget prints numbers with it and scripts compare that text.
 *
 * JavaScript's `toPrecision` rounds a decimal tie up where C rounds it to even, switches to the exponential form at
 * other magnitudes and keeps trailing zeros; those are the only differences corrected here.
 */

/** Digits after the first that are enough to tell a decimal tie from a number very near one. */
const TIE_DIGITS = 60;

/** The `precision` significant digits of a positive finite number and its decimal exponent, ties to even. */
function significant(x: number, precision: number): { digits: string; exponent: number } {
  const split = (text: string) => {
    const e = text.indexOf('e');
    return { digits: text.slice(0, e).replace('.', ''), exponent: Number(text.slice(e + 1)) };
  };
  const longer = split(x.toExponential(precision));
  if (longer.digits.endsWith('5')) {
    const exact = split(x.toExponential(TIE_DIGITS));
    const digits = exact.digits.slice(0, precision);
    const lastIsEven = Number(digits.at(-1)) % 2 === 0;
    if (lastIsEven && /^50*$/.test(exact.digits.slice(precision)))
      return { digits, exponent: exact.exponent };
  }
  return split(x.toExponential(precision - 1));
}

/**
 * `printf("%.<precision>g", x)`: `3.14159`, `1e+10`, `-0`, `nan`, `inf`. The sign of a NaN is not printed (C on
 * x86 prints `-nan` for some).
 */
export function formatG(x: number, precision: number): string {
  if (Number.isNaN(x)) return 'nan';
  const sign = x < 0 || Object.is(x, -0) ? '-' : '';
  const size = Math.abs(x);
  if (size === Number.POSITIVE_INFINITY) return `${sign}inf`;
  if (size === 0) return `${sign}0`;
  const { digits, exponent } = significant(size, precision);
  const kept = digits.replace(/0+$/, '');
  if (exponent < -4 || exponent >= precision) {
    const mantissa = kept.length > 1 ? `${kept[0]}.${kept.slice(1)}` : kept;
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${kept}`;
  const whole = digits.slice(0, exponent + 1);
  const fraction = kept.slice(exponent + 1);
  return `${sign}${whole}${fraction ? `.${fraction}` : ''}`;
}

/** A double or float as pvget prints it: six significant digits. */
export function formatDouble(x: number): string {
  // Whole numbers of up to six digits are the common case in images and counters.
  if (Number.isInteger(x) && x > -1_000_000 && x < 1_000_000 && !Object.is(x, -0)) return String(x);
  return formatG(x, 6);
}
