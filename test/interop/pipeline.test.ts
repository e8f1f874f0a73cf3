/**
 * Monitors with flow control (`record[pipeline=true]`) in both roles: acknowledgements of every size, consumers that are
 * slower than the source, windows that close and open again. Nothing is lost that the queues can hold.
 */
import { Context, clientConfigFromEnv } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from './child.ts';
import { consecutive, countsOf } from './compare.ts';
import { MonitorLog } from './monitor-log.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startP4pServer, startPvapyClient } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const RATE = 500;
const OPTIONS = [
  'queueSize=2',
  'queueSize=4',
  'queueSize=10,ackAny=1',
  'queueSize=10,ackAny=10',
  'queueSize=10,ackAny=50%',
  'queueSize=11,ackAny=100%',
  'queueSize=1000,ackAny=3',
  'queueSize=1000',
];

describe.skipIf(!peers.available)('our client with flow control and a server of PVXS', () => {
  let server: Child;
  let context: Context;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    context = new Context(clientConfigFromEnv(env));
    server = await startP4pServer(peers, env, 'p4p:', { counterRate: RATE });
  });

  afterAll(async () => {
    await context?.close();
    await server?.stop();
  });

  it.each(OPTIONS)('never stalls with %s', async (options) => {
    const monitor = new MonitorLog(context, 'p4p:counter', `record[pipeline=true,${options}]field(value)`);
    const counts = (await monitor.values(RATE / 2)).map((value) => Number(value.get('value')));
    monitor.close();
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(counts.length);
    // A queue of a fifth of a second never runs over.
    if (options.includes('1000')) expect(counts).toEqual(consecutive(counts));
  });

  it('makes the server wait for a slow loop, and squashes nothing itself', async () => {
    const queueSize = 10;
    const pvRequest = `record[pipeline=true,queueSize=${queueSize}]field(value)`;
    const subscription = context.monitor('p4p:counter', { pvRequest });
    const witness = new MonitorLog(context, 'p4p:counter', 'record[queueSize=1000]field(value)');
    const counts: number[] = [];
    for await (const value of subscription) {
      counts.push(Number(value.get('value')));
      // One update in the time in which fifty are posted.
      await witness.values(50);
      if (counts.length === 3 * queueSize) break;
    }
    witness.close();
    expect(subscription.stats.squashed).toBe(0);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(counts.length);
    // The first window came whole, and after it the server had to skip.
    const first = counts.slice(0, queueSize);
    expect(first).toEqual(consecutive(first));
    expect(counts.at(-1)).toBeGreaterThan((counts[0] as number) + 3 * queueSize);
  });

  it('makes the server wait for a callback that returns a promise', async () => {
    const witness = new MonitorLog(context, 'p4p:counter', 'record[queueSize=1000]field(value)');
    const [first] = await witness.values(1);
    const from = Number(first?.get('value'));
    const counts: number[] = [];
    let done: () => void = () => {};
    const enough = new Promise<void>((resolve) => {
      done = resolve;
    });
    const slow = new Context(context.config);
    const subscription = slow.monitor(
      'p4p:counter',
      { pvRequest: 'record[pipeline=true,queueSize=4]field(value)' },
      {
        update: async (value) => {
          counts.push(Number(value.get('value')));
          if (counts.length === 20) done();
          await witness.values(20);
        },
      },
    );
    await enough;
    subscription.close();
    await slow.close();
    witness.close();
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(counts.length);
    expect(counts.at(-1)).toBeGreaterThan(from + 200);
  });
});

describe.skipIf(!peers.available).each([
  // PVXS's requests have no word for a share.
  ['PVXS', startP4pClient, OPTIONS.filter((options) => !options.includes('%'))],
  ['pvAccessCPP', startPvapyClient, OPTIONS],
] as const)('a client of %s with flow control and our server', (_peer, start, options) => {
  let ours: OurServer;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    ours = await OurServer.start(env, 'our:', []);
    client = await start(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ours?.close();
  });

  it.each(options)('never stalls with %s', async (option) => {
    await client.subscribe('steady', 'our:counter', { request: `record[pipeline=true,${option}]field()` });
    await client.next('steady', 1);
    const stop = ours.startCounting(RATE);
    const counts = countsOf(await client.next('steady', RATE / 2, { timeout: 30 }));
    stop();
    await client.unsubscribe('steady');
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(counts.length);
    if (option.includes('1000')) expect(counts).toEqual(consecutive(counts));
  });

  it('gets a burst as long as the queue whole, and the end of a longer one', async () => {
    await client.subscribe('burst', 'our:counter', { request: 'record[pipeline=true,queueSize=100]field()' });
    const [before] = countsOf(await client.next('burst', 1)) as [number];
    ours.count(100);
    expect(countsOf(await client.next('burst', 100))).toEqual(
      Array.from({ length: 100 }, (_, index) => before + 1 + index),
    );
    ours.count(10_000);
    const counts: number[] = [];
    while (counts.at(-1) !== before + 10_100) counts.push(...countsOf(await client.next('burst', 1)));
    await client.unsubscribe('burst');
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(counts.length);
  });

  it('gets no more than its window and the queue hold while it hangs, and the newest value at last', async () => {
    const queueSize = 20;
    await client.subscribe('hung', 'our:counter', {
      request: `record[pipeline=true,queueSize=${queueSize}]field()`,
    });
    const [before] = countsOf(await client.next('hung', 1)) as [number];
    client.child.signal('SIGSTOP');
    ours.count(10_000);
    client.child.signal('SIGCONT');
    const counts: number[] = [];
    while (counts.at(-1) !== before + 10_000) counts.push(...countsOf(await client.next('hung', 1)));
    await client.unsubscribe('hung');
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    // The window, the queue behind it, and what an acknowledgement on its way when it hung made room for.
    expect(counts.length).toBeLessThanOrEqual(3 * queueSize);
    // The first of them came before the window was used up.
    const first = counts.slice(0, queueSize / 2);
    expect(first).toEqual(consecutive(first));
  });
});
