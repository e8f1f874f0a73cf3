/**
 * Command lines in PvaPy's style. The accepted and refused spellings below were checked against Python 3.11's
 * argparse with the same options; where we are wider than it, the test says so.
 */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { parseArguments } from '../../src/cli/argparse.ts';
import { CommandExit } from '../../src/cli/command-exit.ts';
import type { CommandSpec, JsonObject, OptionTable } from '../../src/cli/option-table.ts';

const options = [
  { long: '--input-channel', short: '-ic', kind: 'string', required: true, description: 'input' },
  { long: '--consumer-id', short: '-id', kind: 'int', default: 1, description: 'id' },
  { long: '--receiver-queue-size', short: '-rqs', kind: 'int', default: -1, description: 'queue' },
  { long: '--server-queue-size', short: '-sqs', kind: 'int', default: 0, description: 'queue' },
  { long: '--report-period', short: '-rp', kind: 'float', default: 0, description: 'period' },
  { long: '--report-stats', short: '-rs', kind: 'string', default: 'all', description: 'groups' },
  { long: '--channel-name', short: '-cn', kind: 'string', description: 'channel' },
  { long: '--frame-rate', short: '-fps', kind: 'float', minimum: 0, description: 'rate' },
  { long: '--color-mode', short: '-cm', kind: 'int', choices: [0, 2], default: 0, description: 'colours' },
  { long: '--log-level', short: '-ll', kind: 'string', choices: ['debug', 'info'], description: 'level' },
  { long: '--processor-args', short: '-pa', kind: 'json', description: 'configuration' },
  { long: '--disable-curses', short: '-dc', kind: 'flag', description: 'no screen' },
  { long: '--verbose', kind: 'count', description: 'more' },
] as const satisfies OptionTable;

const command = { name: 'tool', summary: 'A tool.', options } as const satisfies CommandSpec;

const IC = ['-ic', 'x'];

function parse(...argv: string[]) {
  return parseArguments(command, argv, '1.2.3');
}

function exitOf(...argv: string[]): CommandExit {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof CommandExit) return error;
    throw error;
  }
  throw new Error(`no exit for ${argv.join(' ')}`);
}

describe('spellings', () => {
  it.each([
    [['-cn', 'a'], { channelName: 'a' }],
    [['-cn=a'], { channelName: 'a' }],
    [['--channel-name', 'a'], { channelName: 'a' }],
    [['--channel-name=a=b'], { channelName: 'a=b' }],
    [['--channel', 'a'], { channelName: 'a' }],
    [['-fps', '10000'], { frameRate: 10000 }],
    [['-rqs', '-1'], { receiverQueueSize: -1 }],
    [['-rqs=-5'], { receiverQueueSize: -5 }],
    [['--report-p', '-.5'], { reportPeriod: -0.5 }],
    [['--report-p=-2'], { reportPeriod: -2 }],
    [['-sq', '4'], { serverQueueSize: 4 }],
    [['-s', '4'], { serverQueueSize: 4 }],
    [['--dis'], { disableCurses: true }],
    [['-dc'], { disableCurses: true }],
    [['-cn', '-5'], { channelName: '-5' }],
    [['-cn', '-x y'], { channelName: '-x y' }],
    [['-cn', '-'], { channelName: '-' }],
    [['-cn', ''], { channelName: '' }],
    [['-cn='], { channelName: '' }],
    [['--channel-name='], { channelName: '' }],
    [['-cn', 'a', '--channel-name', 'b'], { channelName: 'b' }],
    [['-id', '1_0'], { consumerId: 10 }],
    [['-id', ' 7 '], { consumerId: 7 }],
    [['-id', '+7'], { consumerId: 7 }],
    [['-rp', '1e3'], { reportPeriod: 1000 }],
    [['-rp', '1_000.5'], { reportPeriod: 1000.5 }],
    [['-rp', 'inf'], { reportPeriod: Number.POSITIVE_INFINITY }],
    [['-rp', '5.'], { reportPeriod: 5 }],
    // Python 3.11 refuses this one.
    [['-rp', '-1e3'], { reportPeriod: -1000 }],
    [['--verbose', '--verbose'], { verbose: 2 }],
  ])('%j', (argv, expected) => {
    expect(parse(...IC, ...argv)).toMatchObject(expected);
  });
});

describe('the result', () => {
  it('has the defaults, false for flags, and no value for options without default', () => {
    expect(parse('-ic', 'image')).toEqual({
      inputChannel: 'image',
      consumerId: 1,
      receiverQueueSize: -1,
      serverQueueSize: 0,
      reportPeriod: 0,
      reportStats: 'all',
      colorMode: 0,
      disableCurses: false,
      verbose: 0,
    });
  });

  it('has the types of the table', () => {
    const parsed = parse(...IC);
    expectTypeOf(parsed.inputChannel).toEqualTypeOf<string>();
    expectTypeOf(parsed.consumerId).toEqualTypeOf<number>();
    expectTypeOf(parsed.frameRate).toEqualTypeOf<number | undefined>();
    expectTypeOf(parsed.colorMode).toEqualTypeOf<0 | 2>();
    expectTypeOf(parsed.logLevel).toEqualTypeOf<'debug' | 'info' | undefined>();
    expectTypeOf(parsed.processorArgs).toEqualTypeOf<JsonObject | undefined>();
    expectTypeOf(parsed.disableCurses).toEqualTypeOf<boolean>();
    expectTypeOf(parsed.verbose).toEqualTypeOf<number>();
    // @ts-expect-error: no such option
    expect(parsed.noSuchOption).toBeUndefined();
  });

  it('keeps no state between two parses', () => {
    expect(parse(...IC, '--verbose').verbose).toBe(1);
    expect(parse(...IC, '--verbose').verbose).toBe(1);
  });

  it('delivers a choice as the table writes it, whatever its case', () => {
    expect(parse(...IC, '-ll', 'DEBUG').logLevel).toBe('debug');
    expect(parse(...IC, '-cm', '2').colorMode).toBe(2);
  });

  it('delivers JSON parsed', () => {
    expect(parse(...IC, '-pa', '{"x": [1, -2.5e3], "y": {"z": null}}').processorArgs).toEqual({
      x: [1, -2500],
      y: { z: null },
    });
  });
});

describe('unknown tokens', () => {
  it.each([
    [['--bogus', '5'], '--bogus 5'],
    [['-cnfoo'], '-cnfoo'],
    [['-dcx'], '-dcx'],
    [['-5'], '-5'],
    [['-'], '-'],
    [['---x'], '---x'],
    [['-s4'], '-s4'],
    [['pos', '-cn', 'b'], 'pos'],
    [['-cn', 'a', 'b', '-dc', 'c'], 'b c'],
    [['--', '-cn', 'a'], '-- -cn a'],
  ])('%j', (argv, tokens) => {
    const exit = exitOf(...IC, ...argv);
    expect(exit.stderr).toBe(`Unrecognized argument(s): ${tokens}\n`);
    expect(exit.exitCode).toBe(1);
    expect(exit.stdout).toBe('');
  });

  it('are reported before a missing required option, which a mistyped name is as well', () => {
    expect(exitOf('--input-chanel', 'x').stderr).toBe('Unrecognized argument(s): --input-chanel x\n');
  });
});

describe('usage errors', () => {
  it.each([
    [['-id', 'abc'], "argument -id/--consumer-id: invalid int value: 'abc'"],
    [['-id', '5.0'], "argument -id/--consumer-id: invalid int value: '5.0'"],
    [['-id', '0x10'], "argument -id/--consumer-id: invalid int value: '0x10'"],
    [
      ['-id', '99999999999999999999'],
      "argument -id/--consumer-id: invalid int value: '99999999999999999999'",
    ],
    [['-id', ''], "argument -id/--consumer-id: invalid int value: ''"],
    [['-rp', 'soon'], "argument -rp/--report-period: invalid float value: 'soon'"],
    // Python takes this one, but no option here can mean it.
    [['-rp', 'nan'], "argument -rp/--report-period: invalid float value: 'nan'"],
    [['-fps', '-1'], 'argument -fps/--frame-rate: must be at least 0, not -1'],
    [['-cm', '1'], 'argument -cm/--color-mode: invalid choice: 1 (choose from 0, 2)'],
    [['-ll', 'loud'], "argument -ll/--log-level: invalid choice: 'loud' (choose from debug, info)"],
    [['-cn'], 'argument -cn/--channel-name: expected one argument'],
    [['-cn', '-dc'], 'argument -cn/--channel-name: expected one argument'],
    [['-cn', '--bogus'], 'argument -cn/--channel-name: expected one argument'],
    [['-cn', '-xy'], 'argument -cn/--channel-name: expected one argument'],
    [['-cn', '--', 'a'], 'argument -cn/--channel-name: expected one argument'],
    [['--disable-curses=yes'], "argument -dc/--disable-curses: takes no value, but got 'yes'"],
    [['-dc=1'], "argument -dc/--disable-curses: takes no value, but got '1'"],
    [['--report', '1'], 'ambiguous option: --report could match --report-period, --report-stats'],
    [['-i', '4'], 'ambiguous option: -i could match -ic, -id'],
  ])('%j', (argv, message) => {
    const exit = exitOf(...IC, ...argv);
    expect(exit.stderr).toBe(`Usage: tool -ic <text> [options]\ntool: error: ${message}\n`);
    expect(exit.exitCode).toBe(2);
  });

  it('name every missing required option', () => {
    const exit = exitOf('-id', '3');
    expect(exit.stderr).toContain('tool: error: the following arguments are required: -ic/--input-channel\n');
    expect(exit.exitCode).toBe(2);
  });

  it('name the option and the position of a JSON mistake', () => {
    const exit = exitOf(...IC, '-pa', '{"limit": }');
    expect(exit.stderr).toContain(
      `argument -pa/--processor-args: invalid JSON at position 11 (expected a value, found '}'): {"limit": }`,
    );
    expect(exit.exitCode).toBe(2);
  });

  it('refuse JSON that is not an object', () => {
    expect(exitOf(...IC, '-pa', '[1]').stderr).toContain('-pa/--processor-args: must be a JSON object');
    expect(exitOf(...IC, '-pa', 'null').stderr).toContain('-pa/--processor-args: must be a JSON object');
  });
});

describe('help and version', () => {
  it.each(['-v', '--version', '--vers'])('%s prints program and version, and ends well', (token) => {
    const exit = exitOf(token);
    expect(exit.stdout).toBe('tool 1.2.3\n');
    expect(exit.stderr).toBe('');
    expect(exit.exitCode).toBe(0);
  });

  it.each(['-h', '--help', '--he'])('%s lists every option with its default', (token) => {
    const exit = exitOf(token);
    expect(exit.exitCode).toBe(0);
    expect(exit.stderr).toBe('');
    expect(exit.stdout).toContain('Usage: tool -ic <text> [options]');
    for (const { long } of options) expect(exit.stdout).toContain(long);
    expect(exit.stdout).toMatch(/-rqs, --receiver-queue-size <n> +queue \(default: -1\)/);
  });

  it('win over anything that stands behind them, not over a mistake before them', () => {
    expect(exitOf('-h', '-id', 'abc').exitCode).toBe(0);
    expect(exitOf('--bogus', '-v').exitCode).toBe(0);
    expect(exitOf('-v', '--report').exitCode).toBe(0);
    expect(exitOf('-id', 'abc', '-h').exitCode).toBe(2);
    expect(exitOf('-cn', '-h').stderr).toContain('expected one argument');
  });
});
