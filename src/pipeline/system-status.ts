/** The status channel of several consumers as one system, served by their parent; PvaPy has none. */
import { Server, type ServerOptions } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ChannelNames } from './channel-names.ts';
import type { SystemStats } from './consumer-lives.ts';
import { timeNow } from './record-time.ts';
import { StageStatus } from './stage-status.ts';
import { StatusRecord, systemStatusType } from './status-record.ts';

export interface SystemStatusOptions {
  readonly channel: string;
  /** Longest time between two updates, in seconds. */
  readonly period: number;
  readonly stats: () => SystemStats;
  readonly logger: Logger;
  readonly server?: ServerOptions;
}

/**
 * The name of the channel: `_` alone means `pvapy:consumer:system:status`.
 * @throws UserError `HPC_CHANNEL_NAME` for a name with a `*` or a blank, and one that another channel has
 */
export function systemStatusName(name: string, others: readonly ChannelNames[]): string {
  const refuse = (why: string): never => {
    throw new UserError('HPC_CHANNEL_NAME', `--system-status-channel '${name}': ${why}`);
  };
  if (name === '' || /\s/.test(name)) refuse('the name is empty or contains a blank');
  if (name.includes('*')) refuse('there is one for all consumers, so its name has no *');
  const result = name === '_' ? 'pvapy:consumer:system:status' : name;
  for (const names of others)
    if (Object.values(names).includes(result)) refuse('a consumer has a channel of this name');
  return result;
}

export class SystemStatus {
  private readonly options: SystemStatusOptions;
  private readonly server: Server;
  private readonly record: StatusRecord;
  private readonly states: StageStatus;
  private snapshot = 0;

  constructor(options: SystemStatusOptions) {
    this.options = options;
    const { logger } = options;
    this.record = new StatusRecord({
      type: systemStatusType(),
      userType: undefined,
      ids: {},
      warn: (message) => logger.warning(message),
    });
    const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string): void =>
      logger[level === 'warn' ? 'warning' : level](message);
    this.server = new Server({ log, ...options.server });
    this.server.addPV(options.channel, this.record.pv);
    this.states = new StageStatus({
      period: options.period,
      publish: () => this.publish(),
      tick: () => 0,
    });
  }

  /** @throws PvaError when no port can be had */
  async start(): Promise<void> {
    await this.server.start();
    this.publish();
    this.states.start();
  }

  /** Something has changed: it is published soon. */
  changed(): void {
    this.states.soon();
  }

  private publish(): void {
    const { seconds, time } = timeNow();
    this.record.update({
      ...this.options.stats(),
      objectId: ++this.snapshot,
      objectTime: seconds,
      objectTimestamp: time,
    } as object);
  }

  /** The last figures are published; clients had them when it resolves. */
  async close(): Promise<void> {
    this.states.stop();
    this.publish();
    await this.server.close();
  }
}
