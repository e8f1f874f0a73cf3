/** BitSet against a naive model (a Set of numbers), and its bytes in both orders against the rule written out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex, toHex } from '../support/hex.ts';

/** Sets as masks look (few fields) and as big structures make them. */
const bitSets = fc.oneof(
  fc.uniqueArray(fc.nat(40), { maxLength: 20 }),
  fc.uniqueArray(fc.nat(700), { maxLength: 60 }),
);
const sorted = (bits: Iterable<number>): number[] => [...bits].sort((a, b) => a - b);

/** The specification's rule, with no eye on speed. */
function bytesByTheRule(bits: readonly number[], littleEndian: boolean): number[] {
  const bytes: number[] = [];
  for (const b of bits) {
    while (bytes.length <= b >> 3) bytes.push(0);
    bytes[b >> 3] = (bytes[b >> 3] as number) | (1 << (b & 7));
  }
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const group = bytes.slice(at, at + 8);
    out.push(...(group.length === 8 && !littleEndian ? group.reverse() : group));
  }
  return [out.length, ...out];
}

function encoded(set: BitSet, littleEndian: boolean): Buffer {
  const w = new WireWriter(littleEndian);
  set.encode(w);
  return w.finishBytes();
}

describe('on the wire', () => {
  it('has the bytes of the rule and comes back, in both orders', () => {
    fc.assert(
      fc.property(bitSets, fc.boolean(), (bits, littleEndian) => {
        const bytes = encoded(BitSet.of(...bits), littleEndian);
        expect([...bytes]).toEqual(bytesByTheRule(bits, littleEndian));
        const back = BitSet.decode(new WireReader(bytes, littleEndian));
        expect(back.toArray()).toEqual(sorted(bits));
        expect(back.equals(BitSet.of(...bits))).toBe(true);
      }),
    );
  });

  it('loses trailing zero bytes that a peer sent', () => {
    const set = BitSet.decode(new WireReader(fromHex('09 02 00 00 00 00 00 00 00 00')));
    expect(set.toArray()).toEqual([1]);
    expect(set.equals(BitSet.of(1))).toBe(true);
    expect(toHex(encoded(set, true))).toBe('01 02');
  });

  it('is trimmed after bits were cleared', () => {
    const set = BitSet.of(3, 200).clear(200);
    expect(toHex(encoded(set, true))).toBe('01 08');
    expect(toHex(encoded(set.clear(3), false))).toBe('00');
  });

  it.each([
    ['null size', 'ff'],
    ['fewer bytes than announced', '04 01 02 03'],
    ['a lying size', 'fe ff ff ff 7f'],
    ['a negative size', 'fe ff ff ff ff'],
    ['nothing', ''],
  ])('is refused: %s', (_what, hex) => {
    expect(() => BitSet.decode(new WireReader(fromHex(hex)))).toThrow(DecodeError);
  });
});

describe('against a Set of numbers', () => {
  it('agrees on get, set, clear, setRange, next, anyInRange, isEmpty, clone, reset', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('set' as const), bit: fc.nat(300) }),
      fc.record({ op: fc.constant('clear' as const), bit: fc.nat(300) }),
      fc.record({ op: fc.constant('range' as const), bit: fc.nat(250), length: fc.nat(50) }),
      fc.record({ op: fc.constant('reset' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(320), fc.nat(60), (steps, from, length) => {
        const set = new BitSet();
        let model = new Set<number>();
        for (const s of steps) {
          if (s.op === 'set') {
            set.set(s.bit);
            model.add(s.bit);
          } else if (s.op === 'clear') {
            set.clear(s.bit);
            model.delete(s.bit);
          } else if (s.op === 'range') {
            set.setRange(s.bit, s.bit + s.length);
            for (let b = s.bit; b < s.bit + s.length; b++) model.add(b);
          } else {
            set.reset();
            model = new Set();
          }
        }
        const list = sorted(model);
        expect(set.toArray()).toEqual(list);
        for (const b of [0, 31, 32, 63, 64, from]) expect(set.get(b)).toBe(model.has(b));
        expect(set.isEmpty()).toBe(model.size === 0);
        expect(set.next(from)).toBe(list.find((b) => b >= from) ?? -1);
        expect(set.anyInRange(from, from + length)).toBe(list.some((b) => b >= from && b < from + length));
        const copy = set.clone().set(301);
        expect([copy.get(301), set.get(301)]).toEqual([true, false]);
      }),
    );
  });

  it('agrees on or, and, intersects, equals', () => {
    fc.assert(
      fc.property(bitSets, bitSets, (a, b) => {
        const [left, right] = [new Set(a), new Set(b)];
        expect(
          BitSet.of(...a)
            .or(BitSet.of(...b))
            .toArray(),
        ).toEqual(sorted(new Set([...a, ...b])));
        const both = sorted(left).filter((x) => right.has(x));
        expect(
          BitSet.of(...a)
            .and(BitSet.of(...b))
            .toArray(),
        ).toEqual(both);
        expect(BitSet.of(...a).intersects(BitSet.of(...b))).toBe(both.length > 0);
        const same = left.size === right.size && both.length === left.size;
        expect(BitSet.of(...a).equals(BitSet.of(...b))).toBe(same);
        expect(BitSet.of(...b).equals(BitSet.of(...a))).toBe(same);
      }),
    );
  });
});
