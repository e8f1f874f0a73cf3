import { describe, expect, it } from 'vitest';
import { formatDouble, formatG } from '../../src/value/format-number.ts';

describe('numbers as pvget prints them (%.6g)', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-42, '-42'],
    [Math.PI, '3.14159'],
    [3.25, '3.25'],
    [1e10, '1e+10'],
    [-1e10, '-1e+10'],
    [999999, '999999'],
    [1000000, '1e+06'],
    [999999.5, '1e+06'],
    [123456.7, '123457'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [0.000099999951, '0.0001'],
    [0.1, '0.1'],
    [1e22, '1e+22'],
    [1e100, '1e+100'],
    [5e-324, '4.94066e-324'],
    [1.7976931348623157e308, '1.79769e+308'],
    [Number.NaN, 'nan'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%d -> %s', (x, text) => {
    expect(formatDouble(x)).toBe(text);
  });

  it('rounds an exact tie to the even digit, as C does and toPrecision does not', () => {
    expect((100000.5).toPrecision(6)).toBe('100001');
    expect(formatDouble(100000.5)).toBe('100000');
    expect(formatDouble(100001.5)).toBe('100002');
    expect(formatDouble(1000005)).toBe('1e+06');
    expect(formatDouble(1000015)).toBe('1.00002e+06');
    expect(formatDouble(-100000.5)).toBe('-100000');
  });

  it('does not take a number near a tie for one', () => {
    // The doubles nearest to these decimals are 0.12345649999... and 1.00000149999...
    expect(formatDouble(0.1234565)).toBe('0.123456');
    expect(formatG(1.0000015, 7)).toBe('1.000001');
    expect(formatDouble(100000.50000001)).toBe('100001');
    expect(formatDouble(100002.49999999)).toBe('100002');
  });

  it('prints a float as the double it is', () => {
    expect(formatDouble(Math.fround(0.1))).toBe('0.1');
    expect(formatDouble(Math.fround(16777217))).toBe('1.67772e+07');
  });

  it('keeps every digit with precision 17', () => {
    expect(formatG(0.1, 17)).toBe('0.10000000000000001');
    expect(formatG(1e16, 17)).toBe('10000000000000000');
    expect(formatG(1e17, 17)).toBe('1e+17');
    expect(formatG(2 / 3, 17)).toBe('0.66666666666666663');
  });
});
