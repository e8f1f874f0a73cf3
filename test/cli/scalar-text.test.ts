/** Numbers and booleans from a command line, as EPICS base reads them. */
import { NoConvertError, type ScalarKind } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { parseScalarText } from '../../src/cli/scalar-text.ts';

describe('parseScalarText', () => {
  it.each<[ScalarKind, string, unknown]>([
    ['int', '42', 42n],
    ['int', ' -7 ', -7n],
    ['int', '+0x1f', 31n],
    ['int', '-0X10', -16n],
    ['int', '017', 15n],
    ['int', '0', 0n],
    ['byte', '-128', -128n],
    ['ubyte', '255', 255n],
    ['long', '-9223372036854775808', -9_223_372_036_854_775_808n],
    ['ulong', '18446744073709551615', 18_446_744_073_709_551_615n],
    ['double', '1.5', 1.5],
    ['double', ' -.5 ', -0.5],
    ['double', '5.', 5],
    ['double', '1e3', 1000],
    ['double', '010', 10],
    ['double', '0x10', 16],
    ['double', 'inf', Infinity],
    ['double', '-Infinity', -Infinity],
    ['float', 'nan', Number.NaN],
    ['float', '3.4e38', 3.4e38],
    ['boolean', 'TRUE', true],
    ['boolean', 'false', false],
    ['boolean', '1', true],
    ['boolean', '0', false],
    ['string', ' 5 ', ' 5 '],
    ['string', '', ''],
  ])('%s from "%s" is %s', (kind, text, value) => {
    expect(parseScalarText(kind, text)).toEqual(value);
  });

  it.each<[ScalarKind, string, string]>([
    ['int', 'abc', "No digits to convert ('abc' for int)"],
    ['int', '', "No digits to convert ('' for int)"],
    ['int', '-', "No digits to convert ('-' for int)"],
    ['int', '1.5', "Extraneous characters ('1.5' for int)"],
    ['int', '08', "Extraneous characters ('08' for int)"],
    ['int', '0x', "Extraneous characters ('0x' for int)"],
    ['int', '5 V', "Extraneous characters ('5 V' for int)"],
    ['int', '2147483648', "Too large to represent ('2147483648' for int)"],
    ['byte', '-129', "Too large to represent ('-129' for byte)"],
    ['ushort', '-1', "Too small to represent ('-1' for ushort)"],
    ['ulong', '18446744073709551616', "Too large to represent ('18446744073709551616' for ulong)"],
    ['double', 'abc', "No digits to convert ('abc' for double)"],
    ['double', '.', "No digits to convert ('.' for double)"],
    ['double', '1e', "Extraneous characters ('1e' for double)"],
    ['double', '1e999', "Too large to represent ('1e999' for double)"],
    ['float', '-1e39', "Too large to represent ('-1e39' for float)"],
    ['boolean', 'yes', "string no match true/false ('yes' for boolean)"],
  ])('%s from "%s" is refused', (kind, text, message) => {
    expect(() => parseScalarText(kind, text)).toThrow(new NoConvertError(`parseToPOD: ${message}`));
  });
});
