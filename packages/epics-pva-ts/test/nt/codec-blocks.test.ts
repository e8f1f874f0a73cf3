/**
 * LZ4, bitshuffle and what areaDetector makes of them: bytes of the reference libraries, there and back for any pixels,
 * and any damage refused without harm.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/errors.ts';
import { bitshuffle, bitunshuffle } from '../../src/nt/codec-bitshuffle.ts';
import {
  decodeBslz4,
  decodeLz4,
  decodeLz4Hdf5,
  encodeBslz4,
  encodeLz4,
  encodeLz4Hdf5,
} from '../../src/nt/codec-blocks.ts';
import { decodeLz4Block, encodeLz4Block, lz4Bound } from '../../src/nt/codec-lz4.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { mutateBytes } from '../support/mutate.ts';
import { Random } from '../support/random.ts';

const FACTOR = Number(process.env['FC_FACTOR'] ?? 1);

/** A picture as a detector makes it: noise of a few counts, and peaks. */
function picture(length: number, seed: number, elementSize = 2): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(length * elementSize);
  for (let i = 0; i < length; i++) {
    bytes[i * elementSize] = random.int(8);
    if (elementSize > 1 && random.chance(0.01)) bytes[i * elementSize + 1] = random.int(256);
  }
  return bytes;
}

/** Bytes of all kinds: noise, long runs, repeated patterns. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 600 }))
        .map(([part, n]) =>
          Uint8Array.from({ length: part.length * n }, (_, i) => part[i % part.length] as number),
        ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

describe('LZ4 blocks', () => {
  it('are those of its description', () => {
    const runs = fromHex('1f 61 01 00 05 50 61 61 61 61 61');
    expect(Buffer.from(decodeLz4(runs, 30)).toString()).toBe('a'.repeat(30));
    // An empty block is one token.
    expect(decodeLz4(fromHex('00'), 0)).toHaveLength(0);
    expect(toHex(encodeLz4(new Uint8Array(0)))).toBe('00');
    expect(toHex(encodeLz4(Buffer.from('a'.repeat(30))))).toBe('1f 61 01 00 05 50 61 61 61 61 61');
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const compressed = encodeLz4(bytes);
        expect(compressed.length).toBeLessThanOrEqual(lz4Bound(bytes.length));
        expect(Buffer.from(decodeLz4(compressed, bytes.length)).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 * FACTOR },
    );
  });

  it('of images are smaller, of noise hardly larger', () => {
    const image = picture(1_000_000, 1);
    const compressed = encodeLz4(image);
    expect(compressed.length).toBeLessThan(image.length * 0.75);
    expect(Buffer.from(decodeLz4(compressed, image.length)).equals(image)).toBe(true);
    const noise = new Random(2).bytes(100_000);
    expect(encodeLz4(noise).length).toBeLessThan(noise.length + 500);
    const zeros = new Uint8Array(10_000_000);
    expect(encodeLz4(zeros).length).toBeLessThan(40_000);
    expect(Buffer.from(decodeLz4(encodeLz4(zeros), zeros.length)).equals(zeros)).toBe(true);
  });

  it.each([
    ['literals beyond its end', '50 61', 5, 'literals run beyond its end'],
    ['an offset of 0', '10 61 00 00 00', 20, 'a match points outside'],
    ['an offset before its start', '10 61 02 00 00', 20, 'a match points outside'],
    ['half an offset', '10 61 01', 20, 'a match has no offset'],
    ['a length without end', '1f 61 01 00 ff ff', 20, 'a length runs beyond its end'],
    ['literals without end', 'ff ff', 20, 'a length runs beyond its end'],
    ['more than announced', '1f 61 01 00 05 50 61 61 61 61 61', 29, 'more than the 29 bytes announced'],
    ['less than announced', '1f 61 01 00 05 50 61 61 61 61 61', 31, 'holds 30 bytes, not the 31 announced'],
    ['nothing', '', 1, 'holds 0 bytes, not the 1 announced'],
  ])('with %s are refused', (_, hex, size, why) => {
    expect(() => decodeLz4(fromHex(hex), size)).toThrow(CodecError);
    expect(() => decodeLz4(fromHex(hex), size)).toThrow(why);
  });

  it('write nowhere else, whatever they hold', () => {
    const random = new Random(3);
    const whole = encodeLz4(picture(400, 4));
    for (let i = 0; i < 20_000 * FACTOR; i++) {
      const bytes = random.chance(0.2)
        ? random.bytes(random.int(60))
        : mutateBytes(Buffer.from(whole), random);
      const out = new Uint8Array(900).fill(7);
      try {
        decodeLz4Block(bytes, 0, bytes.length, out, 50, 850);
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
      }
      if (!out.subarray(0, 50).every((b) => b === 7) || !out.subarray(850).every((b) => b === 7))
        throw new Error(`${toHex(bytes)} wrote outside`);
    }
  });

  it('may lie within other bytes, on both sides', () => {
    const bytes = picture(100, 5);
    const src = Buffer.concat([Buffer.alloc(3, 1), bytes, Buffer.alloc(5, 2)]);
    const dst = new Uint8Array(lz4Bound(bytes.length) + 20);
    const end = encodeLz4Block(src, 3, 3 + bytes.length, dst, 9);
    const out = new Uint8Array(bytes.length);
    decodeLz4Block(dst, 9, end, out, 0, out.length);
    expect(Buffer.from(out).equals(bytes)).toBe(true);
  });
});

describe('bitshuffle', () => {
  it('puts equal bits side by side', () => {
    const out = new Uint8Array(8);
    bitshuffle(Uint8Array.of(1, 0, 3, 0, 0, 0, 0, 0x81), 0, out, 0, 8, 1);
    expect([...out]).toEqual([0x85, 0x04, 0, 0, 0, 0, 0, 0x80]);
    const wide = new Uint8Array(16);
    bitshuffle(new Uint8Array(Uint16Array.of(0, 1, 0, 0, 0, 0, 0, 0x8000).buffer), 0, wide, 0, 8, 2);
    expect([...wide]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
  });

  it.each([1, 2, 4, 8])('is undone, with elements of %i bytes', (elementSize) => {
    const random = new Random(elementSize);
    for (const count of [8, 16, 128, 1024]) {
      const bytes = random.bytes(count * elementSize);
      const shuffled = new Uint8Array(bytes.length + 6);
      const back = new Uint8Array(bytes.length + 4);
      bitshuffle(bytes, 0, shuffled, 6, count, elementSize);
      bitunshuffle(shuffled, 6, back, 4, count, elementSize);
      expect(Buffer.from(back.subarray(4)).equals(bytes)).toBe(true);
      // Bit by bit, as it is defined.
      for (let bit = 0; bit < 8 * elementSize; bit++)
        for (let i = 0; i < count; i++) {
          const from = ((bytes[i * elementSize + (bit >> 3)] as number) >> (bit & 7)) & 1;
          const at = bit * (count / 8) + (i >> 3);
          if ((((shuffled[6 + at] as number) >> (i & 7)) & 1) !== from) throw new Error(`bit ${bit} of ${i}`);
        }
    }
  });
});

const BLOCK_CODECS = [
  ['bslz4', encodeBslz4, decodeBslz4],
  ['lz4hdf5', (bytes: Uint8Array) => encodeLz4Hdf5(bytes), decodeLz4Hdf5],
] as const;

describe.each(BLOCK_CODECS)('%s', (name, encode, decode) => {
  it.each([1, 2, 4, 8])(
    'comes back as it was, with pixels of %i bytes and any number of them',
    (elementSize) => {
      for (const count of [0, 1, 7, 8, 9, 15, 1023, 1024, 1025, 8191, 8192, 8200, 100_003]) {
        const pixels = picture(count, count, elementSize);
        const compressed = encode(pixels, elementSize);
        expect(Buffer.from(decode(compressed, pixels.length, elementSize)).equals(pixels)).toBe(true);
      }
    },
  );

  it('is smaller than an image', () => {
    const pixels = picture(500_000, 6);
    expect(encode(pixels, 2).length).toBeLessThan(pixels.length * 0.75);
  });

  it('is refused when it is damaged, or comes back in its size', () => {
    const random = new Random(7);
    const pixels = picture(5000, 8);
    const whole = encode(pixels, 2);
    for (let i = 0; i < 3_000 * FACTOR; i++) {
      const bytes = random.chance(0.1)
        ? random.bytes(random.int(60))
        : mutateBytes(Buffer.from(whole), random);
      const size = random.chance(0.9) ? pixels.length : random.int(20_000) * 2;
      try {
        expect(decode(bytes, size, 2)).toHaveLength(size);
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
      }
    }
    expect(() => decode(whole.subarray(0, -1), pixels.length, 2)).toThrow(CodecError);
    expect(() => decode(Buffer.concat([whole, Buffer.of(0)]), pixels.length, 2)).toThrow(
      `not ${name}: 1 bytes behind`,
    );
  });
});

describe("HDF5's header", () => {
  const pixels = picture(10_000, 9);

  it('before bslz4 is recognised, with its block size', () => {
    const header = Buffer.alloc(12);
    header.writeBigUInt64BE(BigInt(pixels.length));
    header.writeUInt32BE(0, 8);
    expect(
      Buffer.from(decodeBslz4(Buffer.concat([header, encodeBslz4(pixels, 2)]), pixels.length, 2)).equals(
        pixels,
      ),
    ).toBe(true);
    header.writeUInt32BE(8192, 8);
    expect(
      Buffer.from(decodeBslz4(Buffer.concat([header, encodeBslz4(pixels, 2)]), pixels.length, 2)).equals(
        pixels,
      ),
    ).toBe(true);
    header.writeUInt32BE(8190, 8);
    expect(() => decodeBslz4(Buffer.concat([header, encodeBslz4(pixels, 2)]), pixels.length, 2)).toThrow(
      'its header says blocks of 8190 bytes',
    );
  });

  it('before lz4 is recognised', () => {
    expect(Buffer.from(decodeLz4(encodeLz4Hdf5(pixels), pixels.length)).equals(pixels)).toBe(true);
  });

  it('must be there for lz4hdf5', () => {
    expect(() => decodeLz4Hdf5(encodeLz4(pixels), pixels.length)).toThrow(
      'its header does not say 20000 bytes',
    );
    expect(() => decodeLz4Hdf5(fromHex('00 00 00 00 00 00 00 05 00 00 00 00'), 5)).toThrow(
      'blocks of 0 bytes',
    );
  });

  it('says how long the blocks are, and may hold pixels as they are', () => {
    const bytes = fromHex(
      '00 00 00 00 00 00 00 05 00 00 00 02 00 00 00 02 01 02 00 00 00 02 03 04 00 00 00 01 05',
    );
    expect([...decodeLz4Hdf5(bytes, 5)]).toEqual([1, 2, 3, 4, 5]);
  });
});
