/** Whole messages as chunks: lengths, arrays by reference, and a writer that goes on working after a failure. */
import { describe, expect, it } from 'vitest';
import { appendMessage, encodeMessage } from '../../src/frame/frame-encoder.ts';
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

describe('appendMessage', () => {
  /** Messages of all sizes around those of the writer's buffer, some with arrays by reference, some that fail. */
  function write(w: WireWriter, i: number, append: typeof appendMessage): boolean {
    try {
      append(w, ECHO, true, (w) => {
        w.u32(i);
        if (i % 3 === 0) w.bytesOrReference(Buffer.alloc(i % 200, i));
        w.bytes(Buffer.alloc((i * 7) % 150, i));
        if (i % 5 === 4) w.bytesOrReference(Buffer.alloc(120, i));
        if (i % 7 === 6) throw new RangeError('cannot be encoded');
      });
      return true;
    } catch {
      return false;
    }
  }

  it('writes the same bytes as messages made one by one, in fewer chunks, and leaves out those that failed', () => {
    for (const littleEndian of [true, false]) {
      const [one, together] = [
        new WireWriter(littleEndian, 256, 100),
        new WireWriter(littleEndian, 256, 100),
      ];
      const single: Uint8Array[] = [];
      const joined: Uint8Array[] = [];
      for (let i = 0; i < 2000; i++) {
        const encode = (...[w, command, server, body]: Parameters<typeof appendMessage>): void => {
          single.push(...encodeMessage(w, command, server, body));
        };
        expect(write(together, i, appendMessage)).toBe(write(one, i, encode));
        if (i % 40 === 39) joined.push(...together.finish());
      }
      joined.push(...together.finish());
      expect(Buffer.concat(joined).equals(Buffer.concat(single))).toBe(true);
      expect(joined.length).toBeLessThan(single.length);
      expect(together.length).toBe(0);
    }
  });

  it('counts what is waiting, and does not move it when the buffer is full', () => {
    const w = new WireWriter(true, 128);
    let bytes = 0;
    for (let i = 0; i < 100; i++) {
      appendMessage(w, ECHO, false, (w) => w.bytes(Buffer.alloc(i % 30, i)));
      bytes += 8 + (i % 30);
      expect(w.length).toBe(bytes);
    }
    const chunks = w.finish();
    expect(chunks.reduce((n, chunk) => n + chunk.length, 0)).toBe(bytes);
    expect(Math.max(...chunks.map((chunk) => chunk.buffer.byteLength))).toBeLessThanOrEqual(256);
  });

  it('leaves what was written before when one message fails, wherever it had got to', () => {
    const w = new WireWriter(true, 64, 32);
    for (const before of [0, 5, 60, 200]) {
      if (before > 0) w.bytes(Buffer.alloc(before, 1));
      for (const written of [0, 3, 31, 40, 300]) {
        const fails = (): void =>
          appendMessage(w, ECHO, false, (w) => {
            w.bytes(Buffer.alloc(written));
            w.bytesOrReference(Buffer.alloc(written));
            throw new RangeError('no');
          });
        expect(fails).toThrow(RangeError);
        expect(w.length).toBe(before);
      }
      appendMessage(w, ECHO, false, (w) => w.u8(5));
      const all = Buffer.concat(w.finish());
      expect(toHex(all.subarray(before))).toBe('ca 02 00 02 01 00 00 00 05');
      expect(all.subarray(0, before).every((b) => b === 1)).toBe(true);
    }
  });

  it('can be replaced by other chunks, what was written before and what comes after stays', () => {
    const large = Buffer.alloc(40, 3);
    for (const before of [0, 5, 60]) {
      const w = new WireWriter(true, 64, 32);
      if (before > 0) w.bytes(Buffer.alloc(before, 1));
      w.beginMessage();
      w.u8(2);
      w.bytesOrReference(large);
      w.u8(4);
      const was: Uint8Array[] = [];
      w.replaceMessage((chunks) => {
        was.push(...chunks);
        return [Buffer.of(7), ...chunks, Buffer.of(8)];
      });
      expect(toHex(Buffer.concat(was))).toBe(toHex(Buffer.concat([Buffer.of(2), large, Buffer.of(4)])));
      expect(was).toContain(large);
      expect(w.length).toBe(before + 44);
      appendMessage(w, ECHO, false, (w) => w.u8(5));
      const rest = Buffer.concat(w.finish()).subarray(before);
      const message = Buffer.from('ca0200020100000005', 'hex');
      expect(toHex(rest)).toBe(toHex(Buffer.concat([Buffer.of(7, 2), large, Buffer.of(4, 8), message])));
    }
  });
});
