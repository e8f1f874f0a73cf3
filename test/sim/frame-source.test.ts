import { describe, expect, it } from 'vitest';
import { colorModeName, frameShape, parseColorMode } from '../../sim/frame-source.ts';

describe('frame shapes', () => {
  it.each([
    [0, 'MONO', [640, 480], 307_200],
    [2, 'RGB1', [3, 640, 480], 921_600],
    [3, 'RGB2', [640, 3, 480], 921_600],
    [4, 'RGB3', [640, 480, 3], 921_600],
  ] as const)('color mode %i is %s with dimensions %j', (mode, name, dimensions, nElements) => {
    const shape = frameShape(640, 480, parseColorMode(mode));
    expect(shape).toEqual({ nx: 640, ny: 480, colorMode: mode, dimensions, nElements });
    expect(colorModeName(shape.colorMode)).toBe(name);
  });

  it.each([1, 5, -1, 0.5, Number.NaN])('refuses color mode %d and lists the modes', (mode) => {
    expect(() => parseColorMode(mode)).toThrow(
      `unknown color mode ${mode}: use one of 0 (MONO), 2 (RGB1), 3 (RGB2), 4 (RGB3)`,
    );
  });

  it.each([
    [0, 10, '0 pixels in x'],
    [10, -1, '-1 pixels in y'],
    [1.5, 10, '1.5 pixels in x'],
    [10, Number.NaN, 'NaN pixels in y'],
    [65_536, 65_536, 'a pvData array holds at most 2147483647'],
  ])('refuses %d x %d pixels', (nx, ny, message) => {
    expect(() => frameShape(nx, ny, 0)).toThrow(message);
  });
});
