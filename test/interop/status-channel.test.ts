/** The clients of PvaPy and p4p read the status and the system status of our consumers, and command them, as PvaPy's. */
import { describe, expect, it } from 'vitest';
import { Detector } from '../e2e/support/detector.ts';
import { until, World } from '../e2e/support/world.ts';
import { startP4pClient, startPvapyClient } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('a consumer', () => {
  it.each([
    ['pvapy', startPvapyClient],
    ['p4p', startP4pClient],
  ] as const)('is read and commanded by %s', async (_name, start) => {
    const world = await World.create();
    let client: PeerClient | undefined;
    try {
      const detector = await Detector.start(world);
      await world.start(
        'hpc-consumer -ic pvapy:image -sc consumer:*:status -cc consumer:*:control -ssc system:status -rqs 10 -pc UserDataProcessor',
      );
      await until(() => detector.subscribers(1), 30_000);
      client = await startPeer(start, world);
      for (let i = 0; i < 10; i++) await detector.publish(1, 50);
      const reader = client;
      await until(async () => {
        await reader.put('consumer:1:control', { command: 'get_stats' });
        const { value } = await reader.get('consumer:1:status');
        expect(value).toMatchObject({
          consumerId: 1,
          inputChannel: 'pvapy:image',
          receiverStats: { nReceived: 11, nRejected: 0, nErrors: 0, nOverruns: 0 },
          publisherStats: { nPublished: 0 },
          queueStats: { nReceived: 11, nRejected: 0, nDelivered: 11, nQueued: 0 },
          processorStats: {
            firstObjectId: 1,
            lastObjectId: 10,
            nProcessed: 10,
            nErrors: 0,
            nMissed: 0,
            nInFlight: 0,
            nLost: 0,
          },
          rateStats: { window: 5 },
          state: 'running',
        });
      }, 30_000);
      await until(async () => {
        const { value } = await reader.get('system:status');
        expect(value).toMatchObject({ nConsumers: 1, nAlive: 1, processorStats: { nProcessed: 10 } });
      });
      await client.put('consumer:1:control', { command: 'configure', args: '{"receiverQueueSize": -5}' });
      await until(async () => {
        const { value } = await reader.get('consumer:1:control');
        expect(value).toMatchObject({
          statusMessage:
            'Configuration failed: receiverQueueSize: -5 is not a whole number from 0 to 1000000000; nothing was changed',
        });
      });
    } finally {
      await client?.stop();
      await world[Symbol.asyncDispose]();
    }
  });
});

function startPeer(
  start: typeof startPvapyClient | typeof startP4pClient,
  world: World,
): Promise<PeerClient> {
  return start(peers, world.env as Record<string, string>);
}
