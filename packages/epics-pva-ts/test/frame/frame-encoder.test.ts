/** Whole messages as chunks: lengths, arrays by reference, and a writer that goes on working after a failure. */
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/frame/frame-encoder.ts';
import { decodeHeader, newHeader } from '../../src/frame/header.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { toHex } from '../support/hex.ts';

const ECHO = 0x02;

describe('encodeMessage', () => {
  it('puts the length of everything into the header, in both byte orders', () => {
    for (const littleEndian of [true, false]) {
      const w = new WireWriter(littleEndian, 16, 100);
      const large = Buffer.alloc(100, 7);
      const chunks = encodeMessage(w, ECHO, true, (w) => {
        w.u32(1);
        w.bytesOrReference(large);
        w.u32(2);
        w.bytesOrReference(large.subarray(0, 99));
      });
      const bytes = Buffer.concat(chunks);
      const header = decodeHeader(bytes, 0, newHeader());
      expect([header.command, header.fromServer, header.littleEndian]).toEqual([ECHO, true, littleEndian]);
      expect(header.length).toBe(bytes.length - 8);
      expect(bytes.length).toBe(8 + 4 + 100 + 4 + 99);
      expect(chunks).toContain(large);
    }
  });

  it('leaves messages made before as they were', () => {
    const w = new WireWriter(true, 64);
    const made = Array.from({ length: 200 }, (_, i) =>
      Buffer.concat(encodeMessage(w, ECHO, false, (w) => w.bytes(Buffer.alloc(i, i)))),
    );
    const w2 = new WireWriter(true, 64);
    const kept = Array.from({ length: 200 }, (_, i) =>
      encodeMessage(w2, ECHO, false, (w) => w.bytes(Buffer.alloc(i, i))),
    );
    expect(kept.map((chunks) => toHex(Buffer.concat(chunks)))).toEqual(made.map(toHex));
  });

  it('takes no more memory the more messages are written', () => {
    const w = new WireWriter(true, 512);
    let largest = 0;
    for (let i = 0; i < 20_000; i++)
      for (const chunk of encodeMessage(w, ECHO, false, (w) => w.bytes(Buffer.alloc(100 + (i % 900)))))
        largest = Math.max(largest, chunk.buffer.byteLength);
    expect(largest).toBeLessThan(16_384);
  });

  it('leaves nothing of a message that could not be written in the next one', () => {
    const w = new WireWriter();
    const fails = (): unknown =>
      encodeMessage(w, ECHO, false, (w) => {
        w.u32(0xdeadbeef);
        throw new RangeError('fixed array needs 4 elements, has 3');
      });
    expect(fails).toThrow(RangeError);
    const next = Buffer.concat(encodeMessage(w, ECHO, false, (w) => w.u8(5)));
    expect(toHex(next)).toBe('ca 02 00 02 01 00 00 00 05');
  });
});
