/** TIFF files as frames; the files beside make.py were written by tifffile. */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import UTIF from 'utif2';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeLzw, decodePackBits, decompressPart } from '../../sim/tiff-codec.ts';
import { TiffFile } from '../../sim/tiff-file.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/tiff');
const directory = mkdtempSync(join(tmpdir(), 'tiff-file-'));
afterAll(() => rmSync(directory, { recursive: true }));

const [NX, NY] = [20, 18];

/** Values of page `f`, as make.py writes them. */
function values(f: number, samples = 1): number[] {
  return Array.from({ length: NX * NY * samples }, (_, i) => {
    const pixel = Math.floor(i / samples);
    return f * 1000 + Math.floor(pixel / NX) * 5 + (pixel % NX) + 7 * (i % samples);
  });
}

function expectFrames(name: string, type: string, nFrames: number, samples = 1): void {
  const file = new TiffFile(join(FIXTURES, name));
  expect(file).toMatchObject({ nFrames, dataType: { name: type } });
  expect(file.shape).toMatchObject({ nx: NX, ny: NY, colorMode: samples === 3 ? 2 : 0 });
  for (let f = nFrames - 1; f >= 0; f--) {
    const frame = file.read(f);
    const expected = new file.dataType.arrayConstructor(frame.length) as Float64Array;
    for (const [i, v] of values(f, samples).entries())
      expected[i] = (type.endsWith('64') && !type.startsWith('f') ? BigInt(v) : v) as number;
    expect(frame).toEqual(expected);
  }
  file.close();
}

describe('pixels', () => {
  it.each([
    ['u1', 'uint8'],
    ['i1', 'int8'],
    ['i2', 'int16'],
    ['u4', 'uint32'],
    ['i4', 'int32'],
    ['f4', 'float32'],
    ['f8', 'float64'],
    ['u8', 'uint64'],
  ])('in strips, %s', (dtype, name) => expectFrames(`strips-${dtype}.tif`, name, 1));

  it.each([
    ['stack.tif', 'uint16', 3],
    ['big-endian.tiff', 'uint16', 2],
    ['bigtiff.tif', 'uint16', 2],
    ['tiles.tif', 'uint16', 1],
    ['lzw.tif', 'uint16', 2],
    ['deflate.tif', 'uint16', 2],
    ['adobe_deflate.tif', 'uint16', 2],
    ['packbits.tif', 'uint16', 2],
    ['lzw-predictor.tif', 'uint16', 1],
    ['lzw-big-endian.tif', 'uint32', 1],
    ['deflate-float.tif', 'float32', 1],
    ['deflate-float-big-endian.tif', 'float64', 1],
    ['thumbnail.tif', 'uint16', 1],
  ])('%s', (name, type, nFrames) => expectFrames(name, type, nFrames));

  it.each([
    ['rgb.tif', 'uint8', 2],
    ['rgb-planes.tif', 'uint16', 1],
    ['rgb-tiles.tif', 'uint8', 1],
  ])('%s is RGB1', (name, type, nFrames) => expectFrames(name, type, nFrames, 3));

  it('LZW with codes of all lengths', () => {
    const frame = new TiffFile(join(FIXTURES, 'lzw-long.tif')).read(0);
    expect(frame).toEqual(Uint8Array.from({ length: 12_000 }, (_, i) => (i * i * 7 + (i >> 3)) & 255));
  });

  it('of files by another writer', () => {
    const grey = Uint8Array.from({ length: 12 }, (_, i) => i * 20);
    const path = join(directory, 'utif.tif');
    const one = { t258: [8], t259: [1], t262: [1], t277: [1], t278: [3] };
    const bytes = new Uint8Array(1012);
    const ifd = { t256: [4], t257: [3], ...one, t273: [1000], t279: [12] };
    bytes.set(new Uint8Array(UTIF.encode([ifd as never])).subarray(0, 1000));
    bytes.set(grey, 1000);
    writeFileSync(path, bytes);
    expect(new TiffFile(path).read(0)).toEqual(grey);
  });
});

describe('what cannot be streamed: one line with the file and the reason', () => {
  it.each([
    ['zstd.tif', 'page 0 cannot be read: compression 50000 is not supported: save it without, or with LZW'],
    ['rgba.tif', 'pixels of 4 samples: only grey (1) and red, green, blue (3) are frames'],
    ['half.tif', 'samples of 16 bits, format 3: frames are of int8, '],
    ['mixed.tif', 'page 1 is 20x18 uint8, but page 0 is 20x18 uint16: a stream has one kind of frame'],
  ])('%s', (name, message) => {
    const path = join(FIXTURES, name);
    expect(() => new TiffFile(path).read(0)).toThrow(`${path}: ${message}`);
  });

  it('other files', () => {
    const path = join(directory, 'other.tif');
    for (const text of ['', 'II', 'no TIFF at all']) {
      writeFileSync(path, text);
      expect(() => new TiffFile(path)).toThrow(`${path}: not a TIFF file`);
    }
    expect(() => new TiffFile(join(directory, 'missing.tif'))).toThrow('no such file or directory');
  });

  it('directories that point to each other', () => {
    const path = join(directory, 'loop.tif');
    const bytes = readFileSync(join(FIXTURES, 'stack.tif'));
    const first = bytes.readUInt32LE(4);
    bytes.writeUInt32LE(first, first + 2 + 12 * bytes.readUInt16LE(first));
    writeFileSync(path, bytes);
    expect(() => new TiffFile(path)).toThrow(`${path}: its directories never end`);
  });

  it.each(['stack.tif', 'bigtiff.tif', 'lzw-predictor.tif', 'rgb.tif'])('%s, cut at any byte', (name) => {
    const path = join(directory, name);
    const { length } = readFileSync(join(FIXTURES, name));
    const whole = new TiffFile(join(FIXTURES, name));
    for (let n = 0; n < length; n += n < 300 ? 1 : 37) {
      copyFileSync(join(FIXTURES, name), path);
      truncateSync(path, n);
      let file: TiffFile;
      try {
        file = new TiffFile(path);
        for (let f = 0; f < file.nFrames; f++) expect(file.read(f)).toEqual(whole.read(f));
      } catch (error) {
        expect(error).toMatchObject({ code: 'BAD_INPUT' });
        expect((error as Error).message).toMatch(/^[\x20-\x7e]{1,300}$/);
      }
    }
    copyFileSync(join(FIXTURES, name), path);
    truncateSync(path, Math.floor(length / 2));
    expect(() => new TiffFile(path).read(0)).toThrow(`${path}: truncated: `);
  });

  it('damaged bytes never do more than fail', () => {
    const path = join(directory, 'damaged.tif');
    const whole = readFileSync(join(FIXTURES, 'lzw-predictor.tif'));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        writeFileSync(path, bytes);
        try {
          const file = new TiffFile(path);
          file.read(0);
          file.close();
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_INPUT' });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('compressed bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2000), (bytes, size) => {
        for (const decode of [decodeLzw, decodePackBits]) {
          try {
            expect(decode(bytes, size).length).toBe(size);
          } catch (error) {
            expect((error as Error).message).toMatch(/^(not LZW|LZW data end|PackBits data end)/);
          }
        }
      }),
    );
  });
});

it('a deflated strip may be filled up to its full height, and no further', () => {
  const strip = deflateSync(Buffer.alloc(640, 1));
  expect(decompressPart(strip, 8, 100, 640).length).toBe(640);
  expect(() => decompressPart(strip, 8, 100, 639)).toThrow(/larger than 639 bytes/);
});
