/**
 * Servers of ours, of PVXS and of pvAccessCPP share one UDP port on loopback, and clients of all three find each of them,
 * whoever came first.
 */
import { networkInterfaces } from 'node:os';
import { Context, clientConfigFromEnv, type DiscoveredServer } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startP4pServer, startPvapyClient, startPvapyServer } from './p4p.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some((a) => a.address === '::1'));
if (!hasIpv6) console.log('IPv6 is not tested: this host has no ::1');

/** Something a test has started; ended in reverse order. */
class Started {
  readonly #ends: (() => Promise<unknown>)[] = [];

  add<T extends { stop(): Promise<unknown> } | { close(): Promise<unknown> }>(started: T): T {
    this.#ends.push(() => ('stop' in started ? started.stop() : started.close()));
    return started;
  }

  async end(): Promise<void> {
    await Promise.all(this.#ends.splice(0).map((end) => end()));
  }
}

type Kind = 'ours' | 'p4p' | 'pvapy';
const KINDS: readonly Kind[] = ['ours', 'p4p', 'pvapy'];
const ENTRIES = readCatalogue().filter(({ name }) => name === 'scalar:int');
const INITIAL = -2147483648;

/** Starts a server whose names begin with its kind. */
async function startServer(kind: Kind, env: NodeJS.ProcessEnv, started: Started): Promise<void> {
  if (kind === 'ours') {
    started.add(await OurServer.start(env, 'ours:', ENTRIES));
  } else {
    started.add(await (kind === 'p4p' ? startP4pServer : startPvapyServer)(peers, env, `${kind}:`));
  }
}

/** Starts a client; what it gives reads the member `value` of a PV. */
async function startClient(
  kind: Kind,
  env: NodeJS.ProcessEnv,
  started: Started,
): Promise<(pv: string, timeout: number) => Promise<unknown>> {
  if (kind === 'ours') {
    const context = started.add(new Context(clientConfigFromEnv(env)));
    return async (pv, timeout) => (await context.get(pv, { timeout })).get('value');
  }
  const client = started.add(await (kind === 'p4p' ? startP4pClient : startPvapyClient)(peers, env));
  return async (pv, timeout) => ((await client.get(pv, { timeout })).value as { value: unknown }).value;
}

describe.skipIf(!peers.available)('servers and clients on one UDP port', () => {
  // Of the sockets on one port a unicast datagram reaches only one, mostly the youngest: each must pass it on.
  it.each([
    { order: ['ours', 'p4p', 'pvapy'] },
    { order: ['p4p', 'pvapy', 'ours'] },
    { order: ['pvapy', 'ours', 'p4p'] },
  ] as const)('find each other when servers start as $order', async ({ order }) => {
    const started = new Started();
    try {
      const env = peerEnv(await freePorts());
      for (const kind of order) {
        await startServer(kind, env, started);
      }
      for (const clientKind of KINDS) {
        const get = await startClient(clientKind, env, started);
        for (const serverKind of KINDS) {
          await expect(
            get(`${serverKind}:scalar:int`, 10),
            `${clientKind} finds ${serverKind}`,
          ).resolves.toBe(INITIAL);
        }
        await expect(get('nobody:scalar:int', 0.5)).rejects.toThrow();
      }
    } finally {
      await started.end();
    }
  });

  it('find each other when the clients were there before the servers', async () => {
    const started = new Started();
    try {
      const env = peerEnv(await freePorts());
      const clients = [];
      for (const kind of KINDS) {
        clients.push(await startClient(kind, env, started));
      }
      // A peer's client does one thing after the other, so each server is awaited by all clients at once.
      for (const serverKind of KINDS) {
        const got = clients.map((get) => get(`${serverKind}:scalar:int`, 30));
        await startServer(serverKind, env, started);
        expect(await Promise.all(got)).toEqual([INITIAL, INITIAL, INITIAL]);
      }
    } finally {
      await started.end();
    }
  });

  it('find each other through another server of ours in the same process', async () => {
    const started = new Started();
    try {
      const env = peerEnv(await freePorts());
      await startServer('ours', env, started);
      started.add(await OurServer.start(env, 'twin:', ENTRIES));
      for (const clientKind of KINDS) {
        const get = await startClient(clientKind, env, started);
        expect([await get('ours:scalar:int', 10), await get('twin:scalar:int', 10)]).toEqual([
          INITIAL,
          INITIAL,
        ]);
      }
    } finally {
      await started.end();
    }
  });

  it('find each other over TCP alone, by name servers', async () => {
    const started = new Started();
    try {
      const ports = await freePorts();
      const env = peerEnv(ports);
      // Another UDP port: nobody is found there.
      const apart = (port: number) => ({
        ...peerEnv({ ...ports, broadcastPort: elsewhere.broadcastPort }),
        EPICS_PVA_ADDR_LIST: '',
        EPICS_PVA_NAME_SERVERS: `127.0.0.1:${port}`,
      });
      const elsewhere = await freePorts();
      await startServer('p4p', env, started);
      const ours = started.add(await OurServer.start(env, 'ours:', ENTRIES));
      const getTheirs = await startClient('ours', apart(ports.serverPort), started);
      expect(await getTheirs('p4p:scalar:int', 10)).toBe(INITIAL);
      const getOurs = await startClient('p4p', apart(ours.server.tcpPort), started);
      expect(await getOurs('ours:scalar:int', 10)).toBe(INITIAL);
    } finally {
      await started.end();
    }
  });

  it('are reported by discover: servers of all three, and a restarted one as another process', async () => {
    const started = new Started();
    try {
      const ports = await freePorts();
      const env = peerEnv(ports);
      const context = started.add(new Context(clientConfigFromEnv(env)));
      const seen: DiscoveredServer[] = [];
      context.discover((server) => seen.push(server), { pingInterval: 0.5, lostAfter: 3 });
      const at = (port: number) => seen.filter((s) => s.server === `127.0.0.1:${port}`);
      // The first server has the port of the environment, others any.
      const p4p = await startP4pServer(peers, env, 'p4p:');
      await expect.poll(() => at(ports.serverPort), { timeout: 30_000 }).toHaveLength(1);
      const ours = started.add(await OurServer.start(env, 'ours:', ENTRIES));
      await expect.poll(() => at(ours.server.tcpPort), { timeout: 30_000 }).toHaveLength(1);
      await startServer('pvapy', env, started);
      // PvaPy's process is one server or more.
      await expect.poll(() => seen.length, { timeout: 30_000 }).toBeGreaterThan(2);
      expect(new Set(seen.map((s) => s.guid)).size).toBe(seen.length);
      for (const server of seen) expect(server).toMatchObject({ event: 'online', protocol: 'tcp' });

      p4p.signal('SIGKILL');
      await expect.poll(() => at(ports.serverPort), { timeout: 30_000 }).toHaveLength(2);
      started.add(await startP4pServer(peers, env, 'p4p:'));
      await expect.poll(() => at(ports.serverPort), { timeout: 30_000 }).toHaveLength(3);
      const [first, gone, back] = at(ports.serverPort);
      expect([first?.event, gone?.event, back?.event]).toEqual(['online', 'offline', 'online']);
      expect(gone?.guid).toBe(first?.guid);
      expect(back?.guid).not.toBe(first?.guid);
    } finally {
      await started.end();
    }
  });

  it('are searched for as soon as a PVXS server that was killed is back', async () => {
    const started = new Started();
    try {
      const env = peerEnv(await freePorts());
      const p4p = await startP4pServer(peers, env, 'p4p:');
      const context = started.add(new Context(clientConfigFromEnv(env)));
      const events: string[] = [];
      context.monitor(
        'p4p:scalar:int',
        {},
        { update: () => void events.push('update'), disconnected: () => events.push('disconnected') },
      );
      await expect.poll(() => events, { timeout: 30_000 }).toEqual(['update']);
      p4p.signal('SIGKILL');
      await expect.poll(() => events.at(-1), { timeout: 30_000 }).toBe('disconnected');
      // Nobody has it: there is something to search for when the beacon comes, whatever is found before it.
      context.get('p4p:no-such-pv', { timeout: 0 }).catch(() => {});
      // Away for so long that searches have become rare.
      await expect
        .poll(() => context.searchStats.names, { timeout: 60_000, interval: 250 })
        .toBeGreaterThan(10);
      const { boosts } = context.searchStats;
      started.add(await startP4pServer(peers, env, 'p4p:'));
      await expect.poll(() => events.at(-1), { timeout: 30_000 }).toBe('update');
      // Its beacon did that, not the next search that was due.
      await expect.poll(() => context.searchStats.boosts).toBeGreaterThan(boosts);
    } finally {
      await started.end();
    }
  });

  // Many containers have no IPv6 loopback.
  it.skipIf(!hasIpv6)('find each other over IPv6', async () => {
    const started = new Started();
    try {
      const six = {
        EPICS_PVA_ADDR_LIST: '[::1]',
        EPICS_PVA_INTF_ADDR_LIST: '[::1]',
        EPICS_PVAS_INTF_ADDR_LIST: '[::1]',
        EPICS_PVAS_BEACON_ADDR_LIST: '[::1]',
      };
      const oursEnv = { ...peerEnv(await freePorts()), ...six };
      const p4pEnv = { ...peerEnv(await freePorts()), ...six };
      await startServer('ours', oursEnv, started);
      await startServer('p4p', p4pEnv, started);
      const theirs = await startClient('p4p', oursEnv, started);
      expect(await theirs('ours:scalar:int', 10)).toBe(INITIAL);
      // Not listening on the IPv6 port itself: PVXS passes no IPv6 search on to others, nor can it be passed one.
      const ours = await startClient('ours', { ...p4pEnv, EPICS_PVA_INTF_ADDR_LIST: '0.0.0.0' }, started);
      expect(await ours('p4p:scalar:int', 10)).toBe(INITIAL);
    } finally {
      await started.end();
    }
  });
});
