/**
 * What documents say of pipeline files is true: the table of keys is that of the schema, and every file that is shown
 * can be run. To write the table anew:
 *
 *   npx vitest run test/docs/pipeline.test.ts -u
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STAGE_COMMAND_SPECS } from '../../src/cli/stage-commands.ts';
import { pipelineJsonSchema } from '../../src/pipeline-file/json-schema.ts';
import { planPipeline } from '../../src/pipeline-file/plan.ts';
import { ROOT } from '../e2e/support/world.ts';
import { codeBlocks, documents, read } from './support/documents.ts';

const COMMAND = 'npx vitest run test/docs/pipeline.test.ts -u';
const FILE = 'docs/reference/pipeline-file.md';

interface Key {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly anyOf?: readonly Key[];
}

interface Keys {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, Key>>;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: '`true` or `false`',
  array: 'list',
  object: 'mapping',
};

function valueText(key: Key): string {
  if (key.enum) return key.enum.map((word) => `\`${word}\``).join(', ');
  if (key.anyOf) return 'name, or list of names';
  return TYPES[String(key.type)] ?? '';
}

function defaultText(name: string, { required }: Keys, key: Key): string {
  if (required.includes(name)) return '**required**';
  const value = key.default;
  if (value === undefined || (typeof value === 'object' && Object.keys(value as object).length === 0))
    return '';
  return `\`${String(value)}\``;
}

function keysMarkdown(heading: string, keys: Keys): string {
  const rows = Object.entries(keys.properties).map(
    ([name, key]) =>
      `| \`${name}\` | ${valueText(key)} | ${defaultText(name, keys, key)} | ${key.description} |`,
  );
  return `## ${heading}\n\n| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

it(`${FILE} holds the keys of the schema (${COMMAND} writes them)`, async () => {
  const schema = pipelineJsonSchema(STAGE_COMMAND_SPECS) as unknown as Keys;
  const stage = (schema.properties['stages'] as unknown as { readonly items: Keys }).items;
  const begin = `<!-- Keys: made from src/pipeline-file/schema.ts by \`${COMMAND}\` -->\n`;
  const end = '<!-- End of keys -->';
  const [before = '', rest] = read(FILE).split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${FILE}: no place for the keys between\n${begin}${end}`);
  const tables = `${keysMarkdown('Keys of the chain', schema)}\n${keysMarkdown('Keys of a stage', stage)}`;
  await expect(`${before}${begin}\n${tables}\n${end}${after}`).toMatchFileSnapshot(join(ROOT, FILE));
});

describe('a pipeline file in a document', () => {
  const blocks = documents()
    .flatMap((file) => codeBlocks(file, 'yaml'))
    .filter(({ text }) => text.includes('\nstages:'));

  it('is there', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3);
  });

  it.for(blocks.map((block) => ({ place: `${block.file}:${block.line}`, block })))(
    '$place has no mistakes',
    ({ block }) => {
      const { problems } = planPipeline(block.text, {
        commands: STAGE_COMMAND_SPECS,
        variables: { set: new Map(), environment: {} },
      });
      expect(problems).toBeUndefined();
    },
  );
});
