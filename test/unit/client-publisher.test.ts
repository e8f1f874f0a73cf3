/** Output by put or call: what is not acknowledged is bounded, holds the stage back, and is counted and told. */
import { Context, Server, SharedPV, struct, Value } from 'epics-pva-ts';
import { describe, expect, vi } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { ClientPublisher } from '../../src/output/client-publisher.ts';
import { it, until, type World } from '../e2e/support/world.ts';

const object = Value.create(struct('', { n: 'int' }), { n: 1 });

function publisherOf(context: Context, channel: string, lines: string[] = []): ClientPublisher {
  const output = { write: (text: string) => void lines.push(text) };
  return new ClientPublisher({
    mode: 'pva',
    context,
    channel,
    logger: createLogging({ name: 'test', output }).logger,
  });
}

/** A next stage that answers when it is told to. */
async function stage(
  world: World,
): Promise<{ publisher: ClientPublisher; answer(count: number): Promise<void> }> {
  const answers: (() => void)[] = [];
  const pv = new SharedPV({ onPut: () => new Promise((resolve) => answers.push(resolve)) });
  pv.open(object);
  const server = world.own(await Server.isolated().addPV('next', pv).start());
  const context = world.own(new Context(server.clientConfig()));
  return {
    publisher: publisherOf(context, 'next'),
    answer: async (count) => {
      await until(() => expect(answers.length).toBeGreaterThanOrEqual(count));
      for (const one of answers.splice(0, count)) one();
    },
  };
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

describe('objects on their way', () => {
  it('are few until answers are known to come quickly, and few again when they do not', async ({ world }) => {
    const { publisher, answer } = await stage(world);
    expect(fill(publisher)).toBe(8);
    await answer(8);
    await until(() => expect(publisher.stats.nPublished).toBe(8));
    expect(fill(publisher)).toBe(32);
    // A slow answer, by the clock: 32 such objects would not be answered in time.
    const clock = vi.spyOn(performance, 'now');
    const now = performance.now();
    clock.mockReturnValue(now + 1000);
    let room = false;
    const waiting = publisher.saturated?.then(() => {
      room = true;
    });
    await answer(24);
    await until(() => expect(publisher.stats.nPublished).toBe(32));
    expect(room).toBe(false);
    await answer(1);
    await waiting;
    clock.mockRestore();
    await answer(7);
    await publisher.stop(5000);
    expect(publisher.stats).toMatchObject({ nPublished: 40, nErrors: 0 });
  });

  it('that one object was made into hold the stage back until there is room again', async ({ world }) => {
    const { publisher, answer } = await stage(world);
    for (let n = 0; n < 20; n++) publisher.publish(object);
    // Every answer is slow.
    const clock = vi.spyOn(performance, 'now');
    clock.mockReturnValue(performance.now() + 1000);
    let room = false;
    const waiting = publisher.saturated?.then(() => {
      room = true;
    });
    await answer(12);
    await until(() => expect(publisher.stats.nPublished).toBe(12));
    expect(room).toBe(false);
    await answer(1);
    await waiting;
    clock.mockRestore();
    await answer(7);
    await publisher.stop(5000);
  });
});
