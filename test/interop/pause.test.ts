/** Subscriptions that are paused, by the stop and start of the protocol, with the servers of PVXS and pvAccessCPP. */
import { Context, clientConfigFromEnv } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { MonitorLog } from './monitor-log.ts';
import { startP4pServer, startPvapyServer } from './p4p.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('a paused subscription', () => {
  it.each([
    // What its queue held.
    ['PVXS', startP4pServer, 3],
    // The present value.
    ['pvAccessCPP', startPvapyServer, 1],
  ] as const)('of a server of %s receives nothing until it is resumed', async (_name, start, nHeld) => {
    const env = peerEnv(await freePorts());
    const context = new Context(clientConfigFromEnv(env));
    const server = await start(peers, env, 'peer:');
    try {
      // Answered on the connection of the monitor.
      const value = async (): Promise<unknown> => (await context.get('peer:scalar:int')).get('value');
      const monitor = new MonitorLog(context, 'peer:scalar:int');
      const seen = () =>
        monitor.events.flatMap((e) => (e.event === 'update' ? [e.value.get('value') as number] : []));
      const [first] = await monitor.values(1);
      const before = first?.get('value') as number;
      await context.put('peer:scalar:int', 1);
      await monitor.values(1);

      for (let round = 0; round < 3; round++) {
        const count = seen().length;
        monitor.subscription.pause();
        const last = 10 * round + 9;
        for (const n of [10 * round + 5, 10 * round + 7, last]) {
          await context.put('peer:scalar:int', n);
          expect(await value()).toBe(n);
        }
        expect(seen().length).toBe(count);
        expect(monitor.subscription.stats.connected).toBe(true);
        monitor.subscription.resume();
        await expect.poll(() => seen().at(-1), { timeout: 30_000 }).toBe(last);
        expect(seen().slice(count)).toEqual([last - 4, last - 2, last].slice(-nHeld));
      }
      await context.put('peer:scalar:int', 100);
      await expect.poll(() => seen().at(-1), { timeout: 30_000 }).toBe(100);
      expect(seen().slice(0, 2)).toEqual([before, 1]);
    } finally {
      await context.close();
      await server.stop();
    }
  });
});
