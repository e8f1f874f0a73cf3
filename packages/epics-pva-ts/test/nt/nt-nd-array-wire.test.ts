/** Detector frames as bytes: the reference's examples, another server's member order, and nothing decoded unasked. */
import { describe, expect, it } from 'vitest';
import { NTNDArray } from '../../src/nt/nt-nd-array.ts';
import { ColorMode } from '../../src/nt/nt-nd-array-image.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { decodePartial, encodePartial } from '../support/image.ts';
import { pvapyType } from '../support/pvapy-image.ts';

/** The 166 bytes of pva-protocol.md 2.9: a 2x3 ubyte image, mask {1,5,6,7,8,16,20,21}. */
const FIRST = `
  03 e2 01 31
  05 06 01 02 03 04 05 06
  06 00 00 00 00 00 00 00
  06 00 00 00 00 00 00 00
  05 00 00 00
  00 f1 53 65 00 00 00 00 f4 01 00 00 00 00 00 00
  00 f1 53 65 00 00 00 00 f4 01 00 00 00 00 00 00
  02
  01 03 00 00 00 00 00 00 00 03 00 00 00 01 00 00 00 00
  01 02 00 00 00 00 00 00 00 02 00 00 00 01 00 00 00 00
  01
  01 09 43 6f 6c 6f 72 4d 6f 64 65
  22 00 00 00 00
  00
  0a 43 6f 6c 6f 72 20 6d 6f 64 65
  00 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 00 00 00
  06 44 72 69 76 65 72`;

/** The frame after it: mask {1,7,17,18}. */
const SECOND = `
  03 82 00 06 05 06 09 09 09 09 09 09 06 00 00 00 01 f1 53 65 00 00 00 00 fa 00 00 00`;

const T = { secondsPastEpoch: 0x6553f100n, nanoseconds: 500, userTag: 0 };

describe('NTNDArray on the wire', () => {
  it('reads the frame of the reference', () => {
    const frame = new NTNDArray(decodePartial(NTNDArray.type, fromHex(FIRST), { lazy: true }));
    expect(frame.pixels).toEqual(new Uint8Array([1, 2, 3, 4, 5, 6]));
    expect(frame.uniqueId).toBe(5);
    expect(frame.timeStamp).toEqual(T);
    expect(frame.dataTimeStamp).toEqual(T);
    expect(frame.dimensions).toEqual([
      { size: 3, offset: 0, fullSize: 3, binning: 1, reverse: false },
      { size: 2, offset: 0, fullSize: 2, binning: 1, reverse: false },
    ]);
    expect(frame.shape).toEqual([2, 3]);
    expect([frame.width, frame.height]).toEqual([3, 2]);
    expect(frame.colorMode).toBe(ColorMode.Mono);
    expect(frame.attributes).toEqual(new Map([['ColorMode', 0]]));
    expect(frame.codec).toEqual({ name: '', parameters: null });
    expect(frame.uncompressedSize).toBe(6);
  });

  it('writes exactly those bytes', () => {
    const frame = NTNDArray.create({
      pixels: new Uint8Array([1, 2, 3, 4, 5, 6]),
      dimensions: [3, 2],
      uniqueId: 5,
      timeStamp: T,
      colorMode: ColorMode.Mono,
    });
    // The reference marks the two times as whole structures.
    frame.value.unmark('timeStamp').unmark('dataTimeStamp');
    frame.value.mark('timeStamp').mark('dataTimeStamp');
    expect(encodePartial(frame.value)).toHaveLength(166);
    expect(toHex(encodePartial(frame.value))).toBe(toHex(fromHex(FIRST)));
  });

  it('sends no sizes with the next frame of the same size', () => {
    const frame = new NTNDArray(decodePartial(NTNDArray.type, fromHex(FIRST)));
    frame.value.unmark();
    frame.pixels = new Uint8Array(6).fill(9);
    frame.uniqueId = 6;
    frame.timeStamp = { secondsPastEpoch: 0x6553f101n, nanoseconds: 250 };
    expect(toHex(encodePartial(frame.value))).toBe(toHex(fromHex(SECOND)));
  });

  it('is PVXS and p4p order with descriptor and display behind', () => {
    expect(NTNDArray.type.members.map((m) => m.name)).toEqual([
      'value',
      'codec',
      'compressedSize',
      'uncompressedSize',
      'uniqueId',
      'dataTimeStamp',
      'alarm',
      'timeStamp',
      'dimension',
      'attribute',
      'descriptor',
      'display',
    ]);
    expect(NTNDArray.type.find('attribute')?.index).toBe(21);
    expect(NTNDArray.type.member('value')?.members.map((m) => m.name)).toEqual([
      'booleanValue',
      'byteValue',
      'shortValue',
      'intValue',
      'longValue',
      'ubyteValue',
      'ushortValue',
      'uintValue',
      'ulongValue',
      'floatValue',
      'doubleValue',
    ]);
  });

  it('reads a frame of PvaPy, whose union and fields are in another order', () => {
    // GET of a 2x3 ubyte image, captured from PvaPy (pva-protocol.md 11.3).
    const bytes = fromHex(
      `01 01 02 06 01 02 03 04 05 06 00 ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
       02 01 02 00 00 00 00 00 00 00 02 00 00 00 01 00 00 00 00 01 03 00 00 00 00 00 00 00 03 00 00 00 01 00 00 00 00
       05 00 00 00 ${'00 '.repeat(62)}`,
    );
    for (const lazy of [true, false]) {
      const frame = new NTNDArray(decodePartial(pvapyType(), bytes, { lazy }));
      expect(frame.pixels).toEqual(new Uint8Array([1, 2, 3, 4, 5, 6]));
      expect(frame.uniqueId).toBe(5);
      expect(frame.shape).toEqual([3, 2]);
      expect(frame.colorMode).toBeUndefined();
      expect(frame.timeStamp).toEqual({ secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0 });
    }
  });

  it('decodes nothing but what is asked for', () => {
    const bytes = fromHex(FIRST);
    const value = decodePartial(NTNDArray.type, bytes, { lazy: true });
    const frame = new NTNDArray(value);
    expect(frame.uniqueId).toBe(5);
    expect(frame.timeStamp).toEqual(T);
    // Numbers cannot be changed by whoever holds them: the update is still forwarded as its bytes.
    expect(value.rawBytes(true)).toEqual(bytes);
    value.release();
    expect(frame.uniqueId).toBe(5);
    expect(() => frame.pixels).toThrow('released');
  });
});
