/**
 * From an option table to a commander `Command`: what the argparse-like and the getopt-like parser have in common.
 * commander parses and lays out the help; names it would refuse (`-ic`) are shown by it, but never reach it.
 */
import { Command, Option } from 'commander';
import { CommandExit } from './command-exit.ts';
import { optionDescription, optionTerm } from './option-help.ts';
import { type CommandSpec, type FlagOption, type OptionSpec, takesValue } from './option-table.ts';
import { OptionValueError, parseOptionValue } from './option-value.ts';

/** Counts in place of a bad value; without a value, what counted so far. */
export interface Replacement {
  readonly instead: string | undefined;
}

/** What differs between the two families of commands. */
export interface CommandStyle {
  /** Printed by the version option, after the program's name. */
  readonly version: string;
  /** `-v` in PvaPy's commands, `-V` in the EPICS tools, where `-v` means verbose. */
  readonly versionShort: `-${string}`;
  /** What follows the program's name in the usage line. */
  readonly usage: string;
  /** Makes the error for a value that does not fit its option, or says what counts instead of it. */
  readonly badValue: (spec: OptionSpec, message: string, text: string) => CommandExit | Replacement;
}

/** The option that prints help, first in every command. */
export const HELP_OPTION = {
  long: '--help',
  short: '-h',
  kind: 'flag',
  description: 'show this help and exit',
} as const satisfies FlagOption;

/** The option that prints program name and version. */
export function versionOption(short: `-${string}`): FlagOption {
  return { long: '--version', short, kind: 'flag', description: 'print the version and exit' };
}

/** `-h`, `--help` and the version option work where they stand: what follows them is not looked at. */
function exitOption(spec: FlagOption, output: () => string): Option {
  return commanderOption(spec)
    .preset('given')
    .argParser(() => {
      throw new CommandExit(0, { stdout: output() });
    });
}

function commanderOption(spec: OptionSpec): Option {
  const short = spec.short !== undefined && spec.short.length === 2 ? `${spec.short}, ` : '';
  return new Option(`${short}${spec.long}${takesValue(spec) ? ' <value>' : ''}`);
}

function tableOption(spec: OptionSpec, badValue: CommandStyle['badValue']): Option {
  const option = commanderOption(spec);
  if (spec.group !== undefined) option.helpGroup(`${spec.group}:`);
  if (spec.kind === 'flag') return option.default(false);
  if (spec.kind === 'count') {
    // A preset makes commander call the parser for an option without a value.
    return option
      .preset('1')
      .default(0)
      .argParser((_text: string, previous: number) => previous + 1);
  }
  if (spec.kind === 'list')
    return option
      .default([])
      .argParser((text: string, previous: readonly string[]): readonly string[] => [...previous, text]);
  if (spec.kind !== 'json' && spec.default !== undefined) option.default(spec.default);
  return option.argParser((text: string, previous: unknown) => {
    try {
      return parseOptionValue(spec, text);
    } catch (error) {
      if (!(error instanceof OptionValueError)) throw error;
      const outcome = badValue(spec, error.message, text);
      if (outcome instanceof CommandExit) throw outcome;
      return outcome.instead ?? previous;
    }
  });
}

/**
 * A commander command that parses by the table, prints nothing and exits never: help, version and bad values are
 * thrown as {@link CommandExit}, other mistakes as commander's own errors.
 */
export function buildCommand(command: CommandSpec, style: CommandStyle): Command {
  const version = versionOption(style.versionShort);
  const specs = new Map<string, OptionSpec>(
    [HELP_OPTION, version, ...command.options].map((spec) => [spec.long, spec]),
  );
  const specOf = (option: Option) => specs.get(option.long ?? '');
  const result = new Command(command.name)
    .description(command.summary)
    .usage(style.usage)
    .helpOption(false)
    .exitOverride()
    .allowExcessArguments()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? 110, 120),
    })
    .configureHelp({
      optionTerm: (option) => optionTerm(specOf(option) ?? HELP_OPTION),
      optionDescription: (option) => optionDescription(specOf(option) ?? HELP_OPTION),
    });
  result.addOption(exitOption(HELP_OPTION, () => result.helpInformation()));
  result.addOption(exitOption(version, () => `${command.name} ${style.version}\n`));
  for (const spec of command.options) result.addOption(tableOption(spec, style.badValue));
  return result;
}
