/** What a client makes of beacons and of answers that contradict each other. Beacons here are forged, sockets real. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { SearchEngine } from '../../src/client/search-engine.ts';
import { type Endpoint, formatEndpoint } from '../../src/endpoint.ts';
import type { Beacon } from '../../src/message/beacon.ts';
import { beaconDatagram } from '../../src/message/datagram.ts';
import type { SearchResponse } from '../../src/message/search.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, keep, serve, serveAgain } from '../support/loopback.ts';

const INT = struct('', { value: 'int' });
const int = (value: number): SharedPV => SharedPV.mailbox(Value.create(INT, { value }));
const guid = (n: number): Uint8Array => new Uint8Array(12).fill(n);

const sockets: dgram.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

async function sender(port: number): Promise<(beacon: Partial<Beacon>) => void> {
  const socket = dgram.createSocket('udp4');
  sockets.push(socket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return (beacon) => {
    const datagram = beaconDatagram({
      guid: guid(1),
      sequence: 0,
      changeCount: 0,
      serverAddress: '0.0.0.0',
      serverPort: 5075,
      protocol: 'tcp',
      ...beacon,
    });
    socket.send(datagram, port, '127.0.0.1');
  };
}

/** A search engine alone, listening to the port of a server that is gone. */
async function engine() {
  const server = await serve({});
  await server.close();
  const found: string[] = [];
  const restarted = new Happenings<string>();
  const searches = new Happenings<string>();
  const self: SearchEngine = keep(
    new SearchEngine({
      config: server.clientConfig(),
      log: () => {},
      found: (cid, at: Endpoint) => found.push(`${cid} ${formatEndpoint(at)}`),
      searchNameServers: (channels) => {
        for (const { name } of channels) searches.push(name);
      },
      restarted: (at) => restarted.push(formatEndpoint(at)),
    }),
  );
  const port = server.udpPort;
  return { self, port, found, restarted, searches };
}

describe('beacons', () => {
  it('make names be searched at once; repeated and false ones do not', async () => {
    const { self, port, searches } = await engine();
    self.add(1, 'a', 'refused');
    const beacon = await sender(port);
    // The port is bound a moment after the first name was added.
    await expect
      .poll(() => {
        beacon({});
        return searches.all.length;
      })
      .toBe(1);
    expect(self.stats).toMatchObject({ servers: 1, boosts: 1, searching: 1, datagrams: 1 });
    for (let i = 0; i < 20; i++) beacon({ sequence: i });
    beacon({ serverPort: 0 });
    beacon({ protocol: 'x' });
    beacon({ serverPort: 5076 });
    await expect.poll(() => self.stats.servers).toBe(2);
    expect(self.stats.boosts).toBe(2);
  });

  it('of another process at a known address are reported, so that its connection is tried', async () => {
    const { self, port, restarted } = await engine();
    self.add(1, 'a');
    const beacon = await sender(port);
    await expect
      .poll(() => {
        beacon({});
        return self.stats.servers;
      })
      .toBe(1);
    beacon({ guid: guid(2) });
    await restarted.count(1);
    expect(restarted.all).toEqual(['127.0.0.1:5075']);
  });

  it('are forgotten after 360 s', async () => {
    const { self, port } = await engine();
    self.add(1, 'a');
    const beacon = await sender(port);
    await expect
      .poll(() => {
        beacon({});
        return self.stats.servers;
      })
      .toBe(1);
    self.tick(performance.now() + 300_000);
    expect(self.stats.servers).toBe(1);
    self.tick(performance.now() + 361_000);
    expect(self.stats.servers).toBe(0);
  });
});

describe('a search response', () => {
  const response = (change: Partial<SearchResponse> = {}): SearchResponse => ({
    guid: guid(1),
    sequence: 1,
    serverAddress: '0.0.0.0',
    serverPort: 5075,
    protocol: 'tcp',
    found: true,
    cids: [7],
    ...change,
  });

  it('names the host it came from, unless it names another', async () => {
    const { self, found } = await engine();
    self.onResponse(response(), { address: '10.0.0.7', port: 0 });
    self.onResponse(response({ serverAddress: 'fd00::9' }), { address: '10.0.0.7', port: 0 });
    self.onResponse(response({ serverAddress: 'fe80::9' }), { address: 'fe80::1%eth0', port: 0 });
    // Over TCP, port 0 is that of the connection.
    self.onResponse(response({ serverPort: 0 }), { address: '10.0.0.7', port: 6075 });
    expect(found).toEqual([
      '7 10.0.0.7:5075',
      '7 [fd00::9]:5075',
      '7 [fe80::9%eth0]:5075',
      '7 10.0.0.7:6075',
    ]);
  });

  it('that finds nothing, has no port or another protocol is none', async () => {
    const { self, found } = await engine();
    const from = { address: '10.0.0.7', port: 0 };
    self.onResponse(response({ found: false }), from);
    self.onResponse(response({ serverPort: 0 }), from);
    self.onResponse(response({ protocol: 'tls' }), from);
    expect(found).toEqual([]);
  });
});

describe('two servers with the same name', () => {
  it('are reported once; the first that answered is used', async () => {
    const one = await serve({ a: int(1) });
    const two = await serveAgain(one, { a: int(2) }, { tcpPort: 0 });
    const log = new Happenings<string>();
    const context = clientOf(one, { log: (_level, text) => text.includes('served by') && log.push(text) });
    const used = (await context.info('a')).server;
    await log.count(1);
    const other = [one, two].map((s) => `127.0.0.1:${s.tcpPort}`).find((s) => s !== used);
    expect(log.all).toEqual([`'a' is served by ${used} and by ${other}; the first is used`]);
  });
});

describe('a client', () => {
  it('does not find servers it was told to ignore', async () => {
    const one = await serve({ a: int(1), only: int(3) });
    const two = await serveAgain(one, { a: int(2) }, { tcpPort: 0 });
    const context = clientOf(one);
    context.ignoreServerGuids([one.guid.toUpperCase()]);
    expect((await context.get('a')).get('value')).toBe(2);
    expect((await context.info('a')).server).toBe(`127.0.0.1:${two.tcpPort}`);
    await expect(context.get('only', { timeout: 0.2 })).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    context.ignoreServerGuids([]);
    expect((await context.get('only')).get('value')).toBe(3);
  });

  it('in a hurry searches at once for what is missing, and says how often', async () => {
    const { self, searches } = await engine();
    self.add(1, 'a', 'refused');
    await expect.poll(() => self.stats.searching).toBe(1);
    self.hurryUp();
    await searches.count(1);
    expect(self.stats).toMatchObject({ names: 1, boosts: 1, boostsHeldOff: 0 });
  });
});
