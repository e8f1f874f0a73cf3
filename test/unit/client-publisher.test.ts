/** Output by put or call: what is not acknowledged is bounded, holds the stage back, and is counted and told. */
import { Context, Server, SharedPV, struct, Value } from 'epics-pva-ts';
import { afterEach, describe, expect, vi } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { ClientPublisher } from '../../src/output/client-publisher.ts';
import { it, until, type World } from '../e2e/support/world.ts';

const object = Value.create(struct('', { n: 'int' }), { n: 1 });

type Mode = 'pva' | 'rpc';

function publisherOf(
  context: Context,
  channel: string,
  lines: string[] = [],
  mode: Mode = 'pva',
): ClientPublisher {
  const output = { write: (text: string) => void lines.push(text) };
  return new ClientPublisher({
    mode,
    context,
    channel,
    logger: createLogging({ name: 'test', output }).logger,
  });
}

interface NextStage {
  readonly publisher: ClientPublisher;
  /** So many objects are there. */
  received(count: number): Promise<void>;
  answer(count: number): Promise<void>;
}

/** A next stage that answers when it is told to. */
async function stage(world: World, mode: Mode = 'pva'): Promise<NextStage> {
  const answers: (() => void)[] = [];
  const answered = () => new Promise<void>((resolve) => answers.push(resolve));
  const pv = new SharedPV({ onPut: answered, onRpc: () => answered().then(() => object) });
  pv.open(object);
  const server = world.own(await Server.isolated().addPV('next', pv).start());
  const context = world.own(new Context(server.clientConfig()));
  const received = (count: number) =>
    until(() => expect(answers.length).toBeGreaterThanOrEqual(count)).then(() => {});
  return {
    publisher: publisherOf(context, 'next', [], mode),
    received,
    answer: async (count) => {
      await received(count);
      for (const one of answers.splice(0, count)) one();
    },
  };
}

/**
 * So many objects are answered, slowly by the clock: there is room for more when fewer than 8 are left, not before. All are
 * answered in the end.
 */
async function expectRoomBelow8({ publisher, answer }: NextStage, onTheirWay: number): Promise<void> {
  const before = publisher.stats.nPublished;
  const clock = vi.spyOn(performance, 'now');
  clock.mockReturnValue(performance.now() + 1000);
  let room = false;
  const waiting = publisher.saturated?.then(() => {
    room = true;
  });
  await answer(onTheirWay - 8);
  await until(() => expect(publisher.stats.nPublished).toBe(before + onTheirWay - 8));
  expect(room).toBe(false);
  await answer(1);
  await waiting;
  clock.mockRestore();
  await answer(7);
  await publisher.stop(5000);
}

/** One object is published and answered: the way is open. */
async function exchangeOne({ publisher, answer }: NextStage): Promise<void> {
  const { nPublished } = publisher.stats;
  publisher.publish(object);
  await answer(1);
  await until(() => expect(publisher.stats.nPublished).toBe(nPublished + 1));
}

/** Publishes until it is to wait; how many. */
function fill(publisher: ClientPublisher): number {
  let count = 0;
  for (; !publisher.saturated; count++) publisher.publish(object);
  return count;
}

it('a processor that publishes without end fails beyond 1000 objects that nobody acknowledges', async ({
  world,
}) => {
  const lines: string[] = [];
  const publisher = publisherOf(world.context, 'nobody', lines);
  for (let n = 0; n < 1010; n++) publisher.publish(object);
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 10 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/publishing failed .*nobody: 1000 objects are not acknowledged yet/);
  await publisher.stop(0);
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 1010 });
  // They are counted: what becomes of them now changes nothing.
  await world.context.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 1010 });
});

it('nothing is published by a client that is closed: an error each, and nothing is left running', async ({
  world,
}) => {
  const publisher = publisherOf(world.context, 'nobody');
  await world.context.close();
  const timers = vi.spyOn(globalThis, 'setInterval');
  for (let n = 0; n < 3; n++) publisher.publish(object);
  expect(timers).not.toHaveBeenCalled();
  timers.mockRestore();
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 3 });
});

it('a part of an object cannot be published: an error that leaves nothing on its way', async ({ world }) => {
  const lines: string[] = [];
  const publisher = publisherOf(world.context, 'nobody', lines);
  const whole = Value.create(struct('', { part: struct('', { n: 'int' }) }));
  for (let n = 0; n < 40; n++) publisher.publish(whole.get('part') as Value);
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 40 });
  expect(publisher.saturated).toBeUndefined();
  await publisher.stop(60_000);
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 40 });
});

describe('an object', () => {
  afterEach(() => void vi.useRealTimers());
  // That by which the publisher looks at the channel; all else goes on.
  const fakeInterval = () => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });

  it.for<Mode>(['pva', 'rpc'])(
    'that was sent waits for a slow stage for as long as that is connected (%s)',
    { timeout: 20_000 },
    async (mode, { world }) => {
      const next = await stage(world, mode);
      const { publisher } = next;
      fakeInterval();
      await exchangeOne(next);
      const timers = vi.spyOn(globalThis, 'setTimeout');
      const onTheirWay = fill(publisher);
      expect(onTheirWay).toBeGreaterThanOrEqual(8);
      await next.received(onTheirWay);
      // No request has a time limit of its own.
      expect(timers.mock.calls.filter(([, ms]) => ms === 5000)).toEqual([]);
      timers.mockRestore();
      // The stage works, and answers nothing in time, ...
      vi.advanceTimersByTime(20_000);
      const end = performance.now() + 20;
      while (performance.now() < end);
      await new Promise((resolve) => setTimeout(resolve, 5));
      // ... or says that it is there.
      await vi.advanceTimersByTimeAsync(20_000);
      vi.useRealTimers();
      expect(publisher.stats).toMatchObject({ nPublished: 1, nErrors: 0 });
      expect(publisher.saturated).toBeDefined();
      await next.answer(onTheirWay);
      await until(() => expect(publisher.stats.nPublished).toBe(1 + onTheirWay));
      expect(publisher.stats.nErrors).toBe(0);
      publisher.publish(object);
      await publisher.stop(0);
      expect(publisher.stats.nErrors).toBe(1);
    },
  );

  it.for<Mode>(['pva', 'rpc'])(
    'that cannot be sent fails after 5 s, and is not sent later (%s)',
    { timeout: 20_000 },
    async (mode, { world }) => {
      const server = world.own(await Server.isolated().start());
      const context = world.own(new Context(server.clientConfig()));
      const lines: string[] = [];
      const publisher = publisherOf(context, 'next', lines, mode);
      fakeInterval();
      expect(fill(publisher)).toBe(8);
      await vi.advanceTimersByTimeAsync(4_900);
      expect(publisher.stats.nErrors).toBe(0);
      await vi.advanceTimersByTimeAsync(1_000);
      vi.useRealTimers();
      await until(() => expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 8 }));
      expect(lines[0]).toMatch(/publishing failed .*next: no server of this channel is connected for 5 s/);
      const ids: unknown[] = [];
      const take = (value: Value | null) => void ids.push(value?.get('n'));
      const pv = new SharedPV({
        onPut: (_pv, value) => take(value),
        onRpc: (_pv, value) => {
          take(value);
          return object;
        },
      });
      pv.open(object);
      server.addPV('next', pv);
      publisher.publish(Value.create(object.type, { n: 2 }));
      await until(() => expect(publisher.stats).toMatchObject({ nPublished: 1, nErrors: 8 }));
      expect(ids).toEqual([2]);
      await publisher.stop(0);
    },
  );
});

describe('objects on their way', () => {
  it('are few until answers are known to come quickly, and few again when they do not', async ({ world }) => {
    const next = await stage(world);
    const { publisher, answer } = next;
    expect(fill(publisher)).toBe(8);
    await answer(8);
    await until(() => expect(publisher.stats.nPublished).toBe(8));
    // By a clock that stands still every answer is quick.
    vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    await exchangeOne(next);
    expect(fill(publisher)).toBe(32);
    // 32 objects that are answered slowly would not be answered in time.
    await expectRoomBelow8(next, 32);
    expect(publisher.stats).toMatchObject({ nPublished: 41, nErrors: 0 });
  });

  it('that one object was made into hold the stage back until there is room again', async ({ world }) => {
    const next = await stage(world);
    const { publisher } = next;
    await exchangeOne(next);
    for (let n = 0; n < 20; n++) publisher.publish(object);
    await expectRoomBelow8(next, 20);
    expect(publisher.stats).toMatchObject({ nPublished: 21, nErrors: 0 });
  });
});
