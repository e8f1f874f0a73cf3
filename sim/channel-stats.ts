/** What the simulator says at the end about each of its channels, where there are several. */
import type { ServerReport, SharedPV } from 'epics-pva-ts';

/** Counters of one channel of a simulator. */
export interface ChannelStats {
  /** Name of the channel. */
  readonly name: string;
  /** Updates posted: frames, or values of a metadata PV. */
  readonly nPublished: number;
  /** Monitors there are now. */
  readonly nSubscribers: number;
  /** Updates handed to the connections of these monitors, initial ones included. */
  readonly nSent: number;
  /** Updates merged into another one because a monitor's queue was full. */
  readonly nOverwritten: number;
}

/** The counters of `pvs`, by name, from their server's report. */
export function channelStats(pvs: ReadonlyMap<string, SharedPV>, report: ServerReport): ChannelStats[] {
  const served = report.connections.flatMap(({ channels }) => channels);
  return Array.from(pvs, ([name, pv]) => {
    const monitors = served.filter((channel) => channel.name === name).flatMap((channel) => channel.monitors);
    return {
      name,
      nPublished: pv.postCount,
      nSubscribers: pv.subscriberCount,
      nSent: monitors.reduce((sum, { sent }) => sum + sent, 0),
      nOverwritten: monitors.reduce((sum, { squashed }) => sum + squashed, 0),
    };
  });
}

/** One line a channel. */
export function channelLines(stats: readonly ChannelStats[]): string[] {
  return stats.map(
    ({ name, nPublished, nSubscribers, nSent, nOverwritten }) =>
      `Channel ${name}: ${nPublished} published; monitors now: ${nSubscribers} ` +
      `(${nSent} updates sent, ${nOverwritten} overwritten)`,
  );
}
