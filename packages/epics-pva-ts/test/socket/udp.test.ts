/**
 * Real sockets on loopback: several servers share one UDP port, in one process and in several, and every one of them
 * hears a search that the system gives to only one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { BeaconSender } from '../../src/connection/beacon-sender.ts';
import { forwardedSearch } from '../../src/connection/fan-out.ts';
import { searchDatagrams } from '../../src/connection/search-batch.ts';
import { UdpResponder } from '../../src/connection/udp-responder.ts';
import type { Datagram } from '../../src/endpoint.ts';
import { ConfigError, PvaError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { decodeBeacon } from '../../src/message/beacon.ts';
import { decodeDatagram, readPayload } from '../../src/message/datagram.ts';
import { formatGuid, newGuid } from '../../src/message/guid.ts';
import { decodeSearchResponse, type SearchResponse } from '../../src/message/search.ts';
import { LOCAL_GROUP } from '../../src/socket/destinations.ts';
import { isLocalAddress } from '../../src/socket/interfaces.ts';
import { SearchSocket } from '../../src/socket/search-socket.ts';
import { UdpSocket } from '../../src/socket/udp.ts';
import { UdpListener } from '../../src/socket/udp-listener.ts';
import { Happenings } from '../support/happenings.ts';
import { end } from '../support/programs.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});
function keep<T extends { close(): Promise<unknown> }>(closable: T): T {
  closers.push(() => closable.close());
  return closable;
}

/** The UDP side of a server with one name. */
async function server(port: number, name: string, guid = newGuid()): Promise<UdpListener> {
  const responder = new UdpResponder({
    guid,
    tcpPort: 5075,
    findNames: (names) => names.map((n) => n === name),
    isLocalAddress,
  });
  const listener: UdpListener = await UdpListener.open({
    port,
    interfaces: ['127.0.0.1'],
    onDatagram: (datagram) => {
      const { reply, forward } = responder.handle(datagram);
      if (reply) listener.send(reply.bytes, reply.destination, reply.from);
      if (forward) listener.forwardLocal(forward);
    },
  });
  return keep(listener);
}

/** A client on loopback that collects replies. */
async function client(port: number): Promise<{ socket: SearchSocket; replies: Happenings<SearchResponse> }> {
  const replies = new Happenings<SearchResponse>();
  const socket = await SearchSocket.open({
    destinations: [{ address: '127.0.0.1', port, kind: 'unicast' }],
    interfaces: ['127.0.0.1'],
    onDatagram: ({ bytes }) => {
      for (const m of decodeDatagram(bytes))
        if (m.command === Command.SEARCH_RESPONSE) replies.push(decodeSearchResponse(readPayload(m)));
    },
  });
  return { socket: keep(socket), replies };
}

function search(socket: SearchSocket, names: string[]): void {
  const channels = names.map((name, cid) => ({ cid, name }));
  for (const datagrams of searchDatagrams(channels, socket.port)) socket.send(datagrams);
}

const cidsOf = (all: SearchResponse[]): number[] => all.flatMap((r) => [...r.cids]).sort((a, b) => a - b);

/** The local addresses of this port's UDP sockets, as Linux lists them. */
function boundAddresses(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[1] ?? '')
    .filter((local) => local.endsWith(`:${hex}`))
    .map((local) => [...Buffer.from(local.slice(0, 8), 'hex').reverse()].join('.'));
}

describe('servers that share a UDP port in one process', () => {
  it('each answer a unicast search, exactly once', async () => {
    const first = await server(0, 'a');
    const { port } = first;
    await server(port, 'b');
    await server(port, 'c');
    expect(first.localFanOutProblem).toBe('');
    const { socket, replies } = await client(port);
    search(socket, ['a', 'b', 'c', 'nobody']);
    await replies.until((all) => all.length >= 3);
    // Whatever was answered twice would be there before the answers to this second search.
    search(socket, ['a', 'b', 'c']);
    await replies.until((all) => all.length >= 6);
    expect(cidsOf(replies.all)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(new Set(replies.all.map((r) => formatGuid(r.guid))).size).toBe(3);
  });

  it('go on when the one that received everything ends', async () => {
    const first = await server(0, 'a');
    const last = await server(first.port, 'b');
    const { socket, replies } = await client(first.port);
    search(socket, ['a', 'b']);
    await replies.until((all) => all.length >= 2);
    await last.close();
    search(socket, ['a', 'b']);
    await replies.until((all) => all.length >= 3);
    expect(cidsOf(replies.all)).toEqual([0, 0, 1]);
  });

  it('are reached past a client that listens for beacons on the port', async () => {
    const first = await server(0, 'a');
    const listening: UdpListener = keep(
      await UdpListener.open({
        port: first.port,
        interfaces: ['127.0.0.1'],
        onDatagram: (datagram) => {
          const forward = forwardedSearch(datagram);
          if (forward) listening.forwardLocal(forward);
        },
      }),
    );
    const { socket, replies } = await client(first.port);
    search(socket, ['a']);
    await replies.until((all) => all.length >= 1);
    expect(cidsOf(replies.all)).toEqual([0]);
  });

  it('can tell every listener of the host of themselves by a beacon to the local group', async () => {
    const beacons = [new Happenings<Datagram>(), new Happenings<Datagram>()];
    let port = 0;
    for (const { push } of beacons) {
      const listener = await UdpListener.open({ port, interfaces: ['127.0.0.1'], onDatagram: push });
      port = keep(listener).port;
    }
    const sender = await server(port, 'a');
    const beacon = new BeaconSender({ guid: newGuid(), tcpPort: 5075, now: 0 }).due(0)!;
    sender.forwardLocal(beacon.withAddress('127.0.0.1'));
    for (const { until, all } of beacons.map((b) => ({ until: b.until.bind(b), all: b.all }))) {
      await until((seen) => seen.length > 0);
      expect(all[0]?.via).toBe('group');
      expect(decodeBeacon(readPayload(decodeDatagram(all[0]!.bytes)[0]!)).serverAddress).toBe('127.0.0.1');
    }
  });
});

describe('servers that share a UDP port in several processes', () => {
  async function child(port: number, name: string): Promise<ChildProcess> {
    const script = fileURLToPath(new URL('udp-child.ts', import.meta.url));
    const p = spawn(process.execPath, ['--import', 'jiti/register', script, String(port), name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    closers.push(() => end([p]));
    const [text] = (await once(p.stdout!, 'data')) as [Buffer];
    expect(text.toString()).toBe('ready\n');
    return p;
  }

  it('each answer a unicast search', async () => {
    // A server here keeps the port from anybody else while the children come and go.
    const { port } = await server(0, 'here');
    const children = await Promise.all([child(port, 'one'), child(port, 'two'), child(port, 'three')]);
    const { socket, replies } = await client(port);
    search(socket, ['here', 'one', 'two', 'three']);
    await replies.until((all) => all.length >= 4);
    expect(cidsOf(replies.all)).toEqual([0, 1, 2, 3]);

    // The one that received the search ends in order; another takes over.
    children[2]?.stdin?.end();
    await once(children[2]!, 'exit');
    search(socket, ['here', 'one', 'two']);
    await replies.until((all) => all.length >= 7);
    expect(cidsOf(replies.all)).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });
});

describe('a process kept to loopback', () => {
  // What is bound is read from Linux's /proc/net/udp.
  it.runIf(process.platform === 'linux')('binds nothing but 127.0.0.1 and the local group', async () => {
    const listener = await server(0, 'a');
    expect(boundAddresses(listener.port).sort()).toEqual(['127.0.0.1', LOCAL_GROUP]);
    const { socket } = await client(listener.port);
    expect(boundAddresses(socket.port)).toEqual(['127.0.0.1']);
    await listener.close();
    expect(boundAddresses(listener.port)).toEqual([]);
  });

  it('sends no reply anywhere else, but counts it', async () => {
    const listener = await server(0, 'a');
    listener.send(Buffer.from('x'), { address: '203.0.113.77', port: 9 });
    listener.send(Buffer.from('x'), { address: '203.0.113.77', port: 9 }, '127.0.0.1');
    expect(listener.counters).toMatchObject({ sent: 0, errors: 2 });
    expect(listener.counters.lastError).toContain('203.0.113.77');
  });

  it('sends no search anywhere else, but counts it', async () => {
    const { port } = await server(0, 'a');
    const replies = new Happenings<Datagram>();
    const socket = keep(
      await SearchSocket.open({
        destinations: [
          { address: '203.0.113.77', port, kind: 'unicast' },
          { address: '255.255.255.255', port, kind: 'broadcast' },
          { address: '239.255.1.1', port, kind: 'multicast', ttl: 1 },
          { address: '127.0.0.1', port, kind: 'unicast' },
        ],
        interfaces: ['127.0.0.1'],
        onDatagram: replies.push,
      }),
    );
    expect(socket.address).toBe('127.0.0.1');
    search(socket, ['a']);
    await replies.until((all) => all.length > 0);
    expect(socket.counters).toMatchObject({ sent: 1, received: 1, errors: 3 });
  });

  it('needs no interface list for that: loopback destinations are enough', async () => {
    const onDatagram = (): void => {};
    const kept = keep(
      await SearchSocket.open({
        destinations: [{ address: '127.0.0.1', port: 9, kind: 'unicast' }],
        onDatagram,
      }),
    );
    expect(kept.address).toBe('127.0.0.1');
  });

  it('is reached through the local group by a search sent there', async () => {
    const { port } = await server(0, 'a');
    const replies = new Happenings<Datagram>();
    const group = { address: LOCAL_GROUP, port, kind: 'multicast', ttl: 1, interface: '127.0.0.1' } as const;
    const socket = keep(await SearchSocket.open({ destinations: [group], onDatagram: replies.push }));
    expect(socket.address).toBe('127.0.0.1');
    // The group is trusted to name the client, so this search does.
    const [datagrams] = [...searchDatagrams([{ cid: 0, name: 'a' }], socket.port)];
    datagrams!.group.set([127, 0, 0, 1], 8 + 8 + 12);
    socket.send(datagrams!);
    await replies.until((all) => all.length > 0);
    expect(decodeDatagram(replies.all[0]!.bytes)[0]?.command).toBe(Command.SEARCH_RESPONSE);
  });
});

describe('a socket that cannot be had', () => {
  it('because another program holds the port is one clear error', async () => {
    const selfish = dgram.createSocket('udp4');
    closers.push(() => new Promise<void>((done) => selfish.close(() => done())));
    selfish.bind(0, '127.0.0.1');
    await once(selfish, 'listening');
    const { port } = selfish.address();
    const error = await UdpListener.open({ port, interfaces: ['127.0.0.1'], onDatagram: () => {} }).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(PvaError);
    expect(error.code).toBe('PVA_PORT_IN_USE');
    expect(error.message).toMatch(
      new RegExp(`^UDP 127.0.0.1:${port} is held by .*EPICS_PVAS_BROADCAST_PORT$`),
    );
  });

  it('because this host has no such address is one clear error, and nothing stays open', async () => {
    const error = await UdpListener.open({
      port: 0,
      interfaces: ['127.0.0.1', '203.0.113.5'],
      onDatagram: () => {},
    }).catch((e) => e);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('203.0.113.5');
    const port = Number(/203\.0\.113\.5:(\d+)/.exec(error.message)?.[1]);
    if (process.platform === 'linux') expect(boundAddresses(port)).toEqual([]);
  });
});

describe('sending', () => {
  it('that fails is counted, not thrown', async () => {
    const socket = keep(await UdpSocket.open({ address: '127.0.0.1', port: 0, onDatagram: () => {} }));
    socket.send(Buffer.alloc(70_000), socket.local);
    socket.send(Buffer.from('x'), { address: 'not an address', port: 9 });
    socket.send(Buffer.from('x'), { address: '127.0.0.1', port: 70_000 });
    await expect.poll(() => socket.counters.errors).toBe(3);
    expect(socket.counters.lastError).not.toBe('');
  });

  it('after close does nothing, and close may be called twice', async () => {
    const socket = await UdpSocket.open({ address: '127.0.0.1', port: 0, onDatagram: () => {} });
    await Promise.all([socket.close(), socket.close()]);
    socket.send(Buffer.from('x'), socket.local);
    expect(socket.counters).toMatchObject({ sent: 0, errors: 0 });
  });
});
