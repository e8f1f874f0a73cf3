/**
 * The options of `pvget`, `pvmonitor`, `pvput` and `pvinfo`: the letters, defaults and meaning of EPICS base 7
 * (pvAccessCPP's tools). The long names are an addition. `-f` is an unknown option, where base refuses it by name.
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

export type PvgetOptions = ParsedOptions<typeof pvgetOptions>;
export type PvputOptions = ParsedOptions<typeof pvputOptions>;
export type PvinfoOptions = ParsedOptions<typeof pvinfoOptions>;

const channels = { usage: '<PV name>...', required: ['PV name'], optionsBehind: true } as const;

/** The command `pvget`. */
export const pvgetCommand = {
  name: 'pvget',
  summary: 'Reads pvAccess channels and prints their values.',
  options: pvgetOptions,
  operands: channels,
} as const satisfies ToolSpec;

/** The command `pvmonitor`. */
export const pvmonitorCommand = {
  name: 'pvmonitor',
  summary: 'Prints every update of pvAccess channels until it is stopped.',
  options: pvmonitorOptions,
  operands: channels,
} as const satisfies ToolSpec;

/** The command `pvput`. */
export const pvputCommand = {
  name: 'pvput',
  summary:
    'Writes to a pvAccess channel: one value, an array (a number that is ignored, then the values), field=value pairs, or JSON.',
  options: pvputOptions,
  operands: {
    usage: '<PV name> <value>...',
    required: ['PV name', 'value'],
    optionsBehind: false,
  },
} as const satisfies ToolSpec;

/** The command `pvinfo`. */
export const pvinfoCommand = {
  name: 'pvinfo',
  summary: 'Prints the server and the type of pvAccess channels.',
  options: pvinfoOptions,
  operands: channels,
} as const satisfies ToolSpec;
