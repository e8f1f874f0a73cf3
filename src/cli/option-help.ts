/**
 * An option table as text: the words of `--help` (commander lays them out) and the Markdown tables of the docs.
 */
import {
  type CommandSpec,
  type NumberOption,
  type OptionSpec,
  type OptionTable,
  type StringOption,
  takesValue,
  valuePlaceholder,
} from './option-table.ts';

/** Left column of `--help`: `-ic, --input-channel <channel>`. */
export function optionTerm(spec: OptionSpec): string {
  const names = spec.short === undefined ? spec.long : `${spec.short}, ${spec.long}`;
  return takesValue(spec) ? `${names} ${valuePlaceholder(spec)}` : names;
}

/** Has it one value, which may have a default and choices? */
function isSingle(spec: OptionSpec): spec is NumberOption | StringOption {
  return takesValue(spec) && spec.kind !== 'json' && spec.kind !== 'list';
}

function defaultText(spec: OptionSpec): string {
  const value = isSingle(spec) ? spec.default : undefined;
  return value === undefined ? '' : String(value);
}

/** Right column of `--help`: the description with the words to choose from, and the default. */
export function optionDescription(spec: OptionSpec): string {
  const notes: string[] = [];
  if (takesValue(spec)) {
    if (isSingle(spec) && spec.choices !== undefined && spec.placeholder !== undefined) {
      notes.push(`one of ${spec.choices.join(', ')}`);
    }
    if (spec.required) notes.push('required');
    if (defaultText(spec) !== '') notes.push(`default: ${defaultText(spec)}`);
  }
  return notes.length === 0 ? spec.description : `${spec.description} (${notes.join('; ')})`;
}

/** What follows the program's name in its usage line: required options, `[options]`, then operands if any. */
export function usageText(command: CommandSpec, operands = ''): string {
  const required = command.options
    .filter((spec) => takesValue(spec) && spec.required)
    .map((spec) => `${spec.short ?? spec.long} ${valuePlaceholder(spec)}`);
  return [...required, '[options]', operands].filter((part) => part !== '').join(' ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** Text outside code: what looks like a tag would vanish. */
function prose(text: string): string {
  return cell(text).replaceAll('<', '&lt;');
}

function choicesText(spec: OptionSpec): string {
  return isSingle(spec) && spec.choices !== undefined && spec.placeholder !== undefined
    ? `; one of ${spec.choices.map((c) => code(String(c))).join(', ')}`
    : '';
}

function code(text: string): string {
  return text === '' ? '' : `\`${cell(text)}\``;
}

function markdownRow(spec: OptionSpec): string {
  const value = takesValue(spec) ? valuePlaceholder(spec).slice(1, -1) : '';
  const fallback = takesValue(spec) && spec.required ? '**required**' : code(defaultText(spec));
  const cells = [
    code(spec.short ?? ''),
    code(spec.long),
    code(value),
    fallback,
    prose(spec.description) + choicesText(spec),
  ];
  return `| ${cells.join(' | ')} |`;
}

/**
 * The options as Markdown tables, one per group in order of first appearance, under third-level headings; a table
 * without groups becomes a single Markdown table without a heading. Ends with a line feed.
 */
export function optionsMarkdown(table: OptionTable): string {
  const groups = new Map<string, OptionSpec[]>();
  for (const spec of table) {
    const rows = groups.get(spec.group ?? '');
    if (rows) rows.push(spec);
    else groups.set(spec.group ?? '', [spec]);
  }
  const head = '| Short | Long | Value | Default | Meaning |\n| --- | --- | --- | --- | --- |\n';
  return [...groups]
    .map(([group, specs]) => {
      const heading = group === '' ? '' : `### ${group}\n\n`;
      return `${heading}${head}${specs.map((spec) => `${markdownRow(spec)}\n`).join('')}`;
    })
    .join('\n');
}
