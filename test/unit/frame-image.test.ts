/** `imageOf`: a processor gets rows of pixels, whatever the frame's colour mode and codec. */
import { describe, expect, it } from 'vitest';
import { imageOf, NTNDArray } from '../../src/index.ts';

/** Two columns and one row: red, green and blue of the pixels are 1 2 3 and 4 5 6. */
const MODES = [
  ['RGB1', 2, [3, 2, 1], [1, 2, 3, 4, 5, 6]],
  ['RGB2', 3, [2, 3, 1], [1, 4, 2, 5, 3, 6]],
  ['RGB3', 4, [2, 1, 3], [1, 4, 2, 5, 3, 6]],
] as const;

describe('imageOf', () => {
  it('gives the pixels of a mono image themselves', () => {
    const pixels = Float32Array.of(1, 2, 3, 4, 5, 6);
    const image = imageOf(NTNDArray.create({ pixels, dimensions: [3, 2] }));
    expect(image).toEqual({ pixels, width: 3, height: 2, channels: 1 });
    expect(image?.pixels.buffer).toBe(pixels.buffer);
  });

  it.for(MODES)('gives colours side by side: %s', ([, colorMode, dimensions, lying]) => {
    const pixels = Uint16Array.from(lying);
    const frame = NTNDArray.create({ pixels, dimensions: [...dimensions], colorMode });
    expect(imageOf(frame)).toEqual({
      pixels: Uint16Array.of(1, 2, 3, 4, 5, 6),
      width: 2,
      height: 1,
      channels: 3,
    });
  });

  it('decompresses, and leaves the frame as it is', () => {
    const pixels = Int16Array.of(-1, 2, -3, 4);
    const frame = NTNDArray.create({ pixels, dimensions: [2, 2] }).compress('bslz4');
    expect(imageOf(frame)).toEqual({ pixels, width: 2, height: 2, channels: 1 });
    expect(frame.codec.name).toBe('bslz4');
  });

  it('gives nothing for a detector that has not started', () => {
    expect(imageOf(NTNDArray.create({ uniqueId: 0 }))).toBeUndefined();
  });

  it('says what is no image', () => {
    const frame = (pixels: Uint8Array | boolean[], dimensions: number[]) =>
      NTNDArray.create({ pixels, dimensions });
    expect(() => imageOf(frame(new Uint8Array(12), [3, 2, 2]))).toThrow(
      'an array of 3 x 2 x 2 with no attribute ColorMode is not an image: two dimensions, or three with RGB1, RGB2 or RGB3',
    );
    expect(() => imageOf(frame([true], [1, 1]))).toThrow('an array of booleans is not an image');
    const short = frame(new Uint8Array(3), [3]);
    short.dimensions = [2, 2];
    expect(() => imageOf(short)).toThrow('the dimensions 2 x 2 do not make its 3 pixels');
  });
});
