/** `Context.discover`: servers reported as they come and go, by pings and by beacons. */
import { describe, expect, it } from 'vitest';
import type { DiscoveredServer } from '../../src/client/discovery.ts';
import type { Server } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { clientOf, Happenings, serve, serveAgain } from '../support/loopback.ts';

const at = (server: Server): string => `127.0.0.1:${server.tcpPort}`;
const online = (all: readonly DiscoveredServer[]) => all.filter((s) => s.event === 'online');

describe('discover', () => {
  it('reports the servers that answer a ping, each once, with GUID, address and protocol', async () => {
    const one = await serve({});
    const two = await serve({});
    const context = clientOf(one, { addressList: [`127.0.0.1:${one.udpPort}`, `127.0.0.1:${two.udpPort}`] });
    const seen = new Happenings<DiscoveredServer>();
    const discovery = context.discover((server) => seen.push(server), { pingInterval: 0.1 });
    await seen.count(2);
    expect(seen.all.map((s) => s.server).sort()).toEqual([at(one), at(two)].sort());
    for (const s of seen.all) {
      expect(s).toMatchObject({ event: 'online', protocol: 'tcp', peerVersion: 2 });
      expect(s.guid).toMatch(/^[0-9a-f]{24}$/);
      expect(s.peer).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(Math.abs(Date.now() - s.time.getTime())).toBeLessThan(10_000);
    }
    expect(seen.all.map((s) => s.guid).sort()).toEqual([one.guid, two.guid].sort());
    // Many more pings are answered before a server that comes last is.
    const three = await serveAgain(two, {}, { tcpPort: 0 });
    await seen.count(3);
    expect(seen.all[2]?.server).toBe(at(three));
    expect(
      discovery
        .servers()
        .map((s) => s.server)
        .sort(),
    ).toEqual([at(one), at(two), at(three)].sort());
    discovery.close();
    discovery.close();
  });

  it('reports a server that closes when it is silent for long enough, and one that is replaced at once', async () => {
    const one = await serve({});
    const two = await serve({});
    const context = clientOf(one, { addressList: [`127.0.0.1:${one.udpPort}`, `127.0.0.1:${two.udpPort}`] });
    const seen = new Happenings<DiscoveredServer>();
    context.discover((server) => seen.push(server), { pingInterval: 0.1, lostAfter: 4 });
    await seen.count(2);
    await two.close();
    await seen.count(3);
    const [first] = online(seen.all).filter((s) => s.server === at(two));
    expect(seen.all[2]).toMatchObject({ event: 'offline', server: at(two), guid: first?.guid });

    const known = seen.all.find((s) => s.server === at(one));
    await one.close();
    await serveAgain(one, {});
    await seen.count(5);
    expect(seen.all[3]).toMatchObject({ event: 'offline', server: at(one), guid: known?.guid });
    expect(seen.all[4]).toMatchObject({ event: 'online', server: at(one) });
    expect(seen.all[4]?.guid).not.toBe(known?.guid);
  });

  it('hears beacons without asking, and tells a later call what is known', async () => {
    const one = await serve({ a: SharedPV.mailbox() });
    const context = clientOf(one);
    const seen = new Happenings<DiscoveredServer>();
    context.discover((server) => seen.push(server), { ping: false });
    // Connected to its port before the beacon of the second server is sent.
    await context.info('a', { timeout: 0.05 }).catch(() => {});
    await expect
      .poll(async () => {
        const two = await serveAgain(one, {}, { tcpPort: 0 });
        await two.close();
        return seen.all.length;
      })
      .toBeGreaterThan(0);
    expect(seen.all[0]).toMatchObject({ event: 'online', protocol: 'tcp' });
    const later = new Happenings<DiscoveredServer>();
    const second = context.discover((server) => later.push(server), { ping: false });
    expect(later.all[0]?.server).toBe(seen.all[0]?.server);
    expect(second.servers()[0]?.server).toBe(seen.all[0]?.server);
  });

  it('reports nothing after close, and refuses what cannot be', async () => {
    const one = await serve({});
    const context = clientOf(one);
    const seen: DiscoveredServer[] = [];
    const discovery = context.discover((server) => seen.push(server), { pingInterval: 0.05 });
    discovery.close();
    const other = new Happenings<DiscoveredServer>();
    context.discover((server) => other.push(server));
    await other.count(1);
    expect(seen).toEqual([]);
    expect(() => context.discover(() => {}, { lostAfter: 0 })).toThrow('lostAfter');
    expect(() => context.discover(() => {}, { pingInterval: Number.NaN })).toThrow('pingInterval');
    await context.close();
    expect(() => context.discover(() => {})).toThrow('closed');
  });
});
