/** The queue of one subscriber by itself: bounded, in order, latest value never lost, memory given back. */
import { describe, expect, it } from 'vitest';
import { MAX_QUEUE_SIZE, MonitorQueue } from '../../src/server/monitor-queue.ts';
import { PostedUpdate } from '../../src/server/posted-update.ts';
import { QueueBudget } from '../../src/server/queue-budget.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { struct, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { MemoryPool } from '../../src/wire/memory-block.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { Random } from '../support/random.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const TYPE = struct('', Object.fromEntries(NAMES.map((n) => [n, 'int'])));

function update(fields: Record<string, number>): PostedUpdate {
  return new PostedUpdate(Value.create(TYPE, fields));
}

describe('a monitor queue', () => {
  it('has a length between 2 and its limit', () => {
    expect([0, 1, 2, 3.7, 1e9].map((n) => new MonitorQueue(n).limit)).toEqual([2, 2, 2, 3, MAX_QUEUE_SIZE]);
    expect(new MonitorQueue().limit).toBe(4);
  });

  it('is full when its arrays have too many bytes, whatever length was asked for; a few updates fit always', () => {
    const types = [
      struct('', { value: 'ubyte[]' }),
      struct('', { value: union('', { ubyteValue: 'ubyte[]' }) }),
      struct('', { value: 'any' }),
    ];
    for (const type of types) {
      const image = (): PostedUpdate => new PostedUpdate(Value.create(type, { value: new Uint8Array(1000) }));
      const q = new MonitorQueue(1000, 10_000);
      for (let i = 0; i < 50; i++) q.push(image());
      expect([q.length, q.squashed]).toEqual([14, 36]);
      // Who has taken some finds room for as many.
      for (let i = 0; i < 6; i++) q.shift()?.update.release();
      for (let i = 0; i < 50; i++) q.push(image());
      expect(q.length).toBe(10);
      q.clear();
      for (let i = 0; i < 50; i++) q.push(image());
      expect(q.length).toBe(14);
    }
  });

  it('shares what all queues of a connection may hold; a few updates of each fit always', () => {
    const budget = new QueueBudget(20, 10_000);
    const queues = Array.from({ length: 3 }, () => new MonitorQueue(1000, 10_000, budget));
    const [a, b, c] = queues as [MonitorQueue, MonitorQueue, MonitorQueue];
    const fill = (q: MonitorQueue): number => {
      for (let i = 0; i < 30; i++) q.push(update({ a: i }));
      return q.length;
    };
    expect([fill(a), fill(b), fill(c), budget.updates]).toEqual([20, 4, 4, 28]);
    expect(queues.map((q) => q.squashed)).toEqual([10, 26, 26]);
    // What leaves one makes room in another; nothing is forgotten when a queue is cleared.
    for (let i = 0; i < 10; i++) a.shift()?.update.release();
    expect(fill(c)).toBe(6);
    for (const q of queues) q.clear();
    expect([budget.updates, budget.bytes]).toEqual([0, 0]);
    const type = struct('', { value: 'ubyte[]' });
    for (const q of queues)
      for (let i = 0; i < 9; i++)
        q.push(new PostedUpdate(Value.create(type, { value: new Uint8Array(1500) })));
    expect([queues.map((q) => q.length), budget.bytes]).toEqual([[9, 5, 4], 9000]);
    for (const q of queues) q.clear();
    expect(budget.bytes).toBe(0);
  });

  it('counts received updates by what came, and lists by their elements', () => {
    const q = new MonitorQueue(1000, 10_000);
    const list = struct('', { value: 'string[]' });
    for (let i = 0; i < 50; i++)
      q.push(new PostedUpdate(Value.create(list, { value: new Array<string>(100).fill('x') })));
    expect(q.length).toBe(5);
    const type = struct('', { value: 'ubyte[]' });
    const w = new WireWriter();
    Value.create(type, { value: new Uint8Array(5000) }).encodePartial(w);
    const bytes = w.finishBytes();
    const received = (): PostedUpdate =>
      new PostedUpdate(Value.decodePartial(type, new WireReader(bytes), new DecodeContext(), true));
    expect(received().bytes).toBe(bytes.length);
  });

  it('gives back what was put in, in order, through any number of turns', () => {
    const q = new MonitorQueue(5000);
    let put = 0;
    let got = 0;
    const random = new Random(7);
    for (let turn = 0; turn < 200; turn++) {
      for (let n = random.int(60); n > 0 && q.length < 5000; n--) q.push(update({ a: put++ }));
      for (let n = random.int(60); n > 0 && q.length > 0; n--)
        expect(q.shift()?.update.value.get('a')).toBe(got++);
    }
    expect(q.length).toBe(put - got);
    while (q.length > 0) expect(q.shift()?.update.value.get('a')).toBe(got++);
    expect([got, q.squashed, q.shift()]).toEqual([put, 0, undefined]);
  });

  it('never loses a field: what is read plus what is known is always the latest value', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const q = new MonitorQueue(2 + random.int(3));
      const latest: Record<string, number> = {};
      const known: Record<string, number> = {};
      let pushed = 0;
      let read = 0;
      const readOne = (): void => {
        const item = q.shift();
        if (!item) return;
        read++;
        for (const n of NAMES)
          if (item.update.value.isMarked(n)) known[n] = item.update.value.get(n) as number;
        // A field reported as overwritten came with the update.
        for (const bit of item.overrun?.toArray() ?? []) expect(item.update.value.marks.get(bit)).toBe(true);
        item.update.release();
      };
      for (let i = 0; i < 60; i++) {
        const fields: Record<string, number> = {};
        for (const n of NAMES) if (random.chance(0.4)) fields[n] = i;
        Object.assign(latest, fields);
        const u = update(fields);
        q.push(u);
        u.release();
        pushed++;
        if (random.chance(0.2)) readOne();
      }
      const { squashed } = q;
      while (q.length > 0) readOne();
      expect(known, `seed ${seed}`).toEqual(latest);
      // The ledger of this queue balances.
      expect(pushed).toBe(read + squashed);
    }
  });

  it('reports exactly the fields that were overwritten before they were read', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new Random(seed);
      const q = new MonitorQueue(2);
      q.push(update({ a: 0 }));
      const seen = new Set<number>();
      const twice = new Set<number>();
      for (let i = 0; i < 6; i++) {
        const fields: Record<string, number> = {};
        NAMES.forEach((n, index) => {
          if (!random.chance(0.3)) return;
          fields[n] = i;
          if (seen.has(index + 1)) twice.add(index + 1);
          seen.add(index + 1);
        });
        q.push(update(fields));
      }
      q.shift();
      const { overrun } = q.shift() as { overrun: { toArray(): number[] } };
      expect(overrun.toArray(), `seed ${seed}`).toEqual([...twice].sort((a, b) => a - b));
    }
  });

  it('holds what it holds, and lets go of the rest', () => {
    const pool = new MemoryPool();
    const image = struct('', { id: 'int', pixels: 'ubyte[]' });
    const received = (id: number): { value: Value; holders: () => number } => {
      const block = pool.take(10_000);
      const bytes = Buffer.from([1, 6, id, 0, 0, 0, 0xfe, 0x88, 0x13, 0, 0]);
      block.bytes.set(bytes);
      const context = new DecodeContext();
      context.block = block;
      const reader = new WireReader(block.bytes, true, 0, bytes.length + 5000);
      return { value: Value.decodePartial(image, reader, context, true), holders: () => block.holders };
    };
    const all = Array.from({ length: 5 }, (_, id) => received(id));
    const q = new MonitorQueue(2);
    for (const { value } of all) {
      const u = new PostedUpdate(value);
      q.push(u);
      u.release();
    }
    // Two are queued: the first, and the last in place of those between.
    expect(all.map((x) => x.holders() - 1)).toEqual([1, 0, 0, 0, 1]);
    expect(q.squashed).toBe(3);
    q.clear();
    expect(all.map((x) => x.holders() - 1)).toEqual([0, 0, 0, 0, 0]);
  });
});
