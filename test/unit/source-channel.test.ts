/**
 * One producer of a collector, with a receiver queue, behind a processor that takes its time: what the channel held
 * when it was connected is no object, and nothing else is left out, however often it is connected again meanwhile.
 */
import { Server, type ServerReport, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { SourceChannel } from '../../src/pipeline/collector/source-channel.ts';
import { it, until, type World } from '../e2e/support/world.ts';

const TYPE = struct('', { uniqueId: 'int' });
const object = (uniqueId: number): Value => Value.create(TYPE, { uniqueId });

interface Setup {
  readonly receiverQueueSize: number;
  readonly skipInitialUpdates?: number;
}

/** A producer on its server, and what happens to its objects: nothing is taken but by `take`. */
async function make(world: World, { receiverQueueSize, skipInitialUpdates = 1 }: Setup) {
  const server = world.own(await new Server({ ...serverConfigFromEnv(world.env) }).start());
  const events: string[] = [];
  const taken: (() => void)[] = [];
  let pv: SharedPV;
  const source = new SourceChannel({
    context: world.context,
    producerId: 1,
    channel: 'producer',
    pvRequest: 'record[queueSize=100]field()',
    receiverQueueSize,
    objectIdField: 'uniqueId',
    skipInitialUpdates,
    onObject: (id, value) => {
      events.push(`object ${id}`);
      value.release();
      return new Promise((resolve) => taken.push(resolve));
    },
    onSkipped: (value) => void events.push(`skipped ${value.tryGet('uniqueId')}`),
    onConnected: () => {},
    onDisconnected: () => {},
    onGone: () => void events.push('gone'),
    logger: createLogging({ name: 'test' }).logger,
  });
  const post = (...ids: number[]): void => {
    for (const id of ids) pv.post(object(id));
  };
  const send = async (...ids: number[]): Promise<void> => {
    const { nReceived } = source.receiverStats;
    post(...ids);
    await until(() => expect(source.receiverStats.nReceived).toBe(nReceived + ids.length));
  };
  /** The producer is there, holds one object, and sends others. */
  const serve = async (held: number, ...ids: number[]): Promise<void> => {
    const { nReceived } = source.receiverStats;
    pv = SharedPV.readonly(object(held));
    server.addPV('producer', pv);
    await until(() => expect(source.receiverStats.nReceived).toBe(nReceived + 1));
    await send(...ids);
  };
  const sendOther = async (): Promise<void> => {
    const { nReceived } = source.receiverStats;
    pv.close();
    pv.open(Value.create(struct('', { another: 'int' }), { another: 1 }));
    await until(() => expect(source.receiverStats.nReceived).toBe(nReceived + 1));
    pv.post(Value.create(struct('', { another: 'int' }), { another: 2 }));
    await until(() => expect(source.receiverStats.nReceived).toBe(nReceived + 2));
  };
  const leave = async (): Promise<void> => {
    server.removePV('producer');
    pv.close();
    await until(() => expect(source.connected).toBe(false));
  };
  const take = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i++) {
      await until(() => expect(taken.length).toBeGreaterThan(0));
      (taken.shift() as () => void)();
    }
  };
  source.start();
  return { events, source, serve, post, send, sendOther, leave, take, server };
}

/** The monitors of a connection that are not paused. */
function runningMonitors({ channels }: ServerReport['connections'][number]): unknown[] {
  return channels.flatMap(({ monitors }) => monitors.filter(({ running }) => running));
}

describe('a producer with a receiver queue', () => {
  it('that comes back while objects are queued: what it holds then is no object, those queued are', async ({
    world,
  }) => {
    const { events, source, serve, leave, take } = await make(world, { receiverQueueSize: 100 });
    await serve(0, 1, 2, 3);
    await until(() => expect(events).toEqual(['skipped 0', 'object 1']));
    await leave();
    await serve(3, 4, 5);
    await leave();
    await serve(5, 6);
    await take(6);
    await until(() =>
      expect(events).toEqual([
        'skipped 0',
        'object 1',
        'object 2',
        'object 3',
        'skipped 3',
        'object 4',
        'object 5',
        'skipped 5',
        'object 6',
      ]),
    );
    await source.stop(1000);
  });

  it('that refused what the channel held: the next object is one', async ({ world }) => {
    const { events, source, serve, send, leave, take } = await make(world, { receiverQueueSize: 1 });
    await serve(0, 1);
    await until(() => expect(events).toEqual(['skipped 0', 'object 1']));
    await send(2);
    await leave();
    // No room: 2 waits for 1.
    await serve(2);
    expect(source.stats.queueStats).toMatchObject({ nQueued: 1, nRejected: 1 });
    await take(1);
    await until(() => expect(events.slice(2)).toEqual(['object 2']));
    await send(3);
    await take(2);
    expect(events.slice(2)).toEqual(['object 2', 'object 3']);
    await source.stop(1000);
  });

  it('is gone only when the last of its objects has been taken', async ({ world }) => {
    const { events, source, serve, leave, take } = await make(world, { receiverQueueSize: 100 });
    await serve(0, 1, 2);
    await until(() => expect(events).toEqual(['skipped 0', 'object 1']));
    await leave();
    expect(events).not.toContain('gone');
    await take(2);
    await until(() => expect(events).toEqual(['skipped 0', 'object 1', 'object 2', 'gone']));
    await source.stop(1000);
  });
});

describe('a producer that is paused and resumed at once', () => {
  it('what was on its way is no repetition, and what the channel then repeats is no object', async ({
    world,
  }) => {
    const { events, source, serve, post, send, take } = await make(world, { receiverQueueSize: 100 });
    await serve(0, 1);
    source.pause();
    // The server has not heard of it yet.
    post(2, 3);
    source.resume();
    await until(() => expect(source.receiverStats.nReceived).toBe(5));
    await send(4);
    await take(4);
    await until(() =>
      expect(events).toEqual(['skipped 0', 'object 1', 'object 2', 'object 3', 'skipped 3', 'object 4']),
    );
    await source.stop(1000);
  });

  it('and lost meanwhile, goes on as one that was lost', async ({ world }) => {
    const { events, source, serve, leave, take } = await make(world, { receiverQueueSize: 100 });
    await serve(0, 1);
    await until(() => expect(events).toEqual(['skipped 0', 'object 1']));
    source.pause();
    source.resume();
    await leave();
    await serve(1, 2);
    await take(2);
    await until(() => expect(events.slice(2)).toEqual(['gone', 'skipped 1', 'object 2']));
    await source.stop(1000);
  });

  it('and paused again, sends nothing until it is resumed', async ({ world }) => {
    const { events, source, serve, send, take, server } = await make(world, { receiverQueueSize: 100 });
    await serve(0, 1);
    source.pause();
    source.resume();
    source.pause();
    await until(() => expect(server.report().connections.flatMap(runningMonitors)).toEqual([]));
    await world.context.info('producer');
    expect(source.receiverStats.nReceived).toBe(2);
    source.resume();
    await until(() => expect(source.receiverStats.nReceived).toBe(3));
    await send(2);
    await take(2);
    await until(() => expect(events).toEqual(['skipped 0', 'object 1', 'skipped 1', 'object 2']));
    await source.stop(1000);
  });
});

describe('a producer without a receiver queue', () => {
  it('skips so many updates of each connection, and is gone at once', async ({ world }) => {
    const { events, source, serve, leave } = await make(world, {
      receiverQueueSize: -1,
      skipInitialUpdates: 2,
    });
    await serve(0, 1);
    await leave();
    await serve(5, 6);
    await until(() => expect(events).toEqual(['skipped 0', 'skipped 1', 'gone', 'skipped 5', 'skipped 6']));
    await leave();
    expect(events.at(-1)).toBe('gone');
    await source.stop(1000);
  });

  it('whose objects lose their id is refused them, and heard again', async ({ world }) => {
    const { events, source, serve, sendOther, leave } = await make(world, { receiverQueueSize: -1 });
    await serve(0);
    await sendOther();
    expect(source.stats.receiverStats.nRejected).toBe(1);
    await leave();
    await serve(3, 4);
    await until(() => expect(events.at(-1)).toBe('object 4'));
    await source.stop(1000);
  });
});
