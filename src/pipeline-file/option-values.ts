/**
 * The `options` of one stage: checked against the option table of its command, kept as the texts a command line
 * would have.
 */
import type { CommandSpec, OptionSpec } from '../cli/option-table.ts';
import { takesValue } from '../cli/option-table.ts';
import { OptionValueError, parseOptionValue } from '../cli/option-value.ts';
import { didYouMean, type Problems, shown } from './problems.ts';
import type { Path, YamlText } from './yaml-text.ts';

/** What an option is given as: texts of its values, one for each time it is given; none for one without a value. */
export type OptionTexts = readonly string[];

/** The options of a stage, by their long names without dashes. */
export class StageOptions {
  private readonly command: CommandSpec;
  private readonly given = new Map<string, OptionTexts>();

  constructor(command: CommandSpec) {
    this.command = command;
  }

  /** Is there such an option? */
  knows(name: string): boolean {
    return this.spec(name) !== undefined;
  }

  has(name: string): boolean {
    return this.given.has(name);
  }

  set(name: string, texts: OptionTexts): void {
    this.given.set(name, texts);
  }

  /** Sets it unless the file does. */
  setDefault(name: string, text: string): void {
    if (!this.has(name)) this.set(name, [text]);
  }

  /** The value as text, a choice as the table has it, or the default of the table; undefined if there is neither. */
  text(name: string): string | undefined {
    const given = this.given.get(name)?.[0];
    const spec = this.spec(name);
    if (given !== undefined)
      return spec?.kind === 'string' && spec.choices ? String(parseOptionValue(spec, given)) : given;
    return spec !== undefined && 'default' in spec && spec.default !== undefined
      ? String(spec.default)
      : undefined;
  }

  /** The value of a number option. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text.replaceAll('_', ''));
  }

  /** Options that the command needs and that are not given. */
  missing(): string[] {
    return this.command.options
      .filter((spec) => takesValue(spec) && spec.required === true && !this.has(nameOf(spec)))
      .map(nameOf);
  }

  /** As arguments, in the order of the table. */
  argv(): string[] {
    return this.command.options.flatMap((spec) => {
      const texts = this.given.get(nameOf(spec));
      if (texts === undefined) return [];
      if (texts.length === 0) return [spec.long];
      // A value that begins with a dash would be taken for an option.
      return texts.flatMap((text) => (text.startsWith('-') ? [`${spec.long}=${text}`] : [spec.long, text]));
    });
  }

  private spec(name: string): OptionSpec | undefined {
    return this.command.options.find((spec) => nameOf(spec) === name);
  }
}

function nameOf(spec: OptionSpec): string {
  return spec.long.slice(2);
}

/** Checks all options of a stage; what is wrong is reported and left out. */
export function checkOptions(
  command: CommandSpec,
  entries: Readonly<Record<string, unknown>>,
  source: {
    readonly yaml: YamlText;
    readonly path: Path;
    readonly stage: string;
    readonly problems: Problems;
  },
): StageOptions {
  const { yaml, path, stage, problems } = source;
  const options = new StageOptions(command);
  const names = command.options.map(nameOf);
  for (const [name, value] of Object.entries(entries)) {
    const at = [...path, name];
    const spec = command.options.find((candidate) => nameOf(candidate) === name);
    if (!spec) {
      const short = command.options.find((candidate) => candidate.short?.replace(/^-/, '') === name);
      const meant = short ? `; did you mean '${nameOf(short)}'?` : didYouMean(name, names);
      problems.add(
        yaml.keyPositionOf(at),
        `stage '${stage}': ${command.name} has no option '${name}'${meant}`,
      );
      continue;
    }
    try {
      const texts = textsOf(spec, value, (key) => yaml.sourceOf(key === undefined ? at : [...at, key]));
      if (texts) options.set(name, texts);
    } catch (error) {
      if (!(error instanceof OptionValueError)) throw error;
      problems.add(yaml.positionOf(at), `stage '${stage}': option '${name}': ${error.message}`);
    }
  }
  return options;
}

type SourceOf = (index?: number) => string | undefined;

/** @throws OptionValueError */
function textsOf(spec: OptionSpec, value: unknown, sourceOf: SourceOf): OptionTexts | undefined {
  if (value === null || value === undefined) throw new OptionValueError('has no value');
  switch (spec.kind) {
    case 'flag':
      if (typeof value !== 'boolean')
        throw new OptionValueError(`must be true or false, not ${shown(value)}`);
      return value ? [] : undefined;
    case 'count':
      throw new OptionValueError('cannot be given in a pipeline file');
    case 'list':
      return Array.isArray(value)
        ? value.map((item, i) => scalarText(item, sourceOf(i)))
        : [scalarText(value, sourceOf())];
    case 'json': {
      const text = typeof value === 'object' ? JSON.stringify(value) : scalarText(value, undefined);
      parseOptionValue(spec, text);
      return [text];
    }
    default: {
      const text =
        spec.kind === 'string' && Array.isArray(value)
          ? value.map((item, i) => scalarText(item, sourceOf(i))).join(',')
          : scalarText(value, sourceOf());
      parseOptionValue(spec, text);
      return [text];
    }
  }
}

/** @throws OptionValueError for maps and lists */
function scalarText(value: unknown, source: string | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return source ?? String(value);
  throw new OptionValueError(`must be a single value, not ${shown(value)}`);
}
