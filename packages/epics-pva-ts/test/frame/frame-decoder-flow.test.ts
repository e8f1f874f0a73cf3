/** Suspend and resume at every point: nothing is lost, repeated or handed out in another order. */
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { Random } from '../support/random.ts';

/** A message whose payload is its number and `length` bytes of it. */
function numbered(n: number, length: number): Buffer {
  const bytes = Buffer.alloc(8 + 4 + length, n & 0xff);
  bytes.set([0xca, 2, 0x40, 0x0d]);
  bytes.writeUInt32LE(4 + length, 4);
  bytes.writeUInt32LE(n, 8);
  return bytes;
}

function stream(count: number, length: (n: number) => number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, n) => numbered(n, length(n))));
}

/** Collects the numbers of messages and checks that their bytes are all theirs. */
function collector(onFrame: (n: number, d: FrameDecoder) => void = () => {}): {
  d: FrameDecoder;
  numbers: number[];
} {
  const numbers: number[] = [];
  const d: FrameDecoder = new FrameDecoder({
    onFrame: (f) => {
      const n = f.bytes.readUInt32LE(f.offset);
      const body = f.bytes.subarray(f.offset + 4, f.end);
      if (!body.equals(Buffer.alloc(body.length, n & 0xff))) throw new Error(`message ${n} has other bytes`);
      numbers.push(n);
      onFrame(n, d);
    },
  });
  return { d, numbers };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('suspend', () => {
  it('from inside a frame stops behind that frame, also in the middle of a read', () => {
    const { d, numbers } = collector((_n, self) => self.suspend());
    d.push(stream(5, () => 10));
    expect(numbers).toEqual([0]);
    d.push(numbered(5, 10));
    expect(numbers).toEqual([0]);
    for (let n = 1; n <= 5; n++) {
      d.resume();
      expect(numbers).toEqual(upTo(n + 1));
    }
    d.resume();
    expect(numbers).toHaveLength(6);
  });

  it('keeps whatever arrives meanwhile, more than one block of it', () => {
    const { d, numbers } = collector();
    d.suspend();
    const bytes = stream(400, (n) => (n * 37) % 3000);
    for (let at = 0; at < bytes.length; at += 1000) d.push(bytes.subarray(at, at + 1000));
    expect(numbers).toEqual([]);
    d.resume();
    expect(numbers).toEqual(upTo(400));
  });

  it('twice needs one resume; resume without suspend does nothing', () => {
    const { d, numbers } = collector();
    d.resume();
    d.suspend();
    d.suspend();
    d.push(numbered(0, 1));
    d.resume();
    expect(numbers).toEqual([0]);
  });

  it('and resume from inside a frame never nests frames, however many wait', () => {
    let depth = 0;
    let deepest = 0;
    const { d, numbers } = collector((_n, self) => {
      deepest = Math.max(deepest, ++depth);
      self.suspend();
      self.resume();
      depth--;
    });
    d.push(stream(20_000, () => 0));
    expect(numbers).toEqual(upTo(20_000));
    expect(deepest).toBe(1);
  });

  it('at random points, with random reads of random messages, changes nothing', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      let suspended = false;
      const { d, numbers } = collector((_n, self) => {
        if (!random.chance(0.2)) return;
        self.suspend();
        suspended = true;
      });
      const count = 120;
      const bytes = stream(count, () => random.pick([0, 5, 300, 5000, 80_000].map((x) => random.int(x + 1))));
      for (let at = 0; at < bytes.length; ) {
        if (suspended && random.chance(0.5)) {
          suspended = false;
          d.resume();
        }
        if (random.chance(0.1)) {
          suspended = true;
          d.suspend();
        }
        const n = Math.min(1 + random.int(random.pick([10, 3000, 60_000])), bytes.length - at);
        const piece = bytes.subarray(at, at + n);
        if (random.chance(0.3)) {
          d.push(piece);
          at += n;
          continue;
        }
        const target = d.writeTarget();
        // The memory is out while decoding goes on.
        if (suspended && random.chance(0.5)) {
          suspended = false;
          d.resume();
        }
        const read = Math.min(n, target.length);
        target.set(bytes.subarray(at, at + read));
        d.commit(target, read);
        at += read;
      }
      while (numbers.length < count) d.resume();
      expect(numbers, `seed ${seed}`).toEqual(upTo(count));
    }
  });
});

describe('an exception from onFrame', () => {
  it('comes out of push, and the decoder is not stuck in it', () => {
    let fail = true;
    const { d, numbers } = collector(() => {
      if (fail) throw new Error('handler');
    });
    expect(() => d.push(stream(3, () => 1))).toThrow('handler');
    fail = false;
    d.push(numbered(3, 1));
    expect(numbers).toEqual([0, 1, 2, 3]);
  });
});

describe('close', () => {
  it('from inside a frame hands out nothing more', () => {
    const { d, numbers } = collector((n, self) => n === 1 && self.close());
    d.push(stream(5, () => 10));
    expect(numbers).toEqual([0, 1]);
    d.push(numbered(5, 1));
    d.resume();
    expect(numbers).toEqual([0, 1]);
  });

  it('may be called twice, and the socket may still ask for memory and return it', () => {
    const { d, numbers } = collector();
    const target = d.writeTarget();
    d.close();
    d.close();
    target.set(numbered(0, 1));
    d.commit(target, 13);
    const next = d.writeTarget();
    expect(next.length).toBeGreaterThan(0);
    d.commit(next, 1);
    expect(numbers).toEqual([]);
  });
});
