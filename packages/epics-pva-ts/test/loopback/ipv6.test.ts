/** pvAccess over IPv6, on ::1. Without IPv6 on this host there is nothing to test, and the run says so. */
import dgram from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/client/context.ts';
import type { DiscoveredServer } from '../../src/client/discovery.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, keep, serve, serveAgain } from '../support/loopback.ts';

/** Why this host has no IPv6, as in many containers; without ::1 nothing here can run. */
const missing = await new Promise<string>((done) => {
  const socket = dgram.createSocket('udp6');
  socket.on('error', (error) => done(error.message));
  socket.bind({ address: '::1', port: 0, exclusive: true }, () => socket.close(() => done('')));
});
if (missing) console.log(`IPv6 tests are skipped: this host has no ::1 (${missing})`);

/** Linux has no route for IPv6 multicast on lo unless it is given one. */
const noMulticast =
  missing ||
  (await new Promise<string>((done) => {
    const socket = dgram.createSocket('udp6');
    socket.bind({ address: '::1', port: 0, exclusive: true }, () => {
      try {
        socket.setMulticastInterface('::%lo');
      } catch (error) {
        done((error as Error).message);
      }
      socket.send('', 9, 'ff02::8042', (error) => socket.close(() => done(error?.message ?? '')));
    });
  }));
if (!missing && noMulticast) console.log(`IPv6 multicast is not tested: ${noMulticast}`);

const INT = struct('', { value: 'int' });
const int = (value: number): SharedPV => SharedPV.mailbox(Value.create(INT, { value }));

describe.skipIf(missing !== '')('IPv6', () => {
  it('carries search, channel, monitor and put, on a server that has ::1 only', async () => {
    const pv = int(6);
    const server = await serve({ a: pv }, { interfaces: ['[::1]'] });
    const context = clientOf(server);
    expect(context.config.addressList).toEqual([`[::1]:${server.udpPort}`]);
    const seen = new Happenings<unknown>();
    context.monitor('a', {}, { update: (v) => seen.push(v.get('value')) });
    await seen.count(1);
    await context.put('a', 7);
    await seen.count(2);
    expect(seen.all).toEqual([6, 7]);
    expect((await context.info('a')).server).toBe(`[::1]:${server.tcpPort}`);
  });

  it('finds servers of both families with one client', async () => {
    const six = await serve({ six: int(6) }, { interfaces: ['[::1]'] });
    const four = await serve({ four: int(4) });
    const context = clientOf(four, {
      addressList: [`[::1]:${six.udpPort}`, `127.0.0.1:${four.udpPort}`],
      interfaces: ['127.0.0.1', '[::1]'],
    });
    expect((await context.get('six')).get('value')).toBe(6);
    expect((await context.get('four')).get('value')).toBe(4);
    const found = new Happenings<DiscoveredServer>();
    context.discover((s) => found.push(s));
    await found.count(2);
    expect(found.all.map((s) => s.server).sort()).toEqual(
      [`127.0.0.1:${four.tcpPort}`, `[::1]:${six.tcpPort}`].sort(),
    );
  });

  it('has name servers too, by address and by a name that has only IPv6', async () => {
    const server = await serve({ a: int(1) }, { interfaces: ['[::1]'] });
    for (const entry of [`[::1]:${server.tcpPort}`, `ns6:${server.tcpPort}`]) {
      const context = keep(
        new Context({
          ...server.clientConfig(),
          addressList: [],
          nameServers: [entry],
          lookup: async (host) => (host === 'ns6' ? ['::1'] : []),
        }),
      );
      expect((await context.get('a')).get('value')).toBe(1);
      expect((await context.info('a')).server).toBe(`[::1]:${server.tcpPort}`);
    }
  });

  it('passes unicast searches on to other servers of the port, as over IPv4', async () => {
    const first = await serve({ a: int(1) }, { interfaces: ['[::1]'] });
    await serveAgain(first, { b: int(2) }, { interfaces: ['[::1]'], tcpPort: 0 });
    const last = await serveAgain(first, { c: int(3) }, { interfaces: ['[::1]'], tcpPort: 0 });
    const context = clientOf(last);
    const values = await Promise.all(['a', 'b', 'c'].map(async (n) => (await context.get(n)).get('value')));
    expect(values).toEqual([1, 2, 3]);
  });

  it.skipIf(noMulticast !== '')('searches by multicast', async () => {
    const server = await serve({ a: int(3) }, { interfaces: ['[::1]', '[ff02::8042]@lo'] });
    const context = clientOf(server, { addressList: [`[ff02::8042]:${server.udpPort}@lo`] });
    expect((await context.get('a')).get('value')).toBe(3);
  });

  it('comes back after a restart', async () => {
    const first = await serve({ a: int(1) }, { interfaces: ['[::1]'] });
    const context = clientOf(first);
    const seen = new Happenings<unknown>();
    context.monitor('a', {}, { update: (v) => seen.push(v.get('value')) });
    await seen.count(1);
    await first.close();
    await serveAgain(first, { a: int(2) }, { interfaces: ['[::1]'] });
    await seen.count(2);
    expect(seen.all).toEqual([1, 2]);
  });
});
