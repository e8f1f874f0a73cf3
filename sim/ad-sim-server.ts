/**
 * AdSimServer: an area detector that publishes frames over pvAccess at a set rate, as PvaPy's adSimServer does.
 *
 * The rate is kept by an absolute schedule (schedule.ts): whoever is late catches up. Between bursts the event loop
 * runs, so that sockets are served (pace.ts).
 */
import { performance } from 'node:perf_hooks';
import { Server, type ServerOptions, SharedPV } from 'epics-pva-ts';
import { type ChannelStats, channelStats } from './channel-stats.ts';
import type { FrameCache } from './frame-cache.ts';
import type { RateRamp } from './frame-rate.ts';
import { type FrameSource, frameBytes } from './frame-source.ts';
import { ImageRecord } from './image-record.ts';
import { MetadataRecords } from './metadata-records.ts';
import { DONE, keepPace } from './pace.ts';
import type { ExitReason, Progress } from './report.ts';
import { Schedule } from './schedule.ts';
import { SimError } from './sim-error.ts';
import { warmUp } from './warm-up.ts';

export interface AdSimServerOptions {
  /** One channel, or several: frame n of each is the same image, with the same time stamp. */
  readonly channelName: string | readonly string[];
  /** PVs that get a new value before every frame, with the frame's time stamp. Default none. */
  readonly metadataPVs?: readonly string[];
  readonly source: FrameSource;
  readonly cache: FrameCache;
  /** Frames per second; 0 or less: as fast as possible. */
  readonly fps: number;
  /** Where the frame rate goes from there. */
  readonly ramp?: RateRamp | undefined;
  /** Frames that are sent back to back, with a pause that keeps the mean rate; default 1. */
  readonly framesPerBurst?: number | undefined;
  /** Seconds from the first frame on. */
  readonly runtime: number;
  /** Seconds before the first frame. */
  readonly startDelay: number;
  /** The server, not started yet, or its configuration; default from the environment. */
  readonly server?: Server | ServerOptions;
  /** Frames between reports; 0 or less: none. */
  readonly reportPeriod?: number;
  readonly report?: (uniqueId: number, progress: Progress) => void;
  /** Runs the warm-up, which comes before fast streams. Default: just that. */
  readonly warmingUp?: (warmUp: () => Promise<void>) => Promise<void>;
}

/** Posts of images, and bytes of pixels, sent in one go at most before sockets get a turn. */
const MAX_BURST = 16;
const MAX_BURST_BYTES = 512 * 1024;
/** Time (ms) from its first look at the clock after the runtime in which a simulator that is late may still send what was due. */
const CATCH_UP_MS = 1000;

export class AdSimServer {
  private readonly options: AdSimServerOptions;
  private readonly server: Server;
  /** The first channel, which nearly always is the only one, ... */
  private readonly pv: SharedPV;
  /** ... and the others. */
  private readonly others: readonly SharedPV[];
  private readonly pvs = new Map<string, SharedPV>();
  private readonly metadata: MetadataRecords | undefined;
  private readonly record: ImageRecord;
  // What every frame asks for: objects of options come in all shapes, and V8 compiles for those it has seen.
  private readonly cache: FrameCache;
  private readonly reportPeriod: number;
  private nPublished = 0;
  private firstTime = Number.POSITIVE_INFINITY;
  private lastTime = 0;

  /** @throws SimError BAD_OPTION without a channel, for a name that comes twice, and as {@link Schedule} */
  constructor(options: AdSimServerOptions) {
    const { channelName, metadataPVs = [], fps, ramp, framesPerBurst, cache, reportPeriod = 0 } = options;
    this.options = options;
    this.cache = cache;
    this.reportPeriod = reportPeriod;
    // Says at once what publishing would say after the start delay.
    new Schedule({ fps, startTime: 0, ramp, framesPerBurst });
    this.record = new ImageRecord(options.source);
    const images = typeof channelName === 'string' ? [channelName] : channelName;
    for (const name of images) this.add(name, SharedPV.readonly(this.record.empty()));
    const [first, ...others] = this.pvs.values();
    if (!first) throw new SimError('BAD_OPTION', 'no channel name is given');
    this.pv = first;
    this.others = others;
    if (metadataPVs.length > 0) this.metadata = new MetadataRecords(metadataPVs);
    for (const [name, pv] of this.metadata?.pvs() ?? []) this.add(name, pv);
    const { server } = options;
    this.server = server instanceof Server ? server : new Server(server);
    for (const [name, pv] of this.pvs) this.server.addPV(name, pv);
  }

  private add(name: string, pv: SharedPV): void {
    if (this.pvs.has(name)) throw new SimError('BAD_OPTION', `channel '${name}' is given twice`);
    this.pvs.set(name, pv);
  }

  /** What was published so far; times in seconds of a monotonic clock. */
  get progress(): Progress {
    const { nPublished, firstTime, lastTime } = this;
    return { nPublished, firstTime: nPublished > 0 ? firstTime / 1000 : 0, lastTime: lastTime / 1000 };
  }

  /** TCP port in use. */
  get tcpPort(): number {
    return this.server.tcpPort;
  }

  get udpPort(): number {
    return this.server.udpPort;
  }

  /** Monitors of the image channels now. */
  get subscriberCount(): number {
    return this.others.reduce((sum, pv) => sum + pv.subscriberCount, this.pv.subscriberCount);
  }

  /** Of every channel, metadata PVs last. */
  channelStats(): ChannelStats[] {
    return channelStats(this.pvs, this.server.report());
  }

  /** The channel can be found from here on. @throws PvaError when no port can be had */
  async start(): Promise<void> {
    await this.server.start();
  }

  /**
   * Publishes until the runtime is over, the frames have all been sent once, or `signal` aborts.
   * @throws SimError when a frame cannot be read
   */
  async publish(signal: AbortSignal): Promise<ExitReason> {
    const { fps, ramp, framesPerBurst, runtime, startDelay } = this.options;
    const { warmingUp = (run) => run() } = this.options;
    const begin = performance.now() + startDelay * 1000;
    this.cache.fill();
    if (wantsWarmUp(fps <= 0 ? fps : Math.max(fps, ramp?.to ?? 0), startDelay))
      await warmingUp(() => this.warmUp(signal));
    const posts = Math.min(MAX_BURST, Math.floor(MAX_BURST_BYTES / frameBytes(this.options.source)));
    const burst = Math.max(1, Math.floor(posts / (1 + this.others.length)));
    const startTime = Math.max(begin, performance.now());
    const schedule = new Schedule({ fps, startTime, burst, ramp, framesPerBurst });
    const end = schedule.startTime + runtime * 1000;
    // The frame that would begin the next period is not part of this one.
    const lastDue = end - 0.001;
    // Not from the end on: who was kept waiting just then has had no time yet.
    let lateUntil = Number.POSITIVE_INFINITY;
    let reason: ExitReason = 'interrupted';
    const finished = (why: ExitReason): number => {
      reason = why;
      return DONE;
    };
    const step = (): number => {
      const now = performance.now();
      if (now >= end) lateUntil = Math.min(lateUntil, now + CATCH_UP_MS);
      // Frames due within the runtime are sent even if the machine was busy, but not for ever after it.
      const due = now < lateUntil ? Math.min(schedule.due(Math.min(now, lastDue)), burst) : 0;
      if (now >= end && (due === 0 || fps <= 0)) return finished('runtime');
      for (let i = 0; i < due; i++) if (!this.publishOne()) return finished('all-published');
      schedule.take(due);
      this.cache.fill(due);
      return Math.min(schedule.nextTime(), end);
    };
    await keepPace(step, signal);
    return reason;
  }

  private warmUp(signal: AbortSignal): Promise<void> {
    const { dataType } = this.options.source;
    return warmUp({ dataType, signal, simulator: (options) => new AdSimServer(options) });
  }

  private publishOne(): boolean {
    const frame = this.cache.next();
    if (!frame) return false;
    this.nPublished++;
    const image = this.record.of(frame, this.nPublished);
    if (this.metadata !== undefined) this.metadata.update(image);
    this.pv.post(image);
    for (let i = 0; i < this.others.length; i++) this.others[i]!.post(image);
    this.lastTime = performance.now();
    this.firstTime = Math.min(this.firstTime, this.lastTime);
    const { reportPeriod } = this;
    if (reportPeriod > 0 && this.nPublished % reportPeriod === 0)
      this.options.report?.(this.nPublished, this.progress);
    return true;
  }

  async close(): Promise<void> {
    await this.server.close();
  }
}

/** It takes 0.6 s, and begins when the command's start is over: the first frame must not wait for it. */
const WARM_UP_SECONDS = 0.85;

/** Below this rate the first frames have time enough; and there must be time for it before them. */
function wantsWarmUp(fps: number, startDelay: number): boolean {
  return (fps <= 0 || fps >= 500) && startDelay >= WARM_UP_SECONDS;
}
