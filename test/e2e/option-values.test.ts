/** Numbers of options that are none, or that no option can mean: one line that names the option, and an exit code. */
import { describe, expect } from 'vitest';
import { adSimServerCommand } from '../../src/cli/ad-sim-server-options.ts';
import { parseArguments } from '../../src/cli/argparse.ts';
import { CommandExit } from '../../src/cli/command-exit.ts';
import { hpcCollectorCommand } from '../../src/cli/hpc-collector-options.ts';
import { hpcConsumerCommand } from '../../src/cli/hpc-consumer-options.ts';
import { mirrorServerCommand } from '../../src/cli/mirror-server-options.ts';
import { type CommandSpec, type NumberOption, optionNames } from '../../src/cli/option-table.ts';
import { it } from './support/world.ts';

/** Each command with what it cannot run without. */
const COMMANDS: readonly (readonly [CommandSpec, string])[] = [
  [hpcConsumerCommand, '-ic x'],
  [hpcCollectorCommand, '-ic x:*'],
  [mirrorServerCommand, '-cm (a,b)'],
  [adSimServerCommand, ''],
];

const isNumber = (spec: { readonly kind: string }): spec is NumberOption =>
  spec.kind === 'int' || spec.kind === 'float';

const CASES = COMMANDS.flatMap(([command, needed]) =>
  command.options.filter(isNumber).map((spec) => ({
    at: `${command.name} ${spec.long}`,
    command,
    spec,
    argv: needed.split(' ').filter((word) => word !== ''),
  })),
);
type Case = (typeof CASES)[number];

/** How the command ends with this value; undefined if it takes it. */
function exitWith({ command, spec, argv }: Case, text: string): CommandExit | undefined {
  try {
    parseArguments(command, [...argv, `${spec.long}=${text}`], '1');
    return undefined;
  } catch (error) {
    if (error instanceof CommandExit) return error;
    throw error;
  }
}

/** Wrong use of an option: the usage, one line that names it, and exit code 2 (docs/reference/exit-codes.md). */
function expectUsage(one: Case, text: string, message: string): void {
  const exit = exitWith(one, text);
  expect(exit?.exitCode).toBe(2);
  expect(exit?.stdout).toBe('');
  const [usage, error, ...more] = exit?.stderr.split('\n') ?? [];
  expect(usage).toMatch(new RegExp(`^Usage: ${one.command.name} `));
  expect(error).toBe(`${one.command.name}: error: argument ${optionNames(one.spec)}: ${message}`);
  expect(more).toEqual(['']);
}

/** Options that are never below 0, but have no least value in their table: the command itself says so. */
const REFUSED: Readonly<Record<string, string>> = {
  'hpc-consumer --status-period': '--status-period: -1 is not at least 0.1 seconds (HPC_BAD_ARGUMENT)',
  'hpc-consumer --consumer-id': 'consumer id -1 is outside 0 to 4294967295 (HPC_CONSUMER_ID)',
  'hpc-consumer --n-consumers': 'the number of consumers must be at least 1, not -1 (HPC_CONSUMER_ID)',
  'hpc-consumer --accumulation-timeout':
    '--accumulation-timeout: -1 is not more than 0 seconds (HPC_BAD_ARGUMENT)',
  'hpc-consumer --processor-workers': '--processor-workers: -1 is not from 0 to 256 (HPC_BAD_ARGUMENT)',
  'hpc-consumer --drain-timeout': '--drain-timeout: -1 is not 0 or more seconds (HPC_BAD_ARGUMENT)',
  'hpc-collector --status-period': '--status-period: -1 is not at least 0.1 seconds (HPC_BAD_ARGUMENT)',
  'hpc-collector --collector-id': '--collector-id: -1 is not from 0 to 4294967295 (HPC_BAD_ARGUMENT)',
  'hpc-collector --gap-timeout': '--gap-timeout: -1 is not more than 0 seconds (HPC_BAD_ARGUMENT)',
  'hpc-collector --objects-per-id': '--objects-per-id: -1 is not at least 0 (HPC_BAD_ARGUMENT)',
  'hpc-collector --processor-workers': '--processor-workers: -1 is not from 0 to 256 (HPC_BAD_ARGUMENT)',
  'hpc-collector --oid-offset': '--oid-offset: -1 is not at least 1 (HPC_BAD_ARGUMENT)',
  'hpc-collector --drain-timeout': '--drain-timeout: -1 is not 0 or more seconds (HPC_BAD_ARGUMENT)',
  'mirror-server --drain-timeout': '--drain-timeout: -1 is not 0 or more seconds (HPC_BAD_ARGUMENT)',
  'ad-sim-server --maximum':
    'the maximum of generated values, -1, is outside of uint8: 0 to 255 (HPC_BAD_ARGUMENT)',
  'ad-sim-server --ramp-to': 'ramp to -1 frames/s: use a number above 0, up to 10000000 (HPC_BAD_ARGUMENT)',
  'ad-sim-server --ramp-time': 'ramp within -1 seconds: use a number above 0 (HPC_BAD_ARGUMENT)',
  'ad-sim-server --burst': 'bursts of -1 frames: use a whole number of 1 or more (HPC_BAD_ARGUMENT)',
};

/** What else a command needs to see that option. */
const TOGETHER: Readonly<Record<string, string>> = { 'ad-sim-server --ramp-time': '--ramp-to 5' };

/** -1 is a value like any other. */
const ANY_NUMBER = ['ad-sim-server --minimum'];

describe.each(CASES)('$at', (one) => {
  const { kind, minimum, choices } = one.spec;

  it.each(['abc', '', ' ', '1,5', '0x10', 'nan'])('%j is no number', (text) => {
    expectUsage(one, text, `invalid ${kind} value: '${text}'`);
  });

  it('1e99 is no whole number, and as a time, a rate or a value a large one', () => {
    if (kind === 'int') expectUsage(one, '1e99', "invalid int value: '1e99'");
    else expect(exitWith(one, '1e99')).toBeUndefined();
  });

  it('-1 is refused, or the option says what it means', () => {
    if (choices) expectUsage(one, '-1', `invalid choice: -1 (choose from ${choices.join(', ')})`);
    else if (minimum !== undefined) expectUsage(one, '-1', `must be at least ${minimum}, not -1`);
    else {
      expect(exitWith(one, '-1')).toBeUndefined();
      if (!(one.at in REFUSED) && !ANY_NUMBER.includes(one.at))
        expect(one.spec.description).toMatch(/\b[01] or less\b|\ba negative number\b|\bat least 1\b/);
    }
  });
});

describe.concurrent('hpc-pipeline --report-period', () => {
  it.for([
    ['abc', "invalid float value: 'abc'"],
    ['', "invalid float value: ''"],
    ['-1', 'must be at least 0.1, not -1'],
  ] as const)('%j is one line, with exit code 2', async ([text, message], { world }) => {
    expect(await world.run(`hpc-pipeline check no-file.yaml -p '${text}'`)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `hpc-pipeline: error: Option -p/--report-period: ${message} ('hpc-pipeline -h' for help.)\n`,
    });
  });
});

describe.concurrent('-1, which only the command itself can refuse', () => {
  it.for(Object.entries(REFUSED))('%s', async ([at, message], { world }) => {
    const [name, option] = at.split(' ');
    const needed = COMMANDS.find(([command]) => command.name === name)?.[1] ?? '';
    const together = TOGETHER[at] ?? '';
    const { code, stdout, stderr } = await world.run(`${name} ${needed} ${together} ${option} -1`);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: `${name}: error: ${message}\n` });
  });
});
