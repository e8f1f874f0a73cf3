/** A receiver without a queue: one object at a time, and what else its server has to say comes all the same. */
import { Context, Server, SharedPV, struct, Value } from 'epics-pva-ts';
import { expect, vi } from 'vitest';
import { MonitorReceiver } from '../../src/input/monitor-receiver.ts';
import { createLogging } from '../../src/log.ts';
import { it, until, type World } from '../e2e/support/world.ts';

const TYPE = struct('', { n: 'int' });
const { logger } = createLogging({ name: 'test', level: 'critical' });

interface Received {
  readonly receiver: MonitorReceiver;
  /** Of the same server, hence on the same connection as the objects. */
  readonly context: Context;
  /** The objects whose processing has begun. */
  readonly seen: unknown[];
  /** Ends the processing of the oldest one. */
  done(): void;
  post(n: number): void;
}

/** A server's channel `image`, whose objects are processed until the test says so, and another one. */
async function receive(world: World): Promise<Received> {
  const images = SharedPV.readonly(Value.create(TYPE, { n: 1 }));
  const metadata = SharedPV.readonly(Value.create(TYPE, { n: 10 }));
  const server = world.own(
    await Server.isolated().addPV('image', images).addPV('metadata', metadata).start(),
  );
  const context = world.own(new Context(server.clientConfig()));
  const seen: unknown[] = [];
  const ends: (() => void)[] = [];
  const receiver = new MonitorReceiver({
    context,
    channel: 'image',
    pvRequest: 'record[queueSize=10]field()',
    receiverQueueSize: -1,
    handle: (value) => {
      seen.push(value.get('n'));
      return new Promise((resolve) => ends.push(resolve));
    },
    logger,
  });
  receiver.start();
  await until(() => expect(seen).toEqual([1]));
  return {
    receiver,
    context,
    seen,
    done: () => ends.shift()?.(),
    post: (n) => images.post(Value.create(TYPE, { n }).mark()),
  };
}

it('what the server sends behind an object arrives while that is processed', async ({ world }) => {
  const { receiver, context, seen, done } = await receive(world);
  expect((await context.get('metadata')).get('n')).toBe(10);
  expect(seen).toEqual([1]);
  done();
  await receiver.stop(1000);
  expect(receiver.stats.nReceived).toBe(1);
});

it('objects are processed one at a time, in order; further ones stay with the server', async ({ world }) => {
  const { receiver, context, seen, done, post } = await receive(world);
  for (let n = 2; n <= 5; n++) post(n);
  // The second of them has come, and holds the connection.
  let answered = false;
  const answer = context.get('metadata').then(() => {
    answered = true;
  });
  for (let n = 1; n <= 4; n++) {
    await until(() => expect(seen).toHaveLength(n));
    expect(receiver.stats.nReceived).toBe(n);
    expect(answered).toBe(false);
    done();
  }
  await until(() => expect(seen).toEqual([1, 2, 3, 4, 5]));
  await answer;
  done();
  await receiver.stop(1000);
});

it('an object that waits when the receiver is stopped was not received', async ({ world }) => {
  const { receiver, seen, done, post } = await receive(world);
  const waits = vi.spyOn(receiver as unknown as { takeInTurn(): Promise<void> }, 'takeInTurn');
  post(2);
  await until(() => expect(waits).toHaveBeenCalled());
  const stopped = receiver.stop(5000);
  done();
  await stopped;
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([1]);
  expect(receiver.stats.nReceived).toBe(1);
});
