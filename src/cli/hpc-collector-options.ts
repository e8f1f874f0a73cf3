/**
 * The options of `hpc-collector`: names, defaults and meaning are those of PvaPy's `pvapy-hpc-collector` 5.6
 * (hpcCollector.py), so that its command lines work unchanged; `--objects-per-id` and `--gap-timeout` are ours.
 */
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

/** The option table of `hpc-collector`. */
export const hpcCollectorOptions = [
  inputChannel('the id of each producer'),
  outputChannel('collector'),
  statusChannel('collector'),
  statusPeriod,
  controlChannel('collector'),
  fieldRequest,
  metadataChannels,
  {
    long: '--collector-id',
    short: '-id',
    kind: 'int',
    default: 1,
    group: 'Collector and producers',
    description: 'id of the collector',
  },
  {
    long: '--producer-id-list',
    short: '-pid',
    kind: 'string',
    default: '1,2',
    placeholder: 'ids',
    group: 'Collector and producers',
    description: 'ids of the producers, "1,2", "[1,2]" or "range(first,last+1,step)"',
  },
  idFormatSpec('Collector and producers', 'ids'),
  {
    long: '--collector-cache-size',
    short: '-ccs',
    kind: 'int',
    default: -1,
    group: 'Order',
    description:
      'objects that may wait for those before them; a full cache gives up waiting; a negative number is 10 for each producer, which gives up only after a second (at most 1000 for each, 256 MiB)',
  },
  {
    long: '--gap-timeout',
    short: '-gt',
    kind: 'float',
    default: 5,
    placeholder: 'seconds',
    group: 'Order',
    description: 'time after which an object is not held back any longer for those before it',
  },
  {
    long: '--objects-per-id',
    short: '-opi',
    kind: 'int',
    default: 0,
    group: 'Order',
    description: 'objects with the same id, such as the tiles of an image; 0 learns it from the stream',
  },
  serverQueueSize,
  {
    long: '--receiver-queue-size',
    short: '-rqs',
    kind: 'int',
    default: -1,
    group: 'Queues',
    description:
      'objects queued for each producer before they are sorted; at least ten times the cache; 0 is limited by memory only (4 GiB, and a quarter of the JavaScript heap), a negative number sorts each object as it is received',
  },
  ...processorOptions,
  {
    long: '--skip-initial-updates',
    short: '-siu',
    kind: 'int',
    default: 1,
    group: 'Processor',
    description:
      'number of first updates of each connection to a producer that are no objects, 0 or less for none; the first one is what the channel held already',
  },
  oidField,
  {
    long: '--oid-offset',
    short: '-oo',
    kind: 'int',
    default: 1,
    group: 'Object ids',
    description: 'difference between the ids of successive objects, over all producers',
  },
  ...runningOptions(
    'collector, producer, publisher, metadata, processor, user, rate, latency, resource, all',
  ),
] as const satisfies OptionTable;

/** The parsed options of `hpc-collector`. */
export type HpcCollectorOptions = ParsedOptions<typeof hpcCollectorOptions>;

/** The command `hpc-collector`. */
export const hpcCollectorCommand = {
  name: 'hpc-collector',
  summary: 'Receives objects from several producers and hands them to a processor in the order of their ids.',
  options: hpcCollectorOptions,
} as const satisfies CommandSpec;
