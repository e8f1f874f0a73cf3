/**
 * Either side is killed (SIGKILL, so that nobody says goodbye) and started again: monitors and requests resume, in both
 * roles and with every peer, and who is gone leaves nothing behind.
 */
import { join } from 'node:path';
import { Context, clientConfigFromEnv, SharedPV } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { spawnChild } from './child.ts';
import { consecutive, countsOf } from './compare.ts';
import { type Ioc, startIoc } from './ioc.ts';
import { MonitorLog } from './monitor-log.ts';
import { reportOf, startOurClient, startOurServer, startPosting } from './our-processes.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startPvapyClient } from './p4p.ts';
import type { MonitorEvent, PeerClient } from './peer-client.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
/** Time a client has to find a server again; pvAccessCPP takes the longest. */
const FOUND_AGAIN_S = 40;
const RATE = 50;

async function kill(child: Child): Promise<void> {
  child.signal('SIGKILL');
  await child.exited;
}

describe.skipIf(!peers.available)('a server of ours that is killed and started again', () => {
  it.each([
    ['PVXS', startP4pClient],
    ['pvAccessCPP', startPvapyClient],
  ])('serves the clients of %s as before', async (peer, start) => {
    const env = peerEnv(await freePorts());
    let server = await startOurServer(env, 'our:', 3);
    const client = await start(peers, env);
    try {
      startPosting(server, 3 * RATE);
      for (const pv of ['our:0', 'our:1', 'our:2']) {
        await client.subscribe(pv, pv, { request: 'record[queueSize=100]field()' });
        const counts = countsOf(await client.next(pv, 20));
        expect(counts).toEqual(consecutive(counts));
      }
      await kill(server);
      if (peer === 'PVXS') {
        for (const pv of ['our:0', 'our:1', 'our:2']) await untilDisconnected(client, pv);
      } else {
        await drain(client, ['our:0', 'our:1', 'our:2']);
      }
      server = await startOurServer(env, 'our:', 3);
      for (const pv of ['our:0', 'our:1', 'our:2']) {
        // What was under way before the end may still come.
        let first: number | undefined;
        do [first] = countsOf(await client.next(pv, 1, { timeout: FOUND_AGAIN_S }));
        while (first !== 0);
      }
      startPosting(server, 3 * RATE);
      for (const pv of ['our:0', 'our:1', 'our:2']) {
        const counts = countsOf(await client.next(pv, 20, { timeout: 30 }));
        expect(counts[0]).toBe(1);
        expect(counts).toEqual(consecutive(counts));
      }
      expect((await client.get('our:1', { timeout: 30 })).value).toHaveProperty('value');
    } finally {
      await client.stop();
      await server.stop();
    }
  });

  it('serves our clients as before, and one that waits for it', async () => {
    const env = peerEnv(await freePorts());
    let server = await startOurServer(env, 'our:');
    const context = new Context(clientConfigFromEnv(env));
    try {
      const monitor = new MonitorLog(context, 'our:0', 'record[pipeline=true,queueSize=20]');
      await monitor.values(1);
      for (let round = 0; round < 3; round++) {
        startPosting(server, RATE);
        const counts = (await monitor.values(10)).map((value) => Number(value.get('value')));
        expect(counts).toEqual(Array.from({ length: 10 }, (_, index) => index + 1));
        await kill(server);
        await monitor.next('disconnected');
        const waiting = context.get('our:0', { timeout: 30 });
        server = await startOurServer(env, 'our:');
        await monitor.next('connected', 20_000);
        expect((await monitor.values(1))[0]?.get('value')).toBe(0);
        expect((await waiting).get('value')).toBe(0);
      }
    } finally {
      await context.close();
      await server.stop();
    }
  });

  it('serves the links of an IOC as before', async () => {
    const env = peerEnv(await freePorts());
    const entries = readCatalogue().filter(({ name }) => ['scalar:long', 'scalar:double'].includes(name));
    let ours = await OurServer.start(env, 'our:', entries);
    const links = join(repositoryRoot(), 'test', 'interop', 'links.db');
    const ioc = await startIoc(peers, env, 'ioc:', links);
    const context = new Context(clientConfigFromEnv(env));
    const counted = async () => (await context.get('ioc:in:counter')).get('value');
    try {
      for (let round = 1; round <= 2; round++) {
        ours.count(round * 10);
        await expect.poll(counted, { timeout: FOUND_AGAIN_S * 1000 }).toBe(BigInt(round * 10));
        await ours.close();
        ours = await OurServer.start(env, 'our:', entries);
      }
    } finally {
      await context.close();
      await ioc.stop();
      await ours.close();
    }
  });
});

describe.skipIf(!peers.available)('an IOC that is killed and started again', () => {
  it('is monitored, read and written by our client as before', async () => {
    const env = peerEnv(await freePorts());
    const context = new Context(clientConfigFromEnv(env));
    let ioc: Ioc = await startIoc(peers, env, 'ioc:');
    try {
      const counter = new MonitorLog(context, 'ioc:counter', 'record[pipeline=true,queueSize=10]');
      const group = new MonitorLog(context, 'ioc:group');
      const enumeration = new MonitorLog(context, 'ioc:mbbo', 'field(value.index)');
      for (const monitor of [counter, group, enumeration]) await monitor.values(1);
      await context.put('ioc:mbbo', 'Reading');
      for (let round = 0; round < 2; round++) {
        await kill(ioc.child);
        for (const monitor of [counter, group, enumeration]) await monitor.next('disconnected');
        const put = context.put('ioc:group', { x: round }, { timeout: 30 });
        ioc = await startIoc(peers, env, 'ioc:');
        await put;
        for (const monitor of [counter, group, enumeration]) await monitor.next('connected', 20_000);
        const counts = (await counter.values(5)).map((value) => Number(value.get('value')));
        expect(counts).toEqual(consecutive(counts));
        await group.until((event) => event.event === 'update' && event.value.get('x') === round);
        // The IOC begins with what its database says.
        expect((await enumeration.values(1))[0]?.get('value.index')).toBe(1);
      }
    } finally {
      await context.close();
      await ioc.stop();
    }
  });
});

describe.skipIf(!peers.available)('a client that is killed', () => {
  it.each([
    ['PVXS', startP4pClient],
    ['pvAccessCPP', startPvapyClient],
  ])('leaves nothing behind in our server, and the next one of %s is served', async (_peer, start) => {
    const env = peerEnv(await freePorts());
    const entries = readCatalogue().filter(({ name }) => name === 'scalar:int');
    const ours = await OurServer.start(env, 'our:', entries);
    let client = await start(peers, env);
    try {
      for (let round = 0; round < 2; round++) {
        await client.subscribe('counter', 'our:counter', { request: 'record[queueSize=10]field()' });
        await client.subscribe('int', 'our:scalar:int');
        await client.next('counter', 1);
        await client.next('int', 1);
        ours.count(3);
        expect(countsOf(await client.next('counter', 3)).at(-1)).toBe(3 * (round + 1));
        expect(ours.counter.subscriberCount).toBe(1);
        await kill(client.child);
        // Updates for nobody are no error.
        await expect.poll(() => ours.server.clientCount, { timeout: 30_000 }).toBe(0);
        expect([ours.counter.subscriberCount, ours.counter.clientCount]).toEqual([0, 0]);
        expect(ours.pv('scalar:int')).toMatchObject({ subscriberCount: 0, clientCount: 0 });
        client = await start(peers, env);
      }
    } finally {
      await client.stop();
      await ours.close();
    }
  });

  it('of ours comes back to a server of PVXS and loses nothing from then on', async () => {
    const env = peerEnv(await freePorts());
    const server = await spawnChild({
      command: peers.python,
      args: [join(repositoryRoot(), 'bench', 'python', 'small_pvs_server.py'), 'peer:', '10'],
      env,
      name: 'p4p server',
    });
    try {
      await server.waitForLine(/^READY$/, 30_000);
      startPosting(server, 500);
      for (let round = 0; round < 3; round++) {
        const client = await startOurClient(env, 'peer:', 10);
        try {
          await expect
            .poll(async () => (await reportOf(client)).received, { timeout: 30_000 })
            .toBeGreaterThan(200);
          expect(await reportOf(client)).toMatchObject({ gaps: 0, overruns: 0 });
        } finally {
          await kill(client);
        }
      }
    } finally {
      await server.stop();
    }
  });

  it('of ours is forgotten by our server, also while it owes it updates', async () => {
    const env = peerEnv(await freePorts());
    const ours = await OurServer.start(env, 'our:', []);
    const pv = new SharedPV();
    ours.server.addPV('our:0', pv);
    pv.open(ours.pv('read-only').fetch());
    try {
      const client = await startOurClient(env, 'our:');
      client.signal('SIGSTOP');
      for (let i = 1; i <= 10_000; i++) pv.post(pv.fetch().cloneEmpty().set('value', i));
      client.signal('SIGKILL');
      await client.exited;
      await expect.poll(() => ours.server.clientCount, { timeout: 30_000 }).toBe(0);
      expect(pv.subscriberCount).toBe(0);
      const next = await startOurClient(env, 'our:');
      pv.post(pv.fetch().cloneEmpty().set('value', 10_001));
      await expect.poll(async () => (await reportOf(next)).received, { timeout: 30_000 }).toBe(1);
      await kill(next);
    } finally {
      await ours.close();
    }
  });
});

/** Takes a subscription's events up to its disconnection. */
async function untilDisconnected(client: PeerClient, sub: string): Promise<void> {
  for (let event: MonitorEvent | undefined; event?.event !== 'disconnected'; ) {
    [event] = await client.next(sub, 1, { timeout: 30 });
  }
}

/** Takes what subscriptions have still queued; their server is dead, so that no more comes. */
async function drain(client: PeerClient, subs: readonly string[]): Promise<void> {
  for (const sub of subs) {
    for (let more = true; more; ) {
      more = await client.next(sub, 1, { timeout: 0.3 }).then(
        () => true,
        () => false,
      );
    }
  }
}
