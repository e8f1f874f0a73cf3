/** Thousands of channels of one server that goes away and comes back: all connected again, without a search storm. */
import { describe, expect, it } from 'vitest';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, serve, serveAgain } from '../support/loopback.ts';

const COUNT = 2000;
const INT = struct('', { value: 'int' });

function pvs(offset: number): Record<string, SharedPV> {
  const entries = Array.from({ length: COUNT }, (_, i) => [
    `mass:${i}`,
    SharedPV.mailbox(Value.create(INT, { value: offset + i })),
  ]);
  return Object.fromEntries(entries);
}

describe('2,000 channels', () => {
  it('of a server that is restarted are monitored again; few datagrams are sent for it', async () => {
    const first = await serve(pvs(0));
    const context = clientOf(first);
    const latest = new Map<string, unknown>();
    for (const name of Object.keys(pvs(0)))
      context.monitor(name, {}, { update: (v) => void latest.set(name, v.get('value')) });
    const sum = (): number => [...latest.values()].reduce<number>((a, b) => a + Number(b), 0);
    const expected = (COUNT * (COUNT - 1)) / 2;
    await expect.poll(sum, { timeout: 30_000 }).toBe(expected);
    expect(first.clientCount).toBe(1);

    const before = context.searchStats;
    expect(before).toMatchObject({ searching: 0, queued: 0 });
    const closed = performance.now();
    await first.close();
    await expect.poll(() => context.searchStats.searching).toBe(COUNT);
    await serveAgain(first, pvs(1_000_000));
    await expect.poll(sum, { timeout: 30_000 }).toBe(expected + COUNT * 1_000_000);
    const seconds = (performance.now() - closed) / 1000;
    const after = context.searchStats;
    expect(after.searching).toBe(0);
    expect(after.boosts + after.boostsHeldOff).toBeGreaterThan(before.boosts + before.boostsHeldOff);
    // 2,000 names fill about 28 datagrams, so each name left a few times at most.
    const datagrams = after.datagrams - before.datagrams;
    expect(datagrams).toBeLessThan(28 + 60 * seconds);
  }, 80_000);
});

describe('a few channels', () => {
  it('are searched for as soon as the server is back, however long it was away', async () => {
    const first = await serve({ a: SharedPV.mailbox(Value.create(INT, { value: 1 })) });
    const context = clientOf(first);
    await context.get('a');
    await first.close();
    // Nobody has it: the name is put off further and further.
    const missing = context.get('nobody', { timeout: 0 }).catch(() => {});
    const waiting = context.get('a', { timeout: 0 });
    await expect.poll(() => context.searchStats.names, { timeout: 30_000, interval: 200 }).toBeGreaterThan(8);
    const { boosts } = context.searchStats;
    await serveAgain(first, { a: SharedPV.mailbox(Value.create(INT, { value: 2 })) });
    expect((await waiting).get('value')).toBe(2);
    // Its beacon did that, not the next search that was due.
    await expect.poll(() => context.searchStats.boosts).toBeGreaterThan(boosts);
    await context.close();
    await missing;
  }, 60_000);
});
