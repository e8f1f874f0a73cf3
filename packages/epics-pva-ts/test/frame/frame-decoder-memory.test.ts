/**
 * Where received bytes live. What is handed out is never written again unless everybody has given it back; what
 * was given back is used again, so that a stream of large frames allocates nothing.
 */
import { describe, expect, it } from 'vitest';
import type { PvaError } from '../../src/errors.ts';
import { type Frame, FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { HEADER_SIZE } from '../../src/frame/header.ts';
import { RECEIVE_RESERVE_BYTES } from '../../src/limits.ts';
import { type MemoryBlock, MemoryPool } from '../../src/wire/memory-block.ts';
import { Random } from '../support/random.ts';

function message(payload: Uint8Array): Buffer {
  const head = Buffer.from([0xca, 2, 0x40, 0x0d, 0, 0, 0, 0]);
  head.writeUInt32LE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

function filled(length: number, byte: number): Buffer {
  return message(Buffer.alloc(length, byte));
}

/** Reads `bytes` in place, in pieces of up to `piece` bytes. */
function read(d: FrameDecoder, bytes: Uint8Array, piece = 65_536): void {
  for (let at = 0; at < bytes.length; ) {
    const target = d.writeTarget();
    const n = Math.min(piece, target.length, bytes.length - at);
    target.set(bytes.subarray(at, at + n));
    d.commit(target, n);
    at += n;
  }
}

function setUp(onFrame: (f: Frame) => void = () => {}): { d: FrameDecoder; pool: MemoryPool } {
  const pool = new MemoryPool();
  return { pool, d: new FrameDecoder({ onFrame, pool }) };
}

describe('the pool', () => {
  it('gives up memory of sizes that nobody uses any more for what is used now', () => {
    const MiB = 1024 * 1024;
    const pool = new MemoryPool(8 * MiB);
    const give = (size: number, count: number): void => {
      const blocks = Array.from({ length: count }, () => pool.take(size));
      for (const block of blocks) block.release();
    };
    give(MiB, 8);
    expect(pool.stats()).toMatchObject({ idleBlocks: 8, idleBytes: 8 * MiB });
    give(3 * MiB, 1);
    expect(pool.stats()).toMatchObject({ idleBlocks: 6, idleBytes: 8 * MiB });
    const { allocated } = pool.stats();
    for (let i = 0; i < 10; i++) give(3 * MiB, 1);
    expect(pool.stats().allocated).toBe(allocated);
    give(9 * MiB, 1);
    expect(pool.stats().idleBytes).toBe(8 * MiB);
  });
});

describe('memory that nobody keeps', () => {
  it('is one block for any number of small messages', () => {
    const { d, pool } = setUp();
    for (let i = 0; i < 5000; i++) read(d, filled(100, i));
    expect(pool.stats().allocated).toBe(1);
  });

  it('is used again for large messages when their holders release it', () => {
    const held: MemoryBlock[] = [];
    const { d, pool } = setUp((f) => {
      f.block.retain();
      held.push(f.block);
    });
    for (let i = 0; i < 50; i++) {
      read(d, filled(3_000_000, i));
      if (held.length > 2) held.shift()?.release();
    }
    expect(pool.stats().allocated).toBeLessThan(10);
    expect(pool.stats().reused).toBeGreaterThan(40);
  });

  it('is used again for joined segments', () => {
    const { d, pool } = setUp();
    const segments = Buffer.concat([filled(30_000, 1), filled(40_000, 2), filled(0, 0)]);
    segments[2] = 0x50;
    segments[30_008 + 2] = 0x70;
    segments[70_016 + 2] = 0x60;
    for (let i = 0; i < 50; i++) read(d, segments);
    expect(pool.stats().allocated).toBeLessThan(5);
  });

  it('of a message that just fits its block is not copied to another one when it is nearly there', () => {
    const { d, pool } = setUp();
    // Header and payload fill the block up to the last byte.
    read(d, filled(16 * 1024 * 1024 - 8, 1), 1000);
    read(d, filled(16 * 1024 * 1024 - 508, 2), 1000);
    const { allocated, reused } = pool.stats();
    // One block for each message, and a small one before, between and behind them.
    expect(allocated + reused).toBeLessThanOrEqual(5);
  });
});

describe('memory for a large message', () => {
  const MiB = 1024 * 1024;
  /** Bytes a pool has made so far. */
  class Counting extends MemoryPool {
    bytes = 0;
    largest = 0;
    override take(size: number): MemoryBlock {
      this.bytes += size;
      this.largest = Math.max(this.largest, size);
      return super.take(size);
    }
  }
  const head = (length: number): Buffer => filled(0, 0).fill(0, 4).fill(lengthBytes(length), 4);
  function lengthBytes(n: number): Buffer {
    const b = Buffer.alloc(4);
    b.writeUInt32LE(n);
    return b;
  }

  it('is not made for what a header claims, but as bytes arrive: never more than twice of them or what is reserved', () => {
    const pool = new Counting();
    const d = new FrameDecoder({ onFrame: () => {}, pool });
    read(d, head(200 * MiB));
    expect(pool.largest).toBeLessThanOrEqual(RECEIVE_RESERVE_BYTES);
    const piece = Buffer.alloc(65_536);
    let arrived = 0;
    while (arrived < 100 * MiB) {
      read(d, piece);
      arrived += piece.length;
      expect(pool.largest).toBeLessThanOrEqual(
        Math.max(RECEIVE_RESERVE_BYTES, 2 * arrived + 2 * HEADER_SIZE),
      );
    }
    d.close();
  });

  it('is made once for an image of 4096 x 4096 and what is around it', () => {
    const { d, pool } = setUp();
    const { allocated } = pool.stats();
    read(d, filled(16 * MiB + 400, 1), 1_000_000);
    expect(pool.stats().allocated).toBe(allocated + 1);
  });

  it('does not lie in the pool once a message has outgrown it', () => {
    const { d, pool } = setUp();
    read(d, filled(40 * MiB, 1), 1_000_000);
    expect(pool.stats().idleBytes).toBeLessThan(MiB);
  });

  // 65,483 bytes: a segment of TCP on Linux's loopback.
  it.each([
    ['as a whole in a slow stream', 512 * 512, 2000, 512 * 512 + HEADER_SIZE],
    ['in pieces in a fast one: reading must not hold up what arrives meanwhile', 512 * 512, 10_000, 65_483],
    ['as a whole in a slow stream of large ones', 4096 * 4096, 50, 4096 * 4096 + HEADER_SIZE],
    ['in pieces in a fast one of large ones', 4096 * 4096, 300, 65_483],
  ])('is lent %s', (_, size, rate, most) => {
    let now = 0;
    const d = new FrameDecoder({ onFrame: () => {}, pool: new MemoryPool(), now: () => now });
    let largest = 0;
    const bytes = filled(size, 1);
    for (let n = 0; n < 3; n++) {
      now += 1000 / rate;
      largest = 0;
      for (let at = 0; at < bytes.length; ) {
        const target = d.writeTarget();
        largest = Math.max(largest, target.length);
        const length = Math.min(target.length, bytes.length - at);
        target.set(bytes.subarray(at, at + length));
        d.commit(target, length);
        at += length;
      }
    }
    expect(largest).toBe(most);
  });

  it('that comes in full is whole, in place or copied in', () => {
    const payload = new Random(5).bytes(1000);
    const whole = message(Buffer.concat(Array.from({ length: 40_000 }, () => payload)));
    for (const inPlace of [true, false]) {
      let same = 0;
      const { d } = setUp((f) => {
        if (f.bytes.subarray(f.offset, f.end).equals(whole.subarray(HEADER_SIZE))) same++;
      });
      if (inPlace) read(d, whole, 1_000_000);
      else d.push(whole);
      read(d, filled(10, 1));
      expect(same).toBe(1);
    }
  });

  it('of a size that has come before is made at once: a stream of such messages is copied once', () => {
    const pool = new Counting();
    const d = new FrameDecoder({ onFrame: () => {}, pool });
    const frame = filled(40 * MiB, 3);
    read(d, frame, MiB);
    const { bytes } = pool;
    read(d, frame, MiB);
    read(d, frame, MiB);
    // A block of their size is there already, or one is made; nothing that grows.
    expect(pool.bytes - bytes).toBeLessThanOrEqual(2 * 40 * MiB + MiB);
  });

  it('that the process cannot have ends this decoding with PVA_NO_MEMORY, also where a socket asks for memory', () => {
    class Full extends MemoryPool {
      full = false;
      override take(size: number): MemoryBlock {
        // As the engine says it.
        return super.take(this.full ? Number.MAX_SAFE_INTEGER : size);
      }
    }
    const code = (run: () => void): unknown => {
      try {
        run();
        return undefined;
      } catch (error) {
        return (error as PvaError).code;
      }
    };
    const pool = new Full();
    const d = new FrameDecoder({ onFrame: () => {}, pool });
    pool.full = true;
    expect(code(() => read(d, filled(1_000_000, 1)))).toBe('PVA_NO_MEMORY');
    pool.full = false;
    const other = new FrameDecoder({ onFrame: () => {}, pool });
    other.suspend();
    pool.full = true;
    // The socket fills the block; for the next bytes there is none, and nobody would catch that.
    for (let left = 70_000; left > 0; ) {
      const target = other.writeTarget();
      expect(target.length).toBeGreaterThan(0);
      left -= target.length;
      const failed = code(() => other.commit(target, target.length));
      if (left <= 0) expect(failed).toBe('PVA_NO_MEMORY');
    }
  });
});

describe('memory that somebody keeps', () => {
  it('retained: is not written again until it is released', () => {
    const kept: { view: Buffer; copy: Buffer; block: MemoryBlock }[] = [];
    const { d, pool } = setUp((f) => {
      if (kept.length >= 40) return;
      const view = f.bytes.subarray(f.offset, f.end);
      f.block.retain();
      kept.push({ view, copy: Buffer.from(view), block: f.block });
    });
    const random = new Random(3);
    for (let i = 0; i < 200; i++) read(d, message(random.bytes(random.int(40_000))));
    for (const { view, copy } of kept) expect(view.equals(copy)).toBe(true);
    const { idleBlocks } = pool.stats();
    for (const { block } of kept) block.release();
    expect(pool.stats().idleBlocks).toBeGreaterThan(idleBlocks);
  });

  it('pinned: is never written again, even when everybody has released it', () => {
    const kept: { view: Buffer; copy: Buffer }[] = [];
    const { d } = setUp((f) => {
      if (kept.length >= 50) return;
      f.block.pin();
      const view = f.bytes.subarray(f.offset, f.end);
      kept.push({ view, copy: Buffer.from(view) });
    });
    const random = new Random(4);
    for (let i = 0; i < 300; i++)
      read(d, message(random.bytes(random.pick([10, 5000, 70_000, 300_000].map((n) => random.int(n))))));
    for (const { view, copy } of kept) expect(view.equals(copy)).toBe(true);
  });

  it('retained without release costs memory, nothing else: the pool never gets it back', () => {
    const blocks = new Set<MemoryBlock>();
    const { d, pool } = setUp((f) => {
      f.block.retain();
      blocks.add(f.block);
    });
    for (let i = 0; i < 20; i++) read(d, filled(1_500_000, i));
    expect(blocks.size).toBe(20);
    expect(pool.stats().reused).toBe(0);
    expect(new Set([...blocks].map((b) => b.bytes.buffer)).size).toBe(20);
  });
});

describe('memory lent for reading', () => {
  it('comes back after decoding moved on, and its bytes are taken all the same', () => {
    const seen: number[] = [];
    const { d } = setUp((f) => seen.push(f.bytes[f.offset] as number));
    d.suspend();
    read(d, filled(10, 1));
    const rest = filled(100_000, 2);
    read(d, rest.subarray(0, 20_000));
    const target = d.writeTarget();
    // Message 1 is handed out and the beginning of message 2 moves to a block it fits.
    d.resume();
    expect(seen).toEqual([1]);
    const n = Math.min(target.length, 1000);
    target.set(rest.subarray(20_000, 20_000 + n));
    d.commit(target, n);
    read(d, rest.subarray(20_000 + n));
    read(d, filled(10, 3));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('is not given to anybody else while it is out', () => {
    const pool = new MemoryPool();
    const d = new FrameDecoder({ onFrame: () => {}, pool });
    d.suspend();
    read(d, Buffer.concat([filled(10, 1), filled(100_000, 2).subarray(0, 20_000)]));
    const target = d.writeTarget();
    d.resume();
    // The decoder is on another block now; the lent one must not be had from the pool.
    const others = Array.from({ length: 5 }, () => pool.take(64 * 1024));
    for (const other of others) expect(other.bytes.buffer).not.toBe(target.buffer);
    // It is back in the pool once the socket has other memory.
    d.commit(target, 0);
    d.writeTarget();
    expect(pool.take(64 * 1024).bytes.buffer).toBe(target.buffer);
  });

  it('does not move while it is out, whatever is decoded', () => {
    const { d } = setUp();
    d.suspend();
    read(d, filled(1000, 1));
    const target = d.writeTarget();
    const { byteOffset, buffer } = target;
    d.resume();
    target.set(filled(3, 9));
    d.commit(target, 11);
    const next = d.writeTarget();
    expect([next.buffer === buffer, next.byteOffset <= byteOffset + 11]).toEqual([true, true]);
  });

  it('asked for twice is the same place: an unused target is not lost', () => {
    const seen: number[] = [];
    const { d } = setUp((f) => seen.push(f.bytes[f.offset] as number));
    d.writeTarget();
    const target = d.writeTarget();
    target.set(filled(5, 7));
    d.commit(target, 13);
    expect(seen).toEqual([7]);
  });

  it('before anybody lent anything: bytes from other memory are copied in', () => {
    const seen: number[] = [];
    const { d } = setUp((f) => seen.push(f.bytes[f.offset] as number));
    const own = Buffer.alloc(64);
    own.set(filled(5, 7));
    d.commit(own, 13);
    read(d, filled(5, 8));
    expect(seen).toEqual([7, 8]);
  });

  it('never returns to the pool after close: the socket may still write there', () => {
    for (const moved of [false, true]) {
      const pool = new MemoryPool();
      const d = new FrameDecoder({ onFrame: () => {}, pool });
      d.suspend();
      read(d, Buffer.concat([filled(10, 1), filled(100_000, 2).subarray(0, 20_000)]));
      const target = d.writeTarget();
      if (moved) d.resume();
      d.close();
      const taken = Array.from({ length: 10 }, (_, i) => pool.take(64 * 1024 * (1 + (i % 2) * 15)));
      for (const block of taken) expect(block.bytes.buffer).not.toBe(target.buffer);
      d.commit(target, 10);
      d.writeTarget();
      expect(pool.stats().idleBlocks).toBe(0);
    }
  });
});

describe('close', () => {
  it('gives back what segments were joined in', () => {
    const { d, pool } = setUp();
    const first = filled(70_000, 1);
    first[2] = 0x50;
    read(d, first);
    const before = pool.stats().idleBlocks;
    d.close();
    expect(pool.stats().idleBlocks).toBe(before + 1);
  });

  it('leaves alone what users hold', () => {
    const held: { view: Buffer; block: MemoryBlock }[] = [];
    const { d, pool } = setUp((f) => {
      f.block.retain();
      held.push({ view: f.bytes.subarray(f.offset, f.end), block: f.block });
    });
    read(d, filled(2_500_000, 5));
    d.close();
    const { view, block } = held[0] as (typeof held)[0];
    pool.take(view.length).bytes.fill(0);
    expect(view.equals(Buffer.alloc(2_500_000, 5))).toBe(true);
    block.release();
    expect(view[0]).toBe(5);
  });
});
