/**
 * Monitors that a server ends, because the client may no longer read or by the protocol's own ending: who depends on them
 * knows, and goes on when it may.
 */
import { AccessSecurity, Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { MetadataChannel } from '../../src/input/metadata-channel.ts';
import { MonitorReceiver } from '../../src/input/monitor-receiver.ts';
import { createLogging, type Logger } from '../../src/log.ts';
import { MirrorChannel } from '../../src/mirror/mirror-channel.ts';
import { it, until, type World } from '../e2e/support/world.ts';

const NOBODY = AccessSecurity.parse('ASG(DEFAULT) { }');
const TYPE = struct('', { n: 'int' });
const { logger } = createLogging({ name: 'test', level: 'critical' });

async function source(world: World): Promise<{ server: Server; pv: SharedPV }> {
  const pv = SharedPV.readonly(Value.create(TYPE, { n: 1 }));
  const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
  world.own(await server.addPV('source', pv).start());
  return { server, pv };
}

it('a receiver is not connected any more, and says why', async ({ world }) => {
  const { server } = await source(world);
  const lost: string[] = [];
  const receiver = new MonitorReceiver({
    context: world.context,
    channel: 'source',
    pvRequest: '',
    receiverQueueSize: -1,
    handle: () => {},
    onDisconnected: (why) => void lost.push(why),
    logger,
  });
  receiver.start();
  await until(() => expect(receiver.stats.nReceived).toBe(1));
  await server.setAccessSecurity(NOBODY);
  await until(() => expect(lost).toEqual([expect.stringMatching(/^source: read access denied/)]));
  expect(receiver.connected).toBe(false);
  await receiver.stop(0);
});

it('a mirror goes away, and comes back with the value there is then, of whatever type', async ({ world }) => {
  const { server, pv } = await source(world);
  const own = world.own(await Server.isolated().start());
  const spec = { mirror: 'mirror', source: 'source', queueSize: 10, nMonitors: 1, request: '' };
  const mirror = new MirrorChannel({ spec, server: own, provider: world.context, logger });
  mirror.start();
  await until(() => expect(mirror.connected).toBe(true));
  await server.setAccessSecurity(NOBODY);
  await until(() => expect(mirror.connected).toBe(false));
  expect(own.names()).not.toContain('mirror');
  expect(mirror.stats).toMatchObject({ nDisconnects: 1, nPublished: 1 });
  await server.setAccessSecurity(null);
  pv.close();
  pv.open(Value.create(struct('', { text: 'string' }), { text: 'new' }));
  await until(() => expect(mirror.connected).toBe(true));
  expect(mirror.stats).toMatchObject({ nDisconnects: 1, nReceived: 2, nPublished: 2 });
  expect(own.names()).toContain('mirror');
});

/** What is logged at warning. */
function warnings(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const output = { write: (text: string) => void lines.push(text) };
  return { logger: createLogging({ name: 'test', level: 'warning', output }).logger, lines };
}

const AGAIN = /the server ended the monitor of source; subscribing again/;

describe.concurrent('a monitor that the server ends in good order is begun again:', () => {
  it('of a receiver, which stays paused if it was', async ({ world }) => {
    const { pv } = await source(world);
    const { logger, lines } = warnings();
    const lost: string[] = [];
    const held: unknown[] = [];
    const seen: unknown[] = [];
    const receiver = new MonitorReceiver({
      context: world.context,
      channel: 'source',
      pvRequest: '',
      receiverQueueSize: -1,
      nHeld: (connection) => (connection > 0 ? 1 : 0),
      handle: (value) => void seen.push(value.get('n')),
      handleHeld: (value) => void held.push(value.get('n')),
      onDisconnected: (why) => void lost.push(why),
      logger,
    });
    receiver.start();
    await until(() => expect(seen).toEqual([1]));
    pv.finish();
    await until(() => expect(lost).toEqual(['the server ended the stream']));
    expect(receiver.connected).toBe(false);
    await until(() => expect(held).toEqual([1]));
    expect(receiver.connected).toBe(true);
    pv.post(Value.create(TYPE, { n: 2 }).mark());
    await until(() => expect(seen).toEqual([1, 2]));
    receiver.pause();
    pv.finish();
    await until(() => expect(lost).toHaveLength(2));
    await until(() => expect(receiver.connected).toBe(true));
    pv.post(Value.create(TYPE, { n: 3 }).mark());
    await world.context.get('source');
    expect(seen).toEqual([1, 2]);
    receiver.resume();
    // What the channel held then is one more that is no news.
    await until(() => expect(held).toEqual([1, 3]));
    expect(lines).toEqual([expect.stringMatching(AGAIN), expect.stringMatching(AGAIN)]);
    await receiver.stop(0);
  });

  it('of a metadata channel', async ({ world }) => {
    const { pv } = await source(world);
    const { logger, lines } = warnings();
    const metadata = new MetadataChannel({
      provider: world.context,
      id: 1,
      channel: 'source',
      queueSize: 10,
      serverQueueSize: 0,
      logger,
    });
    metadata.start();
    await until(() => expect(metadata.length).toBe(1));
    pv.finish();
    await until(() => expect(metadata.stats.connected).toBe(false));
    await until(() => expect(metadata.length).toBe(2));
    expect(metadata.stats).toMatchObject({ connected: true, nReceived: 2, nOverruns: 0 });
    expect(lines).toEqual([expect.stringMatching(AGAIN)]);
    metadata.stop();
  });

  it('of a mirror, all its monitors with one line', async ({ world }) => {
    const { pv } = await source(world);
    const { logger, lines } = warnings();
    const own = world.own(await Server.isolated().start());
    const spec = { mirror: 'mirror', source: 'source', queueSize: 10, nMonitors: 3, request: '' };
    const mirror = new MirrorChannel({ spec, server: own, provider: world.context, logger });
    mirror.start();
    await until(() => expect(mirror.connectedMonitors).toBe(3));
    await until(() => expect(mirror.connected).toBe(true));
    pv.finish();
    await until(() => expect(mirror.connected).toBe(false));
    await until(() => expect(mirror.connectedMonitors).toBe(3));
    await until(() => expect(mirror.connected).toBe(true));
    expect(lines.filter((line) => AGAIN.test(line))).toHaveLength(1);
    expect(mirror.stats).toMatchObject({ nDisconnects: 1 });
    mirror.close();
  });
});
