/**
 * The options of `mirror-server`: names, defaults and meaning are those of PvaPy's `pvapy-mirror-server` 5.6
 * (mirrorServer.py); status and control channel, access security, logging and live view are ours. Provider `ca` is refused (decision 0013).
 */
import type { CommandSpec, OptionTable, ParsedOptions } from './option-table.ts';
import { disableCurses, drainTimeout, logFile, logLevel, reportPeriod, runtime } from './stage-options.ts';

/** The option table of `mirror-server`. */
export const mirrorServerOptions = [
  {
    long: '--channel-map',
    short: '-cm',
    kind: 'string',
    required: true,
    placeholder: 'map',
    group: 'Channels',
    description:
      'what is mirrored: (mirror,source[,provider[,queueSize[,nMonitors[,request]]]]), several joined by commas',
  },
  {
    long: '--status-channel',
    short: '-sc',
    kind: 'string',
    placeholder: 'channel',
    group: 'Channels',
    description: 'channel with the counters of all mirrors, an NTTable renewed every second',
  },
  {
    long: '--control-channel',
    short: '-cc',
    kind: 'string',
    placeholder: 'channel',
    group: 'Channels',
    description: 'channel that takes the commands reset_stats, get_stats and stop',
  },
  {
    long: '--access-security-file',
    short: '-asf',
    kind: 'string',
    placeholder: 'file',
    group: 'Channels',
    description:
      'access security file (ACF) that says who may read, and write the control channel; all channels are in its group DEFAULT',
  },
  runtime,
  {
    ...drainTimeout,
    description: 'when told to stop, give clients what was received for at most this long; 0 drops it',
  },
  reportPeriod,
  logLevel,
  logFile,
  disableCurses,
] as const satisfies OptionTable;

/** The parsed options of `mirror-server`. */
export type MirrorServerOptions = ParsedOptions<typeof mirrorServerOptions>;

/** The command `mirror-server`. */
export const mirrorServerCommand = {
  name: 'mirror-server',
  summary: 'Serves channels of other pvAccess servers again, under names of its own.',
  options: mirrorServerOptions,
} as const satisfies CommandSpec;
