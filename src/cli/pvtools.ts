/**
 * What the tools share: their start, the client, the time limit, and output in the order of the arguments. Texts and
 * exit codes are those of EPICS base (pva-protocol.md 9).
 */
import { setMaxListeners } from 'node:events';
import { CancelledError, Context, PvaError, PvRequestError, parsePvRequest, type Value } from 'epics-pva-ts';
import { VERSION } from '../version.ts';
import { CommandExit } from './command-exit.ts';
import { delay } from './delay.ts';
import { type ParsedTool, parseTool, type ToolSpec } from './getopt.ts';
import type { OptionTable } from './option-table.ts';
import { runMain } from './run-main.ts';

/** Options every one of the tools has. */
export interface ToolOptions {
  readonly timeout: number;
  readonly debug: boolean;
}

/** Answers behind one that is missing are held back no longer than this, in ms. */
const ORDER_MS = 500;
/** Sockets close at once; looking up a host name that nobody needs any more may take long. */
const CLOSE_SECONDS = 0.5;
/** Longest time a timer can measure, in seconds: 24 days. */
const MAX_SECONDS = 2_000_000;

/** Runs a tool as the whole of this process: parses its command line, prints what was odd in it, and does `work`. */
export function runTool<const T extends OptionTable>(
  tool: ToolSpec<T>,
  work: (given: ParsedTool<T>, signal: AbortSignal, interrupted: AbortSignal) => Promise<number>,
): Promise<never> {
  return runMain(tool.name, ({ argv, signal, interrupted }) => {
    const given = parseTool(tool, argv, VERSION);
    for (const line of given.warnings) process.stderr.write(`${line}\n`);
    return work(given, signal, interrupted);
  });
}

/** Runs `work` with a client that is closed behind it. Mistakes of the configuration come through as ConfigError. */
export async function withContext<T>(
  program: string,
  { debug }: ToolOptions,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const context = new Context({
    log: (level, message) => {
      if (debug || level === 'error') process.stderr.write(`${program}: ${message}\n`);
    },
  });
  if (debug) {
    const { addressList, autoAddrList, broadcastPort, nameServers } = context.config;
    const where = [...addressList, ...(autoAddrList ? ['broadcast'] : []), ...nameServers].join(' ');
    process.stderr.write(`${program}: searching at ${where || 'no address'} (UDP port ${broadcastPort})\n`);
  }
  try {
    return await work(context);
  } finally {
    await Promise.race([context.close(), delay(CLOSE_SECONDS)]);
  }
}

/** The pvRequest of `-r`. @throws CommandExit in the words of EPICS base */
export function parseRequest(text: string): Value {
  try {
    return parsePvRequest(text);
  } catch (error) {
    if (!(error instanceof PvRequestError)) throw error;
    throw new CommandExit(1, { stderr: `failed to parse request string: ${error.message}\n` });
  }
}

/** Seconds for the library, where 0 is for ever. */
export function timeLimit(seconds: number): number {
  return seconds > 0 && seconds <= MAX_SECONDS ? seconds : 0;
}

/**
 * What went wrong, without the channel's name, which the tools print in their own way, and on one line, whatever the
 * server wrote. @throws what is no PvaError
 */
export function reasonOf(name: string, error: unknown): string {
  if (!PvaError.isPvaError(error)) throw error;
  const message = error.message.trim().replace(/\s*[\r\n]+\s*/g, ' ');
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

/** How names are printed in front of values: padded to the longest, with one blank behind. */
export function prefixFor(names: readonly string[]): (name: string) => string {
  const width = names.reduce((longest, name) => Math.max(longest, name.length), 0);
  return (name) => `${name.padEnd(width)} `;
}

/** What one channel makes a tool print. */
export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  /** The command fails. */
  readonly failed?: boolean;
}

/** How a tool asks a channel, and what it prints. */
export interface Question {
  ask(name: string, signal: AbortSignal): Promise<Answer>;
  /** The channel said no. */
  refused(name: string, why: string): Answer;
  /** The time was over, or the user ended it. */
  unanswered(name: string): Answer;
}

/** Prints answers in the order of the questions, as long as that does not hold them up. */
class InOrder {
  private readonly waiting = new Map<number, Answer>();
  private next = 0;
  private ordered = true;
  failed = false;

  add(index: number, answer: Answer): void {
    if (answer.failed) this.failed = true;
    if (!this.ordered) {
      print(answer);
      return;
    }
    this.waiting.set(index, answer);
    for (let first = this.waiting.get(this.next); first; first = this.waiting.get(this.next)) {
      this.waiting.delete(this.next++);
      print(first);
    }
  }

  /** Prints what is there; what comes later is printed as it comes. */
  release(): void {
    if (!this.ordered) return;
    this.ordered = false;
    for (const [, answer] of [...this.waiting].sort(([a], [b]) => a - b)) print(answer);
    this.waiting.clear();
  }
}

function print({ stdout, stderr }: Answer): void {
  if (stdout) process.stdout.write(stdout);
  if (stderr) process.stderr.write(stderr);
}

/**
 * Asks all channels at once. The time limit starts anew with every answer, as in EPICS base, so that thousands of
 * channels may take their time together. Resolves to the exit code.
 */
export async function askAll(
  names: readonly string[],
  options: ToolOptions,
  signal: AbortSignal,
  question: Question,
): Promise<number> {
  const output = new InOrder();
  const ending = new AbortController();
  // Every channel listens.
  setMaxListeners(0, ending.signal);
  const end = (): void => {
    output.release();
    ending.abort();
  };
  signal.addEventListener('abort', end, { once: true });
  const holding = setTimeout(() => output.release(), ORDER_MS);
  const seconds = timeLimit(options.timeout);
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  const startTimer = (): void => {
    clearTimeout(timer);
    if (seconds === 0) return;
    timer = setTimeout(() => {
      timedOut = true;
      output.release();
      process.stderr.write('Timeout\n');
      end();
    }, seconds * 1000);
  };
  startTimer();
  if (options.debug) process.stderr.write('Waiting...\n');
  try {
    await Promise.all(
      names.map(async (name, index) => {
        output.add(index, await answerTo(name, ending.signal, question));
        if (!ending.signal.aborted) startTimer();
      }),
    );
  } finally {
    clearTimeout(holding);
    clearTimeout(timer);
  }
  if (options.debug) process.stderr.write('Done\n');
  return timedOut || output.failed ? 1 : 0;
}

async function answerTo(name: string, signal: AbortSignal, question: Question): Promise<Answer> {
  try {
    return await question.ask(name, signal);
  } catch (error) {
    if (error instanceof CancelledError && signal.aborted) return question.unanswered(name);
    return question.refused(name, reasonOf(name, error));
  }
}
