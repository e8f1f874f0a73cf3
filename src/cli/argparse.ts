/**
 * Command lines as PvaPy's commands take them, which use Python's argparse with `parse_known_args`: short options of
 * several letters (`-cn`), `--opt value`, `--opt=value`, `-cn=value`, unambiguous prefixes, negative numbers as
 * values. A normaliser here maps every spelling to the long name; commander parses the result.
 */
import { CommandExit } from './command-exit.ts';
import { buildCommand, HELP_OPTION, versionOption } from './commander-command.ts';
import { usageText } from './option-help.ts';
import {
  type CommandSpec,
  type OptionSpec,
  type OptionTable,
  optionNames,
  type ParsedOptions,
  takesValue,
} from './option-table.ts';

// Wider than Python 3.11, which refuses a negative number with an exponent.
const NEGATIVE_NUMBER = /^-(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The options a token may stand for, and the value attached to it with `=`. */
interface OptionToken {
  readonly candidates: readonly { readonly name: string; readonly spec: OptionSpec }[];
  readonly attached: string | undefined;
}

class Normaliser {
  private readonly names: readonly { readonly name: string; readonly spec: OptionSpec }[];
  private readonly fail: (message: string) => CommandExit;
  readonly known: string[] = [];
  readonly unknown: string[] = [];

  constructor(specs: readonly OptionSpec[], fail: (message: string) => CommandExit) {
    this.names = specs.flatMap((spec) =>
      [spec.short, spec.long].filter((name) => name !== undefined).map((name) => ({ name, spec })),
    );
    this.fail = fail;
  }

  /** The token as an option, or undefined when it can only be a value. */
  private classify(token: string): OptionToken | undefined {
    if (!token.startsWith('-')) return undefined;
    const whole = this.names.filter(({ name }) => name === token);
    if (whole.length > 0) return { candidates: whole, attached: undefined };
    if (token === '-') return undefined;
    const equals = token.indexOf('=');
    const head = equals < 0 ? token : token.slice(0, equals);
    const attached = equals < 0 ? undefined : token.slice(equals + 1);
    const exact = this.names.filter(({ name }) => name === head);
    if (exact.length > 0) return { candidates: exact, attached };
    const prefixed = this.names.filter(({ name }) => name.startsWith(head));
    if (prefixed.length > 0) return { candidates: prefixed, attached };
    if (NEGATIVE_NUMBER.test(token) || token.includes(' ')) return undefined;
    return { candidates: [], attached };
  }

  run(argv: readonly string[]): void {
    for (let index = 0; index < argv.length; index++) {
      const token = argv[index] ?? '';
      if (token === '--') {
        this.unknown.push(...argv.slice(index));
        return;
      }
      const option = this.classify(token);
      const [candidate] = option?.candidates ?? [];
      if (option === undefined || candidate === undefined) {
        this.unknown.push(token);
        continue;
      }
      if (option.candidates.length > 1) {
        const matches = option.candidates.map(({ name }) => name).join(', ');
        throw this.fail(`ambiguous option: ${token} could match ${matches}`);
      }
      const { spec } = candidate;
      if (!takesValue(spec)) {
        if (option.attached !== undefined) {
          throw this.fail(`argument ${optionNames(spec)}: takes no value, but got '${option.attached}'`);
        }
        this.known.push(spec.long);
        continue;
      }
      this.known.push(`${spec.long}=${option.attached ?? this.valueAfter(spec, argv[++index])}`);
    }
  }

  private valueAfter(spec: OptionSpec, next: string | undefined): string {
    if (next === undefined || next === '--' || this.classify(next) !== undefined) {
      throw this.fail(`argument ${optionNames(spec)}: expected one argument`);
    }
    return next;
  }
}

/**
 * Parses a command line by the command's table, as PvaPy's commands do.
 *
 * @param argv the arguments after the program's name
 * @param version printed by `-v`/`--version`, after the program's name
 * @throws CommandExit for `-h` and `-v` (exit code 0); for unknown tokens, named on one line (exit code 1); for an
 *   ambiguous option, a missing or ill-formed value and a missing required option: a usage line and one line that
 *   names the option (exit code 2). Unknown tokens are reported before missing options, because a mistyped required
 *   option is both.
 */
export function parseArguments<const T extends OptionTable>(
  command: CommandSpec<T>,
  argv: readonly string[],
  version: string,
): ParsedOptions<T> {
  const usage = usageText(command);
  const fail = (message: string) =>
    new CommandExit(2, {
      stderr: `Usage: ${command.name} ${usage}\n${command.name}: error: ${message}\n`,
    });
  const versionShort = '-v';
  const normaliser = new Normaliser([HELP_OPTION, versionOption(versionShort), ...command.options], fail);
  const parser = buildCommand(command, {
    version,
    versionShort,
    usage,
    badValue: (spec, message) => fail(`argument ${optionNames(spec)}: ${message}`),
  });

  let mistake: unknown;
  try {
    normaliser.run(argv);
  } catch (error) {
    mistake = error;
  }
  // Options before a mistake count first: a help request among them wins over it.
  parser.parse(normaliser.known, { from: 'user' });
  if (mistake !== undefined) throw mistake;
  if (normaliser.unknown.length > 0) {
    const tokens = normaliser.unknown.join(' ');
    throw new CommandExit(1, { stderr: `Unrecognized argument(s): ${tokens}\n` });
  }
  const given = (spec: OptionSpec) => normaliser.known.some((token) => token.startsWith(`${spec.long}=`));
  const missing = command.options.filter((spec) => takesValue(spec) && spec.required && !given(spec));
  if (missing.length > 0) {
    throw fail(`the following arguments are required: ${missing.map(optionNames).join(', ')}`);
  }
  return parser.opts() as ParsedOptions<T>;
}
