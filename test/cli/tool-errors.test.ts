/**
 * What the tools do when something goes wrong in the middle: servers that go away, readers that go away, requests and
 * environments that cannot be understood. One line on standard error, and the documented exit code.
 */
import { type Server, SharedPV } from 'epics-pva-ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doubleValue, pvtoolsPVs } from './pvtools-pvs.ts';
import { environment, RunningTool, runTool, servePVs, type Tool } from './run-tool.ts';

let server: Server;
/** Resolves when somebody has put to `t:stuck`, whose puts are never answered. */
let stuck: Promise<void>;
let called: Promise<void>;
beforeEach(async () => {
  const pvs = pvtoolsPVs();
  let onPut = (): void => {};
  let onRpc = (): void => {};
  stuck = new Promise((resolve) => {
    onPut = resolve;
  });
  called = new Promise((resolve) => {
    onRpc = resolve;
  });
  const never = new Promise<never>(() => {});
  const pv = new SharedPV({
    onPut: () => {
      onPut();
      return never;
    },
    onRpc: () => {
      onRpc();
      return never;
    },
  });
  pv.open(doubleValue());
  server = await servePVs(0, pvs.set('t:stuck', pv));
});
afterEach(() => server.close());

const start = (tool: Tool, ...argv: string[]): RunningTool =>
  new RunningTool(tool, argv, environment(server));
const TIME = '2026-11-20 18:33:26.';

describe('a server that goes away in the middle', () => {
  it('makes pvput say that it does not know whether the value was put', async () => {
    await using tool = start('pvput', '-w', '5', 't:stuck', '5');
    await stuck;
    await server.close();
    expect(await tool.finished()).toEqual({
      code: 1,
      stdout: `Old : ${TIME}236  3.25 \nNew : `,
      stderr: expect.stringMatching(
        /^Error: [^\n]*lost[^\n]*it is unknown whether the request was carried out\nError: Timeout\n$/,
      ),
    });
  });

  it('makes pvcall say the same of the call', async () => {
    await using tool = start('pvcall', '-w', '5', 't:stuck', 'x=1');
    await called;
    await server.close();
    expect(await tool.finished()).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Error: [^\n]*it is unknown whether the request was carried out\n$/),
    });
  });

  it('makes pvget search again, until its time is over', async () => {
    await using tool = start('pvget', '-w', '5', 't:double', 't:silent');
    await tool.printed(/3\.25 \n/);
    await server.close();
    expect(await tool.finished()).toEqual({
      code: 1,
      stdout: `t:double ${TIME}236  3.25 \nt:silent `,
      stderr: 'Timeout\n',
    });
  });
});

describe('a put that is not answered', () => {
  it('ends with Put timeout', async () => {
    await using tool = start('pvput', '-w', '3', 't:stuck', '5');
    expect(await tool.finished()).toEqual({
      code: 1,
      stdout: `Old : ${TIME}236  3.25 \n`,
      stderr: 'Put timeout\n',
    });
  });

  it('ends with one line by Ctrl-C', async () => {
    await using tool = start('pvput', '-q', '-w', '0', 't:stuck', '5');
    await stuck;
    expect(await tool.interrupt()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Error: cancelled\n/),
    });
  });
});

describe('a reader that goes away', () => {
  it.each<[Tool, ...string[]]>([
    ['pvget', '-v', 't:group', 't:image'],
    ['pvinfo', 't:group', 't:image'],
    ['pvput', 't:double', '4'],
    ['pvcall', '-v', 'svc:echo', 'x=1'],
    ['pvlist'],
  ])('is no error: %s', async (tool, ...argv) => {
    await using running = start(tool, ...argv);
    running.process.stdout?.destroy();
    const { code, stderr } = await running.finished();
    expect(stderr).not.toMatch(/EPIPE|internal/);
    expect(code, stderr).toBe(0);
  });

  it('does not keep pvput from putting', async () => {
    await using running = start('pvput', 't:double', '4');
    running.process.stdout?.destroy();
    expect(await running.finished()).toMatchObject({ code: 0, stderr: '' });
    expect(await runTool(server, 'pvget', '-r', 'value', '-M', 'json', 't:double')).toMatchObject({
      stdout: 't:double {value:4.0}\n',
    });
  });
});

describe('what cannot be understood', () => {
  it.each<[Tool, ...string[]]>([
    ['pvget', 't:double'],
    ['pvmonitor', 't:double'],
    ['pvput', 't:double', '1'],
    ['pvcall', 'svc:echo'],
  ])('as a request: %s', async (tool, ...argv) => {
    const { code, stdout, stderr } = await runTool(server, tool, '-r', 'field(a,,b', ...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^failed to parse request string: [^\n]*\n$/);
  });

  it.each<[Tool, ...string[]]>([
    ['pvget', 't:double'],
    ['pvmonitor', 't:double'],
    ['pvput', 't:double', '1'],
    ['pvinfo', 't:double'],
    ['pvcall', 'svc:echo'],
    ['pvlist'],
  ])('as an environment: %s', async (tool, ...argv) => {
    await using running = new RunningTool(tool, argv, {
      ...environment(server),
      EPICS_PVA_BROADCAST_PORT: 'many',
    });
    expect(await running.finished()).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^\w+: error: EPICS_PVA_BROADCAST_PORT="many" [^\n]*\(PVA_CONFIG\)\n$/),
    });
  });

  it.each<[Tool, string]>([
    ['pvget', ''],
    ['pvinfo', ''],
    ['pvget', 'x'.repeat(501)],
  ])('as a name: %s %j', async (tool, name) => {
    const { code, stderr } = await runTool(server, tool, name);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*a channel name has 1 to 500 bytes[^\n]*\n$/);
  });
});
