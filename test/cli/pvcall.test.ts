/** pvcall as scripts see it: exact bytes, exit codes, and what arrives at the service (EPICS base pvcall.cpp). */
import type { Server } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, type Finished, RunningTool, runTool, servePVs } from './run-tool.ts';

let server: Server;
beforeAll(async () => {
  server = await servePVs();
});
afterAll(() => server.close());

const pvcall = (...argv: string[]): Promise<Finished> => runTool(server, 'pvcall', ...argv);
const lines = (...text: string[]): string => `${text.join('\n')}\n`;
const ok = (...text: string[]): Finished => ({ code: 0, stdout: lines(...text), stderr: '' });

describe('the result', () => {
  it('is printed as pvget prints a value, without a name', async () => {
    expect(await pvcall('svc:sum', 'lhs=1', 'rhs=2.5')).toEqual(ok('3.5 '));
    expect(await pvcall('-M', 'raw', 'svc:sum', 'lhs=1', 'rhs=2')).toEqual(
      ok('epics:nt/NTScalar:1.0 ', '    double value 3'),
    );
    expect(await pvcall('-M', 'json', 'svc:sum', 'lhs=1', 'rhs=2')).toEqual(ok('{value:3.0}'));
  });

  it('may be nothing', async () => {
    expect(await pvcall('svc:nothing')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('follows the argument with -v', async () => {
    expect(await pvcall('-v', '-M', 'json', 'svc:sum', 'lhs=1', 'rhs=2')).toEqual(
      ok(
        '# Argument',
        '{scheme:"pva",authority:"",path:"svc:sum",query:{lhs:"1",rhs:"2"}}',
        '# Result',
        '{value:3.0}',
      ),
    );
  });
});

describe('the argument', () => {
  it('is an NTURI; values are strings, arrays of strings and structures from JSON', async () => {
    expect(
      await pvcall(
        'svc:echo',
        'text=a b',
        'list=[1, 2.5, "c d"]',
        'map={"i":7,"x":0.5,"deep":{"on":true}}',
        'e=',
      ),
    ).toEqual(
      ok(
        'epics:nt/NTURI:1.0 ',
        '    string scheme pva',
        '    string authority ',
        '    string path svc:echo',
        '    structure query',
        '        string text "a b"',
        '        string[] list [1, 2.5, "c d"]',
        '        structure map',
        '            long i 7',
        '            double x 0.5',
        '            structure deep',
        '                boolean on true',
        '        string e ',
      ),
    );
  });

  it('may come with -a and the service with -s, the older form', async () => {
    expect(await pvcall('-s', 'svc:sum', '-a', 'lhs=1', '-a', 'rhs=-4')).toEqual(ok('-3 '));
    expect(await pvcall('svc:sum', 'lhs=1', '-a', 'rhs=1', '-w', '5')).toEqual(ok('2 '));
  });

  it('may be empty', async () => {
    expect(await pvcall('-M', 'json', 'svc:echo')).toEqual(
      ok('{scheme:"pva",authority:"",path:"svc:echo",query:{}}'),
    );
  });
});

describe('errors', () => {
  it('of the service are printed as it said them', async () => {
    expect(await pvcall('svc:sum', 'lhs=one', 'rhs=2')).toEqual({
      code: 1,
      stdout: '',
      stderr: "Error: argument lhs: a number is needed, not 'one'\n",
    });
    expect(await pvcall('t:double')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Error: [^\n]+\n$/),
    });
  });

  it('of several lines are one line', async () => {
    expect(await pvcall('svc:broken')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error: Traceback: line 1 RuntimeError: broken\n',
    });
  });

  it.each(['nosuch', 'svc:silent'])('of a service that does not answer (%s) is Timeout', async (name) => {
    expect(await pvcall('-w', '0.3', name)).toEqual({ code: 1, stdout: '', stderr: 'Timeout\n' });
  });

  it.each([
    [[], /^No pv name specified\. \('pvcall -h' for help\.\)\n$/],
    [['svc:sum', 'lhs'], /^Error parsing argument 'lhs': there is no '='\n$/],
    [['svc:sum', '=1'], /^Error parsing argument '=1': there is no name\n$/],
    [['svc:sum', 'a=1', 'a=2'], /^Error parsing argument 'a=2': 'a' was given before\n$/],
    [['svc:sum', 'a=[1,[2]]'], /^Error parsing argument 'a=\[1,\[2\]\]': [^\n]+\n$/],
    [['svc:sum', 'a={"x":}'], /^Error parsing argument 'a=\{"x":\}': not JSON at position 6: [^\n]+\n$/],
    [['svc:sum', 'a={"x":null}'], /^Error: argument 'a\.x': no pvData type for null[^\n]*\n$/],
    [['svc:sum', 'a={"x":[1,"two"]}'], /^Error: argument 'a\.x': [^\n]*\n$/],
    [['svc:sum', '1=x'], /^Error: [^\n]*1[^\n]*\n$/],
    [['-r', 'field(', 'svc:sum'], /^failed to parse request string: [^\n]*\n$/],
    [['-q', 'svc:sum'], /^Unrecognized option: '-q'\. /],
  ])('%j is refused in one line, before anything is sent', async (argv, line) => {
    const { code, stdout, stderr } = await pvcall(...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('does not claim success when it is interrupted', async () => {
    await using tool = new RunningTool('pvcall', ['-v', '-w', '0', 'svc:silent'], environment(server));
    await tool.printed(/# Argument\n/);
    expect(await tool.interrupt()).toMatchObject({ code: 1, stderr: 'Error: cancelled\n' });
  });
});
