/** An NTNDArray on one line, and arrays cut short: what formatValue() adds to the formats of pvget. */
import { describe, expect, it } from 'vitest';
import { NTNDArray } from '../../src/nt/nt-nd-array.ts';
import { ColorMode } from '../../src/nt/nt-nd-array-image.ts';
import { formatValue } from '../../src/value/format.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { inTimeZone, SECONDS, scalar } from '../support/format-types.ts';

inTimeZone('UTC');

const timeStamp = { secondsPastEpoch: SECONDS, nanoseconds: 500_000_000 };
const summary = (image: NTNDArray | Value): string =>
  formatValue(image instanceof NTNDArray ? image.value : image, { name: 'i', imageSummary: true });
const TIME = '2026-11-21 01:33:26.500  ';

describe('an image on one line', () => {
  it('has its number, sizes, type and bytes', () => {
    const pixels = new Uint16Array(12);
    const image = NTNDArray.create({ pixels, dimensions: [4, 3], uniqueId: 7, timeStamp });
    expect(summary(image)).toBe(`i ${TIME}#7 4x3 ushort, 24 bytes\n`);
    image.set('alarm', { severity: 2, message: 'dark' });
    expect(summary(image)).toBe(`i ${TIME}MAJOR dark #7 4x3 ushort, 24 bytes\n`);
  });

  it('has color mode, codec and the number of attributes where there are any', () => {
    const image = NTNDArray.create({
      pixels: new Uint8Array(24),
      dimensions: [3, 4, 2],
      uniqueId: 8,
      timeStamp,
      colorMode: ColorMode.RGB1,
      attributes: { temperature: 20.5 },
    });
    expect(summary(image)).toBe(`i ${TIME}#8 3x4x2 ubyte, RGB1, 24 bytes, 2 attributes\n`);
    image.colorMode = 99;
    image.setCompressed(new Uint8Array(5), { name: 'lz4', parameters: 5 }, 24);
    expect(summary(image)).toBe(`i ${TIME}#8 3x4x2 ubyte, 99, 24 bytes, lz4 5 bytes, 2 attributes\n`);
  });

  it('says that there is no image yet', () => {
    const image = NTNDArray.create({ timeStamp });
    image.dimensions = [];
    expect(summary(image)).toBe(`i ${TIME}#0 no image\n`);
  });

  it('is not made of what is no whole NTNDArray', () => {
    const fields = { uniqueId: 'int' } as const;
    expect(summary(Value.create(struct('epics:nt/NTNDArray:1.0', fields), { uniqueId: 5 }))).toBe(
      'i epics:nt/NTNDArray:1.0 \n    int uniqueId 5\n',
    );
    expect(summary(Value.create(NTNDArray.type, { uniqueId: 5 })), 'the rest did not come').toContain(
      '    int uniqueId 5\n',
    );
    expect(summary(scalar('double', { value: 3 }))).toMatch(/^i <undefined> +3 \n$/);
  });

  it('copes with a dimension or value that is something else', () => {
    const odd = struct('epics:nt/NTNDArray:1.0', { value: 'int', dimension: 'int[]', codec: 'string' });
    expect(summary(Value.create(odd, { value: 1, dimension: [1, 2] }))).toBe('i #? no image\n');
  });
});

describe('arrayLimit', () => {
  it('prints the first elements, then dots', () => {
    const limited = (value: Value, arrayLimit: number): string => formatValue(value, { arrayLimit });
    const numbers = scalar('int[]', { value: [1, 2, 3] });
    expect(limited(numbers, 2)).toMatch(/ \[1,2,\.\.\.\]\n$/);
    expect(limited(numbers, 3)).toMatch(/ \[1,2,3\]\n$/);
    expect(limited(numbers, 0)).toMatch(/ \[1,2,3\]\n$/);
    expect(limited(scalar('string[]', { value: ['a', 'b c', 'd'] }), 2)).toMatch(/ \[a, "b c", \.\.\.\]\n$/);
    expect(limited(scalar('long[]', { value: [1n, 2n] }), 1)).toMatch(/ \[1,\.\.\.\]\n$/);
    expect(formatValue(numbers, { mode: 'json', arrayLimit: 1 })).toContain('value:[1,2,3]');
  });
});
