/** The option tables as documents, and rules that hold for every table. */
import { describe, expect, it } from 'vitest';
import { adSimServerOptions } from '../../src/cli/ad-sim-server-options.ts';
import { hpcConsumerOptions } from '../../src/cli/hpc-consumer-options.ts';
import { optionsMarkdown, optionTerm } from '../../src/cli/option-help.ts';
import type { OptionTable } from '../../src/cli/option-table.ts';
import { pvgetOptions, pvinfoOptions, pvputOptions } from '../../src/cli/pvtools-options.ts';

describe('optionsMarkdown', () => {
  it('renders one table without groups', () => {
    const table = [
      {
        long: '--mode',
        short: '-M',
        kind: 'string',
        choices: ['a', 'b'],
        default: 'a',
        description: 'a | b',
      },
      { long: '--size', kind: 'int', required: true, description: 'how many' },
      { long: '--quiet', short: '-q', kind: 'flag', description: 'nothing' },
    ] as const satisfies OptionTable;
    expect(optionsMarkdown(table)).toBe(
      [
        '| Short | Long | Value | Default | Meaning |',
        '| --- | --- | --- | --- | --- |',
        '| `-M` | `--mode` | `a\\|b` | `a` | a \\| b |',
        '|  | `--size` | `n` | **required** | how many |',
        '| `-q` | `--quiet` |  |  | nothing |',
        '',
      ].join('\n'),
    );
  });

  it('renders a table for each group, in order of first appearance', () => {
    const table = [
      { long: '--one', kind: 'flag', group: 'First', description: '1' },
      { long: '--two', kind: 'flag', group: 'Second', description: '2' },
      { long: '--three', kind: 'flag', group: 'First', description: '3' },
    ] as const satisfies OptionTable;
    const text = optionsMarkdown(table);
    expect(text.match(/^### .*$/gm)).toEqual(['### First', '### Second']);
    expect(text.indexOf('--three')).toBeLessThan(text.indexOf('### Second'));
  });
});

describe.each([
  ['hpc-consumer', hpcConsumerOptions as OptionTable, ['-h', '-v']],
  ['ad-sim-server', adSimServerOptions as OptionTable, ['-h', '-v']],
  ['pvget', pvgetOptions as OptionTable, ['-h', '-V']],
  ['pvput', pvputOptions as OptionTable, ['-h', '-V']],
  ['pvinfo', pvinfoOptions as OptionTable, ['-h', '-V']],
])('the table of %s', (_name, table, builtin) => {
  it('has every name once', () => {
    const names = [
      ...builtin,
      '--help',
      '--version',
      ...table.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short])),
    ];
    expect(new Set(names).size).toBe(names.length);
  });

  it('has kebab-case names that commander does not take for negations, and describes every option', () => {
    for (const spec of table) {
      expect(spec.long).toMatch(/^--[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(spec.long.startsWith('--no-')).toBe(false);
      expect(spec.description).toMatch(/\w/);
      expect(spec.description.endsWith('.')).toBe(false);
    }
  });

  it('appears whole in the docs', () => {
    const text = optionsMarkdown(table);
    for (const spec of table) {
      expect(text).toContain(`\`${spec.long}\``);
      expect(optionTerm(spec)).toContain(spec.long);
    }
  });
});
