/**
 * Random types and values there and back, and random damage done to them.
 *
 * fast-check prints the seed and the shrunk counterexample of a failure; run again with `FC_SEED=<seed>` to repeat
 * it, and with `FC_FACTOR=<n>` for n times as many cases.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { codecOf } from '../../src/value/field-codec.ts';
import { decodeType, encodeType, TypeCache } from '../../src/value/type-codec.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { readElements } from '../golden/read-elements.ts';
import { anyType, build, expected, structType, typed } from '../support/arbitrary.ts';
import { notation, plain } from '../support/plain.ts';
import { NT_NDARRAY, ntScalar, SIMPLE_T } from '../support/types.ts';

const FACTOR = Number(process.env['FC_FACTOR'] ?? 1);
function runs(n: number): { numRuns: number; seed?: number } {
  const seed = process.env['FC_SEED'];
  return { numRuns: n * FACTOR, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

function written(littleEndian: boolean, write: (w: WireWriter) => void): Buffer {
  const w = new WireWriter(littleEndian);
  write(w);
  return w.finishBytes();
}

/** Runs a decoder on bytes that may be anything. @returns undefined if it refused them, which only DecodeError may do */
function survives<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

describe('there and back', () => {
  it('types', () => {
    fc.assert(
      fc.property(anyType, fc.boolean(), (type, littleEndian) => {
        const bytes = written(littleEndian, (w) => encodeType(w, type));
        const r = new WireReader(bytes, littleEndian);
        const back = decodeType(r, new TypeCache()) as TypeDef;
        expect(r.offset).toBe(bytes.length);
        expect(notation(back)).toBe(notation(type));
        expect(back.equals(type) && type.equals(back)).toBe(true);
        expect(written(littleEndian, (w) => encodeType(w, back)).equals(bytes)).toBe(true);
      }),
      runs(800),
    );
  });

  it('complete values', () => {
    fc.assert(
      fc.property(typed(anyType), fc.boolean(), fc.nat(9), ({ type, data }, littleEndian, behind) => {
        const bytes = written(littleEndian, (w) => {
          codecOf(type).encode(w, build(type, data));
          w.bytes(Buffer.alloc(behind, 0xff));
        });
        const read = new WireReader(bytes, littleEndian);
        const back = codecOf(type).decode(read, new DecodeContext());
        expect(read.remaining).toBe(behind);
        expect(plain(back)).toStrictEqual(expected(data));
        const skipped = new WireReader(bytes, littleEndian);
        codecOf(type).skip(skipped, new DecodeContext());
        expect(skipped.offset).toBe(read.offset);
        const again = written(littleEndian, (w) => codecOf(type).encode(w, back));
        expect(again.equals(bytes.subarray(0, read.offset))).toBe(true);
      }),
      runs(800),
    );
  });

  it('updates with any fields marked, eager and lazy, sent on in either byte order', () => {
    const update = typed(structType).chain(({ type, data }) =>
      fc.record({
        type: fc.constant(type),
        data: fc.constant(data),
        marks: fc.uniqueArray(fc.nat(type.nodes.length - 1), { maxLength: 6 }),
        read: fc.array(fc.nat(type.nodes.length - 1), { maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(update, fc.boolean(), fc.boolean(), ({ type, data, marks, read }, received, sent) => {
        const original = (build(type, data) as Value).unmark();
        for (const m of marks) original.mark(pathOf(type, m));
        const bytes = written(received, (w) => original.encodePartial(w));
        for (const lazy of [false, true]) {
          const v = Value.decodePartial(type, new WireReader(bytes, received), new DecodeContext(), lazy);
          expect(v.marks.toArray()).toEqual(original.marks.toArray());
          if (lazy) expect(Buffer.from(v.rawBytes(received) as Uint8Array).equals(bytes)).toBe(true);
          for (const n of read) v.get(pathOf(type, n));
          const forwarded = written(sent, (w) => v.encodePartial(w));
          expect(forwarded.equals(written(sent, (w) => original.encodePartial(w)))).toBe(true);
          for (const n of type.nodes) {
            if (n.isStruct) continue;
            const got = plain(v.get(n.path));
            if (original.isMarked(n.path)) expect(got).toStrictEqual(plain(original.get(n.path)));
            else expect(got).toStrictEqual(plain(Value.create(type).get(n.path)));
          }
          expect(written(sent, (w) => v.encodePartial(w)).equals(forwarded)).toBe(true);
        }
      }),
      runs(500),
    );
  });

  it('of an update only the selected fields', () => {
    const cases = typed(structType).chain(({ type, data }) => {
      const some = fc.uniqueArray(fc.nat(type.nodes.length - 1), { maxLength: 6 });
      return fc.record({ type: fc.constant(type), data: fc.constant(data), marks: some, chosen: some });
    });
    fc.assert(
      fc.property(cases, ({ type, data, marks, chosen }) => {
        const original = (build(type, data) as Value).unmark();
        for (const m of marks) original.mark(pathOf(type, m));
        const selection = new BitSet();
        for (const c of chosen) selection.setRange(c, type.nodes[c]?.end ?? 0);
        const bytes = written(true, (w) => original.encodePartial(w, selection));
        const v = Value.decodePartial(type, new WireReader(bytes), new DecodeContext());
        for (const n of type.nodes) {
          if (n.isStruct) continue;
          const sent = original.isMarked(n.path) && selection.get(n.index);
          expect(v.isMarked(n.path), n.path).toBe(sent);
          if (sent) expect(plain(v.get(n.path))).toStrictEqual(plain(original.get(n.path)));
        }
      }),
      runs(300),
    );
  });

  it('merging two updates is receiving one after the other', () => {
    const cases = structType.chain((type) =>
      fc.record({
        type: fc.constant(type),
        first: typed(fc.constant(type)),
        second: typed(fc.constant(type)),
        marks: fc.array(fc.uniqueArray(fc.nat(type.nodes.length - 1), { maxLength: 5 }), {
          minLength: 2,
          maxLength: 2,
        }),
        lazy: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(cases, ({ type, first, second, marks, lazy }) => {
        const updates = [first, second].map(({ data }, i) => {
          const v = (build(type, data) as Value).unmark();
          for (const m of marks[i] as number[]) v.mark(pathOf(type, m));
          const bytes = written(true, (w) => v.encodePartial(w));
          return Value.decodePartial(type, new WireReader(bytes), new DecodeContext(), lazy);
        }) as [Value, Value];
        const want = type.nodes
          .filter((n) => !n.isStruct)
          .map((n) => plain((updates[1].isMarked(n.path) ? updates[1] : updates[0]).get(n.path)));
        const marked = updates[0].markedFields().or(updates[1].markedFields());
        const merged = updates[0].merge(updates[1]);
        expect(merged.markedFields().equals(marked)).toBe(true);
        expect(type.nodes.filter((n) => !n.isStruct).map((n) => plain(merged.get(n.path)))).toStrictEqual(
          want,
        );
      }),
      runs(300),
    );
  });
});

function pathOf(type: TypeDef, index: number): string {
  return (type.nodes[index] as { path: string }).path;
}

describe('damage', () => {
  /** What may happen to bytes on their way from somebody who means harm. */
  const damage = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat(255) }),
      fc.record({
        kind: fc.constant('set' as const),
        at: fc.nat(),
        byte: fc.constantFrom(0xff, 0xfe, 0xfd, 0x82, 0x80, 0x88, 0x8a, 0x3b, 0x7f),
      }),
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), byte: fc.nat(7) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), byte: fc.nat(20) }),
      fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), byte: fc.nat(255) }),
    ),
    { minLength: 1, maxLength: 4 },
  );

  function damaged(bytes: Uint8Array, steps: { kind: string; at: number; byte: number }[]): Buffer {
    const list = [...bytes];
    for (const s of steps) {
      const at = list.length === 0 ? 0 : s.at % list.length;
      if (s.kind === 'set') list[at] = s.byte;
      else if (s.kind === 'flip') list[at] = (list[at] ?? 0) ^ (1 << s.byte);
      else if (s.kind === 'cut') list.splice(at, s.byte);
      else list.splice(at, 0, s.byte);
    }
    return Buffer.from(list);
  }

  /** Reads an update both ways; if it can be read at all it must be the same, usable and stable. */
  function readEveryWay(type: TypeDef, bytes: Buffer, littleEndian: boolean): void {
    const read = (lazy: boolean): { v: Value; offset: number } | undefined =>
      survives(() => {
        const r = new WireReader(bytes, littleEndian);
        const v = Value.decodePartial(type, r, new DecodeContext(), lazy);
        return { v, offset: r.offset };
      });
    const eager = read(false);
    const lazy = read(true);
    expect(lazy === undefined, 'lazy and eager refuse the same').toBe(eager === undefined);
    if (!eager || !lazy) return;
    expect(lazy.offset).toBe(eager.offset);
    expect(bytes.length - lazy.offset).toBeGreaterThanOrEqual(0);
    expect(plain(lazy.v)).toStrictEqual(plain(eager.v));
    const sent = written(true, (w) => lazy.v.encodePartial(w));
    const again = Value.decodePartial(type, new WireReader(sent), new DecodeContext());
    for (const n of type.nodes)
      if (!n.isStruct && eager.v.isMarked(n.path))
        expect(plain(again.get(n.path))).toStrictEqual(plain(eager.v.get(n.path)));
  }

  it('to updates of random types', () => {
    fc.assert(
      fc.property(typed(structType), damage, fc.boolean(), ({ type, data }, steps, littleEndian) => {
        const bytes = written(littleEndian, (w) => (build(type, data) as Value).encodePartial(w));
        readEveryWay(type, damaged(bytes, steps), littleEndian);
      }),
      runs(600),
    );
  });

  it('to descriptions of types, which are then used', () => {
    fc.assert(
      fc.property(anyType, damage, fc.uint8Array({ maxLength: 60 }), (type, steps, rest) => {
        const bytes = damaged(
          written(true, (w) => encodeType(w, type)),
          steps,
        );
        const found = survives(() => decodeType(new WireReader(bytes), new TypeCache()));
        if (!found) return;
        expect(
          decodeType(new WireReader(written(true, (w) => encodeType(w, found))), new TypeCache())?.equals(
            found,
          ),
        ).toBe(true);
        found.toString();
        survives(() => codecOf(found).decode(new WireReader(Buffer.from(rest)), new DecodeContext()));
        if (found.kind !== 'struct' || found.isArray) return;
        survives(() =>
          Value.decodePartial(found, new WireReader(Buffer.from(rest)), new DecodeContext(), true),
        );
        Value.create(found).toJS();
        Value.create(found).mark().encodePartial(new WireWriter());
      }),
      runs(800),
    );
  });

  it('to the golden vectors, read as everything', () => {
    const vectors = readElements().map((v) => v.bytes);
    const types = [SIMPLE_T, NT_NDARRAY, ntScalar('double')];
    fc.assert(
      fc.property(fc.constantFrom(...vectors), damage, fc.boolean(), (vector, steps, littleEndian) => {
        readAsEverything(damaged(vector, steps), types, littleEndian);
      }),
      runs(1000),
    );
  });

  it('random bytes, read as everything', () => {
    const types = [SIMPLE_T, NT_NDARRAY, ntScalar('string')];
    const telling = fc.constantFrom(
      0,
      1,
      2,
      3,
      0x22,
      0x60,
      0x80,
      0x81,
      0x82,
      0x88,
      0x89,
      0x8a,
      0xfd,
      0xfe,
      0xff,
    );
    const bytes = fc.array(fc.oneof(fc.nat(255), telling), { maxLength: 120 });
    fc.assert(
      fc.property(bytes, fc.boolean(), (list, littleEndian) => {
        readAsEverything(Buffer.from(list), types, littleEndian);
      }),
      runs(1500),
    );
  });

  function readAsEverything(bytes: Buffer, types: TypeDef[], littleEndian: boolean): void {
    const reader = (): WireReader => new WireReader(bytes, littleEndian);
    survives(() => BitSet.decode(reader()));
    survives(() => reader().string());
    const cache = new TypeCache();
    const type = survives(() => decodeType(reader(), cache));
    // As INIT and data in one: a type and then a value of it.
    survives(() => {
      const r = reader();
      const context = new DecodeContext();
      const t = decodeType(r, context.types);
      return t && codecOf(t).decode(r, context);
    });
    if (type?.kind === 'struct' && !type.isArray) Value.create(type).toJS();
    for (const t of types) readEveryWay(t, bytes, littleEndian);
  }
});
