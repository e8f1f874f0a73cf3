/**
 * pvget as scripts see it: exact bytes, exit codes. What is expected here is what the tools of EPICS base
 * 7.0.10 (pvAccessCPP 7.1.8) print for the same channels.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Server } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, type Finished, RunningTool, runTool, servePVs, type Tool } from './run-tool.ts';

let server: Server;
beforeAll(async () => {
  server = await servePVs();
});
afterAll(() => server.close());

const pvget = (...argv: string[]): Promise<Finished> => runTool(server, 'pvget', ...argv);
const lines = (...text: string[]): string => `${text.join('\n')}\n`;
const ok = (...text: string[]): Finished => ({ code: 0, stdout: lines(...text), stderr: '' });

describe('pvget, short', () => {
  it('prints normative types on one line, in the order of the arguments, names padded', async () => {
    const names = [
      'double',
      'int',
      'byte',
      'ushort',
      'long',
      'ulong',
      'bool',
      'float',
      'string',
      'enum',
    ].concat('enum:bad', 'doubles', 'strings', 'longs');
    expect(await pvget(...names.map((name) => `t:${name}`))).toEqual(
      ok(
        't:double   2026-11-20 18:33:26.236  3.25 ',
        't:int      2026-11-20 18:33:26.999  7 42 MAJOR DEVICE HIHI ',
        't:byte     <undefined>              -1 ',
        't:ushort   <undefined>              65535 ',
        't:long     <undefined>              9007199254740993 ',
        't:ulong    <undefined>              18446744073709551615 ',
        't:bool     <undefined>              true ',
        't:float    <undefined>              0.1 ',
        't:string   2026-11-20 18:33:26.269  "new value" ',
        't:enum     2026-11-20 18:33:26.246  (1) One',
        't:enum:bad <undefined>              INVALID DRIVER UDF (5) <undefined>',
        't:doubles  2026-11-20 18:33:26.261  [4,5,6.5]',
        't:strings  2026-11-20 18:33:26.278  [a, "b c"]',
        't:longs    <undefined>              [1]',
      ),
    );
  });

  it('prints a table as a table', async () => {
    expect(await pvget('t:table')).toEqual(
      ok(
        't:table <undefined>                ',
        'num   dbl "a long string col"',
        '  1   1.5                   a',
        ' 20  2.25               "b c"',
        '300 1e+10                    ',
      ),
    );
  });

  it('prints an image and what else has no short form as a tree', async () => {
    const { stdout } = await pvget('t:image');
    expect(stdout.split('\n').slice(0, 12)).toEqual([
      't:image epics:nt/NTNDArray:1.0 ',
      '    union value',
      '        ubyte[]  [1,2,3,4,5,6]',
      '    codec_t codec',
      '        string name ',
      '        any parameters',
      '            (none)',
      '    long compressedSize 6',
      '    long uncompressedSize 6',
      '    int uniqueId 5',
      '    time_t dataTimeStamp <undefined>              ',
      '        long secondsPastEpoch 0',
    ]);
  });

  it('prints only the fields asked for', async () => {
    expect(await pvget('-r', 'value,alarm.severity', 't:int', 't:double')).toEqual(
      ok('t:int    <undefined>              42 MAJOR ', 't:double <undefined>              3.25 '),
    );
    expect(await pvget('-r', 'field(value)', 't:string')).toEqual(
      ok('t:string <undefined>              "new value" '),
    );
  });
});

describe('pvget, raw', () => {
  const enumTree = [
    't:enum epics:nt/NTEnum:1.0 ',
    '    enum_t value (1) One',
    '        int index 1',
    '        string[] choices [Zero, One, "Two words"]',
    '    alarm_t alarm ',
    '        int severity 0',
    '        int status 0',
    '        string message ',
    '    time_t timeStamp 2026-11-20 18:33:26.246  ',
    '        long secondsPastEpoch 1795221206',
    '        int nanoseconds 246000000',
    '        int userTag 0',
  ];

  it.each([[['-v']], [['-M', 'raw']], [['-Mraw', '-v']]])(
    '%j prints every field on its own line',
    async (options) => {
      expect(await pvget(...options, 't:enum')).toEqual(ok(...enumTree));
    },
  );

  it('prints unions, any and arrays of structures with what they hold', async () => {
    expect(await pvget('-v', 't:group')).toEqual(
      ok(
        't:group my:group:1.0 ',
        '    structure inner',
        '        double value 1.5',
        '        string text "two words"',
        '    union choice',
        '        string[]  [a, "b c"]',
        '    union empty',
        '        (none)',
        '    any any',
        '        int  7',
        '    row_t[] rows',
        '        row_t ',
        '            int x 1',
        '            string name one',
        '        row_t ',
        '            int x 2',
        '            string name ',
        '    union[] options',
        '        union ',
        '            int  3',
        '        union ',
        '            string  three',
        '    boolean flag true',
        '    boolean[] flags [true,false]',
        '    ubyte[] bytes [1,2,255]',
        '    float[] floats [0.1,1e-07]',
      ),
    );
  });

  it('prints the fields received with the structures around them; -vv prints all', async () => {
    const request = ['-r', 'value.index,timeStamp.userTag'];
    expect(await pvget('-v', ...request, 't:enum')).toEqual(
      ok(
        't:enum epics:nt/NTEnum:1.0 ',
        '    enum_t value (1) <undefined>',
        '        int index 1',
        '    time_t timeStamp <undefined>              ',
        '        int userTag 0',
      ),
    );
    const { stdout } = await pvget('-vv', ...request, 't:enum');
    expect(stdout.split('\n')).toHaveLength(enumTree.length + 1);
    expect(stdout, 'no escapes where there is no terminal').not.toContain('\x1b');
  });
});

describe('pvget, json', () => {
  it('prints one line of JSON5 a channel, every integer exact', async () => {
    const unset = 'timeStamp:{secondsPastEpoch:0,nanoseconds:0,userTag:0}';
    const fine = 'alarm:{severity:0,status:0,message:""}';
    expect(await pvget('-M', 'json', 't:long', 't:ulong', 't:enum')).toEqual(
      ok(
        `t:long  {value:9007199254740993,${fine},${unset}}`,
        `t:ulong {value:18446744073709551615,${fine},${unset}}`,
        `t:enum  {value:{index:1,choices:["Zero","One","Two words"]},${fine},timeStamp:{secondsPastEpoch:1795221206,nanoseconds:246000000,userTag:0}}`,
      ),
    );
    expect(await pvget('-M', 'json', '-v', 't:group')).toEqual(
      ok(
        't:group {inner:{value:1.5,text:"two words"},choice:["a","b c"],empty:null,any:7,rows:[{x:1,name:"one"},{x:2,name:""}],options:[3,"three"],flag:true,flags:[true,false],bytes:[1,2,255],floats:[0.10000000149011612,1.0000000116860974e-07]}',
      ),
    );
    expect(await pvget('-M', 'json', '-r', 'alarm.severity', 't:int')).toEqual(
      ok('t:int {alarm:{severity:2}}'),
    );
  });
});

describe('pvget, when something is wrong', () => {
  it('prints the name of a channel that does not answer, Timeout, and exits with 1', async () => {
    expect(await pvget('-w', '0.3', 'nosuch')).toEqual({ code: 1, stdout: 'nosuch ', stderr: 'Timeout\n' });
    expect(await pvget('-w', '0.3', 't:silent'), 'connected, but without a value').toEqual({
      code: 1,
      stdout: 't:silent ',
      stderr: 'Timeout\n',
    });
  });

  it('prints the others all the same, and soon', async () => {
    await using tool = new RunningTool(
      'pvget',
      ['-w', '5', 't:double', 'nosuch', 't:int', 't:silent', 't:byte'],
      environment(server),
    );
    const there = lines(
      't:double 2026-11-20 18:33:26.236  3.25 ',
      't:int    2026-11-20 18:33:26.999  7 42 MAJOR DEVICE HIHI ',
      't:byte   <undefined>              -1 ',
    );
    await tool.printed(there);
    expect(tool.stderr).toBe('');
    expect(await tool.finished()).toEqual({
      code: 1,
      stdout: `${there}nosuch   t:silent `,
      stderr: 'Timeout\n',
    });
  });

  it('says what the server said', async () => {
    expect(await pvget('-r', 'bogus', 't:double')).toMatchObject({
      code: 1,
      stdout: 't:double ',
      stderr: expect.stringMatching(/^Error [^\n]*bogus\n$/),
    });
  });

  it.each([
    [['-r', 'field(', 't:double'], /^failed to parse request string: [^\n]*\n$/],
    [['-p', 'ca', 't:double'], /^Option -p\/--provider: invalid choice: 'ca' \(choose from pva\) [^\n]*\n$/],
    [['-f', 'names', 't:double'], /^Unsupported option -f\n$/],
    [['-z', 't:double'], /^Unrecognized option: '-z'\. \('pvget -h' for help\.\)\n$/],
    [['t:double', '-w'], /^Option '-w' requires an argument\. \('pvget -h' for help\.\)\n$/],
  ])('%j is refused in one line', async (argv, line) => {
    const { code, stdout, stderr } = await pvget(...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(line);
  });

  it('goes on after an option value it cannot use, as EPICS base does', async () => {
    expect(await pvget('-w', 'soon', '-M', 'xml', '-r', 'value', 't:double')).toEqual({
      ...ok('t:double epics:nt/NTScalar:1.0 ', '    double value 3.25'),
      stderr:
        "'soon' is not a valid timeout value - ignored. ('pvget -h' for help.)\nUnknown output mode 'xml'\n",
    });
  });

  it.each<Tool>(['pvget', 'pvmonitor'])('%s has nothing to do without a name, and says so', async (tool) => {
    expect(await runTool(server, tool, '-v')).toEqual({
      code: 0,
      stdout: '',
      stderr: `No pv name(s) specified. ('${tool} -h' for help.)\n`,
    });
  });

  it('names the variable of the environment that cannot be understood', async () => {
    await using tool = new RunningTool('pvget', ['x'], {
      ...environment(server),
      EPICS_PVA_ADDR_LIST: 'a:b:c',
    });
    expect(await tool.finished()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^pvget: error: EPICS_PVA_ADDR_LIST: [^\n]*PVA_CONFIG\)\n$/),
    });
  });

  it('ends at once by Ctrl-C, leaving no connection', async () => {
    await using tool = new RunningTool('pvget', ['-w', '0', 't:double', 'nosuch'], environment(server));
    await tool.printed(/3\.25 \n/);
    expect(await tool.interrupt()).toEqual({
      code: 0,
      stdout: 't:double 2026-11-20 18:33:26.236  3.25 \nnosuch   ',
      stderr: '',
    });
    await expect.poll(() => server.clientCount).toBe(0);
  });
});

describe('pvget', () => {
  it('with -# prints the first elements of arrays, in short and raw', async () => {
    expect(await pvget('-#', '2', 't:doubles', 't:strings', 't:longs', 't:string')).toEqual(
      ok(
        't:doubles 2026-11-20 18:33:26.261  [4,5,...]',
        't:strings 2026-11-20 18:33:26.278  [a, "b c"]',
        't:longs   <undefined>              [1]',
        't:string  2026-11-20 18:33:26.269  "new value" ',
      ),
    );
    const { stdout } = await pvget('-v', '-#1', '-r', 'bytes,choice,flags', 't:group');
    expect(stdout).toContain('    ubyte[] bytes [1,...]\n');
    expect(stdout).toContain('        string[]  [a, ...]\n');
    expect((await pvget('-M', 'json', '-#1', '-r', 'value', 't:doubles')).stdout).toBe(
      't:doubles {value:[4.0,5.0,6.5]}\n',
    );
  });

  it('with --summary prints an image on one line', async () => {
    expect(await pvget('--summary', 't:image', 't:double')).toEqual(
      ok(
        't:image  2026-11-20 18:33:26.500  #5 3x2 ubyte, 6 bytes',
        't:double 2026-11-20 18:33:26.236  3.25 ',
      ),
    );
    expect((await pvget('--summary', '-v', 't:image')).stdout, 'raw is raw').toContain('[1,2,3,4,5,6]');
    expect((await pvget('--summary', '-r', 'uniqueId', 't:image')).stdout).toContain('    int uniqueId 5\n');
  });

  it('accepts the options that EPICS base accepts and ignores', async () => {
    expect(await pvget('-q', '-t', '-i', '-n', '-c', '-R', '-F', ',', 't:double')).toEqual(
      ok('t:double 2026-11-20 18:33:26.236  3.25 '),
    );
  });

  it('with -d tells on standard error where it searches', async () => {
    const { stdout, stderr } = await pvget('-d', 't:double');
    expect(stdout).toBe('t:double 2026-11-20 18:33:26.236  3.25 \n');
    expect(stderr).toBe(
      `pvget: searching at 127.0.0.1:${server.udpPort} (UDP port ${server.udpPort})\nWaiting...\nDone\n`,
    );
  });

  it('prints its version and its usage', async () => {
    expect(await pvget('-V')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^pvget \d+\.\d+\.\d+\n$/),
    });
    expect(await pvget('-h')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: pvget \[options\]/),
    });
  });

  it('asks many channels at once', async () => {
    const { code, stdout, stderr } = await pvget(...Array<string>(200).fill('t:byte'));
    expect({ code, stderr, lines: stdout.split('\n').length }).toEqual({ code: 0, stderr: '', lines: 201 });
  });

  it('is quick: from the start of the process to its end in less than half a second', async () => {
    const fastest = async (run: () => Promise<unknown>): Promise<number> => {
      let best = Infinity;
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        await run();
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    const bareNode = await fastest(() => promisify(execFile)(process.execPath, ['-e', '0']));
    // On a machine that does other things, node itself takes longer than its 40 ms.
    expect(await fastest(() => pvget('t:double'))).toBeLessThan(Math.max(500, 8 * bareNode));
  });
});
