/**
 * The typed option table: one `as const satisfies OptionTable` value per command makes parsing, `--help`, the types
 * of the parsed options and the table in the docs. Only the shape of a table and the types inferred from it live
 * here; `argparse.ts` and `getopt.ts` parse by it, `option-help.ts` renders it.
 */

interface OptionBase {
  /** Long name with its dashes, in kebab-case: `--input-channel`. Its camelCase form is the key in the result. */
  readonly long: `--${string}`;
  /** Short name with its dash. PvaPy's have several letters (`-ic`), those of the EPICS tools one (`-r`). */
  readonly short?: `-${string}`;
  /** What the option means, one sentence without a full stop; the default is added when rendered. */
  readonly description: string;
  /** Heading under which `--help` and the docs list the option. */
  readonly group?: string;
}

interface ValueOptionBase extends OptionBase {
  /** The command cannot run without it. */
  readonly required?: true;
  /** Name of the value in help texts; by default it comes from the kind. */
  readonly placeholder?: string;
  /**
   * A value that does not fit is no error, as in the EPICS tools: this warning is printed (`%` is the text, `@` the
   * program's name), and `instead` or what counted so far goes on to count.
   */
  readonly lenient?: { readonly warning: string; readonly instead?: string };
}

/** Given or not: a boolean, false by default. */
export interface FlagOption extends OptionBase {
  readonly kind: 'flag';
}

/** How many times it was given (`-vv` is 2): a number, 0 by default. */
export interface CountOption extends OptionBase {
  readonly kind: 'count';
}

/** A whole number (`int`) or a floating-point number (`float`, which may be infinite but not NaN). */
export interface NumberOption extends ValueOptionBase {
  readonly kind: 'int' | 'float';
  readonly default?: number;
  readonly choices?: readonly number[];
  /** Smallest value accepted. */
  readonly minimum?: number;
}

/** Text, or one of a few words; words are matched without regard to case and delivered as written in the table. */
export interface StringOption extends ValueOptionBase {
  readonly kind: 'string';
  readonly default?: string;
  readonly choices?: readonly string[];
  /** Other texts for choices, which help does not list. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Words that PvaPy knows and this command has not: what to do instead. In lower case. */
  readonly notOffered?: Readonly<Record<string, string>>;
}

/** A JSON object, delivered parsed. */
export interface JsonOption extends ValueOptionBase {
  readonly kind: 'json';
}

/** Text that may be given several times: an array, empty by default. */
export interface ListOption extends ValueOptionBase {
  readonly kind: 'list';
}

/** One row of an option table. */
export type OptionSpec = FlagOption | CountOption | NumberOption | StringOption | JsonOption | ListOption;

/** All options of one command, in the order in which help lists them. */
export type OptionTable = readonly OptionSpec[];

/** A JSON object as given on a command line. */
export type JsonObject = { readonly [key: string]: unknown };

/** A command: its name, what it does in one sentence, and its options. */
export interface CommandSpec<T extends OptionTable = OptionTable> {
  readonly name: string;
  readonly summary: string;
  readonly options: T;
}

type CamelCase<S extends string> = S extends `${infer Head}-${infer Rest}`
  ? `${Head}${Capitalize<CamelCase<Rest>>}`
  : S;

type OptionKey<S extends OptionSpec> = S['long'] extends `--${infer Name}` ? CamelCase<Name> : never;

type Choice<S, Otherwise> = S extends { readonly choices: readonly (infer C)[] } ? C : Otherwise;

type OptionValue<S extends OptionSpec> = S extends FlagOption
  ? boolean
  : S extends CountOption
    ? number
    : S extends NumberOption
      ? Choice<S, number>
      : S extends StringOption
        ? Choice<S, string>
        : S extends ListOption
          ? readonly string[]
          : JsonObject;

type AlwaysThere =
  | { readonly kind: 'flag' | 'count' | 'list' }
  | { readonly required: true }
  | { readonly default: number | string };

/**
 * The parsed options of a table: one camelCase key an option. An option with neither a default nor `required` may
 * be undefined.
 */
export type ParsedOptions<T extends OptionTable> = {
  readonly [S in T[number] as OptionKey<S>]: S extends AlwaysThere
    ? OptionValue<S>
    : OptionValue<S> | undefined;
};

/** Whether an option is followed by a value on the command line. */
export function takesValue(spec: OptionSpec): spec is NumberOption | StringOption | JsonOption | ListOption {
  return spec.kind !== 'flag' && spec.kind !== 'count';
}

/** The names of an option as error messages give them, as Python's argparse does: `-ic/--input-channel`. */
export function optionNames(spec: OptionSpec): string {
  return spec.short === undefined ? spec.long : `${spec.short}/${spec.long}`;
}

/** The value's name in help texts: `<channel>`. */
export function valuePlaceholder(spec: OptionSpec): string {
  if (!takesValue(spec)) return '';
  if (spec.placeholder !== undefined) return `<${spec.placeholder}>`;
  if (spec.kind === 'json') return '<json>';
  if (spec.kind === 'list') return '<text>';
  if (spec.choices !== undefined) return `<${spec.choices.join('|')}>`;
  return spec.kind === 'string' ? '<text>' : spec.kind === 'int' ? '<n>' : '<number>';
}
