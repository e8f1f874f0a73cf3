/**
 * Nothing handed out ever changes: whatever a user was given stays as it was when the receive memory is used again.
 *
 * Every test reuses the memory for real: it takes blocks from the pool and overwrites them, as the next message would.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalProtocolError } from '../../src/errors.ts';
import { FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { encodeMessage } from '../../src/frame/frame-encoder.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { Value } from '../../src/value/value.ts';
import { type MemoryBlock, MemoryPool } from '../../src/wire/memory-block.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { encodePartial, imageUpdate } from '../support/image.ts';
import { plain } from '../support/plain.ts';
import { NT_NDARRAY } from '../support/types.ts';

const VIEW_FROM = 1024;

/** Receives one update as a connection does; the connection's hold on the memory is released at once. */
function receive(
  pool: MemoryPool,
  seed: number,
  options: { littleEndian?: boolean; lazy?: boolean; offset?: number; pixels?: number } = {},
): { v: Value; block: MemoryBlock } {
  const { littleEndian = true, lazy = true, offset = 0, pixels = 4096 } = options;
  const bytes = encodePartial(imageUpdate(seed, pixels), littleEndian);
  const block = pool.take(offset + bytes.length);
  bytes.copy(block.bytes, offset);
  const context = new DecodeContext(undefined, VIEW_FROM);
  context.block = block;
  const r = new WireReader(block.bytes, littleEndian, offset, offset + bytes.length);
  const v = Value.decodePartial(NT_NDARRAY, r, context, lazy);
  block.release();
  return { v, block };
}

/** Takes everything the pool has and overwrites it. @returns the number of blocks that were used again */
function scribble(pool: MemoryPool): number {
  const { idleBlocks } = pool.stats();
  const taken: MemoryBlock[] = [];
  // A block of each size the tests make comes from the pool only if the pool has it.
  for (const size of [4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288])
    for (let before = pool.stats().idleBlocks; before > 0; ) {
      const block = pool.take(size);
      taken.push(block);
      block.bytes.fill(0xee);
      const left = pool.stats().idleBlocks;
      if (left === before) break;
      before = left;
    }
  expect(pool.stats().idleBlocks).toBe(0);
  return Math.min(idleBlocks, taken.length);
}

function isView(v: unknown, block: MemoryBlock): boolean {
  return ArrayBuffer.isView(v) && v.buffer === block.bytes.buffer;
}

describe('receive memory', () => {
  it('is used again when nobody was given a view of it', () => {
    const pool = new MemoryPool();
    const { v, block } = receive(pool, 1);
    const known = [v.get('uniqueId'), v.get('alarm.message'), plain(v.get('timeStamp'))];
    expect(pool.stats().idleBlocks).toBe(0);
    v.release();
    expect(pool.stats().idleBlocks).toBe(1);
    expect(pool.take(block.bytes.length).bytes.buffer).toBe(block.bytes.buffer);
    block.bytes.fill(0xee);
    expect([v.get('uniqueId'), v.get('alarm.message'), plain(v.get('timeStamp'))]).toEqual(known);
  });

  it('is never used again once a large array was handed out, which is a view and not a copy', () => {
    const pool = new MemoryPool();
    // Pixels that lie aligned: mask, selector and count take 10 bytes.
    const { v, block } = receive(pool, 2);
    const pixels = v.get('value->ushortValue') as Uint16Array;
    expect(isView(pixels, block)).toBe(true);
    v.release();
    expect(pool.stats().idleBlocks).toBe(0);
    expect(pixels).toEqual(Uint16Array.from({ length: 4096 }, (_, i) => (i * 7 + 2) & 0xffff));
  });

  it('is used again when arrays were small, not aligned or in the other byte order, which are copies', () => {
    for (const options of [{ offset: 1 }, { littleEndian: false }, { pixels: VIEW_FROM / 2 - 1 }]) {
      const pool = new MemoryPool();
      const { v, block } = receive(pool, 3, options);
      const pixels = v.get('value->ushortValue') as Uint16Array;
      const expected = Uint16Array.from({ length: pixels.length }, (_, i) => (i * 7 + 3) & 0xffff);
      expect(isView(pixels, block)).toBe(false);
      v.release();
      expect(scribble(pool)).toBe(1);
      expect(pixels).toEqual(expected);
    }
  });

  it('is used again after an eager update without large arrays, and not after one with them', () => {
    const pool = new MemoryPool();
    const small = receive(pool, 4, { lazy: false, pixels: 100 });
    expect(scribble(pool)).toBe(1);
    // The attribute "spectrum" has 1200 bytes, but copies are made of what is not aligned.
    expect(plain(small.v)).toStrictEqual(plain(imageUpdate(4, 100)));
    const large = receive(pool, 5, { lazy: false });
    scribble(pool);
    expect(isView(large.v.get('value->ushortValue'), large.block)).toBe(true);
    expect(plain(large.v)).toStrictEqual(plain(imageUpdate(5)));
  });

  it('waits for every holder: snapshots keep it although the original was released', () => {
    const pool = new MemoryPool();
    const { v } = receive(pool, 6);
    const first = v.snapshot();
    const second = first.snapshot();
    v.release();
    v.release();
    first.release();
    expect(scribble(pool)).toBe(0);
    expect(second.get('uniqueId')).toBe(6);
    second.release();
    expect(scribble(pool)).toBe(1);
    expect(() => second.get('alarm.message')).toThrow(LocalProtocolError);
  });

  it('is left alone when an update is dropped without release', () => {
    const pool = new MemoryPool();
    const { v } = receive(pool, 7);
    expect(scribble(pool)).toBe(0);
    expect(plain(v)).toStrictEqual(plain(imageUpdate(7)));
  });
});

describe('what stays as it was', () => {
  it.each<[string, (v: Value) => Value]>([
    ['a clone', (v) => v.clone()],
    ['an update it was merged into', (v) => imageUpdate(99).merge(v)],
    ['an update it was assigned to', (v) => imageUpdate(99).assign(v)],
    ['a snapshot', (v) => v.snapshot()],
  ])('%s', (_what, keep) => {
    const pool = new MemoryPool();
    const { v } = receive(pool, 8);
    const kept = keep(v);
    v.release();
    scribble(pool);
    expect(plain(kept)).toStrictEqual(plain(imageUpdate(8)));
  });

  it.each([true, false])(
    'a message written from it, arrays by reference (same byte order: %s)',
    (sameOrder) => {
      const pool = new MemoryPool();
      const { v } = receive(pool, 9);
      const w = new WireWriter(sameOrder, 512, VIEW_FROM);
      v.encodePartial(w);
      const chunks = w.finish();
      expect(chunks.length).toBeGreaterThan(sameOrder ? 1 : 0);
      v.release();
      scribble(pool);
      expect(Buffer.concat(chunks).equals(encodePartial(imageUpdate(9), sameOrder))).toBe(true);
    },
  );

  it('anything a user may have read, in any order, before or after the update was sent on', () => {
    const paths = NT_NDARRAY.nodes.map((n) => n.path);
    const act = fc.oneof(
      fc.constantFrom(
        ...paths,
        'value->ushortValue',
        'attribute[2].value->',
        'dimension[1]',
        'codec.parameters->',
      ),
      fc.constantFrom('#clone', '#snapshot', '#toJS', '#send', '#sendOther', '#merge'),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            seed: fc.nat(60),
            littleEndian: fc.boolean(),
            lazy: fc.boolean(),
            offset: fc.nat(3),
            pixels: fc.constantFrom(0, 10, 600, 1000),
            acts: fc.array(act, { maxLength: 6 }),
            release: fc.boolean(),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        (updates) => {
          const pool = new MemoryPool();
          const kept: { now: () => unknown; before: unknown }[] = [];
          for (const u of updates) {
            const { v } = receive(pool, u.seed, u);
            const snapshots: Value[] = [];
            for (const a of u.acts) {
              const x = use(v, a, snapshots);
              kept.push({ now: () => frozen(x), before: structuredClone(frozen(x)) });
            }
            if (u.release) v.release();
            scribble(pool);
            for (const k of kept) expect(k.now()).toEqual(k.before);
            for (const s of snapshots) expect(plain(s)).toEqual(plain(imageUpdate(u.seed, u.pixels)));
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});

/** Does to an update what a user may do; what it returns is in the user's hands. */
function use(v: Value, act: string, snapshots: Value[]): unknown {
  if (!act.startsWith('#')) {
    const x = v.get(act);
    // A sub-structure is a window on the update, not something handed out; its contents are.
    return x instanceof Value ? plain(x) : x;
  }
  if (act === '#clone') return v.clone();
  if (act === '#toJS') return v.toJS();
  if (act === '#merge') return imageUpdate(99, 5).merge(v);
  if (act === '#snapshot') {
    snapshots.push(v.snapshot());
    return null;
  }
  const w = new WireWriter(act === '#send', 64, VIEW_FROM);
  v.encodePartial(w);
  return w.finish().map((c) => new Uint8Array(c.buffer, c.byteOffset, c.length));
}

/** Plain data that `structuredClone` can copy. */
function frozen(x: unknown): unknown {
  return Array.isArray(x) ? x.map(frozen) : plain(x as never);
}

describe('through the frame decoder', () => {
  it('arrays kept by a user stay as they were while later messages arrive in the same memory', () => {
    const pool = new MemoryPool();
    const kept: { seed: number; pixels: Uint16Array; message: string }[] = [];
    const context = new DecodeContext(undefined, VIEW_FROM);
    let seen = 0;
    const decoder = new FrameDecoder({
      pool,
      onFrame(frame) {
        context.block = frame.block;
        const r = new WireReader(frame.bytes, frame.littleEndian, frame.offset, frame.end);
        const v = Value.decodePartial(NT_NDARRAY, r, context, true);
        const seed = v.get('uniqueId') as number;
        expect(seed).toBe(seen++);
        if (seed % 3 === 0)
          kept.push({
            seed,
            pixels: v.get('value->ushortValue') as Uint16Array,
            message: v.get('alarm.message') as string,
          });
        if (seed % 5 !== 0) v.release();
      },
    });
    for (let seed = 0; seed < 120; seed++) {
      const pixels = [512, 4096, 20_000, 50][seed % 4] as number;
      const update = imageUpdate(seed, pixels);
      const message = Buffer.concat(
        encodeMessage(new WireWriter(), 0x0d, true, (w) => update.encodePartial(w)),
      );
      // In place, in pieces that do not respect messages.
      for (let at = 0; at < message.length; ) {
        const target = decoder.writeTarget();
        const n = Math.min(target.length, message.length - at, 3000 + ((seed * 577) % 9000));
        message.copy(target, 0, at, at + n);
        decoder.commit(target, n);
        at += n;
      }
    }
    expect(seen).toBe(120);
    for (const k of kept) {
      expect(k.message).toBe(`alarm ${k.seed}`);
      const n = k.pixels.length;
      expect(k.pixels).toEqual(Uint16Array.from({ length: n }, (_, i) => (i * 7 + k.seed) & 0xffff));
    }
    decoder.close();
  });
});
