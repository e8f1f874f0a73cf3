/** The log: lines for people, JSON lines for programs. */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { childLogger, createLogging, LOG_LEVELS, type LogLevel, parseLogLevel } from '../../src/log.ts';

let folder: string;
let lines: string[];
const output = { write: (text: string) => lines.push(text) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'epics-hpc-log-'));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The lines without their time stamps, which must look like one. */
function texts(): string[] {
  return lines.map((line) => {
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} .*\n$/s);
    return line.slice(24, -1);
  });
}

function logAll(level?: LogLevel): string[] {
  const { logger } = createLogging({ name: 'tool', output, ...(level === undefined ? {} : { level }) });
  for (const each of LOG_LEVELS) logger[each](`a ${each}`);
  return texts();
}

describe('levels', () => {
  it('are errors and worse by default', () => {
    expect(logAll()).toEqual(['ERROR tool: a error', 'CRITICAL tool: a critical']);
  });

  it.each(LOG_LEVELS.map((level, index) => [level, LOG_LEVELS.length - index] as const))(
    '%s writes %i of five lines',
    (level, count) => {
      expect(logAll(level)).toHaveLength(count);
    },
  );

  it('are read in any case', () => {
    expect(parseLogLevel('DEBUG')).toBe('debug');
    expect(parseLogLevel('Warning')).toBe('warning');
  });

  it('are listed when one is unknown', () => {
    expect(() => parseLogLevel('loud')).toThrowError(
      "unknown log level 'loud'; the levels are debug, info, warning, error, critical",
    );
    expect(() => parseLogLevel('')).toThrowError(UserError);
  });
});

describe('lines for people', () => {
  it('carry local time', () => {
    const before = Date.now();
    createLogging({ name: 'tool', output }).logger.error('now');
    const after = Date.now();
    const written = new Date((lines[0] ?? '').slice(0, 23).replace(' ', 'T')).getTime();
    expect(written).toBeGreaterThanOrEqual(before);
    expect(written).toBeLessThanOrEqual(after);
  });

  it('name the part they come from', () => {
    const { logger } = createLogging({ name: 'consumer', output, level: 'info' });
    const one = childLogger(logger, '1');
    one.info('hello');
    childLogger(one, 'receiver').warning('slow: %d ms', 12);
    logger.info('still here');
    expect(texts()).toEqual([
      'INFO consumer.1: hello',
      'WARNING consumer.1.receiver: slow: 12 ms',
      'INFO consumer: still here',
    ]);
    expect(() => childLogger({ ...logger }, 'x')).toThrowError(TypeError);
  });

  it('show fields behind the message', () => {
    const { logger } = createLogging({ name: 'c', output });
    logger.error({ id: 5, channel: 'pvapy:image', limits: [1, 2] }, 'frame lost');
    expect(texts()).toEqual(['ERROR c: frame lost id=5 channel=pvapy:image limits=[1,2]']);
  });

  it('show what an error says, and where it came from at debug level only', () => {
    const { logger } = createLogging({ name: 'c', output });
    logger.error(new TypeError('x is undefined'), 'process failed');
    logger.error(new RangeError('too far'));
    expect(texts()).toEqual([
      'ERROR c: process failed: TypeError: x is undefined',
      'ERROR c: RangeError: too far',
    ]);

    lines = [];
    const debug = createLogging({ name: 'c', output, level: 'debug' });
    debug.logger.error(new TypeError('x is undefined'), 'process failed');
    expect(lines[0]).toMatch(/process failed: TypeError: x is undefined\n +at /);
  });

  it('follow a change of level', () => {
    const { logger } = createLogging({ name: 'c', output });
    logger.info('no');
    expect(logger.isLevelEnabled('info')).toBe(false);
    logger.level = 'info';
    logger.info('yes');
    childLogger(logger, 'x').info('yes');
    expect(texts()).toEqual(['INFO c: yes', 'INFO c.x: yes']);
  });
});

describe('the log file', () => {
  it('takes JSON lines, appended', () => {
    const file = join(folder, 'log.jsonl');
    writeFileSync(file, 'earlier\n');
    const { logger, close } = createLogging({ name: 'consumer', output, file, level: 'info' });
    childLogger(logger, '1').info({ id: 7 }, 'hello');
    logger.debug('not this');
    const [earlier, line, end] = readFileSync(file, 'utf8').split('\n');
    expect([earlier, end]).toEqual(['earlier', '']);
    const record = JSON.parse(line ?? '') as Record<string, unknown>;
    expect(record).toMatchObject({ level: 'info', name: 'consumer.1', id: 7, msg: 'hello' });
    expect(Math.abs(Date.parse(String(record['time'])) - Date.now())).toBeLessThan(60_000);
    expect(line?.match(/"name"/g)).toHaveLength(1);
    expect(texts()).toEqual(['INFO consumer.1: hello id=7']);
    close();
    close();
    logger.info('after');
    expect(readFileSync(file, 'utf8')).not.toContain('after');
  });

  it('that is full is renamed, and the oldest of those goes', () => {
    const file = join(folder, 'log.jsonl');
    const { logger, close } = createLogging({
      name: 'c',
      output,
      file,
      level: 'info',
      fileBounds: { maxBytes: 1000, kept: 2 },
    });
    for (let i = 0; i < 100; i++) logger.info(`line ${i}`);
    close();
    expect(readdirSync(folder).sort()).toEqual(['log.jsonl', 'log.jsonl.1', 'log.jsonl.2']);
    const kept = ['.2', '.1', ''].map((ending) => readFileSync(`${file}${ending}`, 'utf8'));
    for (const text of kept) expect(text.length).toBeLessThan(1200);
    for (const text of kept.slice(0, 2)) expect(text.length).toBeGreaterThanOrEqual(1000);
    // The last lines, whole and in order, across the files.
    const numbers = Array.from(kept.join('').matchAll(/^\{.*"line (\d+)"\}$/gm), ([, n]) => Number(n));
    expect(numbers).toEqual(numbers.map((_, i) => 100 - numbers.length + i));
    expect(kept.join('').split('\n')).toHaveLength(numbers.length + 1);
  });

  it('shared by processes is renamed by one of them, and the others follow', () => {
    const file = join(folder, 'log.jsonl');
    const fileBounds = { maxBytes: 1000, kept: 3 };
    const make = (name: string) => createLogging({ name, output, file, level: 'info', fileBounds });
    const all = [make('a'), make('b'), make('c')];
    for (let i = 0; i < 30; i++) all[i % 3]?.logger.info(`line ${i}`);
    for (const { close } of all) close();
    const kept = ['.3', '.2', '.1', ''].map((ending) => {
      try {
        return readFileSync(`${file}${ending}`, 'utf8');
      } catch {
        return '';
      }
    });
    const numbers = Array.from(kept.join('').matchAll(/"line (\d+)"/g), ([, n]) => Number(n));
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(readdirSync(folder).length).toBeLessThanOrEqual(4);
  });

  it('that somebody else has renamed and that cannot be begun anew is given up, and that is said once', () => {
    const inner = mkdtempSync(join(folder, 'inner-'));
    const file = join(inner, 'log.jsonl');
    const { logger, close } = createLogging({ name: 'c', output, file, fileBounds: { maxBytes: 50 } });
    logger.error('one');
    renameSync(inner, join(folder, 'elsewhere'));
    logger.error('two');
    logger.error('three');
    close();
    expect(texts().map((text) => text.slice(0, 60))).toEqual([
      'ERROR c: one',
      'ERROR c: two',
      expect.stringMatching(/no longer writing the log file/),
      'ERROR c: three',
    ]);
  });

  it('that cannot be written is a mistake of the user', () => {
    const file = join(folder, 'no', 'such', 'folder.log');
    expect(() => createLogging({ name: 'c', output, file })).toThrowError(
      `cannot write the log file '${file}': ENOENT`,
    );
    expect(() => createLogging({ name: 'c', output, file: folder })).toThrowError(
      expect.objectContaining({ name: 'UserError', code: 'HPC_LOG_FILE' }),
    );
  });
});
