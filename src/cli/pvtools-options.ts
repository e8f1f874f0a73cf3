/**
 * The options of `pvget`, `pvmonitor`, `pvput`, `pvinfo`, `pvlist` and `pvcall`: the letters, defaults and meaning of
 * EPICS base 7 (pvAccessCPP's tools). The long names are an addition, as are `-#` (from PVXS) and `--summary`.
 */

import type { ToolSpec } from './getopt.ts';
import type { FlagOption, OptionTable, ParsedOptions } from './option-table.ts';

const timeout = {
  long: '--timeout',
  short: '-w',
  kind: 'float',
  default: 5,
  placeholder: 'seconds',
  description: 'time to wait for an answer; 0 or less waits for ever',
  lenient: { warning: "'%' is not a valid timeout value - ignored. ('@ -h' for help.)" },
} as const;

const provider = {
  long: '--provider',
  short: '-p',
  kind: 'string',
  choices: ['pva'],
  default: 'pva',
  description: 'protocol to use',
} as const;

const debug = {
  long: '--debug',
  short: '-d',
  kind: 'flag',
  description: 'print to standard error where channels are searched for and what is put',
} as const;

const request = {
  long: '--request',
  short: '-r',
  kind: 'string',
  default: '',
  placeholder: 'pvRequest',
  description:
    'fields to ask for and options, such as "value,timeStamp" or "record[queueSize=10]field()"; everything when not given',
} as const;

const mode = {
  long: '--mode',
  short: '-M',
  kind: 'string',
  choices: ['raw', 'nt', 'json'],
  default: 'nt',
  description: 'output format: nt is short for normative types, raw the whole structure',
  lenient: { warning: "Unknown output mode '%'", instead: 'raw' },
} as const;

const limit = {
  long: '--limit',
  short: '-#',
  kind: 'int',
  default: 0,
  minimum: 0,
  placeholder: 'count',
  description:
    'print no more than this many elements of an array of numbers or strings; 0 is all; not in json',
} as const;

const summary = {
  long: '--summary',
  kind: 'flag',
  description: 'print an image (NTNDArray) on one line: time, alarm, number, size and type',
} as const;

const verbose = {
  long: '--verbose',
  short: '-v',
  kind: 'count',
  description: 'print the whole structure (raw); -vv marks the fields received, -vvv prints all of them',
} as const;

const quiet = {
  long: '--quiet',
  short: '-q',
  kind: 'flag',
  description: 'print no old value, and the new one without a label',
} as const;

function ignored<const Long extends `--${string}`, const Short extends `-${string}`>(
  long: Long,
  short: Short,
) {
  return {
    long,
    short,
    kind: 'flag',
    description: 'accepted and ignored',
  } as const satisfies FlagOption;
}

const separator = {
  long: '--separator',
  short: '-F',
  kind: 'string',
  placeholder: 'character',
  description: 'accepted and ignored',
} as const;

const referenceCounts = ignored('--reference-counts', '-R');
const cleanup = ignored('--cleanup', '-c');
const terse = ignored('--terse', '-t');
const plain = ignored('--plain', '-i');
const numbers = ignored('--numbers', '-n');
const strings = ignored('--strings', '-s');
const ignoredQuiet = ignored('--quiet', '-q');

/** The option table of `pvget`. */
export const pvgetOptions = [
  request,
  timeout,
  mode,
  verbose,
  limit,
  summary,
  { long: '--monitor', short: '-m', kind: 'flag', description: 'go on and print every update, as pvmonitor' },
  provider,
  debug,
  ignoredQuiet,
  separator,
  terse,
  plain,
  numbers,
  cleanup,
  referenceCounts,
] as const satisfies OptionTable;

/** The option table of `pvmonitor`: that of `pvget`. */
export const pvmonitorOptions = pvgetOptions;

/** The option table of `pvput`. */
export const pvputOptions = [
  request,
  timeout,
  mode,
  verbose,
  limit,
  summary,
  quiet,
  provider,
  debug,
  separator,
  terse,
  numbers,
  strings,
] as const satisfies OptionTable;

/** The option table of `pvinfo`. */
export const pvinfoOptions = [timeout, provider, debug, cleanup] as const satisfies OptionTable;

/** The option table of `pvlist`. */
export const pvlistOptions = [
  {
    long: '--info',
    short: '-i',
    kind: 'flag',
    description: 'print what the servers given say of themselves',
  },
  {
    ...timeout,
    default: 3,
    minimum: Number.MIN_VALUE,
    description: 'time to wait for the answer of a server given',
  },
  ignoredQuiet,
  debug,
] as const satisfies OptionTable;

/** The option table of `pvcall`. */
export const pvcallOptions = [
  request,
  timeout,
  mode,
  { long: '--verbose', short: '-v', kind: 'count', description: 'print the argument too, with headings' },
  limit,
  provider,
  debug,
  {
    long: '--service',
    short: '-s',
    kind: 'string',
    placeholder: 'PV name',
    description: 'the service; all operands are arguments then',
  },
  {
    long: '--argument',
    short: '-a',
    kind: 'list',
    placeholder: 'name=value',
    description: 'an argument, as behind the name; may be repeated',
  },
] as const satisfies OptionTable;

export type PvgetOptions = ParsedOptions<typeof pvgetOptions>;
export type PvputOptions = ParsedOptions<typeof pvputOptions>;
export type PvinfoOptions = ParsedOptions<typeof pvinfoOptions>;
export type PvlistOptions = ParsedOptions<typeof pvlistOptions>;
export type PvcallOptions = ParsedOptions<typeof pvcallOptions>;

/** Said by tools that do nothing without a name. */
export const NO_NAME = 'No pv name(s) specified.';

const channels = { usage: '<PV name>...', required: [], optionsBehind: true } as const;

/** The command `pvget`. */
export const pvgetCommand = {
  name: 'pvget',
  summary: 'Reads pvAccess channels and prints their values.',
  options: pvgetOptions,
  operands: channels,
  unsupported: 'f',
} as const satisfies ToolSpec;

/** The command `pvmonitor`. */
export const pvmonitorCommand = {
  name: 'pvmonitor',
  summary: 'Prints every update of pvAccess channels until it is stopped.',
  options: pvmonitorOptions,
  operands: channels,
  unsupported: 'f',
} as const satisfies ToolSpec;

/** The command `pvput`. */
export const pvputCommand = {
  name: 'pvput',
  summary:
    'Writes to a pvAccess channel: one value, an array (a number that is ignored, then the values), field=value pairs, or JSON.',
  options: pvputOptions,
  operands: {
    usage: '<PV name> <value>...',
    required: ['No pv name specified.', 'No value(s) specified.'],
    optionsBehind: false,
  },
  unsupported: 'f',
} as const satisfies ToolSpec;

/** The command `pvinfo`. */
export const pvinfoCommand = {
  name: 'pvinfo',
  summary: 'Prints the server and the type of pvAccess channels.',
  options: pvinfoOptions,
  operands: { ...channels, required: [NO_NAME] },
} as const satisfies ToolSpec;

/** The command `pvlist`. */
export const pvlistCommand = {
  name: 'pvlist',
  summary: 'Lists the servers that answer, or the channels of the servers given.',
  options: pvlistOptions,
  operands: { usage: '[<address>[:<port>] | 0x<GUID>]...', required: [], optionsBehind: true },
  unsupported: 'Ff',
} as const satisfies ToolSpec;

/** The command `pvcall`. */
export const pvcallCommand = {
  name: 'pvcall',
  summary: 'Calls a remote procedure and prints its result.',
  options: pvcallOptions,
  operands: { usage: '<PV name> [<name>=<value>]...', required: [], optionsBehind: true },
} as const satisfies ToolSpec;

/** Every tool of this file. */
export const pvtools: readonly ToolSpec[] = [
  pvgetCommand,
  pvmonitorCommand,
  pvputCommand,
  pvinfoCommand,
  pvlistCommand,
  pvcallCommand,
];
