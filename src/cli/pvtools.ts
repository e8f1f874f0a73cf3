/**
 * What `pvget`, `pvmonitor`, `pvput` and `pvinfo` share: the client, the time limit, output in the order of the
 * arguments, and updates printed as they come. Texts and exit codes are those of EPICS base (pva-protocol.md 9.1-9.3).
 */
import { setMaxListeners } from 'node:events';
import {
  BitSet,
  CancelledError,
  Context,
  type FormatMode,
  formatValue,
  PvaError,
  PvRequestError,
  parsePvRequest,
  type Subscription,
  type Value,
} from 'epics-pva-ts';
import { CommandExit } from './command-exit.ts';
import { delay } from './delay.ts';

/** Options every one of the tools has. */
export interface ToolOptions {
  readonly timeout: number;
  readonly debug: boolean;
}

/** Options of the tools that print values. */
export interface PrintOptions extends ToolOptions {
  readonly request: string;
  readonly mode: FormatMode;
  readonly verbose: number;
}

/** Answers behind one that is missing are held back no longer than this, in ms. */
const ORDER_MS = 500;
/** Sockets close at once; looking up a host name that nobody needs any more may take long. */
const CLOSE_SECONDS = 0.5;
/** Longest time a timer can measure, in seconds: 24 days. */
const MAX_SECONDS = 2_000_000;

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

/** What went wrong, without the channel's name, which the tools print in their own way. @throws what is no PvaError */
export function reasonOf(name: string, error: unknown): string {
  if (!PvaError.isPvaError(error)) throw error;
  const { message } = error;
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

/** Verbose means raw, unless it is json that is wanted. */
export function outputMode({ mode, verbose }: PrintOptions): FormatMode {
  return mode === 'nt' && verbose > 0 ? 'raw' : mode;
}

/** How names are printed in front of values: padded to the longest, with one blank behind. */
export function prefixFor(names: readonly string[]): (name: string) => string {
  const width = Math.max(...names.map((name) => name.length));
  return (name) => `${name.padEnd(width)} `;
}

/** Fields to print in bold: only a terminal can. */
function bold(marks: BitSet): { highlight?: BitSet } {
  return process.stdout.isTTY ? { highlight: marks } : {};
}

/** A value that was asked for, as pvget prints it: what was received, with `-vv` all. */
export function getText(value: Value, options: PrintOptions): string {
  const mode = outputMode(options);
  return formatValue(
    value,
    options.verbose >= 2 ? { mode, ...bold(value.marks) } : { mode, changedOnly: true },
  );
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

/** Prints every update until `signal`, or until no channel has any more to come. Resolves to the exit code. */
export async function monitorAll(
  context: Context,
  names: readonly string[],
  options: PrintOptions,
  signal: AbortSignal,
): Promise<number> {
  const pvRequest = parseRequest(options.request);
  const prefixOf = prefixFor(names);
  const open = new Set<Subscription>();
  let failed = false;
  if (options.debug) process.stderr.write('Waiting...\n');
  await new Promise<void>((resolve) => {
    const done = (subscription: Subscription): void => {
      subscription.close();
      open.delete(subscription);
      if (open.size === 0) resolve();
    };
    for (const name of names) {
      const prefix = prefixOf(name);
      const received = new BitSet();
      const subscription = context.monitor(
        name,
        { pvRequest },
        {
          update: (value) => write(`${prefix}${updateText(value, received.or(value.marks), options)}`),
          disconnected: () => {
            received.reset();
            process.stdout.write(`${prefix}<Disconnect>\n`);
          },
          error: (error) => {
            process.stderr.write(`${prefix}Error ${reasonOf(name, error)}\n`);
            failed = true;
            done(subscription);
          },
          finished: () => done(subscription),
        },
      );
      open.add(subscription);
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  for (const subscription of open) subscription.close();
  if (options.debug) process.stderr.write('Done\n');
  return failed ? 1 : 0;
}

/** An update as pvmonitor prints it: what changed, with `-vv` what ever came, with `-vvv` all. */
function updateText(value: Value, received: BitSet, options: PrintOptions): string {
  const mode = outputMode(options);
  if (options.verbose < 2) return formatValue(value, { mode, changedOnly: true });
  const all = options.verbose >= 3;
  return formatValue(value, { mode, ...(!all && { show: received }), ...bold(value.marks) });
}

let drained: Promise<void> | undefined;

/** A reader that is slower than the updates makes the server's queue fill instead of this process's memory. */
function write(text: string): Promise<void> | undefined {
  if (process.stdout.write(text)) return undefined;
  drained ??= new Promise((resolve) => {
    process.stdout.once('drain', () => {
      drained = undefined;
      resolve();
    });
  });
  return drained;
}
