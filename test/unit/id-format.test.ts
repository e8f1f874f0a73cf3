/** Python's format specifications for ids. The table was made by Python 3.11's `format(id, specification)`. */
import { describe, expect, it } from 'vitest';
import { formatId } from '../../src/pipeline/id-format.ts';

const IDS = [1, 7, 42, 255];

const PYTHON: readonly [specification: string, texts: readonly string[]][] = [
  ['', ['1', '7', '42', '255']],
  ['d', ['1', '7', '42', '255']],
  ['03d', ['001', '007', '042', '255']],
  ['5', ['    1', '    7', '   42', '  255']],
  ['<5', ['1    ', '7    ', '42   ', '255  ']],
  ['>5', ['    1', '    7', '   42', '  255']],
  ['^5', ['  1  ', '  7  ', ' 42  ', ' 255 ']],
  ['=5', ['    1', '    7', '   42', '  255']],
  ['*^7', ['***1***', '***7***', '**42***', '**255**']],
  ['0>4', ['0001', '0007', '0042', '0255']],
  ['+d', ['+1', '+7', '+42', '+255']],
  ['+04d', ['+001', '+007', '+042', '+255']],
  [' d', [' 1', ' 7', ' 42', ' 255']],
  ['-d', ['1', '7', '42', '255']],
  ['x', ['1', '7', '2a', 'ff']],
  ['04x', ['0001', '0007', '002a', '00ff']],
  ['X', ['1', '7', '2A', 'FF']],
  ['#x', ['0x1', '0x7', '0x2a', '0xff']],
  ['#06x', ['0x0001', '0x0007', '0x002a', '0x00ff']],
  ['o', ['1', '7', '52', '377']],
  ['#o', ['0o1', '0o7', '0o52', '0o377']],
  ['b', ['1', '111', '101010', '11111111']],
  ['#010b', ['0b00000001', '0b00000111', '0b00101010', '0b11111111']],
  ['n', ['1', '7', '42', '255']],
  ['05n', ['00001', '00007', '00042', '00255']],
  ['<05d', ['10000', '70000', '42000', '25500']],
  ['*<05d', ['1****', '7****', '42***', '255**']],
  ['*=+6d', ['+****1', '+****7', '+***42', '+**255']],
  ['x>3', ['xx1', 'xx7', 'x42', '255']],
  ['03', ['001', '007', '042', '255']],
  ['00d', ['1', '7', '42', '255']],
  ['0', ['1', '7', '42', '255']],
  ['{<3', ['1{{', '7{{', '42{', '255']],
  ['=+4', ['+  1', '+  7', '+ 42', '+255']],
  ['é>4', ['ééé1', 'ééé7', 'éé42', 'é255']],
  ['😀>4', ['😀😀😀1', '😀😀😀7', '😀😀42', '😀255']],
  ['08b', ['00000001', '00000111', '00101010', '11111111']],
  ['1<3d', ['111', '711', '421', '255']],
  ['-5', ['    1', '    7', '   42', '  255']],
  ['10', ['         1', '         7', '        42', '       255']],
];

describe('formatId', () => {
  it.each(PYTHON)('formats with %j as Python does', (specification, texts) => {
    expect(IDS.map((id) => formatId(id, specification))).toEqual(texts);
  });

  it('formats negative numbers as Python does', () => {
    expect(formatId(-7, '05d')).toBe('-0007');
    expect(formatId(-7, '*=+6d')).toBe('-****7');
    expect(formatId(-42, '#x')).toBe('-0x2a');
    expect(formatId(-7, '<5')).toBe('-7   ');
  });

  it('gives the plain number without a specification', () => {
    expect(formatId(12)).toBe('12');
  });

  it.each(['.2d', 's', 'q', 'e', 'f', '%', 'c', ',', '_d', '3d3', 'zd', 'abc', '999999d'])(
    'refuses %j',
    (text) => {
      expect(() => formatId(1, text)).toThrowError(`id format specification '${text}'`);
      expect(() => formatId(1, text)).toThrowError(expect.objectContaining({ code: 'HPC_CHANNEL_NAME' }));
    },
  );
});
