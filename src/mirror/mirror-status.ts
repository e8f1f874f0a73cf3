/** The status channel of a mirror server: an NTTable with one row a channel. PvaPy's has none. */
import { NTTable, SharedPV, type Value } from 'epics-pva-ts';
import type { MirrorChannel } from './mirror-channel.ts';

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
] as const;

export class MirrorStatus {
  readonly pv: SharedPV;
  private readonly channels: readonly MirrorChannel[];
  private received: number[];
  private last: number;

  constructor(channels: readonly MirrorChannel[]) {
    this.channels = channels;
    this.received = channels.map(() => 0);
    this.last = performance.now();
    this.pv = SharedPV.readonly(NTTable.create(COLUMNS));
  }

  /** Rates are those since the last call, in updates a second. */
  update(): void {
    const now = performance.now();
    const seconds = (now - this.last) / 1000;
    const stats = this.channels.map((channel) => channel.stats);
    const rates = stats.map(({ nReceived }, i) =>
      seconds > 0 ? Math.max(0, nReceived - (this.received[i] ?? 0)) / seconds : 0,
    );
    this.last = now;
    this.received = stats.map(({ nReceived }) => nReceived);
    this.pv.post(
      stamped(
        NTTable.create(COLUMNS, {
          mirror: this.channels.map(({ spec }) => spec.mirror),
          source: this.channels.map(({ spec }) => spec.source),
          connected: this.channels.map(({ connected }) => connected),
          clients: this.channels.map(({ clientCount }) => clientCount),
          nReceived: stats.map((s) => BigInt(s.nReceived)),
          receivedRate: rates,
          nOverruns: stats.map((s) => BigInt(s.nOverruns)),
          nPublished: stats.map((s) => BigInt(s.nPublished)),
          nDisconnects: stats.map((s) => BigInt(s.nDisconnects)),
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
