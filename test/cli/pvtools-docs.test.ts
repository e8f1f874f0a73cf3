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
import { pvgetCommand, pvmonitorCommand, pvmonitorOptions, pvtools } from '../../src/cli/pvtools-options.ts';
import { codeBlocks, read } from '../docs/support/documents.ts';
import { words } from '../e2e/support/world.ts';
import { environment, RunningTool, servePVs, type Tool } from './run-tool.ts';

const FILE = 'docs/reference/pvtools.md';
const COMMAND = 'npx vitest run test/cli/pvtools-docs.test.ts -u';

it(`holds the options of the tools (${COMMAND} writes them)`, async () => {
  expect(pvmonitorOptions, 'one table serves both').toBe(pvgetCommand.options);
  let wanted = read(FILE);
  for (const tool of pvtools.filter((candidate) => candidate !== pvmonitorCommand)) {
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

  const GUID = '0x5F30C7A2194B1E8840D2A6B1';
  /** The server's own GUID. */
  let guid = '';

  /** Blanks at the end of a line are not to be seen in a document; numbers that differ every time are those of it. */
  const visible = (text: string): string[] =>
    text
      .trimEnd()
      .replace(`127.0.0.1:${server.tcpPort}`, '127.0.0.1:5075')
      .replace(/0x[0-9A-F]{24}/, GUID)
      .replace(/(?<=epics-pva-ts )[^"\s]+/, '0.1.0')
      .replace(/(?<=string process )\d+/, '4711')
      .replace(/(?<=string startTime )\S+/, '2026-11-21T09:00:00.000Z')
      .replace(/(?<=string host )\S+/, 'beamline')
      .split('\n')
      .map((line) => line.trimEnd());

  const all = codeBlocks(FILE, 'console').flatMap(({ text }) => examples(text));

  it('are there for every tool', () => {
    expect(new Set(all.map(({ line }) => line.split(' ')[0]))).toEqual(
      new Set(pvtools.map(({ name }) => name)),
    );
  });

  // In the order of the page: one puts what the next reads.
  it.sequential.each(all)('$line', async ({ line, output }) => {
    const [tool, ...shown] = words(line);
    const argv = shown.map((word) => word.replace(':5075', `:${server.tcpPort}`).replace(GUID, guid));
    await using running = new RunningTool(tool as Tool, argv, environment(server));
    if (tool === 'pvmonitor') await running.printed(/\n$/);
    const { code, stdout, stderr } = await (tool === 'pvmonitor' ? running.interrupt() : running.finished());
    guid = /0x[0-9A-F]{24}/.exec(stdout)?.[0] ?? guid;
    expect(visible(stdout)).toEqual(visible(output.join('\n')));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

/** A row of one of the two tables of options. */
interface Row {
  readonly option: string;
  readonly tools: readonly string[];
  readonly status: string;
}

/** The rows below a heading, `all` standing for `tools`. */
function rowsOf(heading: string, tools: readonly string[]): Row[] {
  const [, text = ''] = read(FILE).split(`\n### ${heading}\n`);
  const [section = ''] = text.split(/\n##/);
  return Array.from(section.matchAll(/^\| `(-.)` \| ([\w, ]+) \| .+ \| ([^|]+) \|$/gm), (row) => ({
    option: row[1] as string,
    tools: row[2] === 'all' ? tools : (row[2] as string).split(', '),
    status: row[3] as string,
  }));
}

const VALUES: Readonly<Record<string, string>> = {
  M: 'raw',
  w: '1',
  p: 'pva',
  r: 'value',
  a: 'x=1',
  '#': '3',
};

/** Whether a tool takes an option: with a value, if its table or `getopt` says so. */
function accepts(tool: ToolSpec, option: string): boolean {
  const letter = option.slice(1);
  const spec = tool.options.find(({ short }) => short === option);
  const value = spec && spec.kind !== 'flag' && spec.kind !== 'count' ? [VALUES[letter] ?? ','] : [];
  try {
    parseTool(tool, [option, ...value, 'x', 'y'], '1');
    return true;
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    return error.exitCode === 0;
  }
}

// The arguments of getopt() in the tools of pvAccessCPP 7.1.8 and of PVXS 1.5.
const BASE: Readonly<Record<string, string>> = {
  pvget: 'hvVRM:r:w:tmp:qdcF:f:ni',
  pvmonitor: 'hvVRM:r:w:tmp:qdcF:f:ni',
  pvput: 'hvVM:r:w:tp:qdF:f:ns',
  pvinfo: 'hVw:p:dc',
  pvlist: 'hVw:qdF:f:i',
  pvcall: 'hvVM:r:w:p:ds:a:',
};
const PVXS: Readonly<Record<string, string>> = {
  pvxget: 'hVvdw:r:#:F:',
  pvxput: 'hvVdw:r:',
  pvxmonitor: 'hVvdr:#:F:',
  pvxinfo: 'hVvdDw:',
  pvxlist: 'hVApivdw:',
  pvxcall: 'hVvdw:',
  pvxvct: 'hVvCSH:B:P:',
  pvxmshim: 'L:F:phV',
};

describe.each([
  { heading: 'EPICS base', theirs: BASE, ours: (name: string) => name },
  { heading: 'PVXS', theirs: PVXS, ours: (name: string) => name.replace('pvx', 'pv') },
])('the table of options of $heading', ({ heading, theirs, ours }) => {
  const rows = rowsOf(heading, Object.keys(theirs));
  const commandOf = (name: string): ToolSpec | undefined => pvtools.find((tool) => tool.name === ours(name));
  const pairs = rows.flatMap(({ option, tools }) => tools.map((tool) => `${tool} ${option}`));

  it('has every option of every tool, once', () => {
    const all = Object.entries(theirs).flatMap(([tool, getopt]) =>
      Array.from(getopt.matchAll(/([\w#]):?/g), ([, letter]) => `${tool} -${letter}`),
    );
    expect([...pairs].sort()).toEqual([...all].sort());
  });

  it('says of each whether it is offered', () => {
    for (const { option, status } of rows)
      expect(status, option).toMatch(/^(?:same|different: \S.*|not offered: \S.*)$/);
  });

  it('tells the truth about what is offered', () => {
    for (const { option, tools, status } of rows)
      for (const name of tools) {
        const tool = commandOf(name);
        if (!tool && /^-[hV]$/.test(option)) continue;
        expect(tool !== undefined && accepts(tool, option), `${name} ${option}`).toBe(
          !status.startsWith('not offered'),
        );
      }
  });
});

it('every option of ours is in the table of EPICS base, or said to be an addition', () => {
  const rows = rowsOf('EPICS base', Object.keys(BASE));
  const [, additions = ''] = /The long names are an addition, as are ([^.]+)\./.exec(read(FILE)) ?? [];
  for (const tool of pvtools)
    for (const { short, long } of tool.options) {
      const known = rows.some(({ option, tools }) => option === short && tools.includes(tool.name));
      expect(known || additions.includes(`\`${short ?? long}\``), `${tool.name} ${short ?? long}`).toBe(true);
    }
});
