/**
 * MetadataChannel: a channel beside the input whose values a processor may want, such as motor positions. Its updates
 * wait in a bounded queue until the processor takes them (PvaPy's metadata channels, pvapy-behaviour.md 1.8). When the
 * queue is full the oldest goes, and is counted as rejected: a motor moves while no images come, and the next image wants
 * its last position. (PvaPy refuses the newest.)
 */
import type { Value } from 'epics-pva-ts';
import { type ChannelProvider, type ProviderSubscription, parsePvaName } from '../channel-provider.ts';
import { Counts } from '../counts.ts';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { MonitorRenewal } from '../monitor-renewal.ts';
import { ObjectQueue, type QueueStats } from './object-queue.ts';

export interface MetadataChannelOptions {
  readonly provider: ChannelProvider;
  /** Number in the list, from 1. */
  readonly id: number;
  readonly channel: string;
  /** Updates that may wait; more than 0. */
  readonly queueSize: number;
  readonly serverQueueSize: number;
  readonly logger: Logger;
}

/** Queue of a consumer that has no receiver queue (PvaPy). */
const DEFAULT_QUEUE_SIZE = 1000;
/** Queue of a consumer whose receiver queue is limited by memory only: a quarter of an hour at 10 Hz. */
const LARGE_QUEUE_SIZE = 10_000;
/** There may be dozens of channels. */
const MAX_QUEUE_BYTES = 1024 ** 3;
const MAX_QUEUE_HEAP_BYTES = 128 * 1024 ** 2;

/**
 * The channels of `--metadata-channels`: a comma list of `pva://name`.
 * @throws UserError `HPC_METADATA` for other protocols (a bare name is Channel Access, as in PvaPy), and names that
 *   come twice
 */
export function parseMetadataChannels(list: string): string[] {
  const names = list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => parsePvaName(item, { what: 'metadata channel', code: 'HPC_METADATA' }));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UserError('HPC_METADATA', `metadata channel '${twice}' is given twice`);
  return names;
}

/** The size of each metadata queue of a consumer with this receiver queue. */
export function metadataQueueSize(receiverQueueSize: number): number {
  if (receiverQueueSize > 0) return receiverQueueSize;
  return receiverQueueSize === 0 ? LARGE_QUEUE_SIZE : DEFAULT_QUEUE_SIZE;
}

export interface MetadataStats {
  readonly nReceived: number;
  readonly nOverruns: number;
  readonly connected: boolean;
  readonly queue: QueueStats;
}

/** To a processor it is a MetadataQueue. */
export class MetadataChannel {
  readonly channel: string;
  readonly id: number;
  private readonly options: MetadataChannelOptions;
  private readonly queue: ObjectQueue;
  private subscription: ProviderSubscription | undefined;
  private readonly renewal: MonitorRenewal;
  /** Of all subscriptions together. */
  private readonly counts = new Counts('nReceived', 'nOverruns');
  private hasSent = false;

  constructor(options: MetadataChannelOptions) {
    this.options = options;
    this.channel = options.channel;
    this.id = options.id;
    const { channel, logger } = options;
    this.renewal = new MonitorRenewal({ channel, logger, subscribe: () => this.subscribeAgain() });
    this.queue = new ObjectQueue({
      maxLength: options.queueSize,
      maxBytes: MAX_QUEUE_BYTES,
      maxHeapBytes: MAX_QUEUE_HEAP_BYTES,
      refuse: 'oldest',
    });
  }

  start(): void {
    const { provider, channel, serverQueueSize, logger } = this.options;
    this.subscription?.close();
    const pvRequest = `${serverQueueSize > 0 ? `record[queueSize=${serverQueueSize}]` : ''}field()`;
    this.subscription = provider.monitor(
      channel,
      { pvRequest },
      {
        update: (value, overrun) => {
          this.hasSent = true;
          this.counts.count('nReceived');
          if (!overrun.isEmpty()) this.counts.count('nOverruns');
          this.queue.put(value);
        },
        connected: (server) => {
          this.renewal.connected();
          logger.info(`metadata: connected to ${channel} at ${server}`);
        },
        disconnected: (why) => logger.warning(`metadata: ${channel}: ${why}`),
        error: (error) => {
          logger.error(error.message);
          this.renewal.refused();
        },
        finished: () => this.renewal.ended(),
      },
    );
  }

  private subscribeAgain(): void {
    // A refused one begins again by itself on a new connection.
    if (this.subscription?.stats.connected !== true) this.start();
  }

  get(): Value | undefined {
    return this.queue.get();
  }

  /** It has sent something, whatever was reset. */
  get seen(): boolean {
    return this.hasSent;
  }

  get length(): number {
    return this.queue.length;
  }

  stop(): void {
    this.renewal.stop();
    this.subscription?.close();
  }

  get stats(): MetadataStats {
    return {
      ...this.counts.current,
      connected: this.subscription?.stats.connected === true,
      queue: this.queue.stats,
    };
  }

  resetStats(): void {
    this.counts.reset();
    this.queue.resetStats();
  }
}
