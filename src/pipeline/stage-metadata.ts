/** StageMetadata: the metadata channels of a stage, numbered from 1, and their statistics. */
import type { ChannelProvider } from '../channel-provider.ts';
import { MetadataChannel } from '../input/metadata-channel.ts';
import type { Logger } from '../log.ts';
import { SourceRates } from './figures/source-rates.ts';
import type { SourceStats, WindowedSourceStats } from './source-stats.ts';

export interface MetadataOptions {
  /** Names of pvAccess channels; none by default. */
  readonly metadataChannels?: readonly string[] | undefined;
  readonly metadataQueueSize: number;
  readonly serverQueueSize: number;
  readonly logger: Logger;
}

export class StageMetadata {
  private readonly channels: readonly MetadataChannel[];
  private readonly rates: SourceRates;

  constructor(options: MetadataOptions, provider: ChannelProvider) {
    const { metadataQueueSize: queueSize, serverQueueSize, logger } = options;
    this.channels = (options.metadataChannels ?? []).map(
      (channel, i) =>
        new MetadataChannel({ provider, id: i + 1, channel, queueSize, serverQueueSize, logger }),
    );
    this.rates = new SourceRates(this.channels.length);
  }

  get length(): number {
    return this.channels.length;
  }

  /** Channels that have sent something, whatever was reset. */
  get nSeen(): number {
    return this.channels.filter(({ seen }) => seen).length;
  }

  /** As a processor sees them, by name. */
  get queues(): ReadonlyMap<string, MetadataChannel> {
    return new Map(this.channels.map((channel) => [channel.channel, channel]));
  }

  start(): void {
    for (const channel of this.channels) channel.start();
  }

  stop(): void {
    for (const channel of this.channels) channel.stop();
  }

  /** To be called every SAMPLE_MS. */
  sample(): void {
    this.rates.sample(this.channels.map(statsOf));
  }

  get stats(): WindowedSourceStats[] {
    return this.rates.of(this.channels.map(statsOf));
  }

  resetStats(): void {
    for (const channel of this.channels) channel.resetStats();
    this.rates.reset();
  }
}

function statsOf(channel: MetadataChannel): SourceStats {
  const { nReceived, nOverruns, connected, queue } = channel.stats;
  return {
    producerId: channel.id,
    channel: channel.channel,
    connected,
    receiverStats: { nReceived, nRejected: queue.nRejected, nOverruns },
    queueStats: queue,
  };
}
