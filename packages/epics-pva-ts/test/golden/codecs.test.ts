/**
 * Images that the reference libraries compressed (codecs.json; `madeBy` says which), through every codec there is: lz4,
 * bslz4, lz4hdf5 and zlib of our own and Node's, blosc with numcodecs, jpeg with jpeg-js.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CodecError, loadCodec, type NDArrayOptions, NTNDArray } from '../../src/index.ts';
import { scalarTypeOf } from '../../src/nt/nt-nd-array-codec.ts';
import { ARRAY_TYPE, type NumericArray, type NumericKind } from '../../src/value/type-code.ts';
import { mutateBytes } from '../support/mutate.ts';
import { Random } from '../support/random.ts';

interface Golden {
  readonly codec: string;
  readonly madeBy: string;
  readonly kind: NumericKind;
  readonly dimensions: number[];
  readonly size: number;
  readonly colorMode?: number;
  readonly base64: string;
}

const GOLDEN = JSON.parse(readFileSync(new URL('codecs.json', import.meta.url), 'utf8')) as Golden[];
const EXACT = GOLDEN.filter((g) => g.codec !== 'jpeg').map(
  (g) => [`${g.codec} of ${g.kind} by ${g.madeBy}`, g] as const,
);
const JPEG = GOLDEN.filter((g) => g.codec === 'jpeg').map((g) => [g.dimensions.join(' x '), g] as const);

/** What was compressed: three numbers that grow, then one that stays, ... */
function pixelsOf({ kind, dimensions: [length = 0] }: Golden): NumericArray {
  const pixels = new ARRAY_TYPE[kind](length);
  for (let i = 0; i < length; i++) pixels[i] = (i % 50 < 3 ? i : i >> 8) % (kind === 'ubyte' ? 251 : 2 ** 31);
  return pixels;
}

function frameOf(golden: Golden, bytes: Uint8Array = Buffer.from(golden.base64, 'base64')): NTNDArray {
  const { codec: name, kind, dimensions, size, colorMode } = golden;
  const options: NDArrayOptions = { dimensions, ...(colorMode === undefined ? {} : { colorMode }) };
  return NTNDArray.create(options).setCompressed(bytes, { name, parameters: scalarTypeOf(kind) }, size);
}

describe('an image compressed by the reference library', () => {
  it.each(EXACT)('%s', async (_, golden) => {
    const frame = await frameOf(golden).decompress();
    expect(frame.pixels).toEqual(pixelsOf(golden));
  });

  it.each(JPEG)('jpeg of %s pixels, close to what it was', async (_, golden) => {
    const { pixels, dimensions, colorMode = 0 } = await frameOf(golden).decompress();
    const sizes = dimensions.map((d) => d.size);
    const colour = { 0: -1, 2: 0, 3: 1, 4: 2 }[colorMode] as number;
    const at = [0, 0, 0];
    for (let i = 0; i < (pixels as Uint8Array).length; i++) {
      // Index along every axis, the fastest first.
      let rest = i;
      for (const [d, size] of sizes.entries()) {
        at[d] = rest % size;
        rest = Math.floor(rest / size);
      }
      const [x = 0, y = 0] = at.slice(0, sizes.length).filter((_value, d) => d !== colour);
      const was = colour < 0 ? x * 8 + y * 3 : [x * 8, y * 12, 255 - x * 8][at[colour] as number];
      expect(Math.abs(((pixels as Uint8Array)[i] as number) - (was as number))).toBeLessThan(12);
    }
  });
});

describe('blosc and jpeg', () => {
  const blosc = EXACT.find(([, g]) => g.codec === 'blosc')?.[1] as Golden;
  const jpeg = JPEG[0]?.[1] as Golden;

  it('are loaded when they are needed, or before', async () => {
    await loadCodec('jpeg');
    expect(frameOf(jpeg).decompressSync().pixels).toHaveLength(24 * 16);
    await loadCodec('blosc');
    expect(() => frameOf(blosc).decompressSync()).toThrow(
      "codec 'blosc' needs time to decode: use decompress()",
    );
  });

  it('refuse what is damaged, or comes in another size than announced', async () => {
    const bytes = Buffer.from(blosc.base64, 'base64');
    const damaged = Buffer.from(bytes);
    damaged.writeUInt32LE(blosc.size + 2, 4);
    await expect(frameOf(blosc, damaged).decompress()).rejects.toThrow(`its header says ${blosc.size + 2}`);
    damaged.writeUInt32LE(blosc.size, 4);
    damaged.writeUInt32LE(2 ** 31, 12);
    await expect(frameOf(blosc, damaged).decompress()).rejects.toThrow('its header says 2147483648 bytes');
    await expect(frameOf(blosc, bytes.subarray(0, 10)).decompress()).rejects.toThrow(
      '10 bytes hold no header',
    );

    const image = Buffer.from(jpeg.base64, 'base64');
    await expect(frameOf(jpeg, image.subarray(0, 100)).decompress()).rejects.toThrow('not a JPEG image');
    const other = { ...jpeg, dimensions: [16, 24] };
    await expect(frameOf(other, image).decompress()).rejects.toThrow(
      '24 x 16 pixels where the frame says 16 x 24',
    );
    const smaller = { ...jpeg, dimensions: [4, 4], size: 16 };
    await expect(frameOf(smaller, image).decompress()).rejects.toThrow(CodecError);
    const line = { ...jpeg, dimensions: [24 * 16] };
    await expect(frameOf(line, image).decompress()).rejects.toThrow(
      'dimensions 384 are not those of a JPEG image',
    );
  });

  it.each([
    ['blosc', blosc],
    ['jpeg', jpeg],
  ])('%s does no harm, however it is damaged', async (_, golden) => {
    const random = new Random(11);
    const whole = Buffer.from(golden.base64, 'base64');
    for (let i = 0; i < 300; i++) {
      const error = await frameOf(golden, mutateBytes(whole, random))
        .decompress()
        .then(
          () => undefined,
          (e: unknown) => e,
        );
      if (error !== undefined && !(error instanceof CodecError)) throw error;
    }
    // And works as before.
    expect((await frameOf(golden).decompress()).pixels).toHaveLength(
      golden.dimensions.reduce((a, b) => a * b),
    );
  });
});
