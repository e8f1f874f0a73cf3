/** MirrorServer: channels of other servers, served again by one of ours; PvaPy's PvaMirrorServer. */
import { Context, type ContextOptions, Server, type ServerOptions, type SharedPV } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { sendQueued } from '../unsent-updates.ts';
import type { MirrorChannelSpec } from './channel-map.ts';
import { MirrorChannel, type MirrorStats, type MirrorTotals } from './mirror-channel.ts';
import { MirrorStatus } from './mirror-status.ts';
import { MissingSources } from './missing-sources.ts';

export interface MirrorServerOptions {
  readonly channels: readonly MirrorChannelSpec[];
  /** Name of a channel with the counters of all others; none by default. */
  readonly statusChannel?: string | undefined;
  /** A channel that takes commands, served beside the mirrors; none by default. */
  readonly control?: { readonly channel: string; readonly pv: SharedPV } | undefined;
  readonly logger: Logger;
  readonly server?: ServerOptions;
  readonly client?: ContextOptions;
}

/** Status and missing sources are looked after this often. */
const PERIOD_MS = 1000;

export class MirrorServer {
  private readonly server: Server;
  private readonly context: Context;
  private readonly channels: readonly MirrorChannel[];
  private readonly status: MirrorStatus | undefined;
  private readonly missing: MissingSources;
  private timer: NodeJS.Timeout | undefined;
  private draining = false;

  /** @throws UserError `HPC_CHANNEL_NAME` when two of its channels have the same name */
  constructor(options: MirrorServerOptions) {
    const { logger, statusChannel, control } = options;
    const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string): void =>
      logger[level === 'warn' ? 'warning' : level](message);
    refuseSharedNames(options);
    this.server = new Server({ log, ...options.server });
    this.context = new Context({ log, ...options.client });
    const { server, context: provider } = this;
    this.channels = options.channels.map((spec) => {
      const onChange = (): void => this.changed(channel);
      const channel: MirrorChannel = new MirrorChannel({ spec, server, provider, logger, onChange });
      return channel;
    });
    this.missing = new MissingSources(this.channels, logger);
    if (statusChannel) {
      this.status = new MirrorStatus(this.channels);
      server.addPV(statusChannel, this.status.pv);
    }
    if (control) server.addPV(control.channel, control.pv);
  }

  /** @throws PvaError when no port can be had */
  async start(): Promise<void> {
    await this.server.start();
    for (const channel of this.channels) channel.start();
    this.lookAfter();
    this.timer = setInterval(() => this.lookAfter(), PERIOD_MS);
  }

  /** The source of a channel came or went. */
  private changed(channel: MirrorChannel): void {
    this.missing.seen(channel);
    this.status?.soon();
  }

  private lookAfter(): void {
    this.status?.update();
    if (!this.draining) this.missing.check(performance.now());
  }

  get tcpPort(): number {
    return this.server.tcpPort;
  }

  /** No stream has begun, and it has not been asked to end. */
  get idle(): boolean {
    return !this.draining && this.channels.every(({ totals }) => totals.nPublished === totals.nOpened);
  }

  /** By mirror name. */
  stats(): ReadonlyMap<string, MirrorStats> {
    return new Map(this.channels.map((channel) => [channel.spec.mirror, channel.stats]));
  }

  /** As the stats, since the start, whatever was reset; in the order of the map. */
  totals(): readonly MirrorTotals[] {
    return this.channels.map((channel) => channel.totals);
  }

  /** Counters and rates begin anew. */
  resetStats(): void {
    for (const channel of this.channels) channel.resetStats();
    this.status?.reset();
  }

  /** Writes the status channel now. */
  updateStatus(): void {
    this.status?.update();
  }

  /**
   * Reception ends; what was received is given to the clients, for at most `ms`.
   * @returns Updates that a client has not been sent, because it does not take them.
   */
  async drain(ms: number): Promise<number> {
    this.endReception();
    return sendQueued(this.server, ms);
  }

  /** Nothing more is received; the mirrors stay, and send what they have. */
  endReception(): void {
    this.draining = true;
    for (const channel of this.channels) channel.close();
  }

  async close(): Promise<void> {
    this.draining = true;
    clearInterval(this.timer);
    this.status?.close();
    for (const channel of this.channels) channel.close();
    await Promise.all([this.context.close(), this.server.close()]);
  }
}

function refuseSharedNames({ channels, statusChannel, control }: MirrorServerOptions): void {
  const roles = new Map(channels.map(({ mirror }) => [mirror, 'mirror']));
  const own = { 'status channel': statusChannel, 'control channel': control?.channel };
  for (const [role, name] of Object.entries(own)) {
    if (name === undefined) continue;
    const other = roles.get(name);
    if (other) throw new UserError('HPC_CHANNEL_NAME', `'${name}' would be ${role} and ${other}`);
    roles.set(name, role);
  }
}
