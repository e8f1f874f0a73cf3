/**
 * What `ad-sim-server` has besides one channel at one rate: several channels, metadata PVs, ramps, bursts, and a PV that
 * is told before the first frame. From options to what an AdSimServer takes, and the lines that are printed about it.
 */
import { Context } from 'epics-pva-ts';
import type { AdSimServer, AdSimServerOptions } from '../../sim/ad-sim-server.ts';
import { channelLines } from '../../sim/channel-stats.ts';
import { parsePvaName } from '../channel-provider.ts';
import { UserError } from '../errors.ts';
import type { AdSimServerOptions as Options } from './ad-sim-server-options.ts';
import { valueToPut } from './pvput-value.ts';

/** PvaPy gives its channel as long. */
const NOTIFY_SECONDS = 3;

/** Channels and schedule of an AdSimServer, and whom it notifies. */
export type SimulatorChannels = Pick<
  AdSimServerOptions,
  'channelName' | 'metadataPVs' | 'ramp' | 'framesPerBurst'
> & {
  readonly channelName: readonly string[];
  readonly metadataPVs: readonly string[];
  /** Channel of the PV that is told. */
  readonly notify: string | undefined;
};

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function imageChannels(text: string): string[] {
  const names = list(text);
  if (names.length === 0) throw new UserError('HPC_CHANNEL_NAME', 'the channel name is empty');
  const bad = names.find((name) => /\s/.test(name));
  if (bad !== undefined)
    throw new UserError('HPC_CHANNEL_NAME', `the channel name '${bad}' contains a blank`);
  return names;
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UserError(
      'HPC_CHANNEL_NAME',
      `channel '${twice}' would be served twice; give each its own name`,
    );
}

/**
 * @throws UserError `HPC_CHANNEL_NAME` for channel names that are empty, have blanks or come twice; `HPC_METADATA` for a
 *   metadata PV and `HPC_BAD_ARGUMENT` for a notification PV that is not `pva://name`
 */
export function simulatorChannels(o: Options): SimulatorChannels {
  const channelName = imageChannels(o.channelName);
  const metadataPVs = list(o.metadataPv ?? '').map((item) =>
    parsePvaName(item, { what: 'metadata PV', code: 'HPC_METADATA', served: true }),
  );
  refuseTwice([...channelName, ...metadataPVs]);
  const { notifyPv, rampTo, rampTime } = o;
  if (rampTime !== undefined && rampTo === undefined)
    throw new UserError('HPC_BAD_ARGUMENT', '--ramp-time: give the frame rate at its end, too: --ramp-to');
  return {
    channelName,
    metadataPVs,
    notify:
      notifyPv === undefined
        ? undefined
        : parsePvaName(notifyPv, { what: 'notification PV', code: 'HPC_BAD_ARGUMENT' }),
    ramp: rampTo === undefined ? undefined : { to: rampTo, seconds: rampTime ?? o.runtime },
    framesPerBurst: o.burst,
  };
}

/** What is special about this run; nothing for one channel at one rate. */
export function channelStartLines(o: Options, channels: SimulatorChannels): string[] {
  const { channelName, metadataPVs, ramp, framesPerBurst = 1 } = channels;
  return [
    ...(channelName.length > 1
      ? [`Image channels: ${channelName.join(', ')} (each has every frame; data rates are those of one)`]
      : []),
    ...(metadataPVs.length > 0 ? [`PVA metadata PVs: ${metadataPVs.join(', ')}`] : []),
    ...(ramp ? [`Frame rate: ${o.frameRate}fps, changing to ${ramp.to}fps within ${ramp.seconds}s`] : []),
    ...(framesPerBurst > 1 ? [`Frames come in bursts of ${framesPerBurst}`] : []),
  ];
}

/** Counters of each channel; none where there is only one. */
export function channelEndLines(server: AdSimServer): string[] {
  const stats = server.channelStats();
  return stats.length > 1 ? channelLines(stats) : [];
}

/** Puts the value into the notification PV, if there is one. A failure is a line, not an error (PvaPy). */
export async function notify(
  channel: string | undefined,
  text: string,
  signal: AbortSignal,
): Promise<string[]> {
  if (channel === undefined) return [];
  const context = new Context();
  try {
    await context.put(
      channel,
      (type, present) => valueToPut(type, { words: [text], present, warn: () => {} }),
      { timeout: NOTIFY_SECONDS, signal },
    );
    return [`Set notification PV ${channel} to ${text}`];
  } catch (error) {
    return [`Could not set notification PV ${channel} to ${text}: ${(error as Error).message}`];
  } finally {
    await context.close();
  }
}
