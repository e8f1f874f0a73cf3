/** A paused subscription receives nothing, stays connected, and goes on when it is resumed. */
import { expect, it } from 'vitest';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';

const TYPE = struct('', { id: 'int' });
const object = (id: number): Value => Value.create(TYPE, { id }).mark();

async function monitored(pvRequest = '') {
  const pv = SharedPV.readonly(object(0));
  const context = clientOf(await serve({ p: pv }));
  const seen = new Happenings<number>();
  const handlers = { update: (v: Value) => void seen.push(v.get('id') as number) };
  const subscription = context.monitor('p', { pvRequest }, handlers);
  const subscribers = (count: number) => expect.poll(() => pv.subscriberCount).toBe(count);
  return { pv, context, seen, subscription, subscribers };
}

it.for(['', 'record[pipeline=true,queueSize=4]'])(
  'begins with the present value: request "%s"',
  async (r) => {
    const { pv, seen, subscription, subscribers } = await monitored(r);
    await seen.count(1);
    subscription.pause();
    subscription.pause();
    await subscribers(0);
    expect(subscription.stats.connected).toBe(true);
    for (const id of [1, 2, 3]) pv.post(object(id));
    subscription.resume();
    subscription.resume();
    await subscribers(1);
    for (let id = 4; id <= 20; id++) pv.post(object(id));
    await seen.until((all) => all.at(-1) === 20);
    // Present value first; without flow control a queue this short may have squashed some of the others.
    expect(seen.all.slice(0, 2)).toEqual([0, 3]);
    expect(seen.all).not.toContain(1);
  },
);

it('stays paused when the channel is connected again', async () => {
  const { pv, context, seen, subscription, subscribers } = await monitored();
  await seen.count(1);
  subscription.pause();
  await subscribers(0);
  pv.close();
  await expect.poll(() => subscription.stats.connected).toBe(false);
  pv.open(object(7));
  await expect.poll(() => subscription.stats.connected).toBe(true);
  // A request on the same connection is answered: a start sent before it would have been followed.
  expect((await context.get('p')).get('id')).toBe(7);
  expect(pv.subscriberCount).toBe(0);
  subscription.resume();
  await seen.count(2);
  expect(seen.all).toEqual([0, 7]);
});

it('may be paused before it is connected, and closed while it is paused', async () => {
  const { pv, context, seen, subscription, subscribers } = await monitored();
  subscription.pause();
  await expect.poll(() => subscription.stats.connected).toBe(true);
  expect((await context.get('p')).get('id')).toBe(0);
  expect(seen.all).toEqual([]);
  subscription.close();
  subscription.resume();
  pv.post(object(1));
  expect((await context.get('p')).get('id')).toBe(1);
  await subscribers(0);
  expect(seen.all).toEqual([]);
});
