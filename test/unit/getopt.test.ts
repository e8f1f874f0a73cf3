/** Command lines in the style of the EPICS base tools: pvget, pvput and their kin. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { CommandExit } from '../../src/cli/command-exit.ts';
import { parseTool, type ToolSpec } from '../../src/cli/getopt.ts';
import {
  pvcallCommand,
  pvgetCommand,
  pvinfoCommand,
  pvlistCommand,
  pvmonitorCommand,
  pvputCommand,
} from '../../src/cli/pvtools-options.ts';

function exitOf(tool: ToolSpec, ...argv: string[]): CommandExit {
  try {
    parseTool(tool, argv, '1.2.3');
  } catch (error) {
    if (error instanceof CommandExit) return error;
    throw error;
  }
  throw new Error(`no exit for ${argv.join(' ')}`);
}

const pvget = (...argv: string[]) => parseTool(pvgetCommand, argv, '1');
const pvput = (...argv: string[]) => parseTool(pvputCommand, argv, '1');

describe('pvget', () => {
  it('reads the line of the PvaPy documentation', () => {
    const { options, operands } = pvget('-r', 'uniqueId', 'consumer:1:output');
    expect(operands).toEqual(['consumer:1:output']);
    expect(options).toMatchObject({
      request: 'uniqueId',
      timeout: 5,
      mode: 'nt',
      verbose: 0,
      provider: 'pva',
    });
    expectTypeOf(options.mode).toEqualTypeOf<'raw' | 'nt' | 'json'>();
    expectTypeOf(options.verbose).toEqualTypeOf<number>();
  });

  it('counts combined and separate flags', () => {
    expect(pvget('-vv', 'x').options.verbose).toBe(2);
    expect(pvget('-v', '-v', '-v', 'x').options.verbose).toBe(3);
    expect(pvget('-vmd', 'x').options).toMatchObject({ verbose: 1, monitor: true, debug: true });
  });

  it('takes a value attached, separate, or behind combined flags', () => {
    expect(pvget('-w2.5', 'x').options.timeout).toBe(2.5);
    expect(pvget('-w', '2.5', 'x').options.timeout).toBe(2.5);
    expect(pvget('-vw', '2', 'x').options).toMatchObject({ verbose: 1, timeout: 2 });
    expect(pvget('-w', '-1', 'x').options.timeout).toBe(-1);
    expect(pvget('-rfield(value)', 'x').options.request).toBe('field(value)');
    expect(pvget('--request=value', '--timeout', '3', 'x').options).toMatchObject({
      request: 'value',
      timeout: 3,
    });
  });

  it('takes several channels, and options between and behind them as on Linux', () => {
    expect(pvget('a', 'b', '-w', '1', 'c', '-M', 'json')).toMatchObject({
      operands: ['a', 'b', 'c'],
      options: { timeout: 1, mode: 'json' },
    });
    expect(pvget('a', '--', '-w').operands).toEqual(['a', '-w']);
  });

  it('accepts what EPICS base accepts and ignores', () => {
    expect(pvget('-q', '-t', '-i', '-n', '-F', ',', '-c', '-R', 'x').operands).toEqual(['x']);
  });

  it.each([
    [['-z', 'x'], "Unrecognized option: '-z'. ('pvget -h' for help.)\n"],
    [['-vz', 'x'], "Unrecognized option: '-z'. ('pvget -h' for help.)\n"],
    [['--bogus', 'x'], "Unrecognized option: '--bogus'. ('pvget -h' for help.)\n"],
    [['-f', 'list', 'x'], 'Unsupported option -f\n'],
    [['-flist', 'x'], 'Unsupported option -f\n'],
    [['x', '-w'], "Option '-w' requires an argument. ('pvget -h' for help.)\n"],
    [
      ['-p', 'ca', 'x'],
      "Option -p/--provider: invalid choice: 'ca' (choose from pva) ('pvget -h' for help.)\n",
    ],
    [['-#', '-1', 'x'], "Option -#/--limit: must be at least 0, not -1 ('pvget -h' for help.)\n"],
  ])('refuses %j in the words of EPICS base', (argv, stderr) => {
    const exit = exitOf(pvgetCommand, ...argv);
    expect(exit.stderr).toBe(stderr);
    expect(exit.exitCode).toBe(1);
  });

  it('goes on with a warning where EPICS base does', () => {
    expect(pvget('-w', '2', '-w', 'soon', '-M', 'xml', 'x')).toMatchObject({
      options: { timeout: 2, mode: 'raw' },
      operands: ['x'],
      warnings: [
        "'soon' is not a valid timeout value - ignored. ('pvget -h' for help.)",
        "Unknown output mode 'xml'",
      ],
    });
    expect(parseTool(pvlistCommand, ['-w', '0'], '1')).toMatchObject({
      options: { timeout: 3 },
      warnings: ["'0' is not a valid timeout value - ignored. ('pvlist -h' for help.)"],
    });
    expect(pvget().warnings).toEqual([]);
  });

  it('prints help and version', () => {
    const help = exitOf(pvgetCommand, '-h');
    expect(help.exitCode).toBe(0);
    expect(help.stdout).toContain('Usage: pvget [options] <PV name>...');
    expect(help.stdout).toContain('-r, --request <pvRequest>');
    expect(exitOf(pvgetCommand, '-vh', 'x').exitCode).toBe(0);
    expect(exitOf(pvgetCommand, '-V').stdout).toBe('pvget 1.2.3\n');
    expect(exitOf(pvgetCommand, '--version').stdout).toBe('pvget 1.2.3\n');
  });
});

describe('pvput', () => {
  it('reads the line of the PvaPy documentation', () => {
    const value = '{"command":"configure","args":"{\\"x\\":100}"}';
    expect(pvput('consumer:1:control', value).operands).toEqual(['consumer:1:control', value]);
  });

  it('takes everything behind the PV name as it is', () => {
    expect(pvput('x', '-5').operands).toEqual(['x', '-5']);
    expect(pvput('x', '-v', '-w', '2').operands).toEqual(['x', '-v', '-w', '2']);
    expect(pvput('x', '-1e-3', '--help').operands).toEqual(['x', '-1e-3', '--help']);
    expect(pvput('x', '3', '1', '-2', '3').operands).toEqual(['x', '3', '1', '-2', '3']);
    expect(pvput('-w', '2', '-q', 'x', '-5')).toMatchObject({
      operands: ['x', '-5'],
      options: { timeout: 2, quiet: true },
    });
    expect(pvput('x', '').operands).toEqual(['x', '']);
  });

  it('needs a PV name and a value', () => {
    expect(exitOf(pvputCommand).stderr).toBe("No pv name specified. ('pvput -h' for help.)\n");
    expect(exitOf(pvputCommand, 'x').stderr).toBe("No value(s) specified. ('pvput -h' for help.)\n");
    expect(exitOf(pvputCommand, '-z', 'x', '5').stderr).toContain("Unrecognized option: '-z'");
  });
});

describe('pvinfo and pvmonitor', () => {
  it('take channels', () => {
    expect(parseTool(pvinfoCommand, ['-w', '1', 'x', 'y'], '1')).toMatchObject({
      operands: ['x', 'y'],
      options: { timeout: 1 },
    });
    expect(parseTool(pvmonitorCommand, ['-vv', 'x'], '1').options.verbose).toBe(2);
    expect(exitOf(pvinfoCommand, '-r', 'value', 'x').stderr).toContain("Unrecognized option: '-r'");
    expect(exitOf(pvinfoCommand).stderr).toBe("No pv name(s) specified. ('pvinfo -h' for help.)\n");
  });
});

describe('pvcall and pvlist', () => {
  it('collect what may be given several times', () => {
    const { options, operands } = parseTool(pvcallCommand, ['-a', 'x=1', 'svc', '-a', 'y=-2', 'z=3'], '1');
    expect(options.argument).toEqual(['x=1', 'y=-2']);
    expect(operands).toEqual(['svc', 'z=3']);
    const bare = parseTool(pvcallCommand, ['svc'], '1').options;
    expect([bare.argument, bare.service]).toEqual([[], undefined]);
    expectTypeOf(options.argument).toEqualTypeOf<readonly string[]>();
  });

  it('refuse what EPICS base refuses', () => {
    expect(exitOf(pvlistCommand, '-f', 'x').stderr).toBe('Unsupported option -f\n');
    expect(exitOf(pvcallCommand, '-t', 'x').stderr).toContain("Unrecognized option: '-t'");
  });
});
