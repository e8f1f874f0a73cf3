/** pvmonitor, and pvget -m, as scripts see them: exact bytes, as EPICS base prints them. */
import { Context, type Server, type SharedPV, type TypeDef, Value } from 'epics-pva-ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pvtoolsPVs } from './pvtools-pvs.ts';
import { environment, RunningTool, servePVs, type Tool } from './run-tool.ts';

let pvs: Map<string, SharedPV>;
let server: Server;
let context: Context;
beforeEach(async () => {
  pvs = pvtoolsPVs();
  server = await servePVs(0, pvs);
  context = new Context(server.clientConfig());
});
afterEach(async () => {
  await context.close();
  await server.close();
});

const start = (tool: Tool, ...argv: string[]): RunningTool =>
  new RunningTool(tool, argv, environment(server));
const lines = (...text: string[]): string => text.map((line) => `${line}\n`).join('');

const TIME = '2026-11-20 18:33:26.';

describe.each<[Tool, string[]]>([
  ['pvmonitor', []],
  ['pvget', ['-m']],
])('%s %j', (tool, options) => {
  it('prints the present values and every update until Ctrl-C, then leaves nothing behind', async () => {
    await using monitor = start(tool, ...options, '-w', '0.1', 't:double', 't:enum', 'nosuch');
    let expected = lines(`t:double ${TIME}236  3.25 `, `t:enum   ${TIME}246  (1) One`);
    await monitor.printed(expected);
    for (const [name, put, line] of [
      ['t:double', 1.5, `t:double ${TIME}236  1.5 `],
      ['t:enum', 2, `t:enum   ${TIME}246  (2) "Two words"`],
      ['t:double', { alarm: { severity: 1, message: 'low' } }, `t:double ${TIME}236  1.5 MINOR low `],
    ] as const) {
      await context.put(name, put);
      expected += lines(line);
      await monitor.printed(expected);
    }
    await context.close();
    expect(await monitor.interrupt()).toEqual({ code: 0, stdout: expected, stderr: '' });
    await expect.poll(() => server.clientCount).toBe(0);
  });
});

describe('what changed', () => {
  const head = 't:double epics:nt/NTScalar:1.0 ';
  const alarm = (severity: number, text = ''): string[] => [
    `    alarm_t alarm ${text}`,
    `        int severity ${severity}`,
    '        int status 0',
    '        string message ',
  ];
  const time = [
    `    time_t timeStamp ${TIME}236  `,
    '        long secondsPastEpoch 1795221206',
    '        int nanoseconds 236000000',
    '        int userTag 0',
  ];

  it('is all that -v prints, with the structures around it', async () => {
    await using monitor = start('pvmonitor', '-v', 't:double');
    const first = lines(head, '    double value 3.25', ...alarm(0), ...time);
    await monitor.printed(first);
    await context.put('t:double', { value: 4, alarm: { severity: 2 } });
    await monitor.printed(
      first + lines(head, '    double value 4', '    alarm_t alarm MAJOR ', '        int severity 2'),
    );
  });

  it('is part of all that came so far with -vv, and of the whole structure with -vvv', async () => {
    await using some = start('pvmonitor', '-vv', '-r', 'value,alarm.severity', 't:double');
    await using all = start('pvmonitor', '-vvv', '-r', 'value,alarm.severity', 't:double');
    const received = (v: number): string =>
      lines(head, `    double value ${v}`, '    alarm_t alarm ', '        int severity 0');
    const whole = (v: number): string =>
      lines(
        head,
        `    double value ${v}`,
        ...alarm(0),
        '    time_t timeStamp <undefined>              ',
        '        long secondsPastEpoch 0',
        '        int nanoseconds 0',
        '        int userTag 0',
      );
    await some.printed(received(3.25));
    await all.printed(whole(3.25));
    await context.put('t:double', 4);
    await some.printed(received(3.25) + received(4));
    await all.printed(whole(3.25) + whole(4));
  });

  it('is all that -M json prints', async () => {
    await using monitor = start(
      'pvmonitor',
      '-M',
      'json',
      '-r',
      'value,alarm.severity',
      't:double',
      't:enum',
    );
    const first = lines(
      't:double {value:3.25,alarm:{severity:0}}',
      't:enum   {value:{index:1,choices:["Zero","One","Two words"]},alarm:{severity:0}}',
    );
    await monitor.printed(first);
    await context.put('t:double', 4);
    await monitor.printed(first + lines('t:double {value:4.0}'));
  });
});

describe('an image', () => {
  it('is one line with --summary, from what came with this update and before it', async () => {
    await using monitor = start('pvmonitor', '--summary', 't:image');
    const first = lines(`t:image ${TIME}500  #5 3x2 ubyte, 6 bytes`);
    await monitor.printed(first);
    await context.put('t:image', { uniqueId: 6, alarm: { severity: 1, message: 'dark' } });
    const second = lines(`t:image ${TIME}500  MINOR dark #6 3x2 ubyte, 6 bytes`);
    await monitor.printed(first + second);
  });
});

describe('a channel that goes away', () => {
  it('is said to be disconnected, and printed again when it is back', async () => {
    await using monitor = start('pvmonitor', 't:double', 't:enum', 'nosuch');
    const present = lines(`t:double ${TIME}236  3.25 `, `t:enum   ${TIME}246  (1) One`);
    const gone = lines('t:double <Disconnect>', 't:enum   <Disconnect>');
    await monitor.printed(present);
    const { udpPort } = server;
    await server.close();
    await monitor.printed(present + gone);
    server = await servePVs(udpPort);
    await monitor.printed(present + gone + present);
    server.removePV('t:enum');
    const rest = lines('t:enum   <Disconnect>');
    await monitor.printed(present + gone + present + rest);
    expect(await monitor.interrupt()).toEqual({
      code: 0,
      stdout: present + gone + present + rest,
      stderr: '',
    });
  });

  it('shows with -vv only what came since it is back', async () => {
    await using monitor = start('pvmonitor', '-vv', 't:byte');
    await monitor.printed(/byte value -1\n[\s\S]*userTag 0\n/);
    const { udpPort } = server;
    await server.close();
    await monitor.printed(/t:byte <Disconnect>\n$/);
    server = await servePVs(udpPort);
    await monitor.printed(
      /<Disconnect>\nt:byte epics:nt\/NTScalar:1\.0 \n {4}byte value -1\n[\s\S]*userTag 0\n$/,
    );
  });
});

describe('pvmonitor', () => {
  it('ends with 1 when no channel can be monitored', async () => {
    await using monitor = start('pvmonitor', '-r', 'bogus', 't:double', 't:enum');
    const { code, stdout, stderr } = await monitor.finished();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^t:double Error [^\n]*bogus\nt:enum {3}Error [^\n]*bogus\n$/);
  });

  it('ends when the server has ended all its streams', async () => {
    await using monitor = start('pvmonitor', 't:double');
    await monitor.printed(`t:double ${TIME}236  3.25 \n`);
    pvs.get('t:double')?.finish();
    expect(await monitor.finished()).toEqual({ code: 0, stdout: `t:double ${TIME}236  3.25 \n`, stderr: '' });
  });

  it('ends in good order when nobody reads its output any more', async () => {
    await using monitor = start('pvmonitor', 't:double');
    await monitor.printed(`t:double ${TIME}236  3.25 \n`);
    monitor.process.stdout?.destroy();
    for (let i = 0; monitor.process.exitCode === null; i++) await context.put('t:double', i);
    expect(await monitor.finished()).toMatchObject({ code: 0, stderr: '' });
  });

  it('lets the server drop updates, rather than fill its own memory, when its output is not read', async () => {
    const pv = pvs.get('t:doubles') as SharedPV;
    const type = pv.type as TypeDef;
    await using unread = start('pvmonitor', '-r', 'value', 't:doubles');
    await using read = start('pvmonitor', '-r', 'value', 't:doubles');
    await Promise.all([unread.printed(/\n$/), read.printed(/\n$/)]);
    unread.process.stdout?.pause();
    // More in all than the buffers of pipe, socket and streams hold: 50 x 0.8 MB, as fast as the other one prints.
    const posts = 50;
    for (let i = 1; i <= posts; i++) {
      pv.post(Value.create(type, { value: new Float64Array(100_000).fill(i) }));
      await read.printed(new RegExp(`,${i}\\]\\n$`));
    }
    unread.process.stdout?.resume();
    await unread.printed(new RegExp(`,${posts}\\]\\n$`));
    const updates = (tool: RunningTool): number => tool.stdout.split('\n').length - 2;
    expect(updates(read)).toBe(posts);
    expect(updates(unread)).toBeLessThan(posts / 2);
  });
});
