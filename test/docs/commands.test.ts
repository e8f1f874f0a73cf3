/** The commands that documents show exist, and take the options they are shown with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adSimServerCommand } from '../../src/cli/ad-sim-server-options.ts';
import { parseArguments } from '../../src/cli/argparse.ts';
import { parseTool } from '../../src/cli/getopt.ts';
import { hpcCollectorCommand } from '../../src/cli/hpc-collector-options.ts';
import { hpcConsumerCommand } from '../../src/cli/hpc-consumer-options.ts';
import { hpcPipelineCommand } from '../../src/cli/hpc-pipeline-options.ts';
import { mirrorServerCommand } from '../../src/cli/mirror-server-options.ts';
import { pvtools } from '../../src/cli/pvtools-options.ts';
import { ROOT, words } from '../e2e/support/world.ts';
import { codeBlocks, commandLines, commandLinesOf, documents, prose, read } from './support/documents.ts';

const PARSERS: Readonly<Record<string, (argv: readonly string[]) => unknown>> = {
  'hpc-consumer': (argv) => parseArguments(hpcConsumerCommand, argv, ''),
  'hpc-collector': (argv) => parseArguments(hpcCollectorCommand, argv, ''),
  'mirror-server': (argv) => parseArguments(mirrorServerCommand, argv, ''),
  'ad-sim-server': (argv) => parseArguments(adSimServerCommand, argv, ''),
  'hpc-pipeline': (argv) => parseTool(hpcPipelineCommand, argv, ''),
  ...Object.fromEntries(
    pvtools.map((tool) => [tool.name, (argv: readonly string[]) => parseTool(tool, argv, '')]),
  ),
};

const own = JSON.parse(read('package.json')) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
};

/** All places of `pattern`'s first group in all documents, code included. */
function mentions(pattern: RegExp): string[] {
  return documents().flatMap((file) =>
    Array.from(read(file).matchAll(pattern), ([, name]) => `${file}: ${name}`),
  );
}

describe('a command in a document', () => {
  it('run by npx is one of this package, or of its tools', () => {
    const named = mentions(/\bnpx ([\w@/-]+)/g);
    expect(named.length).toBeGreaterThan(20);
    const missing = named.filter((mention) => {
      const name = mention.split(': ')[1] ?? '';
      const file = own.bin[name] ?? `node_modules/.bin/${name}`;
      return name !== 'NAME' && !existsSync(join(ROOT, file));
    });
    expect(missing).toEqual([]);
  });

  it('run by npm is one of its scripts', () => {
    const named = mentions(/\bnpm (?:run ([\w:]+)|start|test)/g).filter(
      (mention) => !mention.endsWith('undefined'),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((mention) => own.scripts[mention.split(': ')[1] ?? ''] === undefined)).toEqual([]);
    expect(own.scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  });

  it('in a shell block is one that these tests know', () => {
    const known = [...Object.keys(PARSERS), 'npm', 'export', 'vitest'];
    const unknown = documents()
      .flatMap((file) => codeBlocks(file, 'sh'))
      .flatMap((block) => commandLines(block).map((line) => ({ at: `${block.file}:${block.line}`, line })))
      .filter(({ line }) => !known.includes(line.split(/\s/)[0] ?? ''));
    expect(unknown).toEqual([]);
  });

  it.for(commandLinesOf(Object.keys(PARSERS)))('$place: $line', ({ line }) => {
    const [name = '', ...argv] = words(line);
    expect(() => PARSERS[name]?.(argv)).not.toThrow();
  });
});

describe('an option in a document', () => {
  it('is an option of one of the commands', () => {
    const known = new Set(
      [
        hpcConsumerCommand.options,
        hpcCollectorCommand.options,
        mirrorServerCommand.options,
        adSimServerCommand.options,
        hpcPipelineCommand.options,
        ...pvtools.map(({ options }) => options),
      ].flatMap((table) => table.map(({ long }): string => long)),
    );
    for (const builtin of ['--help', '--version', '--option']) known.add(builtin);
    const unknown = documents().flatMap((file) =>
      Array.from(prose(file).matchAll(/`(--[a-z][\w-]*)/g), ([, option = '']) => option)
        .filter((option) => !known.has(option))
        .map((option) => `${file}: ${option}`),
    );
    expect(unknown).toEqual([]);
  });
});
