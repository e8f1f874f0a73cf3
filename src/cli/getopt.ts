/**
 * Command lines as the EPICS base tools take them, which use getopt: options of one letter, combined (`-vv`,
 * `-vw 2`) or with the value attached (`-w2`), then operands. The long names of the table work too. commander
 * parses; the rules of where options end, and the wording and exit code of errors, live here.
 */
import { CommanderError } from 'commander';
import { CommandExit } from './command-exit.ts';
import { buildCommand } from './commander-command.ts';
import { usageText } from './option-help.ts';
import { type CommandSpec, type OptionTable, optionNames, type ParsedOptions } from './option-table.ts';

/** A command with operands, such as the names of channels. */
export interface ToolSpec<T extends OptionTable = OptionTable> extends CommandSpec<T> {
  readonly operands: {
    /** As shown in the usage line: `<PV name>...`. */
    readonly usage: string;
    /** What each operand that must be given is called in errors, in order. */
    readonly required: readonly string[];
    /**
     * Whether options may stand behind an operand, as with GNU getopt. Where not, everything behind the first operand
     * is an operand, so that a value may begin with a dash: `pvput x -5`.
     */
    readonly optionsBehind: boolean;
  };
}

/** The options and operands of a tool's command line. */
export interface ParsedTool<T extends OptionTable> {
  readonly options: ParsedOptions<T>;
  readonly operands: readonly string[];
}

function commanderMessage(error: CommanderError): string {
  const quoted = /'([^']*)/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption':
      return `unknown option ${quoted}`;
    case 'commander.optionMissingArgument':
      return `option ${quoted.replace(', ', '/').replace(/ <.*/, '')} needs a value`;
    default:
      return error.message;
  }
}

/**
 * Parses a command line by the tool's table, as the EPICS base tools do.
 *
 * @param argv the arguments after the program's name
 * @param version printed by `-V`/`--version`, after the program's name
 * @throws CommandExit for `-h` and `-V` (exit code 0), and for every mistake (one line that points to `-h`, exit
 *   code 1, as in EPICS base).
 */
export function parseTool<const T extends OptionTable>(
  tool: ToolSpec<T>,
  argv: readonly string[],
  version: string,
): ParsedTool<T> {
  const fail = (message: string) =>
    new CommandExit(1, { stderr: `${tool.name}: ${message} ('${tool.name} -h' shows the usage)\n` });
  const parser = buildCommand(tool, {
    version,
    versionShort: '-V',
    usage: usageText(tool, tool.operands.usage),
    badValue: (spec, message) => fail(`option ${optionNames(spec)}: ${message}`),
  });
  parser.passThroughOptions(!tool.operands.optionsBehind);
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? fail(commanderMessage(error)) : error;
  }
  const missing = tool.operands.required[parser.args.length];
  if (missing !== undefined) throw fail(`no ${missing} given`);
  return { options: parser.opts() as ParsedOptions<T>, operands: parser.args };
}
