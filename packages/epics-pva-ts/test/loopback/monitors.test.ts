/**
 * Streams over real sockets: nothing lost before a queue is full, a slow reader makes the server wait, what was
 * handed out never changes, and every update is accounted for.
 */
import { describe, expect, it } from 'vitest';
import type { MonitorHandlers } from '../../src/client/monitor-options.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';
import { Random } from '../support/random.ts';
import { surfaced } from '../support/surfaced.ts';

const IMAGE = struct('', { id: 'int', pixels: 'ushort[]', note: 'string' });

function image(id: number, size: number): Value {
  const pixels = new Uint16Array(size).fill(id);
  return Value.create(IMAGE, { id, pixels, note: `image ${id}` }).mark();
}

const upTo = (n: number): number[] => Array.from({ length: n + 1 }, (_, i) => i);

describe('a callback that returns a promise', () => {
  it('makes the server wait: its queue takes what comes, in order, without loss', async () => {
    const pv = SharedPV.readonly(image(0, 1000));
    const context = clientOf(await serve({ p: pv }));
    const gate = withResolvers();
    const seen = new Happenings<number>();
    const subscription = context.monitor(
      'p',
      { pvRequest: 'record[queueSize=100]' },
      {
        update: async (v) => {
          seen.push(v.get('id') as number);
          await gate.promise;
        },
      },
    );
    await seen.count(1);
    // 60 images of 1 MB: far more than sockets hold.
    for (let id = 1; id <= 60; id++) pv.post(image(id, 500_000));
    await expect(context.get('p', { timeout: 0.1 })).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    expect(seen.all).toEqual([0]);
    gate.resolve();
    await seen.count(61);
    expect(seen.all).toEqual(upTo(60));
    expect(subscription.stats).toMatchObject({ received: 61, overruns: 0 });
  });

  it('for longer than the queue can take: the newest is kept, the rest reported as overrun', async () => {
    const pv = SharedPV.readonly(image(0, 1000));
    const context = clientOf(await serve({ p: pv }));
    const gate = withResolvers();
    const seen = new Happenings<{ id: number; overwritten: boolean }>();
    const subscription = context.monitor(
      'p',
      { pvRequest: 'record[queueSize=5]' },
      {
        update: async (v, overrun) => {
          seen.push({ id: v.get('id') as number, overwritten: !overrun.isEmpty() });
          await gate.promise;
        },
      },
    );
    await seen.count(1);
    for (let id = 1; id <= 300; id++) pv.post(image(id, 500_000));
    gate.resolve();
    await seen.until((all) => all.at(-1)?.id === 300);
    // Everything up to the full queue came, in order; then the last one, which says what it stands for.
    const before = seen.all.slice(0, -1);
    expect(before.length).toBeGreaterThanOrEqual(5);
    expect(before.length).toBeLessThan(100);
    expect(before).toEqual(before.map((_, id) => ({ id, overwritten: false })));
    expect(seen.all.at(-1)).toEqual({ id: 300, overwritten: true });
    expect(subscription.stats).toMatchObject({ received: before.length + 1, overruns: 1 });
  });

  it('is told from one that returns something else: nothing is waited for', async () => {
    const pv = SharedPV.mailbox(image(0, 10));
    const context = clientOf(await serve({ p: pv }));
    const seen = new Happenings<number>();
    // As plain JavaScript may have it.
    const update = ((v: Value) => {
      seen.push(v.get('id') as number);
      return seen.all.length;
    }) as unknown as NonNullable<MonitorHandlers['update']>;
    context.monitor('p', {}, { update });
    await seen.count(1);
    pv.post(image(1, 10));
    await seen.count(2);
    expect((await context.get('p')).get('id')).toBe(1);
  });

  it('that rejects, or throws, ends its subscription only, and what it threw is not swallowed', async () => {
    const pv = SharedPV.mailbox(image(0, 10));
    const context = clientOf(await serve({ p: pv }));
    const messages = await surfaced(3, () => {
      context.monitor('p', {}, { update: () => Promise.reject(new Error('rejected')) });
      context.monitor(
        'p',
        {},
        {
          update: () => {
            throw new Error('thrown');
          },
        },
      );
      context.monitor(
        'p',
        {},
        {
          connected: () => {
            throw new Error('thrown in connected');
          },
          update: () => {},
        },
      );
    });
    expect(messages.sort()).toEqual(['rejected', 'thrown', 'thrown in connected']);
    // The third one is still subscribed, and the connection is the same.
    await expect.poll(() => pv.subscriberCount).toBe(1);
    expect((await context.get('p')).get('id')).toBe(0);
  });
});

describe('for await', () => {
  it('has a queue on the client: when it is full the newest is merged and counted, the ledger balances', async () => {
    const pv = SharedPV.readonly(image(0, 10));
    const context = clientOf(await serve({ p: pv }));
    const subscription = context.monitor('p', { queueSize: 3, pvRequest: 'record[queueSize=1000]' });
    await expect.poll(() => subscription.stats.received).toBe(1);
    for (let id = 1; id <= 50; id++) pv.post(image(id, 10));
    await expect.poll(() => subscription.stats.received).toBe(51);
    expect(subscription.stats).toEqual({
      received: 51,
      overruns: 0,
      squashed: 48,
      rejected: 0,
      delivered: 0,
      queued: 3,
      connected: true,
    });
    const seen: unknown[] = [];
    for await (const v of subscription) {
      seen.push(v.get('id'));
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([0, 1, 50]);
    expect(subscription.stats).toMatchObject({ received: 51, squashed: 48, delivered: 3, queued: 0 });
    await expect.poll(() => pv.subscriberCount).toBe(0);
    subscription.resetStats();
    expect(subscription.stats).toEqual({
      received: 0,
      overruns: 0,
      squashed: 0,
      rejected: 0,
      delivered: 0,
      queued: 0,
      connected: false,
    });
  });

  it('merges fields: none is lost, whichever updates were merged', async () => {
    const type = struct('', { a: 'int', b: 'int', c: 'int[]' });
    const pv = SharedPV.readonly(Value.create(type));
    const context = clientOf(await serve({ p: pv }));
    const subscription = context.monitor('p', { queueSize: 2, pvRequest: 'record[queueSize=100]' });
    await expect.poll(() => subscription.stats.received).toBe(1);
    pv.post(Value.create(type, { a: 1 }));
    pv.post(Value.create(type, { b: 2 }));
    pv.post(Value.create(type, { c: [3] }));
    pv.post(Value.create(type, { a: 4 }));
    await expect.poll(() => subscription.stats.received).toBe(5);
    expect(subscription.pop()?.toJS()).toEqual({ a: 0, b: 0, c: new Int32Array(0) });
    const merged = subscription.pop() as Value;
    expect(merged.toJS()).toEqual({ a: 4, b: 2, c: Int32Array.of(3) });
    expect(merged.marks.toArray()).toEqual([1, 2, 3]);
    expect(subscription.pop()).toBeUndefined();
  });

  it('ends when the server ends the stream, after everything sent', async () => {
    const pv = SharedPV.readonly(image(0, 10));
    const context = clientOf(await serve({ p: pv }));
    const subscription = context.monitor('p', { queueSize: 100, pvRequest: 'record[queueSize=100]' });
    await expect.poll(() => pv.subscriberCount).toBe(1);
    for (let id = 1; id <= 20; id++) pv.post(image(id, 10));
    pv.finish();
    const seen: unknown[] = [];
    for await (const v of subscription) seen.push(v.get('id'));
    expect(seen).toEqual(upTo(20));
    expect(subscription.stats.connected).toBe(false);
    const finished = new Happenings<string>();
    context.monitor('p', {}, { update: () => {}, finished: () => finished.push('finished') });
    await expect.poll(() => pv.subscriberCount).toBe(1);
    pv.finish();
    await finished.count(1);
  });
});

describe('what a callback was given', () => {
  it.each(['kept', 'released'])('never changes while the stream goes on (values %s)', async (how) => {
    const random = new Random(42);
    const pv = SharedPV.readonly(image(0, 10));
    const context = clientOf(await serve({ p: pv }));
    const kept: { id: number; pixels: Uint16Array; note: string; sum: string }[] = [];
    const done = new Happenings<number>();
    context.monitor(
      'p',
      { pvRequest: 'record[queueSize=10000]' },
      {
        update: (v) => {
          const id = v.get('id') as number;
          // Every third is looked at, the others are dropped undecoded.
          if (id % 3 === 0) {
            const pixels = v.get('pixels') as Uint16Array;
            kept.push({ id, pixels, note: v.get('note') as string, sum: digest(pixels) });
          }
          if (how === 'released') v.release();
          done.push(id);
        },
      },
    );
    await done.count(1);
    const count = 300;
    for (let id = 1; id <= count; id++) {
      const size = random.pick([100, 2000, 5000, 33_000, 131_072, 1_000_000]);
      pv.post(image(id, 1 + random.int(size)));
      // In bursts: some reads bring many messages, some a piece of one.
      if (random.chance(0.1)) await done.count(id);
    }
    await done.count(count + 1);
    expect(done.all).toEqual(upTo(count));
    for (const k of kept) {
      expect([k.sum, k.note]).toEqual([digest(k.pixels), `image ${k.id}`]);
      expect(k.pixels.every((p) => p === k.id)).toBe(true);
    }
  });

  it('is a complete structure, and its marks say what came', async () => {
    const type = struct('', { a: 'int', b: 'string', c: 'ubyte[]' });
    const pv = SharedPV.readonly(Value.create(type, { a: 0, b: 'zero', c: [0] }));
    const context = clientOf(await serve({ p: pv }));
    const seen = new Happenings<[unknown, number[]]>();
    context.monitor(
      'p',
      {},
      { update: (v) => seen.push([v.toJS(), v.marks.toArray().filter((b) => b > 0)]) },
    );
    await seen.count(1);
    pv.post(Value.create(type, { b: 'one' }));
    await seen.count(2);
    pv.post(Value.create(type, { a: 2 }));
    await seen.count(3);
    // Large enough to be decoded only when asked for.
    const c = new Uint8Array(100_000).fill(3);
    pv.post(Value.create(type, { c }));
    await seen.count(4);
    pv.post(Value.create(type, { a: 4, b: 'four' }));
    await seen.count(5);
    expect(seen.all.slice(1)).toEqual([
      [{ a: 0, b: 'one', c: Uint8Array.of(0) }, [2]],
      [{ a: 2, b: 'one', c: Uint8Array.of(0) }, [1]],
      [{ a: 2, b: 'one', c }, [3]],
      [{ a: 4, b: 'four', c }, [1, 2]],
    ]);
  });
});

function digest(pixels: Uint16Array): string {
  let sum = pixels.length;
  for (const p of pixels) sum = (Math.imul(sum, 31) + p) | 0;
  return String(sum);
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
