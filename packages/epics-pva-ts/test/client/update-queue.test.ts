/** The client's monitor queue: bounded, the latest value never lost, and a mask that says what was overwritten. */
import { describe, expect, it } from 'vitest';
import { UpdateQueue } from '../../src/client/update-queue.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';
import { Random } from '../support/random.ts';

const TYPE = struct('', { a: 'int', s: struct('', { b: 'int', c: 'string' }), d: 'int[]' });
const LEAVES = ['a', 's.b', 's.c', 'd'];
const bits = (set: BitSet): number[] => set.toArray().filter((i) => !TYPE.nodes[i]?.isStruct);

describe('UpdateQueue', () => {
  it('keeps order up to its limit, then merges into the newest', () => {
    const q = new UpdateQueue(2);
    const update = (fields: Record<string, unknown>): Value => Value.create(TYPE, fields);
    q.push(update({ a: 1 }), new BitSet());
    q.push(update({ a: 2, 's.c': 'x' }), new BitSet());
    q.push(update({ 's.b': 7 }), BitSet.of(3));
    q.push(update({ a: 3, d: [1] }), new BitSet());
    expect([q.length, q.squashed]).toEqual([2, 2]);
    const first = q.shift();
    expect([first?.value.get('a'), first?.overrun.toArray()]).toEqual([1, []]);
    const second = q.shift();
    expect(second?.value.toJS()).toEqual({ a: 3, s: { b: 7, c: 'x' }, d: Int32Array.of(1) });
    // `a` came twice here, s.b had been overwritten by the server.
    expect(bits(second?.overrun as BitSet)).toEqual([1, 3]);
    expect(q.shift()).toBeUndefined();
  });

  it('refuses what finds it full, if asked to, and says with the next update what was missed', () => {
    const q = new UpdateQueue(2, 'reject');
    const push = (fields: Record<string, unknown>, ...overrun: number[]): void =>
      q.push(Value.create(TYPE, fields), BitSet.of(...overrun));
    push({ a: 1 });
    push({ a: 2 });
    push({ a: 3, 's.c': 'lost' });
    push({ 's.b': 4 }, 5);
    expect([q.length, q.rejected, q.squashed, q.delivered]).toEqual([2, 2, 0, 0]);
    expect(q.shift()?.value.get('a')).toBe(1);
    push({ a: 5 });
    push({ a: 6 });
    expect([q.length, q.rejected, q.delivered]).toEqual([2, 3, 1]);
    expect([q.shift()?.value.get('a'), q.length]).toEqual([2, 1]);
    const next = q.shift();
    expect([next?.value.get('a'), bits(next?.overrun as BitSet)]).toEqual([5, [1, 3, 4, 5]]);
    push({ a: 7 });
    expect(bits(q.shift()?.overrun as BitSet)).toEqual([1]);
    push({ a: 8 });
    expect(bits(q.shift()?.overrun as BitSet)).toEqual([]);
  });

  it('says of any sequence what a model says', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const limit = 1 + random.int(4);
      const q = new UpdateQueue(limit);
      let model: { fields: Map<string, unknown>; overrun: Set<number> }[] = [];
      for (let step = 0; step < 40; step++) {
        if (random.chance(0.3)) {
          const [got, want] = [q.shift(), model.shift()];
          expect(got === undefined).toBe(want === undefined);
          if (!got || !want) continue;
          const fields = new Map(
            LEAVES.filter((p) => got.value.isMarked(p)).map((p) => [p, got.value.get(p)]),
          );
          expect([...fields].sort()).toEqual([...want.fields].sort());
          expect(bits(got.overrun)).toEqual([...want.overrun].sort((x, y) => x - y));
          continue;
        }
        const fields = new Map<string, unknown>();
        for (const path of LEAVES)
          if (random.chance(0.4))
            fields.set(path, path === 'd' ? Int32Array.of(step) : path === 's.c' ? `${step}` : step);
        const overrun = new Set(random.chance(0.2) ? [1 + random.int(5)].filter((i) => i !== 2) : []);
        q.push(Value.create(TYPE, Object.fromEntries(fields)), BitSet.of(...overrun));
        const newest = model.at(-1);
        if (!newest || model.length < limit) {
          model = [...model, { fields, overrun }];
          continue;
        }
        for (const [path, x] of fields) {
          if (newest.fields.has(path)) newest.overrun.add(TYPE.find(path)?.index as number);
          newest.fields.set(path, x);
        }
        for (const i of overrun) newest.overrun.add(i);
      }
      expect(q.length).toBe(model.length);
    }
  });
});

describe('a subscription read with updates()', () => {
  it('gets complete structures, what changed, and what was overwritten here', async () => {
    const pv = new SharedPV();
    pv.open(Value.create(TYPE, { a: 1, 's.c': 'start' }));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p', {}, { queueSize: 2 });
    await settled();
    for (const fields of [{ a: 2 }, { 's.b': 5 }, { a: 4 }]) {
      pv.post(Value.create(TYPE, fields));
      await settled();
    }
    expect(subscription.stats).toMatchObject({ received: 4, queued: 2, squashed: 2, overruns: 0 });
    const seen: unknown[] = [];
    for await (const { value, overrun } of subscription.updates()) {
      seen.push([value.get('a'), value.get('s.b'), value.get('s.c'), value.isMarked('s.c'), bits(overrun)]);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([
      [1, 0, 'start', true, []],
      [4, 5, 'start', false, [1]],
    ]);
    await settled();
    expect(pv.subscriberCount).toBe(0);
  });

  it('by two readers: each gets the next one, and both end with it', async () => {
    const pv = new SharedPV();
    pv.open(Value.create(TYPE, { a: 0 }));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p', {}, { queueSize: 100 });
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const value of subscription) seen.push(value.get('a'));
    };
    const readers = [read(), read()];
    await settled();
    for (let a = 1; a <= 9; a++) pv.post(Value.create(TYPE, { a }));
    await settled();
    pv.finish();
    await Promise.all(readers);
    expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('a subscription that refuses updates when its queue is full', () => {
  it('keeps the oldest, complete as they were sent, and its ledger balances', async () => {
    const pv = new SharedPV();
    pv.open(Value.create(TYPE, { a: 0, 's.c': 'start' }));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p', {}, { queueSize: 3, whenFull: 'reject' });
    const ledger = (): number => {
      const { received, delivered, squashed, rejected, queued } = subscription.stats;
      return received - delivered - squashed - rejected - queued;
    };
    await settled();
    for (let a = 1; a <= 9; a++) {
      pv.post(a === 5 ? { a, 's.c': 'five' } : { a });
      await settled();
    }
    expect(subscription.stats).toMatchObject({
      received: 10,
      rejected: 7,
      squashed: 0,
      queued: 3,
      delivered: 0,
    });
    expect(ledger()).toBe(0);
    expect([await subscription.take(), await subscription.take()].map((v) => v?.get('a'))).toEqual([0, 1]);
    pv.post({ a: 10 });
    await settled();
    expect(subscription.pop()?.get('a')).toBe(2);
    const next = subscription.popUpdate();
    // What was missed does not show as a change of this update, but its value is there.
    expect(next?.value.toJS()).toMatchObject({ a: 10, s: { c: 'five' } });
    expect(next?.value.isMarked('s.c')).toBe(false);
    expect(bits(next?.overrun as BitSet)).toEqual([1, 4]);
    pv.post({ a: 11 });
    await settled();
    subscription.resetStats();
    expect(subscription.stats).toMatchObject({ received: 1, rejected: 0, queued: 1, delivered: 0 });
    await subscription.take();
    expect([subscription.stats.delivered, ledger()]).toEqual([1, 0]);
    subscription.close();
  });

  it('is waited for, for a time, to its end', async () => {
    const pv = new SharedPV();
    pv.open(Value.create(TYPE, { a: 0 }));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p');
    expect((await subscription.take(5))?.get('a')).toBe(0);
    await expect(subscription.take(0.02)).rejects.toThrow('p: no update within 0.02 s');
    const [first, second] = [subscription.take(5), subscription.take()];
    pv.post({ a: 1 });
    pv.post({ a: 2 });
    expect([(await first)?.get('a'), (await second)?.get('a')]).toEqual([1, 2]);
    const last = subscription.take(1e9);
    pv.finish();
    expect(await last).toBeUndefined();
    expect(await subscription.take()).toBeUndefined();
    const cancelled = new AbortController();
    const other = s.monitor('p', {}, { signal: cancelled.signal });
    await other.take();
    const waiting = other.take();
    cancelled.abort();
    await expect(waiting).rejects.toThrow('p: cancelled');
  });

  it('with a callback counts every update as delivered', async () => {
    const pv = new SharedPV();
    pv.open(Value.create(TYPE, { a: 0 }));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p', { update: () => {} });
    await settled();
    pv.post({ a: 1 });
    await settled();
    expect(subscription.stats).toMatchObject({
      received: 2,
      delivered: 2,
      rejected: 0,
      squashed: 0,
      queued: 0,
    });
    subscription.close();
  });
});
