/**
 * Every golden vector of elements.txt, in both directions: it decodes to its meaning and to nothing else, it is
 * encoded to the same bytes, and any shorter piece of it is refused.
 */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { ELEMENT_EXPECTATIONS } from './element-expectations.ts';
import type { Expectation } from './expectation.ts';
import { readElements } from './read-elements.ts';

const VECTORS = readElements();

function expectationsOf(number: number): readonly Expectation[] {
  const found = ELEMENT_EXPECTATIONS[number] ?? [];
  return Array.isArray(found) ? found : [found as Expectation];
}

function written(e: Expectation, what: unknown, littleEndian: boolean): string {
  const w = new WireWriter(littleEndian);
  e.write(w, what);
  return toHex(w.finishBytes());
}

describe('the golden vectors', () => {
  it('are the 136 of the protocol reference, each with an expectation', () => {
    expect(VECTORS.map((v) => v.number)).toEqual(Array.from({ length: 136 }, (_, i) => i + 1));
    for (const v of VECTORS) expect(expectationsOf(v.number), `vector ${v.number}`).not.toHaveLength(0);
  });
});

for (const v of VECTORS) {
  const orders = v.order === 'any' ? [true, false] : [v.order === 'LE'];
  describe(`${v.number} ${v.kind}: ${v.meaning} (${v.order}, ${v.source})`, () => {
    for (const e of expectationsOf(v.number)) {
      if (e.refused) {
        it('is refused', () => {
          for (const order of orders)
            expect(() => e.read(new WireReader(v.bytes, order))).toThrow(DecodeError);
        });
        continue;
      }

      it('decodes to its meaning and no further, wherever it lies', () => {
        for (const order of orders)
          for (const [before, after] of [
            [0, 0],
            [3, 0],
            [0, 9],
            [1, 300],
          ] as const) {
            const bytes = Buffer.alloc(before + v.bytes.length + after, 0x01);
            v.bytes.copy(bytes, before);
            const r = new WireReader(bytes, order, before);
            const read = e.read(r);
            expect(r.offset).toBe(before + v.bytes.length);
            expect(e.understand(read)).toStrictEqual(e.means);
          }
      });

      it('is encoded to these bytes', () => {
        const bytes = toHex(e.writtenAs === undefined ? v.bytes : fromHex(e.writtenAs));
        for (const order of orders) {
          expect(written(e, e.make(), order), 'made from scratch').toBe(bytes);
          expect(e.understand(e.make()), 'made from scratch').toStrictEqual(e.means);
          expect(written(e, e.read(new WireReader(v.bytes, order)), order), 'read and written').toBe(bytes);
        }
      });

      it('is refused when cut anywhere', () => {
        for (const order of orders)
          for (let n = 0; n < v.bytes.length; n++) {
            const cut = v.bytes.subarray(0, n);
            expect(() => e.read(new WireReader(cut, order)), `first ${n} bytes`).toThrow(DecodeError);
            // The bytes are there, but not part of this message.
            expect(() => e.read(new WireReader(v.bytes, order, 0, n)), `end at ${n}`).toThrow(DecodeError);
          }
      });
    }
  });
}

describe('vectors that do not come back as they were read', () => {
  it('are only those with type ids, a null string and an OK Status in full', () => {
    const listed = VECTORS.filter((v) => expectationsOf(v.number).some((e) => e.writtenAs !== undefined));
    expect(listed.map((v) => v.number)).toEqual([11, 65, 99, 102, 103, 104, 127, 129, 131, 136]);
  });
});
