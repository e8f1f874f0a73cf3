/** Monitors that a server ends because the client may no longer read: who depends on them knows, and goes on when it may. */
import { AccessSecurity, Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { expect } from 'vitest';
import { MonitorReceiver } from '../../src/input/monitor-receiver.ts';
import { createLogging } from '../../src/log.ts';
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
