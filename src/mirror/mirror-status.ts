/** The status channel of a mirror server: an NTTable with one row a channel. PvaPy's has none. */
import { NTTable, SharedPV, type Value } from 'epics-pva-ts';
import type { MirrorChannel, MirrorStats } from './mirror-channel.ts';

const COLUMNS = [
  { name: 'mirror', kind: 'string' },
  { name: 'source', kind: 'string' },
  { name: 'connected', kind: 'boolean' },
  { name: 'clients', kind: 'uint' },
  { name: 'nReceived', kind: 'ulong' },
  { name: 'receivedRate', kind: 'double' },
  { name: 'nOverruns', kind: 'ulong' },
  { name: 'nPublished', kind: 'ulong' },
  { name: 'nDisconnects', kind: 'ulong' },
  { name: 'publishedRate', kind: 'double' },
  { name: 'overrunRate', kind: 'double' },
  { name: 'nBytes', kind: 'ulong' },
  { name: 'bytesPerSecond', kind: 'double' },
  { name: 'monitors', kind: 'uint' },
  { name: 'connectedMonitors', kind: 'uint' },
] as const;

/** A change is published at once, but no more often than this, in ms. */
const LEAST_INTERVAL_MS = 250;
/** Rates refer to about this much time, in ms; they are 0 before the first one is known. */
const RATE_MS = 1000;

const NONE: MirrorStats = { nReceived: 0, nOverruns: 0, nPublished: 0, nDisconnects: 0, nBytes: 0 };
type Rates = Pick<MirrorStats, 'nReceived' | 'nOverruns' | 'nPublished' | 'nBytes'>;

export class MirrorStatus {
  readonly pv: SharedPV;
  private readonly channels: readonly MirrorChannel[];
  private before: readonly MirrorStats[];
  private rates: readonly Rates[];
  private last: number;
  private lastPost = Number.NEGATIVE_INFINITY;
  private pending: NodeJS.Timeout | undefined;

  constructor(channels: readonly MirrorChannel[]) {
    this.channels = channels;
    this.before = channels.map(() => NONE);
    this.rates = this.before;
    this.last = performance.now();
    this.pv = SharedPV.readonly(NTTable.create(COLUMNS));
  }

  /** A source came or went: said at once, unless that happens all the time. */
  soon(): void {
    const wait = Math.max(0, this.lastPost + LEAST_INTERVAL_MS - performance.now());
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      this.update();
    }, wait);
  }

  close(): void {
    clearTimeout(this.pending);
  }

  /** The counters have begun anew. */
  reset(): void {
    this.before = this.channels.map(() => NONE);
    this.rates = this.before;
    this.last = performance.now();
    this.update();
  }

  private measure(now: number, stats: readonly MirrorStats[]): void {
    const seconds = (now - this.last) / 1000;
    // Between two of the regular updates the rates stay.
    if (now - this.last < RATE_MS * 0.9) return;
    const rate = (name: keyof Rates, i: number): number =>
      Math.max(0, (stats[i]?.[name] ?? 0) - (this.before[i]?.[name] ?? 0)) / seconds;
    this.rates = stats.map((_, i) => ({
      nReceived: rate('nReceived', i),
      nOverruns: rate('nOverruns', i),
      nPublished: rate('nPublished', i),
      nBytes: rate('nBytes', i),
    }));
    this.last = now;
    this.before = stats;
  }

  /** To be called every second: rates are those since the call before. */
  update(): void {
    const stats = this.channels.map((channel) => channel.stats);
    this.lastPost = performance.now();
    this.measure(this.lastPost, stats);
    const { rates } = this;
    this.pv.post(
      stamped(
        NTTable.create(COLUMNS, {
          mirror: this.channels.map(({ spec }) => spec.mirror),
          source: this.channels.map(({ spec }) => spec.source),
          connected: this.channels.map(({ connected }) => connected),
          clients: this.channels.map(({ clientCount }) => clientCount),
          nReceived: stats.map((s) => BigInt(s.nReceived)),
          receivedRate: rates.map((r) => r.nReceived),
          nOverruns: stats.map((s) => BigInt(s.nOverruns)),
          nPublished: stats.map((s) => BigInt(s.nPublished)),
          nDisconnects: stats.map((s) => BigInt(s.nDisconnects)),
          publishedRate: rates.map((r) => r.nPublished),
          overrunRate: rates.map((r) => r.nOverruns),
          nBytes: stats.map((s) => BigInt(s.nBytes)),
          bytesPerSecond: rates.map((r) => r.nBytes),
          monitors: this.channels.map(({ spec }) => spec.nMonitors),
          connectedMonitors: this.channels.map((channel) => channel.connectedMonitors),
        }),
      ),
    );
  }
}

function stamped(value: Value): Value {
  const ms = Date.now();
  value.set('timeStamp.secondsPastEpoch', BigInt(Math.floor(ms / 1000)));
  value.set('timeStamp.nanoseconds', (ms % 1000) * 1_000_000);
  return value.mark();
}
