/** The options of `hpc-pipeline`, a command of ours; PvaPy has none like it. */
import type { ToolSpec } from './getopt.ts';
import type { OptionTable, ParsedOptions } from './option-table.ts';

/** The option table of `hpc-pipeline`. */
export const hpcPipelineOptions = [
  {
    long: '--set',
    short: '-s',
    kind: 'list',
    placeholder: 'name=value',
    description: 'value of a variable in the file; may be given several times',
  },
  {
    long: '--dry-run',
    short: '-n',
    kind: 'flag',
    description: 'run: start nothing, print the commands of the stages, one a line, in start order',
  },
  {
    long: '--report-period',
    short: '-p',
    kind: 'float',
    default: 2,
    minimum: 0.1,
    placeholder: 'seconds',
    description: 'run: time between two lines with the figures of all stages, where there is no terminal',
  },
  {
    long: '--quiet',
    short: '-q',
    kind: 'flag',
    description:
      'run: do not show what the stages print; a stage that dies is still reported with its last lines',
  },
  {
    long: '--fail-on-loss',
    short: '-f',
    kind: 'flag',
    description: 'run: end with exit code 3 when objects were lost anywhere in the chain',
  },
] as const satisfies OptionTable;

/** The parsed options of `hpc-pipeline`. */
export type HpcPipelineOptions = ParsedOptions<typeof hpcPipelineOptions>;

/** The command `hpc-pipeline`. */
export const hpcPipelineCommand = {
  name: 'hpc-pipeline',
  summary:
    'Starts a whole chain of commands from a file, supervises it, ends it in order, and accounts for every object. Actions: run FILE, check FILE (look for mistakes only), schema (print the JSON schema of pipeline files).',
  options: hpcPipelineOptions,
  operands: {
    usage: 'run|check|schema [file]',
    required: ['No action given: run FILE, check FILE, or schema.'],
    optionsBehind: true,
  },
} as const satisfies ToolSpec;
