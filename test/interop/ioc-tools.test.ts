/**
 * Our four tools against a real EPICS IOC (softIoc with QSRV 2): what `pvget`, `pvput`, `pvmonitor` and `pvinfo` print and
 * with which code they exit, as a user at a beamline sees it. Formats are those of EPICS base (pva-protocol.md 9).
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, spawnChild } from './child.ts';
import { consecutive } from './compare.ts';
import { type Ioc, startIoc } from './ioc.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const EXIT_TIMEOUT_MS = 15_000;
/** A time of this run, padded as the tools do. */
const TIME = '20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} ';
const UNDEFINED = '<undefined>             ';

/** What a tool has done. */
interface Outcome {
  readonly code: number | null;
  readonly stdout: string[];
  readonly stderr: string[];
}

/** A whole line that begins as given and goes on with a time and this text. */
function timed(begin: string, rest: string): RegExp {
  const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${quote(begin)}${TIME} ${quote(rest)}$`);
}

describe.skipIf(!peers.available)('our tools with an IOC', () => {
  let ioc: Ioc;
  let env: NodeJS.ProcessEnv;

  const start = (tool: string, args: readonly string[], toolEnv = env) =>
    spawnChild({
      command: process.execPath,
      args: [join(repositoryRoot(), 'bin', `${tool}.js`), ...args],
      env: toolEnv,
      name: tool,
    });

  async function run(tool: string, ...args: string[]): Promise<Outcome> {
    const child = await start(tool, args);
    const { code } = await child.waitForExit(EXIT_TIMEOUT_MS);
    const linesOf = (stream: string) => child.lines.filter((l) => l.stream === stream).map((l) => l.text);
    return { code, stdout: linesOf('stdout'), stderr: linesOf('stderr') };
  }

  /** Puts and looks at both lines that are printed. */
  async function put(args: readonly string[], before: string | RegExp, after: string | RegExp) {
    const { code, stdout, stderr } = await run('pvput', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
    expect(stdout).toEqual([expect.stringMatching(before), expect.stringMatching(after)]);
  }

  beforeAll(async () => {
    env = { ...peerEnv(await freePorts()), TZ: 'UTC' };
    ioc = await startIoc(peers, env, 'ioc:');
  });

  afterAll(async () => {
    await ioc?.stop();
  });

  it('pvget prints every record', async () => {
    const expected: [name: string, line: RegExp | string][] = [
      ['ai', timed('ioc:ai              ', '3.25 ')],
      ['longout', `ioc:longout         ${UNDEFINED} 7 `],
      ['bi', timed('ioc:bi              ', '(1) Open')],
      ['bo', `ioc:bo              ${UNDEFINED} INVALID DRIVER UDF (0) Off`],
      ['longin', timed('ioc:longin          ', '-2147483648 ')],
      ['int64in', timed('ioc:int64in         ', '9007199254740993 ')],
      ['stringin', timed('ioc:stringin        ', '"forty characters at most" ')],
      [
        'lsi',
        timed(
          'ioc:lsi             ',
          '"a long string, which no stringin could hold because it has more than forty characters" ',
        ),
      ],
      ['waveform:double', timed('ioc:waveform:double ', '[1.5,-2.25,1e+300]')],
      ['waveform:char', timed('ioc:waveform:char   ', '[1,2,-3]')],
      ['waveform:string', timed('ioc:waveform:string ', '[one, two]')],
    ];
    const { code, stdout, stderr } = await run('pvget', ...expected.map(([name]) => `ioc:${name}`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
    expect(stdout).toEqual(
      expected.map(([, line]) => (line instanceof RegExp ? expect.stringMatching(line) : line)),
    );
  });

  it('pvget prints a group, and any PV with -v, as a tree', async () => {
    const group = await run('pvget', 'ioc:group');
    expect(group).toMatchObject({ code: 0, stderr: [] });
    expect(group.stdout[0]).toBe('ioc:group interop/group:1.0 ');
    expect(group.stdout).toEqual(
      expect.arrayContaining(['    alarm_t alarm ', '    double x 1', '    double y 2']),
    );

    const { stdout } = await run('pvget', '-v', 'ioc:bi');
    expect(stdout.slice(0, 8)).toEqual([
      'ioc:bi epics:nt/NTEnum:1.0 ',
      '    enum_t value (1) Open',
      '        int index 1',
      '        string[] choices [Closed, Open]',
      '    alarm_t alarm ',
      '        int severity 0',
      '        int status 0',
      '        string message ',
    ]);
  });

  it('pvget takes a request and prints JSON', async () => {
    const { stdout } = await run(
      'pvget',
      '-r',
      'field(value,alarm.severity)',
      '-M',
      'json',
      'ioc:int64in',
      'ioc:ai',
    );
    expect(stdout).toEqual([
      'ioc:int64in {value:9007199254740993,alarm:{severity:0}}',
      'ioc:ai      {value:3.25,alarm:{severity:0}}',
    ]);
  });

  it('pvput writes numbers, and the IOC raises alarms', async () => {
    await put(['ioc:limits', '2.5'], timed('Old : ', '0 '), timed('New : ', '2.5 '));
    await put(['ioc:limits', '6'], timed('Old : ', '2.5 '), timed('New : ', '6 MINOR DEVICE HIGH '));
    await put(['ioc:limits', '0'], timed('Old : ', '6 MINOR DEVICE HIGH '), timed('New : ', '0 '));
    const greatest = '9223372036854775807';
    await put(['ioc:int64out', greatest], /-9007199254740993 $/, timed('New : ', `${greatest} `));
  });

  it('pvput writes an enum by label and by index', async () => {
    await put(['ioc:mbbo', 'Reading'], /\(1\) Exposing$/, timed('New : ', '(2) Reading'));
    await put(
      ['ioc:mbbo', '3'],
      timed('Old : ', '(2) Reading'),
      timed('New : ', 'MAJOR DEVICE STATE (3) Fault'),
    );
    const { code, stderr } = await run('pvput', 'ioc:mbbo', 'Broken');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: [expect.stringMatching(/^Error: .*'Broken'.*Idle, Exposing, Reading, Fault$/)],
    });
  });

  it('pvput writes arrays, texts and several fields', async () => {
    await put(
      ['ioc:waveform:double', '3', '4', '5', '6.5'],
      timed('Old : ', '[1.5,-2.25,1e+300]'),
      timed('New : ', '[4,5,6.5]'),
    );
    await put(
      ['ioc:waveform:string', '["a","b c"]'],
      timed('Old : ', '[one, two]'),
      timed('New : ', '[a, "b c"]'),
    );
    const text = 'more than forty characters, with "quotes" and blanks';
    const { code, stdout } = await run('pvput', '-q', 'ioc:lso', text);
    expect(code).toBe(0);
    expect(stdout.join('\n')).toContain('more than forty characters, with \\"quotes\\" and blanks');

    expect(await run('pvput', 'ioc:group', 'x=5', 'y=6')).toMatchObject({ code: 0, stderr: [] });
    expect(await run('pvput', 'ioc:group', '{"y":-6}')).toMatchObject({ code: 0, stderr: [] });
    expect((await run('pvget', '-r', 'x,y', '-M', 'json', 'ioc:group')).stdout).toEqual([
      'ioc:group {x:5.0,y:-6.0}',
    ]);
  });

  it('pvput waits for the end of processing when it is asked to', async () => {
    const block = ['-r', 'record[process=true,block=true]field()'];
    expect(await run('pvput', ...block, 'ioc:slow.A', '7')).toMatchObject({ code: 0, stderr: [] });
    expect((await run('pvget', 'ioc:slow:done')).stdout).toEqual([
      expect.stringMatching(timed('ioc:slow:done ', '7 ')),
    ]);
  });

  it('pvput tells what was wrong, and still prints what is there', async () => {
    expect(await run('pvput', 'ioc:longout', 'abc')).toEqual({
      code: 1,
      stdout: [`Old : ${UNDEFINED} 7 `, `New : ${UNDEFINED} 7 `],
      stderr: [expect.stringMatching(/^Error: parseToPOD: No digits to convert/)],
    });
    expect(await run('pvput', '-q', 'ioc:longout.DISP', '1')).toMatchObject({ code: 0 });
    expect(await run('pvput', 'ioc:longout', '3')).toEqual({
      code: 1,
      stdout: [`Old : ${UNDEFINED} 7 `, `New : ${UNDEFINED} 7 `],
      stderr: ['Error: Unable to put value: Field Disabled: S_db_putDisabled'],
    });
    expect(await run('pvput', '-q', 'ioc:longout.DISP', '0')).toMatchObject({ code: 0 });
  });

  it('pvinfo prints server and type', async () => {
    const { code, stdout, stderr } = await run('pvinfo', 'ioc:mbbo', 'ioc:waveform:long');
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
    expect(stdout.slice(0, 8)).toEqual([
      'ioc:mbbo',
      `Server: 127.0.0.1:${env['EPICS_PVAS_SERVER_PORT']}`,
      'Type:',
      '    epics:nt/NTEnum:1.0',
      '        enum_t value',
      '            int index',
      '            string[] choices',
      '        alarm_t alarm',
    ]);
    expect(stdout).toEqual(expect.arrayContaining(['ioc:waveform:long', '        int[] value']));
  });

  it('pvmonitor prints updates until Ctrl-C', async () => {
    const child = await start('pvmonitor', ['-r', 'value', '-M', 'json', 'ioc:counter']);
    const counts = await countsOf(child, 5);
    expect(counts).toEqual(consecutive(counts));
    child.signal('SIGINT');
    expect(await child.waitForExit(EXIT_TIMEOUT_MS)).toMatchObject({ code: 0 });
  });

  it('pvmonitor goes on when the IOC was started again', async () => {
    const again = { ...peerEnv(await freePorts()), TZ: 'UTC' };
    let other = await startIoc(peers, again, 'again:');
    const child = await start('pvmonitor', ['-r', 'value', '-M', 'json', 'again:counter'], again);
    try {
      await countsOf(child, 2);
      await other.stop();
      await child.waitForLine(/^again:counter <Disconnect>$/, 30_000);
      const since = child.lineCount;
      other = await startIoc(peers, again, 'again:');
      await child.waitForLine(/^again:counter \{value:/, 20_000, since);
    } finally {
      await child.stop();
      await other.stop();
    }
  });

  it('every tool says so and fails when nobody has the channel', async () => {
    const missing = ['-w', '0.5', 'ioc:none'];
    expect(await run('pvget', ...missing)).toMatchObject({ code: 1, stderr: ['Timeout'] });
    expect(await run('pvput', ...missing, '1')).toMatchObject({ code: 1, stderr: ['Error: Timeout'] });
    expect(await run('pvinfo', ...missing)).toMatchObject({
      code: 1,
      stderr: ['Timeout', 'ioc:none Error: channel destroyed'],
    });
  });
});

/** The numbers of the first `count` updates that pvmonitor prints as JSON. */
async function countsOf(child: Child, count: number): Promise<number[]> {
  const counts: number[] = [];
  let since = 0;
  while (counts.length < count) {
    const [, value] = await child.waitForLine(/\{value:(-?[\d.]+)\}$/, 10_000, since);
    counts.push(Number(value));
    since = child.lines.findIndex((line) => line.text.includes(`{value:${value}}`)) + 1;
  }
  return counts;
}
