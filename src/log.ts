/**
 * Logging through pino, with PvaPy's level names: lines for people on the terminal, JSON lines in the log file. Every
 * room may import this file. Both destinations are written synchronously, so that the last line before a crash is
 * there.
 */
import { type LogFn, type Logger as PinoLogger, pino } from 'pino';
import { UserError } from './errors.ts';
import { LogFile, type LogFileBounds } from './log-file.ts';

/** PvaPy's level names, from the most talkative to the most silent. */
export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** pino's numbers for the levels. */
const LEVEL_VALUES: Record<LogLevel, number> = { debug: 20, info: 30, warning: 40, error: 50, critical: 60 };

/**
 * A pino logger, as far as it is promised. Each method takes what pino's do: a message (with `%s`, `%d`, `%o` and
 * their arguments), or first an object of fields or an error: `logger.error(error, 'cannot save the frame')`.
 */
export interface Logger extends Readonly<Record<LogLevel, LogFn>> {
  /** Lines below this level are not written. May be changed; children made before keep theirs. */
  level: string;
  /** Are lines of this level written? */
  isLevelEnabled(level: LogLevel): boolean;
}

export interface LoggingOptions {
  /** Lines below this level are not written; `error` by default, as in PvaPy. */
  readonly level?: LogLevel;
  /** Name in front of every line; loggers of parts of the program are made with {@link childLogger}. */
  readonly name: string;
  /** File to which JSON lines are appended as well. */
  readonly file?: string;
  /** How much of that file is kept. */
  readonly fileBounds?: LogFileBounds;
  /** Where the lines for people go; standard output by default, as in PvaPy. */
  readonly output?: { write(text: string): unknown };
}

export interface Logging {
  readonly logger: Logger;
  /** Closes the log file. Nothing else to do: no line is ever waiting to be written. */
  close(): void;
}

/**
 * The level meant by a text such as `INFO`, in any case.
 * @throws UserError `HPC_LOG_LEVEL` for an unknown name; the message lists the levels.
 */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text.trim().toLowerCase());
  if (level !== undefined) return level;
  throw new UserError(
    'HPC_LOG_LEVEL',
    `unknown log level '${text}'; the levels are ${LOG_LEVELS.join(', ')}`,
  );
}

const RESERVED = new Set(['level', 'time', 'name', 'msg', 'err']);

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Local time as `2026-11-21 10:00:00.123`. */
function localTime(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function errorText(error: unknown, withStack: boolean): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { type, message, stack } = error as { type?: string; message?: string; stack?: string };
  return withStack && stack !== undefined ? stack : `${type ?? 'Error'}: ${message ?? ''}`;
}

/**
 * One pino JSON line as a line for people: `2026-11-21 10:00:00.123 INFO consumer.1: message key=value`. An error
 * (`logger.error(error, 'text')`) is appended; its stack trace only when `withStack` is set.
 */
export function formatLogLine(json: string, withStack: boolean): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const message = String(record['msg'] ?? '');
  const error = record['err'] === undefined ? '' : errorText(record['err'], withStack);
  const fields = Object.entries(record)
    .filter(([key]) => !RESERVED.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  // pino takes an error's own message when the caller gives none.
  const repeated = error !== '' && error.includes(message);
  const text = error === '' ? message : repeated ? error : `${message}: ${error}`;
  const head = `${localTime(new Date(String(record['time'])))} ${String(record['level']).toUpperCase()}`;
  return `${head} ${[`${String(record['name'])}:`, text, ...fields].filter((part) => part !== '').join(' ')}\n`;
}

/**
 * Starts logging.
 * @throws UserError `HPC_LOG_FILE` if the log file cannot be opened for appending.
 */
export function createLogging(options: LoggingOptions): Logging {
  const output = options.output ?? process.stdout;
  const level = options.level ?? 'error';
  const withStack = level === 'debug' || process.env['EPICS_HPC_DEBUG'] === '1';
  let file = options.file === undefined ? undefined : new LogFile(options.file, options.fileBounds);
  const close = () => {
    file?.close();
    file = undefined;
  };
  const write = (json: string) => {
    output.write(formatLogLine(json, withStack));
    try {
      file?.write(json);
    } catch (error) {
      // A full disk must not end data taking: say so once, go on without the file.
      close();
      root.error({ err: error }, `no longer writing the log file '${options.file}'`);
    }
  };
  const root: Root = pino(
    {
      level,
      customLevels: LEVEL_VALUES,
      useOnlyCustomLevels: true,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return { logger: namedLogger({ root, name: options.name }, level), close };
}

type Root = PinoLogger<LogLevel, boolean>;

/** Where a logger comes from and what it is called. */
interface Origin {
  readonly root: Root;
  readonly name: string;
}

const origins = new WeakMap<Logger, Origin>();

function namedLogger(origin: Origin, level: string): Logger {
  const logger: Logger = origin.root.child({ name: origin.name }, { level });
  origins.set(logger, origin);
  return logger;
}

/**
 * The logger of a part: a child named `<name of the parent>.<name>`, such as `consumer.1`.
 * @throws TypeError if `parent` was not made by this module.
 */
export function childLogger(parent: Logger, name: string): Logger {
  const origin = origins.get(parent);
  if (origin === undefined) throw new TypeError('childLogger: the parent is not a logger of createLogging');
  // From the root, because pino would otherwise write the key "name" twice.
  return namedLogger({ root: origin.root, name: `${origin.name}.${name}` }, parent.level);
}
