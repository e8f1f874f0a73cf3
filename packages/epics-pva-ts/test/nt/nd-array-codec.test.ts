/** Compressed NTNDArrays, as their user sees them: areaDetector's codecs, PvaPy's habits, lies about sizes. */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/errors.ts';
import { AnyValue, codecNames, loadCodec, NTNDArray, registerCodec, typeOf } from '../../src/index.ts';
import { encodeBslz4, encodeLz4, encodeLz4Hdf5 } from '../../src/nt/codec-blocks.ts';
import { ColorMode } from '../../src/nt/nt-nd-array-image.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { decodePartial, encodePartial } from '../support/image.ts';
import { pvapyType } from '../support/pvapy-image.ts';

const PIXELS = Uint16Array.from({ length: 100 * 60 }, (_, i) => (i * 7 + (i >> 5)) % 100);
const BYTES = new Uint8Array(PIXELS.buffer);
const USHORT = 6;

/** A frame as areaDetector sends it. */
function compressed(
  name: string,
  bytes: Uint8Array,
  size = BYTES.length,
  parameters: number | null = USHORT,
): NTNDArray {
  const frame = NTNDArray.create({ dimensions: [100, 60], uniqueId: 5, attributes: { gain: 2 } });
  frame.setCompressed(bytes, parameters === null ? { name } : { name, parameters }, size);
  return new NTNDArray(decodePartial(frame.value.type, encodePartial(frame.value), { lazy: true }));
}

const BUILT_IN: [string, Uint8Array][] = [
  ['lz4', encodeLz4(BYTES)],
  ['bslz4', encodeBslz4(BYTES, 2)],
  ['lz4hdf5', encodeLz4Hdf5(BYTES)],
  ['zlib', deflateSync(BYTES)],
];

describe('decompressing', () => {
  it.each(BUILT_IN)('%s gives the pixels in their own type, in a frame of their own', async (name, bytes) => {
    const frame = compressed(name, bytes);
    const raw = frame.decompressSync();
    expect(raw.pixels).toEqual(PIXELS);
    expect((await frame.decompress()).pixels).toEqual(PIXELS);
    expect(raw.codec).toEqual({ name: '', parameters: null });
    expect([raw.compressedSize, raw.uncompressedSize]).toEqual([12_000, 12_000]);
    expect([raw.uniqueId, raw.shape, raw.attribute('gain')]).toEqual([5, [60, 100], 2]);
    // The compressed frame stays what it was.
    expect([frame.codec.name, frame.compressedSize]).toEqual([name, bytes.length]);
    expect(frame.pixels).toEqual(new Uint8Array(bytes));
  });

  it('may be asked for before the update is released', async () => {
    const frame = compressed('lz4', encodeLz4(BYTES));
    const asked = frame.decompress();
    frame.value.release();
    expect((await asked).pixels).toEqual(PIXELS);
  });

  it('gives a frame that is not compressed as it is', async () => {
    const frame = NTNDArray.create({ pixels: PIXELS });
    expect(frame.decompressSync()).toBe(frame);
    expect(await frame.decompress()).toBe(frame);
  });

  it.each([
    ['byte', 1, Int8Array.of(-1, 2, 3, 4)],
    ['short', 2, Int16Array.of(-1, 2, 3, 4)],
    ['int', 3, Int32Array.of(-1, 2, 3, 4)],
    ['long', 4, BigInt64Array.of(-1n, 2n, 3n, 4n)],
    ['ubyte', 5, Uint8Array.of(255, 2, 3, 4)],
    ['ushort', 6, Uint16Array.of(65535, 2, 3, 4)],
    ['uint', 7, Uint32Array.of(4294967295, 2, 3, 4)],
    ['ulong', 8, BigUint64Array.of(2n ** 64n - 1n, 2n, 3n, 4n)],
    ['float', 9, Float32Array.of(-1.5, 2, 3, 4)],
    ['double', 10, Float64Array.of(-1.5, 2, 3, 4)],
  ])("knows %s by pvData's number %i, there and back", (_, number, pixels) => {
    const frame = NTNDArray.create({ pixels, dimensions: [2, 2] });
    for (const name of ['lz4', 'bslz4', 'lz4hdf5']) {
      const packed = frame.compress(name);
      expect(packed.codec).toEqual({ name, parameters: number });
      expect(packed.get('codec.parameters')).toEqual(new AnyValue(typeOf('int'), number));
      expect(packed.uncompressedSize).toBe(pixels.byteLength);
      expect(packed.decompressSync().pixels).toEqual(pixels);
    }
    expect(frame.codec.name).toBe('');
  });

  it('compresses again with another codec', () => {
    const frame = NTNDArray.create({ pixels: PIXELS }).compress('lz4').compress('bslz4');
    expect(frame.codec.name).toBe('bslz4');
    expect(frame.decompressSync().pixels).toEqual(PIXELS);
    expect(() => frame.compress('blosc')).toThrow(
      "codec 'blosc' cannot compress; these can: lz4, bslz4, lz4hdf5",
    );
    expect(() => NTNDArray.create({ pixels: [true] }).compress('lz4')).toThrow(
      'only pixels that are numbers',
    );
  });

  it("reads PvaPy's: a wrapped number, three times the size of a mono image, bytes before the data", () => {
    const wrapper = struct('', { value: 'int' });
    const value = Value.create(pvapyType(), {
      'value->ubyteValue': Buffer.concat([Buffer.alloc(16, 9), encodeLz4(BYTES)]),
      codec: { name: 'lz4', parameters: new AnyValue(wrapper, Value.create(wrapper, { value: USHORT })) },
      uncompressedSize: BYTES.length * 3,
      dimension: [{ size: 100 }, { size: 60 }],
    });
    expect(new NTNDArray(value).decompressSync({ payloadStart: 16 }).pixels).toEqual(PIXELS);
  });

  it('goes by uncompressedSize where there are no dimensions', () => {
    const frame = compressed('lz4', encodeLz4(BYTES));
    frame.dimensions = [];
    expect(frame.decompressSync().pixels).toEqual(PIXELS);
  });

  it('ignores what is behind compressedSize', () => {
    const bytes = encodeBslz4(BYTES, 2);
    const frame = compressed('bslz4', Buffer.concat([bytes, Buffer.alloc(100)]));
    frame.set('compressedSize', bytes.length);
    expect(frame.decompressSync().pixels).toEqual(PIXELS);
  });
});

describe('a compressed frame that cannot be read', () => {
  const bytes = encodeLz4(BYTES);

  it.each<[string, NTNDArray, string]>([
    [
      'of an unknown codec',
      compressed('szip', bytes),
      "no codec 'szip'; there are: lz4, bslz4, lz4hdf5, zlib, blosc, jpeg",
    ],
    [
      'without the type of the pixels',
      compressed('lz4', bytes, BYTES.length, null),
      'codec.parameters does not say the type',
    ],
    [
      'of strings',
      compressed('lz4', bytes, BYTES.length, 11),
      'codec.parameters says type 11, which no pixels have',
    ],
    ['of booleans', compressed('lz4', bytes, BYTES.length, 0), 'says type 0, which no pixels have'],
    ['with damaged lz4', compressed('lz4', bytes.subarray(0, -9)), 'not an LZ4 block'],
    ['with damaged zlib', compressed('zlib', deflateSync(BYTES).subarray(0, -9)), 'not zlib of 12000 bytes'],
    [
      'with zlib of another size',
      compressed('zlib', deflateSync(BYTES.subarray(2))),
      'zlib holds 11998 bytes, not the 12000 announced',
    ],
    ['of a negative size', compressed('lz4', bytes, -2), 'uncompressedSize is -2'],
    [
      'with zlib of a larger size',
      compressed('zlib', deflateSync(new Uint8Array(20_000))),
      'not zlib of 12000 bytes',
    ],
    [
      'smaller than its dimensions',
      compressed('lz4', bytes, 11_998),
      'uncompressedSize is 11998, the dimensions make 12000 bytes',
    ],
  ])('%s is an error of one line', async (_, frame, why) => {
    expect(() => frame.decompressSync()).toThrow(CodecError);
    expect(() => frame.decompressSync()).toThrow(why);
    await expect(frame.decompress()).rejects.toThrow(why);
    expect(await frame.decompress().catch((e: Error) => e.message)).not.toContain('\n');
  });

  it('and lies about its size takes no memory', () => {
    const lie = NTNDArray.create({}).setCompressed(bytes, { name: 'lz4', parameters: USHORT }, 2 ** 29);
    expect(() => lie.decompressSync()).toThrow(
      `${bytes.length} bytes of lz4 cannot hold the 536870912 bytes announced`,
    );
    lie.set('uncompressedSize', 2n ** 40n);
    expect(() => lie.decompressSync()).toThrow(
      'pixels of 1099511627776 bytes are more than the 1073741824 allowed (maxSize)',
    );
    lie.set('uncompressedSize', -2n);
    expect(() => lie.decompressSync()).toThrow(CodecError);
    lie.set('uncompressedSize', 7n);
    expect(() => lie.decompressSync()).toThrow('7 is no multiple of 2, the size of a pixel');
    const small = compressed('lz4', bytes);
    expect(() => small.decompressSync({ maxSize: 11_999 })).toThrow('more than the 11999 allowed');
    expect(small.decompressSync({ maxSize: 12_000 }).pixels).toEqual(PIXELS);
  });

  it('without pixels says so', () => {
    const frame = NTNDArray.create({}).set('codec.name', 'lz4');
    expect(() => frame.decompressSync()).toThrow("codec 'lz4': the frame holds no bytes");
  });
});

describe('registerCodec', () => {
  it('adds codecs of the user', async () => {
    registerCodec('invert', {
      decode: ({ bytes }) => bytes.map((b) => ~b),
      encode: (pixels) => pixels.map((b) => ~b),
    });
    registerCodec('slow', async ({ bytes }) => bytes.slice());
    registerCodec('short', ({ bytes }) => bytes.subarray(1));
    expect(codecNames()).toContain('invert');
    const frame = NTNDArray.create({ pixels: PIXELS }).compress('invert');
    expect((frame.pixels as Uint8Array)[0]).toBe(255);
    expect(frame.decompressSync().pixels).toEqual(PIXELS);

    const slow = compressed('slow', BYTES);
    expect(() => slow.decompressSync()).toThrow("codec 'slow' needs time to decode: use decompress()");
    expect((await slow.decompress()).pixels).toEqual(PIXELS);
    expect(() => compressed('short', BYTES).decompressSync()).toThrow(
      'short holds 11999 bytes, not the 12000 announced',
    );
    expect(() => registerCodec('', ({ bytes }) => bytes)).toThrow(CodecError);
  });

  it('copies what a decoder gives at an odd place', () => {
    registerCodec('odd', ({ bytes }) => Buffer.concat([Buffer.of(0), bytes]).subarray(1));
    expect(compressed('odd', BYTES).decompressSync().pixels).toEqual(PIXELS);
  });
});

describe('a package that is not installed', () => {
  it('is named in one line', async () => {
    await expect(loadCodec('nothing')).rejects.toThrow("no codec 'nothing'");
    const { importPackage } = await import('../../src/nt/codec-optional.ts');
    await expect(importPackage('epics-pva-ts-no-such-package', 'blosc')).rejects.toThrow(
      new CodecError(
        "codec 'blosc' needs the package epics-pva-ts-no-such-package: npm install epics-pva-ts-no-such-package",
      ),
    );
  });
});

describe('colour', () => {
  it('of RGB images stays what it is', () => {
    const rgb = NTNDArray.create({
      pixels: Uint8Array.from({ length: 3 * 4 * 2 }, (_, i) => i),
      dimensions: [3, 4, 2],
      colorMode: ColorMode.RGB1,
    });
    const back = rgb.compress('bslz4').decompressSync();
    expect([back.colorMode, back.shape, back.pixels]).toEqual([ColorMode.RGB1, [2, 4, 3], rgb.pixels]);
  });
});
