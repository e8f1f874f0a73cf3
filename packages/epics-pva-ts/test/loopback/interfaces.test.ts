/** Servers on one interface or several, groups, lists of addresses to ignore: who hears whom, and how often. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { searchDatagrams } from '../../src/connection/search-batch.ts';
import type { Endpoint } from '../../src/endpoint.ts';
import { Command } from '../../src/frame/command.ts';
import { decodeDatagram, readPayload } from '../../src/message/datagram.ts';
import { decodeSearchResponse, type SearchResponse } from '../../src/message/search.ts';
import { Server } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, keep, serve } from '../support/loopback.ts';

const INT = struct('', { value: 'int' });
const int = (value: number): SharedPV => SharedPV.mailbox(Value.create(INT, { value }));
/** 127.0.0.2 and the like exist by themselves on Linux only: elsewhere there is one loopback address. */
const linux = process.platform === 'linux';

const sockets: dgram.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

interface Answer extends SearchResponse {
  readonly source: Endpoint;
}

/** A client of its own, to see every answer and where it comes from. */
async function asker(address = '127.0.0.1') {
  const socket = dgram.createSocket('udp4');
  sockets.push(socket);
  socket.bind(0, address);
  await once(socket, 'listening');
  const answers = new Happenings<Answer>();
  socket.on('message', (bytes, source) => {
    for (const m of decodeDatagram(bytes))
      if (m.command === Command.SEARCH_RESPONSE)
        answers.push({ ...decodeSearchResponse(readPayload(m)), source });
  });
  const ask = (names: readonly string[], ...to: Endpoint[]): void => {
    const channels = names.map((name, cid) => ({ cid, name }));
    for (const { unicast } of searchDatagrams(channels, socket.address().port))
      for (const { address: host, port } of to) socket.send(unicast, port, host);
  };
  return { ask, answers, port: socket.address().port };
}

describe.runIf(linux)('a server on one interface', () => {
  it('answers from its address, and clients connect to it there', async () => {
    const server = await serve({ a: int(2) }, { interfaces: ['127.0.0.2'] });
    const { ask, answers } = await asker();
    ask(['a'], { address: '127.0.0.2', port: server.udpPort });
    await answers.count(1);
    const [answer] = answers.all;
    expect(answer).toMatchObject({ found: true, serverAddress: '0.0.0.0', serverPort: server.tcpPort });
    expect(answer?.source.address).toBe('127.0.0.2');
    const context = clientOf(server);
    expect((await context.info('a')).server).toBe(`127.0.0.2:${server.tcpPort}`);
  });

  it('beside one on another interface is told apart from it', async () => {
    const two = await serve({ a: int(2) }, { interfaces: ['127.0.0.2'] });
    const three = await serve({ b: int(3) }, { interfaces: ['127.0.0.3'], udpPort: two.udpPort });
    const context = clientOf(two, {
      addressList: [`127.0.0.2:${two.udpPort}`, `127.0.0.3:${two.udpPort}`],
      interfaces: ['127.0.0.1'],
    });
    expect((await context.info('a')).server).toBe(`127.0.0.2:${two.tcpPort}`);
    expect((await context.info('b')).server).toBe(`127.0.0.3:${three.tcpPort}`);
  });

  it('has the TCP port given behind it', async () => {
    const probe = await serve({});
    const port = probe.tcpPort;
    await probe.close();
    const server = await serve({ a: int(1) }, { interfaces: [`127.0.0.2:${port}`, '127.0.0.3'] });
    expect(server.tcpPort).toBe(port);
    expect((await clientOf(server).get('a')).get('value')).toBe(1);
  });
});

describe.runIf(linux)('a search that reaches a server by several ways', () => {
  it('is answered once', async () => {
    const server = await serve({ a: int(1) }, { interfaces: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] });
    const { ask, answers } = await asker();
    const to = ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => ({ address, port: server.udpPort }));
    ask(['a'], ...to);
    await answers.count(1);
    // What had been answered twice would arrive before the answer to this one.
    ask(['a', 'b'], to[0] as Endpoint);
    await answers.count(2);
    ask(['b', 'a'], to[1] as Endpoint);
    await answers.count(3);
    expect(answers.all.map((a) => a.cids)).toEqual([[0], [0], [1]]);
  });
});

describe('ignored clients', () => {
  it('get no answer: by address, by name, by port', async () => {
    const one = await asker();
    const two = await asker();
    const server = keep(
      Server.isolated({
        ignoreAddrs: [`console:${one.port}`],
        lookup: async (host) => (host === 'console' ? ['127.0.0.1'] : []),
      }),
    );
    server.addPV('a', int(1));
    await server.start();
    const to = { address: '127.0.0.1', port: server.udpPort };
    one.ask(['a'], to);
    two.ask(['a'], to);
    await two.answers.count(1);
    two.ask(['a', 'a'], to);
    await two.answers.count(2);
    expect(one.answers.all).toEqual([]);
  });
});

describe('a multicast group on the loopback interface', () => {
  it('in an interface list is joined: searches sent there are answered', async () => {
    const server = await serve({ a: int(5) }, { interfaces: ['127.0.0.1', '239.255.80.42@127.0.0.1'] });
    const context = clientOf(server, {
      addressList: [`239.255.80.42:${server.udpPort},1@127.0.0.1`],
    });
    expect((await context.get('a')).get('value')).toBe(5);
  });

  it('in a beacon list is sent beacons, which clients of the group hear', async () => {
    const first = await serve({});
    const group = `239.255.80.43:${first.udpPort},1@127.0.0.1`;
    const context = clientOf(first, { interfaces: ['127.0.0.1', '239.255.80.43@127.0.0.1'] });
    const seen = new Happenings<string>();
    context.discover(({ event, peer }) => seen.push(`${event} ${peer.replace(/:.*/, '')}`), { ping: false });
    await expect
      .poll(async () => {
        const server = await serve({}, { udpPort: first.udpPort, beaconDestinations: [group] });
        await server.close();
        return seen.all.length;
      })
      .toBeGreaterThan(0);
    expect(seen.all[0]).toBe('online 127.0.0.1');
  });
});

describe('a server on all interfaces', () => {
  it('is reached over both families on one TCP port, and sees IPv4 clients as such', async () => {
    const peers: string[] = [];
    const pv = new SharedPV({
      onPut: (self, value, client) => {
        peers.push(client.peer.replace(/:\d+$/, ''));
        self.post(value);
      },
    });
    pv.open(Value.create(INT, { value: 0 }));
    const server = await serve({ a: pv }, { interfaces: ['0.0.0.0'] });
    const context = clientOf(server);
    expect(context.config.addressList).toEqual([`127.0.0.1:${server.udpPort}`]);
    await context.put('a', 1);
    expect(peers).toEqual(['127.0.0.1']);
  });
});
