/**
 * MirrorChannel: one channel of another server, served again by ours. What was received is sent on as bytes, unless a
 * client asks for some of its fields only.
 *
 * The mirror appears with the source's first update, in the source's type, and goes away with the source, so that
 * its clients know (as PvaPy's PvaMirrorServer). It is read-only: a put on a mirror would change nothing but the copy.
 */
import { RemoteError, type Server, SharedPV, type Value } from 'epics-pva-ts';
import type { ChannelProvider, ProviderSubscription } from '../channel-provider.ts';
import { Counts } from '../counts.ts';
import type { Logger } from '../log.ts';
import { MonitorRenewal } from '../monitor-renewal.ts';
import { type MirrorChannelSpec, mirrorRequest } from './channel-map.ts';

export interface MirrorChannelOptions {
  readonly spec: MirrorChannelSpec;
  readonly server: Server;
  /** Where the source is. */
  readonly provider: ChannelProvider;
  readonly logger: Logger;
  /** The source came or went. */
  readonly onChange?: () => void;
}

/** Counters since the start or the last reset. */
export interface MirrorStats {
  /** Updates that arrived, initial ones included. */
  readonly nReceived: number;
  /** Updates that arrived with a sign that others before them were overwritten. */
  readonly nOverruns: number;
  /** Updates sent on, the first one of each connection included. */
  readonly nPublished: number;
  /** Times the source went away. */
  readonly nDisconnects: number;
  /** Bytes of the updates that arrived. */
  readonly nBytes: number;
}

/** Since the start, whatever was reset. */
export interface MirrorTotals extends MirrorStats {
  /** Of the updates that arrived: the first one of each connection of each monitor. */
  readonly nInitial: number;
  /** Of those published: what the source held when it came. */
  readonly nOpened: number;
}

export class MirrorChannel {
  readonly spec: MirrorChannelSpec;
  private readonly options: MirrorChannelOptions;
  private readonly pv: SharedPV;
  private readonly subscriptions: ProviderSubscription[] = [];
  private readonly renewal: MonitorRenewal;
  /** Monitors that the source's server ended, or refused afterwards. */
  private readonly ended = new Set<number>();
  /** Monitors whose next update is the initial one of their connection. */
  private readonly initial = new Set<number>();
  private readonly counts = new Counts('nReceived', 'nOverruns', 'nPublished', 'nDisconnects', 'nBytes');
  private nInitial = 0;
  private nOpened = 0;

  constructor(options: MirrorChannelOptions) {
    this.options = options;
    this.spec = options.spec;
    const { source } = options.spec;
    this.renewal = new MonitorRenewal({
      channel: source,
      logger: options.logger,
      subscribe: () => this.subscribeAgain(),
    });
    this.pv = new SharedPV({
      onPut: () => {
        throw new RemoteError(`put not permitted: a mirror is read-only; put to its source '${source}'`);
      },
      onRpc: () => {
        throw new RemoteError(`RPC not permitted: a mirror passes no calls on; call its source '${source}'`);
      },
    });
  }

  start(): void {
    for (let i = 0; i < this.spec.nMonitors; i++) this.subscribe(i);
  }

  private subscribe(i: number): void {
    const { provider, logger } = this.options;
    const { source, mirror } = this.spec;
    this.subscriptions[i]?.close();
    this.subscriptions[i] = provider.monitor(
      source,
      { pvRequest: mirrorRequest(this.spec) },
      {
        connected: (server) => {
          this.renewal.connected();
          this.ended.delete(i);
          this.initial.add(i);
          if (i === 0) logger.info(`${mirror}: connected to ${source} at ${server}`);
        },
        update: (value, overrun) => this.receive(i, value, !overrun.isEmpty()),
        disconnected: (why) => this.lost(why),
        // The server refuses it, and takes it up again only on a new connection.
        error: (error) => {
          logger.error(`${mirror}: ${error.message}`);
          this.ended.add(i);
          this.renewal.refused();
          this.lost(error.message);
        },
        finished: () => {
          this.ended.add(i);
          this.renewal.ended();
          this.lost('its server ended the stream');
        },
      },
    );
  }

  private subscribeAgain(): void {
    const ended = [...this.ended];
    this.ended.clear();
    for (const i of ended) this.subscribe(i);
  }

  /** True while the source is there and the mirror is served. */
  get connected(): boolean {
    return this.pv.isOpen;
  }

  /** Monitors that run on the source's server now. */
  get connectedMonitors(): number {
    return this.subscriptions.filter(({ stats }) => stats.connected).length;
  }

  get clientCount(): number {
    return this.pv.clientCount;
  }

  private receive(monitor: number, value: Value, overrun: boolean): void {
    const isInitial = this.initial.delete(monitor);
    if (isInitial) this.nInitial++;
    this.counts.count('nReceived');
    this.counts.count('nBytes', value.messageBytes);
    if (overrun) this.counts.count('nOverruns');
    if (!this.pv.isOpen) this.appear(value);
    // Other monitors of the same channel begin with the value that is served already.
    else if (!isInitial) {
      this.pv.post(value);
      this.counts.count('nPublished');
    }
    value.release();
  }

  private appear(value: Value): void {
    const { server, logger } = this.options;
    const { mirror } = this.spec;
    this.pv.open(value);
    this.nOpened++;
    this.counts.count('nPublished');
    try {
      server.addPV(mirror, this.pv);
    } catch (error) {
      logger.error(`${mirror}: ${(error as Error).message}`);
    }
    this.options.onChange?.();
  }

  /** Every monitor of the channel says so; the first one counts. */
  private lost(why: string): void {
    if (!this.pv.isOpen) return;
    const { server, logger } = this.options;
    this.counts.count('nDisconnects');
    logger.warning(`${this.spec.mirror}: source ${this.spec.source} is gone: ${why}`);
    server.removePV(this.spec.mirror);
    this.pv.close();
    this.options.onChange?.();
  }

  get stats(): MirrorStats {
    return { ...this.counts.current };
  }

  get totals(): MirrorTotals {
    const { nInitial, nOpened } = this;
    return { ...this.counts.totals, nInitial, nOpened };
  }

  resetStats(): void {
    this.counts.reset();
  }

  close(): void {
    this.renewal.stop();
    for (const subscription of this.subscriptions.splice(0)) subscription.close();
  }
}
