/**
 * pvput as scripts see it: exact bytes, exit codes, and what arrives at the server. What is expected here is what
 * EPICS base's pvput prints for the same channels; docs/reference/pvtools.md lists where this one differs.
 */
import { Context, type Server } from 'epics-pva-ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environment, type Finished, RunningTool, runTool, servePVs } from './run-tool.ts';

let server: Server;
let context: Context;
beforeEach(async () => {
  server = await servePVs();
  context = new Context(server.clientConfig());
});
afterEach(async () => {
  await context.close();
  await server.close();
});

const pvput = (...argv: string[]): Promise<Finished> => runTool(server, 'pvput', ...argv);
const pvget = (...argv: string[]): Promise<Finished> => runTool(server, 'pvget', ...argv);
const lines = (...text: string[]): string => `${text.join('\n')}\n`;
const ok = (...text: string[]): Finished => ({ code: 0, stdout: lines(...text), stderr: '' });
const value = async (name: string, path = 'value'): Promise<unknown> => (await context.get(name)).get(path);

const TIME = '2026-11-20 18:33:26.';
const NEVER = '<undefined>             ';

describe('the lines of the PvaPy documentation', () => {
  it('run as they are written there, and print what EPICS base prints', async () => {
    const image = (await pvget('consumer:1:output')).stdout.split('\n');
    expect(image[0]).toBe('consumer:1:output epics:nt/NTNDArray:1.0 ');
    expect(await pvget('-r', 'uniqueId', 'consumer:1:output')).toEqual(
      ok('consumer:1:output epics:nt/NTNDArray:1.0 ', '    int uniqueId 5'),
    );
    expect(await pvget('consumer:1:status')).toEqual(
      ok(
        'consumer:1:status structure ',
        '    string consumerId 1',
        '    double objectTime 1.79522e+09',
        `    time_t objectTimestamp ${TIME}250  `,
        '        long secondsPastEpoch 1795221206',
        '        int nanoseconds 250000000',
        '        int userTag 0',
        '    structure monitorStats',
        '        ulong nReceived 12',
        '        double receivedRate 1',
        '    structure userStats',
        '        double limit 100',
      ),
    );
    const control = (command: string, args: string, status: string): string[] => [
      'structure ',
      '    uint consumerId 1',
      `    string command ${command}`,
      `    string args ${args}`,
      `    string statusMessage ${status}`,
    ];
    const before = control('', '', '');
    const configured = control('configure', '"{\\"x\\":100}"', '"Command successful"');
    const stopped = control('stop', '"{\\"x\\":100}"', '"Stop flag set"');
    const oldNew = (old: string[], now: string[]): Finished =>
      ok(`Old : ${old[0]}`, ...old.slice(1), `New : ${now[0]}`, ...now.slice(1));
    expect(await pvput('consumer:1:control', '{"command" : "configure", "args" : "{\\"x\\":100}"}')).toEqual(
      oldNew(before, configured),
    );
    expect(await pvget('consumer:1:control')).toEqual(
      ok(`consumer:1:control ${configured[0]}`, ...configured.slice(1)),
    );
    expect(await pvput('consumer:1:control', '{"command" : "stop"}')).toEqual(oldNew(configured, stopped));
  });
});

describe('a value', () => {
  it('is put and printed before and after, without the name', async () => {
    expect(await pvput('t:double', '4.5')).toEqual(ok(`Old : ${TIME}236  3.25 `, `New : ${TIME}236  4.5 `));
    expect(await value('t:double')).toBe(4.5);
  });

  it('may begin with a dash, as behind the name everything is a value', async () => {
    expect(await pvput('-M', 'nt', 't:double', '-5')).toMatchObject({ code: 0, stderr: '' });
    expect(await value('t:double')).toBe(-5);
  });

  it('of 64 bits is exact', async () => {
    expect(await pvput('t:long', '-9007199254740993')).toEqual(
      ok(`Old : ${NEVER} 9007199254740993 `, `New : ${NEVER} -9007199254740993 `),
    );
    expect(await pvput('t:ulong', '{"value":18446744073709551613}')).toMatchObject({ code: 0 });
    expect(await pvput('t:longs', '[9007199254740993,-9223372036854775808]')).toMatchObject({ code: 0 });
    expect(await pvput('t:long', '{"value":9223372036854775807}')).toMatchObject({ code: 0 });
    expect([await value('t:ulong'), await value('t:longs'), await value('t:long')]).toEqual([
      18_446_744_073_709_551_613n,
      BigInt64Array.of(9_007_199_254_740_993n, -9_223_372_036_854_775_808n),
      9_223_372_036_854_775_807n,
    ]);
  });

  it('of an enum is a label first, then a number', async () => {
    expect(await pvput('t:enum', 'Two words')).toEqual(
      ok(`Old : ${TIME}246  (1) One`, `New : ${TIME}246  (2) "Two words"`),
    );
    expect(await pvput('t:enum', '0')).toEqual(
      ok(`Old : ${TIME}246  (2) "Two words"`, `New : ${TIME}246  (0) Zero`),
    );
    expect(await pvput('t:enum', '7')).toEqual(
      ok(`Old : ${TIME}246  (0) Zero`, `New : ${TIME}246  (7) <undefined>`),
    );
    expect(await pvput('t:enum', 'Three')).toEqual({
      code: 1,
      stdout: lines(`Old : ${TIME}246  (7) <undefined>`, `New : ${TIME}246  (7) <undefined>`),
      stderr:
        "Error: parseToPOD: No digits to convert ('Three' for int); the choices are: Zero, One, Two words\n",
    });
  });
});

describe('an array', () => {
  it('is a number that is ignored, then the elements', async () => {
    expect(await pvput('t:doubles', '2', '1.5', '2.5')).toEqual(
      ok(`Old : ${TIME}261  [4,5,6.5]`, `New : ${TIME}261  [1.5,2.5]`),
    );
    expect(await pvput('t:strings', 'X', 'x', 'y z')).toEqual(
      ok(`Old : ${TIME}278  [a, "b c"]`, `New : ${TIME}278  [x, "y z"]`),
    );
  });

  it('is a JSON array', async () => {
    expect(await pvput('t:doubles', '[1, 2.5]')).toEqual(
      ok(`Old : ${TIME}261  [4,5,6.5]`, `New : ${TIME}261  [1,2.5]`),
    );
    expect(await pvput('t:strings', 'value=["p,q", r, 5]')).toEqual(
      ok(`Old : ${TIME}278  [a, "b c"]`, `New : ${TIME}278  [p,q, r, 5]`),
    );
  });
});

describe('fields', () => {
  it('are put by name, all together', async () => {
    expect(await pvput('t:double', 'value=7', 'alarm.severity=1', 'alarm={"message":"m"}')).toEqual(
      ok(`Old : ${TIME}236  3.25 `, `New : ${TIME}236  7 MINOR m `),
    );
  });

  it('are put by a JSON map, whatever it holds', async () => {
    expect(
      await pvput(
        '-Mjson',
        't:group',
        '{"inner":{"text":"a=b"},choice:5,"any":6,rows:[{"x":5},{name:\'z\'}],"flags":[],}',
      ),
    ).toMatchObject({ code: 0, stderr: '' });
    expect((await context.get('t:group')).toJS()).toMatchObject({
      inner: { value: 1.5, text: 'a=b' },
      choice: 5,
      any: 6n,
      rows: [
        { x: 5, name: '' },
        { x: 0, name: 'z' },
      ],
      flags: [],
      flag: true,
    });
  });

  it('of a table are its columns, as arrays', async () => {
    expect(
      await pvput('-q', 't:table', 'value.a=[7]', 'value={"b":[0.5]}', 'value.c=["x y"]', 'labels=[A, B, C]'),
    ).toEqual(ok('<undefined>                ', 'A   B     C', '7 0.5 "x y"'));
    expect(await pvput('-q', 't:table', '1', '2')).toMatchObject({
      code: 1,
      stderr: "Error: Don't know how to set field .value, which is structure\n",
    });
  });

  it('take back what pvget printed', async () => {
    const { stdout } = await pvget('-M', 'json', 't:table');
    await pvput('t:table', '{"value":{"a":[1],"b":[],"c":["x"]}}');
    expect(await value('t:table', 'value.b')).toEqual(new Float64Array(0));
    expect(await pvput('t:table', stdout.slice('t:table '.length).trim())).toMatchObject({ code: 0 });
    expect((await pvget('-M', 'json', 't:table')).stdout).toBe(stdout);
  });

  it('that are not there are left out with a warning, and an error if none is left', async () => {
    expect(await pvput('t:double', 'bogus=1', 'value=8')).toEqual({
      ...ok(`Old : ${TIME}236  3.25 `, `New : ${TIME}236  8 `),
      stderr: 'bogus : Warning: no such field. Ignoring it.\n',
    });
    expect(await pvput('t:double', 'bogus=1')).toEqual({
      code: 1,
      stdout: lines(`Old : ${TIME}236  8 `, `New : ${TIME}236  8 `),
      stderr: 'bogus : Warning: no such field. Ignoring it.\nError: No valid value(s) specified\n',
    });
  });
});

describe('options', () => {
  it('-q prints the new value alone', async () => {
    expect(await pvput('-q', 't:double', '4')).toEqual(ok(`${TIME}236  4 `));
  });

  it('-v and -M choose the format of both values', async () => {
    const { stdout } = await pvput('-v', 't:ushort', '7');
    expect(stdout.split('\n').filter((line) => line.includes('ushort') || line.includes(' : '))).toEqual([
      'Old : epics:nt/NTScalar:1.0 ',
      '    ushort value 65535',
      'New : epics:nt/NTScalar:1.0 ',
      '    ushort value 7',
    ]);
    expect((await pvput('-M', 'json', 't:ushort', '8')).stdout).toMatch(
      /^Old : \{value:7,.*\}\nNew : \{value:8,.*\}\n$/,
    );
  });

  it('-r limits what is put and printed', async () => {
    expect(await pvput('-r', 'value', 't:double', '5')).toEqual(
      ok(`Old : ${NEVER} 3.25 `, `New : ${NEVER} 5 `),
    );
  });

  it('-n -s -t -F are accepted and ignored', async () => {
    expect(await pvput('-n', '-s', '-t', '-F', ',', 't:double', '5')).toMatchObject({ code: 0, stderr: '' });
  });

  it('-d tells on standard error what is put', async () => {
    const { stderr } = await pvput('-d', 't:double', 'alarm.severity=1');
    expect(stderr).toContain(
      'To be sent: epics:nt/NTScalar:1.0 \n    alarm_t alarm MINOR \n        int severity 1\n',
    );
  });
});

describe('errors', () => {
  it.each([
    [['t:int', 'abc'], /^Error: parseToPOD: No digits to convert [^\n]*\n$/],
    [['t:int', '1.5'], /^Error: parseToPOD: Extraneous characters [^\n]*\n$/],
    [['t:int', '99999999999'], /^Error: parseToPOD: Too large to represent [^\n]*\n$/],
    [['t:int', '1', '2'], /^Error: Can't assign multiple values to scalar\n$/],
    [['t:int', '{"value":}'], /^Error: not JSON at position 10: [^\n]*\n$/],
  ])('%j: nothing is put, the present value is printed twice', async (argv, line) => {
    const { code, stdout, stderr } = await pvput(...argv);
    const shown = `${TIME}999  7 42 MAJOR DEVICE HIHI `;
    expect({ code, stdout }).toEqual({ code: 1, stdout: lines(`Old : ${shown}`, `New : ${shown}`) });
    expect(stderr).toMatch(line);
  });

  it('says what the server said', async () => {
    expect(await pvput('t:readonly', '5')).toEqual({
      code: 1,
      stdout: lines(`Old : ${NEVER} 1 `, `New : ${NEVER} 1 `),
      stderr: 'Error: put not permitted: this PV is read-only\n',
    });
    expect(await pvput('-q', 'consumer:1:control', 'statusMessage=x')).toMatchObject({
      code: 1,
      stderr: 'Error: statusMessage cannot be set\n',
    });
  });

  it('fails for a channel that does not answer', async () => {
    expect(await pvput('-w', '0.3', 'nosuch', '5')).toEqual({
      code: 1,
      stdout: 'Old : ',
      stderr: 'Error: Timeout\n',
    });
    expect(await pvput('-w', '0.3', 't:silent', '5')).toMatchObject({ code: 1, stderr: 'Error: Timeout\n' });
    expect(await pvput('-q', '-w', '0.3', 'nosuch', '5')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Put timeout\n',
    });
  });

  it('does not claim success when it is interrupted', async () => {
    await using tool = new RunningTool('pvput', ['nosuch', '5'], environment(server));
    await tool.printed('Old : ');
    expect(await tool.interrupt()).toMatchObject({ code: 1, stderr: 'Error: cancelled\n' });
  });

  it.each([
    [[], /^No pv name specified\. \('pvput -h' for help\.\)\n$/],
    [['t:int'], /^No value\(s\) specified\. \('pvput -h' for help\.\)\n$/],
    [['-f', 'file', 't:int', '1'], /^Unsupported option -f\n$/],
  ])('%j is refused in one line', async (argv, line) => {
    const { code, stdout, stderr } = await pvput(...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
