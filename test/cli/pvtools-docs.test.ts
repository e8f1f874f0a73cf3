/**
 * docs/reference/pvtools.md is true: its option tables are those of the tools, its examples print what it says, and no
 * option of EPICS base is missing. To write the option tables anew:
 *
 *   npx vitest run test/cli/pvtools-docs.test.ts -u
 */
import type { Server } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandExit } from '../../src/cli/command-exit.ts';
import { parseTool, type ToolSpec } from '../../src/cli/getopt.ts';
import { optionsMarkdown } from '../../src/cli/option-help.ts';
import {
  pvgetCommand,
  pvinfoCommand,
  pvmonitorCommand,
  pvmonitorOptions,
  pvputCommand,
} from '../../src/cli/pvtools-options.ts';
import { codeBlocks, read } from '../docs/support/documents.ts';
import { words } from '../e2e/support/world.ts';
import { environment, RunningTool, servePVs, type Tool } from './run-tool.ts';

const FILE = 'docs/reference/pvtools.md';
const COMMAND = 'npx vitest run test/cli/pvtools-docs.test.ts -u';

it(`holds the options of the tools (${COMMAND} writes them)`, async () => {
  expect(pvmonitorOptions, 'one table serves both').toBe(pvgetCommand.options);
  let wanted = read(FILE);
  for (const tool of [pvgetCommand, pvputCommand, pvinfoCommand]) {
    const begin = `<!-- Options of ${tool.name}: made from src/cli/pvtools-options.ts by \`${COMMAND}\` -->\n`;
    const end = '<!-- End of options -->';
    const [before = '', rest = ''] = wanted.split(begin);
    const after = rest.slice(rest.indexOf(end));
    expect(after, `${FILE}: no place between\n${begin}${end}`).toMatch(/^<!--/);
    wanted = `${before}${begin}\n${optionsMarkdown(tool.options)}\n${after}`;
  }
  await expect(wanted, `${FILE} is not up to date: ${COMMAND}`).toMatchFileSnapshot(`../../${FILE}`);
});

describe('the examples', () => {
  let server: Server;
  beforeAll(async () => {
    server = await servePVs();
  });
  afterAll(() => server.close());

  /** A command line of the page, with the lines it prints. */
  interface Example {
    readonly line: string;
    readonly output: string[];
  }

  function examples(text: string): Example[] {
    const all: Example[] = [];
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('$ npx ')) all.push({ line: line.slice('$ npx '.length), output: [] });
      else all.at(-1)?.output.push(line);
    }
    return all;
  }

  /** Blanks at the end of a line are not to be seen in a document. */
  const visible = (text: string): string[] =>
    text
      .trimEnd()
      .replace(`127.0.0.1:${server.tcpPort}`, '127.0.0.1:5075')
      .split('\n')
      .map((line) => line.trimEnd());

  const all = codeBlocks(FILE, 'console').flatMap(({ text }) => examples(text));

  it('are there for every tool', () => {
    expect(new Set(all.map(({ line }) => line.split(' ')[0]))).toEqual(
      new Set(['pvget', 'pvput', 'pvmonitor', 'pvinfo']),
    );
  });

  // In the order of the page: one puts what the next reads.
  it.sequential.each(all)('$line', async ({ line, output }) => {
    const [tool, ...argv] = words(line);
    await using running = new RunningTool(tool as Tool, argv, environment(server));
    if (tool === 'pvmonitor') await running.printed(/\n$/);
    const { code, stdout, stderr } = await (tool === 'pvmonitor' ? running.interrupt() : running.finished());
    expect(visible(stdout)).toEqual(output);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('the table of differences', () => {
  const rows = Array.from(read(FILE).matchAll(/^\| ((?:`-\w`(?:, )?)+) \| ([\w, ]+) \|.*\|$/gm), (row) => ({
    options: Array.from((row[1] as string).matchAll(/-\w/g), ([option]) => option),
    tools: row[2] as string,
  }));
  const toolsOf = (option: string): string[] =>
    rows.filter(({ options }) => options.includes(option)).flatMap(({ tools }) => tools.split(', '));

  // The argument of getopt() in the tools of pvAccessCPP 7.1.8.
  const base: [ToolSpec, string][] = [
    [pvgetCommand, 'hvVRM:r:w:tmp:qdcF:f:ni'],
    [pvmonitorCommand, 'hvVRM:r:w:tmp:qdcF:f:ni'],
    [pvputCommand, 'hvVM:r:w:tp:qdF:f:ns'],
    [pvinfoCommand, 'hVw:p:dc'],
  ];

  it.each(base.map(([tool, getopt]) => ({ tool, name: tool.name, getopt })))(
    'has every option of $name, which takes them all but -f',
    ({ tool, getopt }) => {
      const values: Readonly<Record<string, string>> = {
        M: 'raw',
        w: '1',
        p: 'pva',
        r: 'value',
        F: ',',
        f: 'x',
      };
      for (const [, letter = '', colon] of getopt.matchAll(/(\w)(:?)/g)) {
        const option = `-${letter}`;
        const tools = toolsOf(option);
        expect(tools.includes('all') || tools.includes(tool.name), `${option} of ${tool.name}`).toBe(true);
        const argv = colon ? [option, values[letter] as string, 'x', 'y'] : [option, 'x', 'y'];
        const parse = (): unknown => parseTool(tool, argv, '1');
        if (/[hVf]/.test(letter)) expect(parse, option).toThrow(CommandExit);
        else expect(parse, option).not.toThrow();
      }
    },
  );
});
