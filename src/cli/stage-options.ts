/**
 * Options that mean the same for every stage that has a processor (`hpc-consumer`, `hpc-collector`): PvaPy's names,
 * defaults and meaning.
 */
import { LOG_LEVELS } from '../log.ts';
import type { OptionSpec, OptionTable } from './option-table.ts';

export const fieldRequest = {
  long: '--field-request',
  short: '-fr',
  kind: 'string',
  default: '',
  placeholder: 'fields',
  group: 'Channels',
  description:
    'monitor only these fields, such as "uniqueId,timeStamp"; the object id field is added; not used with the distributor',
} as const satisfies OptionSpec;

export const serverQueueSize = {
  long: '--server-queue-size',
  short: '-sqs',
  kind: 'int',
  default: 0,
  group: 'Queues',
  description:
    'updates the server of the input channel may queue for this client; 0 or less leaves it to the server',
} as const satisfies OptionSpec;

const processorFile = {
  long: '--processor-file',
  short: '-pf',
  kind: 'string',
  placeholder: 'file',
  group: 'Processor',
  description: 'TypeScript or JavaScript file with the processor class',
} as const satisfies OptionSpec;

const processorClass = {
  long: '--processor-class',
  short: '-pc',
  kind: 'string',
  placeholder: 'class',
  group: 'Processor',
  description: 'name of the class in that file, or of a ready-made processor when no file is given',
} as const satisfies OptionSpec;

const processorArgs = {
  long: '--processor-args',
  short: '-pa',
  kind: 'json',
  group: 'Processor',
  description: 'configuration of the processor, a JSON object',
} as const satisfies OptionSpec;

const processorWorkers = {
  long: '--processor-workers',
  short: '-pw',
  kind: 'int',
  default: 0,
  placeholder: 'n',
  group: 'Processor',
  description:
    'processes that run the processor behind this one, each on one object at a time, results in order; 0 runs it in this process',
} as const satisfies OptionSpec;

const workerQueueSize = {
  long: '--worker-queue-size',
  short: '-wqs',
  kind: 'int',
  default: 0,
  placeholder: 'n',
  group: 'Processor',
  description:
    'objects that may be with the workers, or wait for one, at a time; 0 or less is 4 for each worker',
} as const satisfies OptionSpec;

export const oidField = {
  long: '--oid-field',
  short: '-of',
  kind: 'string',
  default: 'uniqueId',
  placeholder: 'field',
  group: 'Object ids',
  description: 'field with the object id, from which missed frames are counted',
} as const satisfies OptionSpec;

export const runtime = {
  long: '--runtime',
  short: '-rt',
  kind: 'float',
  default: 0,
  placeholder: 'seconds',
  group: 'Running and reports',
  description: 'stop after this time; 0 or less runs until stopped',
} as const satisfies OptionSpec;

export const reportPeriod = {
  long: '--report-period',
  short: '-rp',
  kind: 'float',
  default: 0,
  placeholder: 'seconds',
  group: 'Running and reports',
  description: 'print statistics at this period; 0 or less never',
} as const satisfies OptionSpec;

export const logLevel = {
  long: '--log-level',
  short: '-ll',
  kind: 'string',
  choices: LOG_LEVELS,
  placeholder: 'level',
  group: 'Running and reports',
  description: 'least important log lines to write; errors only when not given',
} as const satisfies OptionSpec;

export const logFile = {
  long: '--log-file',
  short: '-lf',
  kind: 'string',
  placeholder: 'file',
  group: 'Running and reports',
  description:
    'also append the log to this file, as JSON lines; at 16 MiB it becomes <file>.1 and a new one begins; 7 are kept',
} as const satisfies OptionSpec;

export const disableCurses = {
  long: '--disable-curses',
  short: '-dc',
  kind: 'flag',
  group: 'Running and reports',
  description:
    'print lines on a terminal, too, in place of a live view on the full screen (which a log level also turns off)',
} as const satisfies OptionSpec;

export const drainTimeout = {
  long: '--drain-timeout',
  short: '-dto',
  kind: 'float',
  default: 5,
  placeholder: 'seconds',
  group: 'Running and reports',
  description:
    'when told to stop, work off what was received, and send clients what was published, for at most this long; 0 drops it',
} as const satisfies OptionSpec;

export const statusPeriod = {
  long: '--status-period',
  short: '-sp',
  kind: 'float',
  default: 10,
  placeholder: 'seconds',
  group: 'Channels',
  description: 'the status channel is renewed at least this often, and at once when the state changes',
} as const satisfies OptionSpec;

const failOnLossOption = {
  long: '--fail-on-loss',
  short: '-fol',
  kind: 'flag',
  group: 'Running and reports',
  description:
    'end with exit code 3 when objects were missed, refused, lost by the processor or with a consumer that died, or failed to be processed or published',
} as const satisfies OptionSpec;

export const metadataChannels = {
  long: '--metadata-channels',
  short: '-mc',
  kind: 'string',
  placeholder: 'channels',
  group: 'Channels',
  description: 'comma list of pva://name: channels whose updates the processor takes from metadataQueueMap',
} as const satisfies OptionSpec;

/** The processor and how it is run. */
export const processorOptions = [
  processorFile,
  processorClass,
  processorArgs,
  processorWorkers,
  workerQueueSize,
] as const satisfies OptionTable;

/** How long a stage runs and what it tells; `groups` is the list of what `--report-stats` may name. */
export const runningOptions = (groups: string) =>
  [
    runtime,
    drainTimeout,
    reportPeriod,
    {
      long: '--report-stats',
      short: '-rs',
      kind: 'string',
      default: 'all',
      placeholder: 'groups',
      group: 'Running and reports',
      description: `which statistics are printed: a comma list of ${groups}`,
    },
    logLevel,
    logFile,
    disableCurses,
    failOnLossOption,
  ] as const satisfies OptionTable;

/** `id` says whose id replaces a `*`. */
export const inputChannel = (id: string) =>
  ({
    long: '--input-channel',
    short: '-ic',
    kind: 'string',
    required: true,
    placeholder: 'channel',
    group: 'Channels',
    description: `input channel name; every * is replaced by ${id}`,
  }) as const satisfies OptionSpec;

/** `ids` says what stands in channel names. */
export const idFormatSpec = (group: string, ids: string) =>
  ({
    long: '--id-format-spec',
    short: '-ifs',
    kind: 'string',
    placeholder: 'spec',
    group,
    description: `Python format specification for ${ids} in channel names: 03d makes 001 of 1`,
  }) as const satisfies OptionSpec;

/** The channels a stage serves; `stage` is what its help calls it, and part of the default names. */
export const outputChannel = (stage: 'consumer' | 'collector') =>
  ({
    long: '--output-channel',
    short: '-oc',
    kind: 'string',
    placeholder: 'channel',
    group: 'Channels',
    description: `where the processor publishes its results; every * is replaced by the ${stage} id, and _ alone means pvapy:${stage}:<id>:output`,
  }) as const satisfies OptionSpec;

export const statusChannel = (stage: 'consumer' | 'collector') =>
  ({
    long: '--status-channel',
    short: '-sc',
    kind: 'string',
    placeholder: 'channel',
    group: 'Channels',
    description: `channel with the statistics of the ${stage}; * and _ as for the output channel`,
  }) as const satisfies OptionSpec;

export const controlChannel = (stage: 'consumer' | 'collector') =>
  ({
    long: '--control-channel',
    short: '-cc',
    kind: 'string',
    placeholder: 'channel',
    group: 'Channels',
    description: `channel that takes commands for the ${stage}; * and _ as for the output channel`,
  }) as const satisfies OptionSpec;
