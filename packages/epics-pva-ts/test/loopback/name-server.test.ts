/** Names searched for over TCP (EPICS_PVA_NAME_SERVERS): no datagram is needed. */
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/client/context.ts';
import { clientConfigFromEnv } from '../../src/config.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { Happenings, keep, serve, serveAgain } from '../support/loopback.ts';

const INT = struct('', { value: 'int' });
const int = (value: number): SharedPV => SharedPV.mailbox(Value.create(INT, { value }));

/** A client that knows name servers only; its searches over UDP go nowhere. */
function client(...nameServers: string[]): Context {
  const config = clientConfigFromEnv({
    EPICS_PVA_NAME_SERVERS: nameServers.join(' '),
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVA_BROADCAST_PORT: '9',
  });
  return keep(new Context(config));
}

describe('name servers', () => {
  it('are asked over TCP, and the channel is created where the answer came from', async () => {
    const one = await serve({ a: int(1) });
    const two = await serve({ b: int(2) });
    const context = client(`127.0.0.1:${one.tcpPort}`, `localhost:${two.tcpPort}`);
    const [a, b] = await Promise.all([context.get('a'), context.get('b')]);
    expect([a.get('value'), b.get('value')]).toEqual([1, 2]);
    expect((await context.info('a')).server).toBe(`127.0.0.1:${one.tcpPort}`);
    await expect(context.get('c', { timeout: 0.1 })).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    // One connection each, for searches and channels alike.
    await expect.poll(() => [one.clientCount, two.clientCount]).toEqual([1, 1]);
  });

  it('that know nothing of each other serve what they have; one that is down does no harm', async () => {
    const one = await serve({ a: int(1) });
    const gone = await serve({});
    await gone.close();
    const context = client(`127.0.0.1:${gone.tcpPort}`, `127.0.0.1:${one.tcpPort}`);
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    for (const [i, name] of names.entries()) one.addPV(name, int(i));
    const values = await Promise.all(names.map(async (name) => (await context.get(name)).get('value')));
    expect(values).toEqual(names.map((_, i) => i));
    expect(one.clientCount).toBe(1);
  });

  it('that come back are connected again, and their monitors with them', async () => {
    const first = await serve({ a: int(1) });
    const context = client(`127.0.0.1:${first.tcpPort}`);
    const seen = new Happenings<unknown>();
    context.monitor('a', {}, { update: (v) => seen.push(v.get('value')) });
    await seen.count(1);
    await first.close();
    await serveAgain(first, { a: int(2) });
    await seen.count(2);
    expect(seen.all).toEqual([1, 2]);
  });
});
