/**
 * Command lines as the EPICS base tools take them, which use getopt: options of one letter, combined (`-vv`,
 * `-vw 2`) or with the value attached (`-w2`), then operands. The long names of the table work too. commander
 * parses; the rules of where options end, and the wording and exit code of errors, live here.
 */
import { CommanderError } from 'commander';
import { CommandExit } from './command-exit.ts';
import { buildCommand } from './commander-command.ts';
import { usageText } from './option-help.ts';
import {
  type CommandSpec,
  type OptionTable,
  optionNames,
  type ParsedOptions,
  takesValue,
} from './option-table.ts';

/** A command with operands, such as the names of channels. */
export interface ToolSpec<T extends OptionTable = OptionTable> extends CommandSpec<T> {
  readonly operands: {
    /** As shown in the usage line: `<PV name>...`. */
    readonly usage: string;
    /** What is said when an operand that must be given is missing, in order. */
    readonly required: readonly string[];
    /**
     * Whether options may stand behind an operand, as with GNU getopt. Where not, everything behind the first operand
     * is an operand, so that a value may begin with a dash: `pvput x -5`.
     */
    readonly optionsBehind: boolean;
  };
  /** Letters of options that are refused by name, as EPICS base does. */
  readonly unsupported?: string;
}

/** The options and operands of a tool's command line. */
export interface ParsedTool<T extends OptionTable> {
  readonly options: ParsedOptions<T>;
  readonly operands: readonly string[];
  /** Lines for standard error about what was wrong, and does not matter. */
  readonly warnings: readonly string[];
}

/** The words of EPICS base, which scripts may look for. */
function commanderMessage(tool: ToolSpec, error: CommanderError): string {
  const quoted = /'([^']*)/.exec(error.message)?.[1] ?? '';
  const help = `('${tool.name} -h' for help.)`;
  switch (error.code) {
    case 'commander.unknownOption': {
      const name = quoted.startsWith('--') ? quoted : quoted.slice(0, 2);
      return tool.unsupported?.includes(name.slice(1))
        ? `Unsupported option ${name}`
        : `Unrecognized option: '${name}'. ${help}`;
    }
    case 'commander.optionMissingArgument':
      return `Option '${quoted.replace(/[, ].*/, '')}' requires an argument. ${help}`;
    default:
      return `${error.message} ${help}`;
  }
}

/**
 * Parses a command line by the tool's table, as the EPICS base tools do.
 *
 * @param argv the arguments after the program's name
 * @param version printed by `-V`/`--version`, after the program's name
 * @throws CommandExit for `-h` and `-V` (exit code 0), and for every mistake (one line that points to `-h`, exit
 *   code 1, as in EPICS base), except for what the table says is no more than a warning.
 */
export function parseTool<const T extends OptionTable>(
  tool: ToolSpec<T>,
  argv: readonly string[],
  version: string,
): ParsedTool<T> {
  const fail = (message: string) => new CommandExit(1, { stderr: `${message}\n` });
  const warnings: string[] = [];
  const parser = buildCommand(tool, {
    version,
    versionShort: '-V',
    usage: usageText(tool, tool.operands.usage),
    badValue: (spec, message, text) => {
      const lenient = takesValue(spec) ? spec.lenient : undefined;
      if (!lenient) return fail(`Option ${optionNames(spec)}: ${message} ('${tool.name} -h' for help.)`);
      warnings.push(lenient.warning.replaceAll('@', tool.name).replace('%', () => text));
      return { instead: lenient.instead };
    },
  });
  parser.passThroughOptions(!tool.operands.optionsBehind);
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? fail(commanderMessage(tool, error)) : error;
  }
  const missing = tool.operands.required[parser.args.length];
  if (missing !== undefined) throw fail(`${missing} ('${tool.name} -h' for help.)`);
  return { options: parser.opts() as ParsedOptions<T>, operands: parser.args, warnings };
}
