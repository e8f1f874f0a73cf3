/**
 * Mirror sources and metadata channels need nothing of a protocol but ChannelProvider: here one that is no Context of
 * epics-pva-ts feeds both. And the names by which a channel of pvAccess is given.
 */
import { BitSet, Context, NTScalar, Server, type Value } from 'epics-pva-ts';
import { describe, expect, it, vi } from 'vitest';
import {
  type ChannelProvider,
  type ProviderHandlers,
  type ProviderSubscription,
  parsePvaName,
} from '../../src/channel-provider.ts';
import { MetadataChannel } from '../../src/input/metadata-channel.ts';
import { createLogging } from '../../src/log.ts';
import { MirrorChannel } from '../../src/mirror/mirror-channel.ts';

/** A protocol with one server in this process, whose records hold a double each. */
class OwnProtocol implements ChannelProvider {
  private isConnected = false;
  private readonly followers = new Set<{ channel: string; handlers: ProviderHandlers; received: number }>();

  monitor(channel: string, _options: unknown, handlers: ProviderHandlers): ProviderSubscription {
    const follower = { channel, handlers, received: 0 };
    const isConnected = (): boolean => this.isConnected;
    this.followers.add(follower);
    return {
      get stats() {
        return { received: follower.received, overruns: 0, connected: isConnected() };
      },
      resetStats() {
        follower.received = 0;
      },
      close: () => void this.followers.delete(follower),
    };
  }

  connect(): void {
    this.isConnected = true;
    for (const { handlers } of this.followers) handlers.connected('here');
  }

  update(channel: string, value: number): void {
    for (const follower of this.followers) {
      if (follower.channel !== channel) continue;
      follower.received++;
      follower.handlers.update(NTScalar.create('double', value), new BitSet());
    }
  }

  disconnect(why: string): void {
    this.isConnected = false;
    for (const { handlers } of this.followers) handlers.disconnected(why);
  }

  get nFollowers(): number {
    return this.followers.size;
  }
}

const { logger } = createLogging({ name: 'test', level: 'critical' });
const WAIT = { timeout: 10_000, interval: 10 };

describe('a protocol other than pvAccess', () => {
  it('feeds a metadata channel', () => {
    const provider = new OwnProtocol();
    const channel = 'motor:x';
    const metadata = new MetadataChannel({
      provider,
      id: 1,
      channel,
      queueSize: 2,
      serverQueueSize: 0,
      logger,
    });
    metadata.start();
    provider.connect();
    for (const value of [1, 2, 3]) provider.update(channel, value);
    provider.update('motor:y', 9);
    expect(metadata.get()?.get('value')).toBe(2);
    expect(metadata.get()?.get('value')).toBe(3);
    expect(metadata.get()).toBeUndefined();
    expect(metadata.stats).toMatchObject({
      nReceived: 3,
      nOverruns: 0,
      queue: { nReceived: 2, nRejected: 1 },
    });
    metadata.stop();
    expect(provider.nFollowers).toBe(0);
  });

  it('has its channels mirrored: they come and go with their source', async () => {
    const provider = new OwnProtocol();
    const server = await Server.isolated().start();
    const context = new Context(server.clientConfig());
    const spec = { mirror: 'm', source: 's', queueSize: 0, nMonitors: 1, request: '' };
    const mirror = new MirrorChannel({ spec, server, provider, logger });
    const seen: unknown[] = [];
    try {
      mirror.start();
      provider.connect();
      provider.update('s', 1);
      context.monitor('m', {}, { update: (value: Value) => void seen.push(value.get('value')) });
      await vi.waitFor(() => expect(seen).toEqual([1]), WAIT);
      provider.update('s', 2);
      await vi.waitFor(() => expect(seen).toEqual([1, 2]), WAIT);
      provider.disconnect('gone');
      expect(mirror.connected).toBe(false);
      provider.connect();
      provider.update('s', 3);
      await vi.waitFor(() => expect(seen).toEqual([1, 2, 3]), WAIT);
      expect(mirror.stats).toEqual({ nReceived: 3, nOverruns: 0, nPublished: 3, nDisconnects: 1, nBytes: 0 });
    } finally {
      mirror.close();
      await context.close();
      await server.close();
    }
  });
});

describe('the name of a channel', () => {
  const what = { what: 'metadata channel', code: 'HPC_METADATA' } as const;

  it.each([
    ['pva://a', 'a'],
    [' PVA://a:b{c}.VAL ', 'a:b{c}.VAL'],
  ])('is what stands behind the protocol: %s', (text, name) => {
    expect(parsePvaName(text, what)).toBe(name);
  });

  it.each<[string, RegExp]>([
    [
      'a',
      /^metadata channel 'a': without a protocol it would be Channel Access: Channel Access is not offered; write/,
    ],
    [
      'ca://a',
      /^metadata channel 'ca:\/\/a': Channel Access is not offered; write pva:\/\/a, for IOCs with QSRV/,
    ],
    ['CA://a', /write pva:\/\/a, .*\(docs\/decisions\/0013-channel-access\.md\)$/],
    ['tcp://a', /^metadata channel 'tcp:\/\/a': unknown protocol 'tcp'; write pva:\/\/a$/],
    ['pva://', /it has no name, or one with blanks; write pva:\/\/name$/],
    ['pva://a b', /it has no name, or one with blanks/],
    ['', /it has no name, or one with blanks/],
  ])('%s is refused in one line', (text, message) => {
    expect(() => parsePvaName(text, what)).toThrow(
      expect.objectContaining({ code: 'HPC_METADATA', message: expect.stringMatching(message) }),
    );
  });

  it('is not looked for on an IOC when we are the server', () => {
    const served = { ...what, what: 'metadata PV', served: true };
    expect(() => parsePvaName('ca://a', served)).toThrow(
      "metadata PV 'ca://a': Channel Access is not offered; write pva://a (docs/decisions/0013-channel-access.md)",
    );
  });
});
