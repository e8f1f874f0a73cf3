/**
 * The options of `hpc-consumer`: names, defaults and meaning are those of PvaPy's `pvapy-hpc-consumer` 5.6
 * (hpcConsumer.py), so that its command lines work unchanged. Not offered: mode ejfat with its --input-args and
 * --output-args, and mode ca (decisions 0011 and 0013).
 */

import { insteadOfChannelAccess } from '../channel-provider.ts';
import type { CommandSpec, OptionTable, ParsedOptions } from './option-table.ts';
import {
  controlChannel,
  fieldRequest,
  idFormatSpec,
  inputChannel,
  metadataChannels,
  oidField,
  outputChannel,
  processorOptions,
  runningOptions,
  serverQueueSize,
  statusChannel,
  statusPeriod,
} from './stage-options.ts';

/** PvaPy takes its numbers of modes, too. */
const MODE_NUMBERS = { '0': 'pva', '1': 'pvas', '2': 'rpc', '3': 'ca', '4': 'ejfat' } as const;
const EJFAT = 'the EJFAT mode is not offered (docs/decisions/0011-what-is-not-copied-from-pvapy.md)';

/** The option table of `hpc-consumer`. */
export const hpcConsumerOptions = [
  inputChannel('the consumer id'),
  {
    long: '--input-mode',
    short: '-im',
    kind: 'string',
    choices: ['pva', 'pvas', 'rpc'],
    aliases: MODE_NUMBERS,
    notOffered: { ca: insteadOfChannelAccess('--input-channel name', '--input-mode pva'), ejfat: EJFAT },
    default: 'pva',
    placeholder: 'mode',
    group: 'Channels',
    description:
      'how input arrives: pva monitors the input channel, pvas serves it for others to put into (the processor says the type), rpc serves it for others to call',
  },
  outputChannel('consumer'),
  {
    long: '--output-mode',
    short: '-om',
    kind: 'string',
    choices: ['pvas', 'pva', 'rpc'],
    aliases: MODE_NUMBERS,
    notOffered: { ejfat: EJFAT },
    default: 'pvas',
    placeholder: 'mode',
    group: 'Channels',
    description:
      'how output is published: pvas serves the output channel from this process, pva puts into it, rpc calls it',
  },
  statusChannel('consumer'),
  statusPeriod,
  {
    long: '--system-status-channel',
    short: '-ssc',
    kind: 'string',
    placeholder: 'channel',
    group: 'Channels',
    description:
      'channel with the statistics of all consumers together; _ means pvapy:consumer:system:status; with it even one consumer runs in a process of its own',
  },
  controlChannel('consumer'),
  fieldRequest,
  metadataChannels,
  {
    long: '--consumer-id',
    short: '-id',
    kind: 'int',
    default: 1,
    group: 'Consumers',
    description: 'id of the consumer; with several, of the first one, the others follow in steps of 1',
  },
  {
    long: '--n-consumers',
    short: '-nc',
    kind: 'int',
    default: 1,
    group: 'Consumers',
    description: 'number of consumers; each runs in a process of its own when there are several',
  },
  {
    long: '--consumer-id-list',
    short: '-cid',
    kind: 'string',
    placeholder: 'ids',
    group: 'Consumers',
    description:
      'explicit ids, "3,5,9", "[3,5,9]" or "range(first,last+1,step)"; replaces --consumer-id and --n-consumers',
  },
  idFormatSpec('Consumers', 'the id'),
  serverQueueSize,
  {
    long: '--receiver-queue-size',
    short: '-rqs',
    kind: 'int',
    default: -1,
    group: 'Queues',
    description:
      'frames this consumer may queue before processing; 0 is limited by memory only (4 GiB, and a quarter of the JavaScript heap), a negative number processes each frame as it is received',
  },
  {
    long: '--accumulate-objects',
    short: '-ao',
    kind: 'int',
    default: -1,
    group: 'Queues',
    description:
      'process in batches: wait until the receiver queue holds so many frames, then process them all; 0 or less each as it comes; only with --receiver-queue-size',
  },
  {
    long: '--accumulation-timeout',
    short: '-at',
    kind: 'float',
    default: 1,
    placeholder: 'seconds',
    group: 'Queues',
    description: 'time without a frame after which an incomplete batch is processed',
  },
  ...processorOptions,
  {
    long: '--skip-initial-updates',
    short: '-siu',
    kind: 'int',
    group: 'Processor',
    description:
      'number of first updates that are not processed, 0 or less for none; default 1 for input mode pva, whose first one is what the channel held already, otherwise 0',
  },
  oidField,
  {
    long: '--oid-offset',
    short: '-oo',
    kind: 'int',
    default: 0,
    group: 'Object ids',
    description:
      'difference between the last id of one batch and the first id of the next one for this consumer; 0 or less derives it from the distributor options',
  },
  {
    long: '--distributor-plugin-name',
    short: '-dpn',
    kind: 'string',
    default: 'pydistributor',
    placeholder: 'name',
    group: 'Distributor',
    description: "name of the distributor plugin in the input channel's server",
  },
  {
    long: '--distributor-group',
    short: '-dg',
    kind: 'string',
    placeholder: 'id',
    group: 'Distributor',
    description: 'group of clients among which the stream is distributed',
  },
  {
    long: '--distributor-set',
    short: '-ds',
    kind: 'string',
    placeholder: 'id',
    group: 'Distributor',
    description: 'set of clients in the group that all receive the same updates',
  },
  {
    long: '--distributor-trigger',
    short: '-dt',
    kind: 'string',
    placeholder: 'field',
    group: 'Distributor',
    description: 'field whose change makes a new update; timeStamp unless the server says otherwise',
  },
  {
    long: '--distributor-updates',
    short: '-du',
    kind: 'int',
    group: 'Distributor',
    description:
      'sequential updates a client, or set of clients, receives before the next one has its turn; 0 or less gives everything to everyone',
  },
  {
    long: '--n-distributor-sets',
    short: '-nds',
    kind: 'int',
    default: 1,
    group: 'Distributor',
    description:
      'number of sets in the whole system, 1 or less when there are none; used only to count missed frames',
  },
  ...runningOptions('receiver, publisher, queue, metadata, processor, user, rate, latency, resource, all'),
] as const satisfies OptionTable;

/** The parsed options of `hpc-consumer`. */
export type HpcConsumerOptions = ParsedOptions<typeof hpcConsumerOptions>;

/** The command `hpc-consumer`. */
export const hpcConsumerCommand = {
  name: 'hpc-consumer',
  summary:
    'Receives a stream of objects from a pvAccess channel, hands each to a processor, and accounts for every one.',
  options: hpcConsumerOptions,
} as const satisfies CommandSpec;
