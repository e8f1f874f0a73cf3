/** MirrorServer: channels of other servers, served again by one of ours; PvaPy's PvaMirrorServer. */
import { Context, type ContextOptions, Server, type ServerOptions } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { MirrorChannelSpec } from './channel-map.ts';
import { MirrorChannel, type MirrorStats } from './mirror-channel.ts';
import { MirrorStatus } from './mirror-status.ts';

export interface MirrorServerOptions {
  readonly channels: readonly MirrorChannelSpec[];
  /** Name of a channel with the counters of all others; none by default. */
  readonly statusChannel?: string | undefined;
  readonly logger: Logger;
  readonly server?: ServerOptions;
  readonly client?: ContextOptions;
}

const STATUS_PERIOD_MS = 1000;

export class MirrorServer {
  private readonly server: Server;
  private readonly context: Context;
  private readonly channels: readonly MirrorChannel[];
  private readonly status: MirrorStatus | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @throws UserError when the status channel has the name of a mirror */
  constructor(options: MirrorServerOptions) {
    const { logger, statusChannel } = options;
    const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string): void =>
      logger[level === 'warn' ? 'warning' : level](message);
    if (options.channels.some(({ mirror }) => mirror === statusChannel))
      throw new UserError('HPC_CHANNEL_NAME', `'${statusChannel}' would be status channel and mirror`);
    this.server = new Server({ log, ...options.server });
    this.context = new Context({ log, ...options.client });
    const { server, context: provider } = this;
    this.channels = options.channels.map((spec) => new MirrorChannel({ spec, server, provider, logger }));
    if (statusChannel) {
      this.status = new MirrorStatus(this.channels);
      server.addPV(statusChannel, this.status.pv);
    }
  }

  /** @throws PvaError when no port can be had */
  async start(): Promise<void> {
    await this.server.start();
    for (const channel of this.channels) channel.start();
    this.status?.update();
    if (this.status) this.timer = setInterval(() => this.status?.update(), STATUS_PERIOD_MS);
  }

  get tcpPort(): number {
    return this.server.tcpPort;
  }

  /** By mirror name. */
  stats(): ReadonlyMap<string, MirrorStats> {
    return new Map(this.channels.map((channel) => [channel.spec.mirror, channel.stats]));
  }

  resetStats(): void {
    for (const channel of this.channels) channel.resetStats();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    for (const channel of this.channels) channel.close();
    await Promise.all([this.context.close(), this.server.close()]);
  }
}
