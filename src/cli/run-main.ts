/**
 * What surrounds a command's `main`: output and exit code of every way it can end, signals, broken pipes. The only
 * file that ends the process.
 *
 * | exit code | meaning |
 * | --- | --- |
 * | 0 | done, or ended by the user in an orderly way (first SIGINT, SIGTERM or SIGHUP) |
 * | 1 | an error at run time, a mistake in what was given, an unknown argument |
 * | 2 | wrong usage of an option (type, missing value, missing required option), as Python's argparse |
 * | 3 | frames were lost, from commands that say so |
 * | 130, 143, 129 | ended at once by a second SIGINT (Ctrl-C), SIGTERM or SIGHUP |
 */

import { UserError } from '../errors.ts';
import { CommandExit } from './command-exit.ts';

/** Exit codes by name. */
export const EXIT = { ok: 0, error: 1, usage: 2, loss: 3 } as const;

/** Signals that ask a command to stop, and the exit code when they must be repeated. */
const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** What a command's `main` gets to work with. */
export interface MainContext {
  /** The arguments after the program's name. */
  readonly argv: readonly string[];
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, and when standard output is closed by its reader. */
  readonly signal: AbortSignal;
  /** Aborted by the signals only: for what must be done even if nobody reads the output. */
  readonly interrupted: AbortSignal;
}

/** A command: resolves to its exit code, nothing meaning 0. */
export type Main = (context: MainContext) => Promise<number | undefined> | Promise<void>;

/** How a command ended. */
export interface Ending {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

/** Errors with a code that names their cause: our own, the protocol library's (PVA_...) and the system's (E...). */
function causeCode(error: Error): string | undefined {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^(?:HPC_|PVA_|E[A-Z]{2,})/.test(code) ? code : undefined;
}

/**
 * How a command ends that threw `error`: one line on standard error and an exit code; never a stack trace, unless
 * `debug` is set (EPICS_HPC_DEBUG=1).
 */
export function endingOf(program: string, error: unknown, debug: boolean): Ending {
  if (error instanceof CommandExit) return error;
  const exitCode = error instanceof UserError ? (error.exitCode ?? EXIT.error) : EXIT.error;
  const trace = debug && error instanceof Error ? `${fullTrace(error)}\n` : '';
  if (!(error instanceof Error)) {
    return { exitCode, stdout: '', stderr: `${program}: internal error: ${oneLine(String(error))}\n` };
  }
  const code = causeCode(error);
  const line =
    code !== undefined
      ? `${program}: error: ${oneLine(error.message)} (${code})`
      : `${program}: internal error: ${error.name}: ${oneLine(error.message)}${debug ? '' : ' (EPICS_HPC_DEBUG=1 shows where)'}`;
  return { exitCode, stdout: '', stderr: `${line}\n${trace}` };
}

function fullTrace(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${fullTrace(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return text === '' || stream.destroyed || stream.errored
    ? Promise.resolve()
    : new Promise((resolve) => stream.write(text, () => resolve()));
}

async function end(ending: Ending): Promise<never> {
  await write(process.stdout, ending.stdout);
  await write(process.stderr, ending.stderr);
  // The output of the command itself may still be on its way: an empty write comes after it.
  if (process.stdout.writableLength > 0)
    await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(ending.exitCode);
}

/**
 * Runs a command as the whole of this process and ends the process when it is done, whatever handles are still
 * open. A command that is interrupted while it waits may simply let the abort error through: that is an orderly end.
 */
export async function runMain(program: string, main: Main): Promise<never> {
  const debug = process.env['EPICS_HPC_DEBUG'] === '1';
  // Of a process that has nothing left to wait for and was not ended, as Node's own for a module that never finishes.
  process.exitCode = 13;
  const abort = new AbortController();
  const interrupt = new AbortController();
  for (const [name, exitCode] of Object.entries(STOP_SIGNALS)) {
    let asked = false;
    process.on(name, () => {
      if (asked) process.exit(exitCode);
      asked = true;
      interrupt.abort();
      abort.abort();
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') abort.abort();
    else void end(endingOf(program, error, debug));
  });
  process.stderr.on('error', () => {});
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => void end(endingOf(program, error, debug)));
  }
  try {
    const { signal } = abort;
    const exitCode = await main({ argv: process.argv.slice(2), signal, interrupted: interrupt.signal });
    return await end({ exitCode: exitCode ?? EXIT.ok, stdout: '', stderr: '' });
  } catch (error) {
    const orderly = abort.signal.aborted && error instanceof Error && error.name === 'AbortError';
    return end(orderly ? { exitCode: EXIT.ok, stdout: '', stderr: '' } : endingOf(program, error, debug));
  }
}
